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


class Healed(TraceEvent, frozen=True, gc=False):
    """The partition is over. At node -1."""

    name = "fault.healed"


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
