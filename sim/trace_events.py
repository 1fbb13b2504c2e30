"""What the world itself writes to the trace: the faults of the timeline."""

from primitives.machine import TraceEvent


class Crashed(TraceEvent, frozen=True, gc=False):
    """The node's process died; its inbox, running turn and unsynced writes are gone."""

    name = "fault.crashed"


class Restarted(TraceEvent, frozen=True, gc=False):
    """The node runs again, from what its disk held."""

    name = "fault.restarted"


class Partitioned(TraceEvent, frozen=True, gc=False):
    """The network is cut; replaces an earlier cut. At node -1."""

    name = "fault.partitioned"

    groups: tuple[tuple[int, ...], ...]
    """Nodes that still reach one another; the unnamed ones form one more group."""
    bridge: tuple[int, ...] = ()
    """Nodes that reach everybody and that everybody reaches."""
    direction: str = "both"
    """Which way the named groups are closed: "both", "in" or "out"."""
    ring: int = 0
    """Without groups: how many nodes on either side each node reaches."""


class Healed(TraceEvent, frozen=True, gc=False):
    """The partition is over. At node -1."""

    name = "fault.healed"


class Paused(TraceEvent, frozen=True, gc=False):
    """The node's process was stopped for a while; nothing is lost."""

    name = "fault.paused"

    held_ns: int
    """How long from now."""


class Slowed(TraceEvent, frozen=True, gc=False):
    """The node's processor changed speed."""

    name = "fault.slowed"

    factor_percent: int
    """Time that everything takes, in percent of the node's own speed; 100 is normal again."""


class Delayed(TraceEvent, frozen=True, gc=False):
    """Links at some nodes became slower, or normal again. At node -1."""

    name = "fault.latency"

    extra_ns: int
    """One-way delay now added at each affected end; 0 is normal again."""
    nodes: tuple[int, ...]
    """Whose links."""


class WritesKept(TraceEvent, frozen=True, gc=False):
    """At a crash, batches had reached the disk that the node was not told of."""

    name = "fault.writes_kept"

    batches: int


class WritesLost(TraceEvent, frozen=True, gc=False):
    """At a crash, batches were lost that the disk had acknowledged."""

    name = "fault.writes_lost"

    batches: int


class Clogged(TraceEvent, frozen=True, gc=False):
    """Links hold back what is sent on them. At node -1."""

    name = "fault.clogged"

    sources: tuple[int, ...]
    targets: tuple[int, ...]
    one_way: bool
    """Only from sources to targets; else also back."""
    held_ns: int
    """How long from now."""


class Disturbed(TraceEvent, frozen=True, gc=False):
    """Links begin to repeat messages, to mix them up or to lose more. At node -1."""

    name = "fault.disturbed"

    number: int
    """Counts the disturbances of the run; their ends name it."""
    what: str
    """"duplicate", "reorder" or "lose"."""
    sources: tuple[int, ...]
    targets: tuple[int, ...]
    one_way: bool
    chance_ppm: int
    """Of one message on one link, in millionths."""
    delay_ns: int
    """By up to so much a message is late; 0 where none is."""


class Settled(TraceEvent, frozen=True, gc=False):
    """A disturbance is over. At node -1."""

    name = "fault.settled"

    number: int


class ClockSet(TraceEvent, frozen=True, gc=False):
    """The node's clock was set: wrong, or right again (0 and 0)."""

    name = "fault.clock"

    offset_ns: int
    """What it shows too much."""
    drift_ppm: int
    """What it gains, in millionths."""


class DiskSlowed(TraceEvent, frozen=True, gc=False):
    """The disk of the node's machine changed speed."""

    name = "fault.slow_disk"

    factor_percent: int
    """Time that a write takes, in percent of the disk's own speed; 100 is normal again."""


class DiskFilled(TraceEvent, frozen=True, gc=False):
    """The disk of the node's machine takes only so much more, or takes everything again."""

    name = "fault.full_disk"

    room_bytes: int
    """Of rows; -1 for no limit but the disk's own."""


class DiskFull(TraceEvent, frozen=True, gc=False):
    """The full disk has refused the node a batch, and the node stops. What was durable stays."""

    name = "fault.disk_full"

    records: int
    """In the batch, of which nothing is kept."""


class WriteTorn(TraceEvent, frozen=True, gc=False):
    """At a crash, a batch had reached the disk in part; it counts for nothing."""

    name = "fault.torn_write"


class Rotted(TraceEvent, frozen=True, gc=False):
    """Bits of rows have flipped on the node's disk. Nobody knows until they are read."""

    name = "fault.bit_rot"

    rows: tuple[tuple[str, bytes], ...]
    """Table and key of each."""


class StoreDamaged(TraceEvent, frozen=True, gc=False):
    """The node has read damage on its disk, and stops or does not start: nothing of it is used."""

    name = "fault.damaged_store"

    where: str
    """The table and the key in hex, or the damaged file."""


class DiskLied(TraceEvent, frozen=True, gc=False):
    """A node's disk begins to acknowledge what a crash would lose, or ceases to. At node -1."""

    name = "fault.lying_disk"

    node: int
    """Whose; what that node says of itself proves nothing any more."""
    cache_ns: int
    """How long a write may still be lost; 0 when the disk is honest again."""
