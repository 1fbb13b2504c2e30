"""What stands in the event heap.

A heap entry is a tuple `(at_ns, key, index, entry)`. `at_ns` is when it happens. `key` orders
what happens at the same instant: it is drawn from the counter of the node whose turn caused the
entry, so it does not depend on the order in which the kernel happened to run turns. Actions of
the timeline (faults) have negative keys and come first. `index` tells the entries of one key
apart; all three are integers, so entries are never compared.

Entries are made by the million, hence Structs, which cost a third of a slotted dataclass. All but
two are untracked: what the outside schedules refers to the world, which refers to the heap, and a
world that ends with such an entry pending must still be collected.
"""

from collections.abc import Callable, Hashable

import msgspec

from primitives.machine import (
    Compute,
    Effect,
    Event,
    Persist,
    Received,
    Spent,
    TraceEvent,
)

NEVER = 1 << 62
"""Later than every instant of a run."""


class Flight(msgspec.Struct, gc=False):
    """One message on its way to all its receivers: a single entry, re-keyed at each arrival."""

    times: list[int]
    """Arrival at each receiver's access link, ascending."""
    nodes: list[int]
    count: int
    event: Received
    size: int
    """Bytes of one copy."""


class Landing(msgspec.Struct, gc=False):
    """A message that has passed the downlink but could not be given to its node at once."""

    node: int
    incarnation: int
    event: Received


class Leaving(msgspec.Struct, gc=False):
    """An effect at the instant at which its turn lets go of it."""

    node: int
    incarnation: int
    effect: Effect


class Arriving(msgspec.Struct, gc=False):
    """An event from outside (a client's transaction) at the access link of a node."""

    node: int
    event: Event
    size: int


class Entering(msgspec.Struct, gc=False):
    """An event from outside that has passed the downlink."""

    node: int
    incarnation: int
    event: Event


class Traced(msgspec.Struct, gc=False):
    """A protocol event at the instant at which it is emitted."""

    node: int
    incarnation: int
    event: TraceEvent


class Sent(msgspec.Struct, gc=False):
    """Copies of a message that leave, for consumers of traffic: they listen in order of time."""

    node: int
    kind: str
    count: int
    size: int
    """Bytes of one copy."""
    plain: int
    """The same without compression."""


class Timer(msgspec.Struct, gc=False):
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


class Fired(msgspec.Struct, gc=False):
    """A timer's firing in an inbox; void if the timer was touched before its turn began."""

    timer: Timer
    serial: int


class Stage(msgspec.Struct, gc=False):
    """A `Compute` whose stage `number` ends (the last one: its result is due)."""

    node: int
    incarnation: int
    compute: Compute
    number: int
    spent: Spent
    """By the task graphs so far, this one's included."""


class Durable(msgspec.Struct, gc=False):
    """A `Persist` whose records the disk has just made durable."""

    node: int
    incarnation: int
    persist: Persist
    since: int
    """When it was handed over."""


class Stopping(msgspec.Struct, gc=False):
    """A node that its disk stops (`sim.kernel.stopping`)."""

    node: int
    incarnation: int
    why: TraceEvent


class Waking(msgspec.Struct, gc=False):
    """A node whose inbox waits becomes free."""

    node: int
    incarnation: int


class Action(msgspec.Struct):
    """Something the timeline does to the world."""

    run: Callable[[], object]


class Feeding(msgspec.Struct):
    """A client's turn: it may put events into inboxes, and nothing else."""

    run: Callable[[], None]
