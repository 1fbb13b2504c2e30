"""A scenario: one complete, checked description of a run. Equal scenarios and seeds, equal runs."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from node.settings.quantities import Count, PositiveNumber, PositiveSpan, Span
from primitives.ids import Duration
from sim.scenario.consensus import Chain, Consensus
from sim.scenario.events import TimelineEvent
from sim.scenario.execution import Execution
from sim.scenario.load import Transfers
from sim.scenario.network import Network
from sim.scenario.store import StoreSpec
from sim.scenario.workload import Workload


class Measure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[measure]`: which part of the run the figures look at."""

    warm_up: Span = Duration(0)
    """Left out at the start, ns."""
    cool_down: Span = Duration(0)
    """Left out at the end, ns."""
    trace: Literal["events", "traffic", "deliveries"] = "events"
    """How much the trace file holds: protocol events; and a line for each broadcast or send; and
    a line for each message that reaches an inbox. The digest is over the events in any case."""


class Expect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[expect]`: what must come out. Safety is always expected and needs no key."""

    min_tps: PositiveNumber | None = None
    """Transactions committed a second, in the measured window."""
    max_p99_confirmation: PositiveSpan | None = None
    """99 of 100 transactions are committed within this time, ns."""
    min_height: Annotated[int, Meta(ge=1)] | None = None
    """Height that the chain reaches."""
    min_epoch: Annotated[int, Meta(ge=1)] | None = None
    """Epoch that the chain reaches: how often its committee changes."""
    agreement: bool = False
    """When the run ends, all running nodes stand at the same head, or nearly."""
    agreement_within: Count = 2
    """Blocks that a running node may then be behind the highest one."""
    liveness_after_heal: PositiveSpan | None = None
    """Within this time after each heal, a block of a new height is committed, ns."""
    recovery_within: PositiveSpan | None = None
    """Within this time after the last event has ended, a block of a new height is committed, ns."""
    stranded_after: PositiveSpan | None = None
    """When the run ends, no transaction that came earlier than this before the end is uncommitted,
    if a node took it, has been up ever since and could have included it, ns."""
    min_view_changes: Count | None = None
    max_view_changes: Count | None = None


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A run's whole description, units resolved (ns, bytes, bits a second, wei)."""

    name: Annotated[str, Meta(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    """Names the run directory, hence letters, digits, ".", "_" and "-" only."""
    duration: PositiveSpan
    """Virtual time that is simulated, ns."""
    network: Network
    description: str = ""
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 1
    """Seed of every random choice, unless the command line gives another."""
    fidelity: Literal["shared", "isolated"] = "shared"
    """Whether nodes share what is a pure function of content, or compute everything themselves
    from their own bytes. The same run either way, at another speed."""
    consensus: Consensus = Consensus()
    chain: Chain = Chain()
    execution: Execution = Execution()
    store: StoreSpec = StoreSpec()
    workload: Workload = Transfers(rate=100.0)
    measure: Measure = Measure()
    events: tuple[TimelineEvent, ...] = ()
    """In the order of their instants."""
    expect: Expect = Expect()
