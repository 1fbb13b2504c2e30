"""What a load is to be."""

import msgspec

from sim.load.mixes import Mix
from sim.load.pacing import Rate


class LoadPlan(msgspec.Struct, frozen=True):
    """How a load is offered. Durations in ns."""

    mix: Mix
    seed: int
    duration: int
    rate: Rate | None = None
    """Open loop: transactions come at their rate, whether or not the nodes keep up."""
    clients: int | None = None
    """Closed loop: so many clients wait for their block before they send again."""
    think: int = 0
    """Closed loop: pause of a client between a block and its next transaction."""
    spacing: str = "poisson"
    """Open loop: whether gaps are exponential or all alike ("fixed")."""
    warm_up: int = 0
    """Latencies and throughput leave out what was meant to be sent before."""
    drain: int = 10_000_000_000
    """Longest wait at the end for what is on its way."""
    patience: int = 10_000_000_000
    """After so long, an arrival that no node has taken is given up."""
    resend_after: int = 10_000_000_000
    """After so long without a block, what a node has taken is sent again; 0 is never."""
    batch: int = 1
    """Most transactions of one request."""
    connections: int = 64
    """Most connections to each node."""
    timeout_s: float = 10.0
    """Longest wait for one answer."""
    in_flight_max: int = 16
    """Transactions of one account that may be in no block."""
    ahead: int = 50_000
    """Most transactions that are kept signed."""
    tip: int | None = None
    """What is given beside the base fee, wei per gas; as the node suggests if None."""
    sockets: bool = True
    """Whether new heads are taken from a WebSocket where the nodes have one."""
