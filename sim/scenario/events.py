"""`[[events]]`: what happens to the network, and when.

An event with `for` undoes itself after that long: the partition heals, the node restarts or
regains its speed, the latency goes back.
"""

from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, field

from sim.scenario.network import NodeChoice
from sim.scenario.quantities import Count, PositiveCount, PositiveNumber, PositiveSpan, Span


class Timed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind"):
    """Base of all events."""

    at: Span
    """Virtual instant, ns since the start of the run."""


class Partition(Timed, frozen=True, forbid_unknown_fields=True, tag="partition"):
    """Cut the network: nodes reach only their own group. Replaces an earlier partition."""

    groups: Annotated[tuple[tuple[int | str, ...], ...], Meta(min_length=1)]
    """Node numbers, or names of regions. Nodes in no group form one more."""
    lasting: PositiveSpan | None = field(name="for", default=None)


class Heal(Timed, frozen=True, forbid_unknown_fields=True, tag="heal"):
    """End the partition, if there is one."""


class Crash(Timed, frozen=True, forbid_unknown_fields=True, tag="crash"):
    """Kill a node's process: inbox, running turn and unsent messages are gone."""

    node: Count | Literal["primary"]
    """A number, or whoever is primary at that moment."""
    lasting: PositiveSpan | None = field(name="for", default=None)


class Restart(Timed, frozen=True, forbid_unknown_fields=True, tag="restart"):
    """Start a crashed node again from what its disk holds; nothing happens to a running one."""

    node: Count | Literal["all"]
    """A number, or every node that is down."""


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


TimelineEvent = Partition | Heal | Crash | Restart | Slow | Latency | Churn


def event_end(event: TimelineEvent) -> int:
    """Return the instant when an event's `for` has passed, ns; its own when it has none."""
    return event.at + (getattr(event, "lasting", None) or 0)


def calm_from(events: Iterable[TimelineEvent]) -> int:
    """Return the instant from which no event disturbs the network any more, ns."""
    return max(map(event_end, events), default=0)
