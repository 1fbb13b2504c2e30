"""The trace events that checkers read, by name, and the fields they need of them.

Names are the trace's stable interface: the same in a trace file, in both worlds, and for a
checker from another package.
"""

from typing import Protocol, TypeGuard

from primitives.machine import TraceEvent

BLOCK_COMMITTED = "chain.block_committed"
"""A node has made a block its final head."""
NODE_CRASHED = "fault.crashed"
NODE_RESTARTED = "fault.restarted"
NETWORK_PARTITIONED = "fault.partitioned"
NETWORK_HEALED = "fault.healed"


class Commit(Protocol):
    """The fields of `chain.block_committed` that checkers read."""

    @property
    def height(self) -> int:
        """Height of the block; genesis is 0."""
        ...

    @property
    def digest(self) -> bytes:
        """Hash of the block, 32 bytes."""
        ...

    @property
    def parent(self) -> bytes:
        """Hash of the block before it, 32 bytes."""
        ...


class Observed(Protocol):
    """One protocol event with its time and place: `sim.trace.Observation`."""

    @property
    def at_ns(self) -> int:
        """Virtual instant, in ns."""
        ...

    @property
    def node(self) -> int:
        """The node that emitted it; -1 is the network itself (faults)."""
        ...

    @property
    def event(self) -> TraceEvent:
        """What happened."""
        ...


def is_commit(event: object) -> TypeGuard[Commit]:
    """Whether the event is a node's commit of a block."""
    return getattr(event, "name", None) == BLOCK_COMMITTED
