"""What stands in the event heap.

A heap entry is a tuple `(at_ns, key, index, entry)`. `at_ns` is when it happens. `key` orders
what happens at the same instant: it is drawn from the counter of the node whose turn caused the
entry, so it does not depend on the order in which the kernel happened to run turns. Actions of
the timeline (faults) have negative keys and come first. `index` tells the entries of one key
apart; all three are integers, so entries are never compared.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass

from primitives.machine import (
    Broadcast,
    Compute,
    Event,
    Loopback,
    Persist,
    Received,
    Send,
    TraceEvent,
)

NEVER = 1 << 62
"""Later than every instant of a run."""


@dataclass(slots=True)
class Flight:
    """One message on its way to all its receivers: a single entry, re-keyed at each arrival."""

    times: list[int]
    """Arrival at each receiver's access link, ascending."""
    nodes: list[int]
    count: int
    event: Received
    size: int
    """Bytes of one copy."""


@dataclass(slots=True)
class Landing:
    """A message that has passed the downlink but could not be given to its node at once."""

    node: int
    incarnation: int
    event: Received


@dataclass(slots=True)
class Leaving:
    """An effect at the instant at which its turn lets go of it."""

    node: int
    incarnation: int
    effect: Send | Broadcast | Loopback | Persist | Compute


@dataclass(slots=True)
class Arriving:
    """An event from outside (a client's transaction) on its way to an inbox."""

    node: int
    event: Event


@dataclass(slots=True)
class Traced:
    """A protocol event at the instant at which it is emitted."""

    node: int
    incarnation: int
    event: TraceEvent


@dataclass(slots=True)
class Timer:
    """One named timer of one node; a heap entry refers to it, moved lazily when it is re-set."""

    node: int
    incarnation: int
    name: Hashable
    due: int
    """When it fires, or `NEVER` while it is not armed."""
    key: int
    scheduled: int
    """Instant of its earliest heap entry, or `NEVER`."""
    serial: int = 0
    """Counts settings and cancellations: a firing is void once it has moved on."""
    queued: int = 0
    """Firings of it that stand in the inbox."""


@dataclass(slots=True)
class Fired:
    """A timer's firing in an inbox; void if the timer was touched before its turn began."""

    timer: Timer
    serial: int


@dataclass(slots=True)
class Stage:
    """A `Compute` whose stage `number` ends (the last one: its result is due)."""

    node: int
    incarnation: int
    compute: Compute
    number: int


@dataclass(slots=True)
class Durable:
    """A `Persist` whose records the disk has just made durable."""

    node: int
    incarnation: int
    persist: Persist


@dataclass(slots=True)
class Waking:
    """A node whose inbox waits becomes free."""

    node: int
    incarnation: int


@dataclass(slots=True)
class Action:
    """Something the timeline does to the world."""

    run: Callable[[], None]


@dataclass(slots=True)
class Feeding:
    """A client's turn: it may put events into inboxes, and nothing else."""

    run: Callable[[], None]
