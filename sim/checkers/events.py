"""The trace events that checkers read, by name, and the fields they need of them.

Names are the trace's stable interface: the same in a trace file, in both worlds, and for a
checker from another package.
"""

from typing import Protocol, TypeGuard

from primitives.machine import TraceEvent

BLOCK_COMMITTED = "chain.block_committed"
"""A node has made a block its final head."""
STATE_ADOPTED = "sync.snapshot_adopted"
"""A node has made the block of a fetched state its final head, far above the one before."""
NODE_CRASHED = "fault.crashed"
NODE_RESTARTED = "fault.restarted"
ROWS_ROTTED = "fault.bit_rot"
"""Bits of rows on a node's disk have flipped."""
STORE_DISCARDED = "store.discarded"
"""A node has found its chain damaged and begins with genesis again."""
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


class Head(Protocol):
    """The fields that `chain.block_committed` and `sync.snapshot_adopted` share."""

    @property
    def height(self) -> int:
        """Height of the block that is the node's head now."""
        ...

    @property
    def digest(self) -> bytes:
        """Hash of the block, 32 bytes."""
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


def is_adoption(event: object) -> TypeGuard[Head]:
    """Whether the event is a node's adoption of a fetched state."""
    return getattr(event, "name", None) == STATE_ADOPTED


def is_head(event: object) -> TypeGuard[Head]:
    """Whether the event tells of a new final head, whichever way the node came there."""
    return is_commit(event) or is_adoption(event)
