"""`[[events]]`: what happens to the network, and when.

An event with `for` undoes itself after that long: the partition heals, the node restarts or
regains its speed, the latency goes back.

Events on links name them by their ends, `from` and `to`, and mean both directions unless they
are `one_way`.
"""

from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, field

from node.settings.quantities import (
    ByteCount,
    Count,
    PositiveCount,
    PositiveNumber,
    PositiveSpan,
    Span,
)
from primitives.ids import Duration
from sim.scenario.network import NodeChoice

Members = tuple[int | str, ...]
"""Node numbers, or names of regions."""

LinkEnd = Members | Literal["all", "validators", "followers", "primary"]
"""Nodes at one end of links; "primary" is whoever it is at that moment."""

Probability = Annotated[float, Meta(gt=0, le=1)]
"""Of one message, or one copy of a broadcast."""

Unsynced = Literal["lost", "kept", "some", "torn"]
"""What becomes, at a crash, of batches that the disk has been given and has not acknowledged:
none, all, or a drawn number of the first of them have been written. With "torn" the one after
these has been written in part."""


class Timed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind"):
    """Base of all events."""

    at: Span
    """Virtual instant, ns since the start of the run."""


class Partition(Timed, frozen=True, forbid_unknown_fields=True, tag="partition"):
    """Cut the network: nodes reach only their own group. Replaces an earlier partition."""

    groups: tuple[Members, ...] = ()
    """Nodes in no group form one more."""
    lasting: PositiveSpan | None = field(name="for", default=None)
    bridge: Members = ()
    """Nodes of no group that reach everybody and that everybody reaches."""
    direction: Literal["both", "in", "out"] = "both"
    """Which way the border of each named group is closed: "in", they are not reached; "out", they
    do not reach the others."""
    ring: PositiveCount | None = None
    """Instead of groups: nodes in a circle by their numbers, each of which reaches only so many
    on either side."""


class Heal(Timed, frozen=True, forbid_unknown_fields=True, tag="heal"):
    """End the partition, if there is one."""


class Crash(Timed, frozen=True, forbid_unknown_fields=True, tag="crash"):
    """Kill a node's process: inbox, running turn and unsent messages are gone."""

    node: Count | Literal["primary"]
    """A number, or whoever is primary at that moment."""
    lasting: PositiveSpan | None = field(name="for", default=None)
    unsynced: Unsynced = "lost"


class Restart(Timed, frozen=True, forbid_unknown_fields=True, tag="restart"):
    """Start a crashed node again from what its disk holds; nothing happens to a running one."""

    node: Count | Literal["all"]
    """A number, or every node that is down."""


class Pause(Timed, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="pause"):
    """Stop a node's process for a while, as SIGSTOP does, and let it go on as if nothing had been.

    Nothing is lost: what arrives waits, and timers that come up meanwhile are late.
    """

    node: Count | Literal["primary"]
    lasting: PositiveSpan = field(name="for")


class Slow(Timed, frozen=True, forbid_unknown_fields=True, tag="slow"):
    """Make a node's processor slower."""

    node: Count | Literal["primary"]
    factor: Annotated[float, Meta(gt=0, lt=1e6)]
    """How many times longer everything takes; 1 is its own speed again."""
    lasting: PositiveSpan | None = field(name="for", default=None)


class Latency(Timed, frozen=True, forbid_unknown_fields=True, tag="latency"):
    """Make links slower."""

    extra: PositiveSpan
    """One-way delay added at each end that is affected, ns."""
    regions: Annotated[tuple[str, ...], Meta(min_length=1)] | Literal["all"] = "all"
    """Whose nodes."""
    lasting: PositiveSpan | None = field(name="for", default=None)


class Churn(Timed, frozen=True, forbid_unknown_fields=True, tag="churn"):
    """Crash and restart nodes at random."""

    rate: PositiveNumber
    """Crashes a second in the whole network, as a Poisson process."""
    down_time: PositiveSpan
    """How long each node stays down, ns."""
    nodes: NodeChoice = "all"
    """Which nodes may be struck."""
    at_most: PositiveCount | None = None
    """Nodes that churn keeps down at the same time; no limit if left out."""
    lasting: PositiveSpan | None = field(name="for", default=None)
    unsynced: Unsynced = "lost"


class OnLinks(Timed, frozen=True, forbid_unknown_fields=True):
    """Base of events that concern links."""

    source: LinkEnd = field(name="from", default="all")
    to: LinkEnd = "all"
    one_way: bool = False
    """Only from `from` to `to`; else also back."""


class Clog(OnLinks, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="clog"):
    """Hold messages back: what is sent meanwhile arrives at the end, in order."""

    lasting: PositiveSpan = field(name="for")


