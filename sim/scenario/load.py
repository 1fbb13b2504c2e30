"""What the kinds of load have in common, and transfers, the plainest of them.

The built-in kinds are spelt out with their units, key for key as `sim.workload` takes them.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from node.settings.quantities import Amount, PositiveCount, PositiveSpan, Span
from primitives.ids import Duration, Wei

ETHER = 10**18
GWEI = 10**9
TRANSFERS = "transfers"

Rate = Annotated[float, Meta(gt=0, lt=1e9)]
"""Transactions in a second, in the whole network."""

Skew = Annotated[float, Meta(ge=0, le=10)]
"""A Zipf exponent; 0 is uniform, about 1 is mainnet."""

Crowd = Annotated[int, Meta(ge=1, le=1_000_000)]
"""Accounts or clients; each has a key and a place in genesis, so a slip of the key costs hours."""

Spacing = Literal["poisson", "fixed"]

DrawnAmount = Annotated[Wei, Meta(ge=0, le=2**63 - 1, extra={"unit": "amount"})]
"""Wei; at most a little over 9 ether, because it is drawn as a 63-bit integer."""


class Ramp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rate moves in a straight line to `to` and stays there."""

    to: Annotated[float, Meta(ge=0, lt=1e9)]
    """Transactions a second at the end."""
    start: Span
    end: Span


class Burst(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rate is multiplied for a while."""

    factor: Annotated[float, Meta(ge=0, lt=1e6)]
    start: Span
    length: PositiveSpan


class Load(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What accounts send, in an open loop (rate) or a closed one (clients)."""

    accounts: Crowd = 1_000
    balance: Amount = Wei(1_000_000 * ETHER)
    """What genesis gives to each account, wei."""
    rate: Rate | None = None
    """Open loop: transactions a second, whether or not the network keeps up."""
    clients: Crowd | None = None
    """Closed loop: clients that each wait for their commit before they send again."""
    think_time: Span = Duration(0)
    """Closed loop: pause between a commit and the client's next transaction, ns."""
    spacing: Spacing = "poisson"
    """Whether gaps between transactions are exponential or all alike."""
    skew: Skew = 0.0
    """How unevenly senders are chosen."""
    tip_min: DrawnAmount = Wei(GWEI)
    """Smallest priority fee for one gas, wei."""
    tip_max: DrawnAmount = Wei(2 * GWEI)
    fee_headroom: Annotated[float, Meta(ge=1)] = 10.0
    """The fee cap is the tip and this many times the base fee of the moment."""
    start: Span = Duration(0)
    stop: PositiveSpan | None = None
    """When the load ends; with the run if left out."""
    ramp: Ramp | None = None
    bursts: tuple[Burst, ...] = ()
    in_flight_max: PositiveCount = 64
    """Uncommitted transactions of one account, beyond which another account sends instead."""
    resend_after: Span = Duration(5_000_000_000)
    """Patience of a client before it repeats a transaction at another node; 0s is endless."""


class Transfers(
    Load,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="kind",
    tag=TRANSFERS,
):
    """Value transfers between accounts."""

    receiver_skew: Skew | None = None
    """How unevenly receivers are chosen; as `skew` if left out."""
    value_min: DrawnAmount = Wei(1)
    value_max: DrawnAmount = Wei(ETHER // 1_000)