class Duplicate(OnLinks, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="duplicate"):
    """Let some messages arrive twice."""

    probability: Probability
    delay: Span = Duration(0)
    """The second comes up to so much later, evenly drawn, whatever was sent in between, ns."""
    lasting: PositiveSpan | None = field(name="for", default=None)


class Reorder(OnLinks, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="reorder"):
    """Let messages overtake one another; else a link delivers in order, as TCP does."""

    probability: Probability
    delay: PositiveSpan
    """Those that are late are so by up to this, evenly drawn, ns."""
    lasting: PositiveSpan | None = field(name="for", default=None)


class Lose(OnLinks, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="lose"):
    """Let more copies get lost than the network's `loss` says; they are sent again, as always."""

    probability: Annotated[float, Meta(gt=0, lt=1)]
    lasting: PositiveSpan | None = field(name="for", default=None)


class SetClock(Timed, frozen=True, forbid_unknown_fields=True, tag="clock"):
    """Set a node's clock wrong, or let it run at another rate. Its end sets it right."""

    node: Count | Literal["primary"]
    ahead: PositiveSpan | None = None
    """What the clock shows too much, ns."""
    behind: PositiveSpan | None = None
    """What it shows too little, ns."""
    drift: Annotated[float, Meta(gt=-0.9, lt=10)] = 0.0
    """What it gains, as a share: 0.01 is 10 ms a second; negative loses."""
    lasting: PositiveSpan | None = field(name="for", default=None)


class LyingDisk(Timed, frozen=True, forbid_unknown_fields=True, tag="lying-disk"):
    """Let a node's disk acknowledge writes that a crash still loses.

    Such a node may contradict what it has said, hence it counts as a liar for the whole run.
    """

    node: Count
    cache: PositiveSpan
    """A crash loses the writes that were acknowledged so shortly before it, ns."""
    lasting: PositiveSpan | None = field(name="for", default=None)


class SlowDisk(Timed, frozen=True, forbid_unknown_fields=True, tag="slow-disk"):
    """Make the disk of a node's machine slower."""

    node: Count | Literal["primary"]
    factor: Annotated[float, Meta(gt=0, lt=1e6)]
    """How many times longer a write takes; 1 is the disk's own speed again."""
    lasting: PositiveSpan | None = field(name="for", default=None)


class FullDisk(Timed, frozen=True, forbid_unknown_fields=True, tag="full-disk"):
    """Let the disk of a node's machine take hardly anything more.

    A node whose batch is refused stops; nothing of the batch is kept, and what was acknowledged
    stays. Its end frees the space, and starts the nodes again that it has stopped.
    """

    node: Count
    room: ByteCount | None = None
    """Bytes of rows that it still takes, if it took as many before; none if left out."""
    lasting: PositiveSpan | None = field(name="for", default=None)


class FreeDisk(Timed, frozen=True, forbid_unknown_fields=True, tag="free-disk"):
    """Free space on the disk of a node's machine. A node that has stopped needs a restart."""

    node: Count
    room: ByteCount | None = None
    """Bytes of rows that it takes from now on; any number if left out."""


class BitRot(Timed, frozen=True, forbid_unknown_fields=True, tag="bit-rot"):
    """Flip bits of rows on a node's disk. Whoever reads one learns that it is damaged."""

    node: Count
    table: Annotated[str, Meta(min_length=1)] | None = None
    """Whose rows; of all tables if left out."""
    rows: PositiveCount = 1
    """How many, drawn from those that there are."""


class ChangeCommittee(Timed, frozen=True, forbid_unknown_fields=True, tag="committee"):
    """The governance account asks for other validators; they decide from the next checkpoint on."""

    add: tuple[Count, ...] = ()
    """Nodes that become validators: followers, or such as were removed before."""
    remove: tuple[Count, ...] = ()
    """Validators that go on as followers."""
    rekey: tuple[Count, ...] = ()
    """Validators that get another key."""


LinkEvent = Clog | Duplicate | Reorder | Lose

FaultEvent = (
    Partition
    | Heal
    | Crash
    | Restart
    | Pause
    | Slow
    | Latency
    | Churn
    | Clog
    | Duplicate
    | Reorder
    | Lose
    | SetClock
    | LyingDisk
    | SlowDisk
    | FullDisk
    | FreeDisk
    | BitRot
)
"""What happens to the network and its machines."""

TimelineEvent = FaultEvent | ChangeCommittee


def event_end(event: TimelineEvent) -> int:
    """Return the instant when an event's `for` has passed, ns; its own when it has none."""
    return event.at + (getattr(event, "lasting", None) or 0)


def calm_from(events: Iterable[TimelineEvent]) -> int:
    """Return the instant from which no event disturbs the network any more, ns."""
    return max(map(event_end, events), default=0)
