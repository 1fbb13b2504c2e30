"""Trace events of the network cores."""

from primitives.machine import TraceEvent


class SyncStarted(TraceEvent, frozen=True, gc=False):
    """The node is behind and fetches certified blocks."""

    name = "sync.started"

    from_height: int
    to_height: int
    """What the first peer asked claims to hold; not verified."""


class SyncFinished(TraceEvent, frozen=True, gc=False):
    """No peer claims more than the node now holds."""

    name = "sync.finished"

    height: int


class SnapshotStarted(TraceEvent, frozen=True, gc=False):
    """The node fetches a state, because the blocks up to it are too many or not held any more."""

    name = "sync.snapshot_started"

    from_height: int
    """The node's head."""
    height: int
    """Of the block after which the state is."""
    digest: bytes


class ChunkRefused(TraceEvent, frozen=True, gc=False):
    """A peer has sent a piece of a state, or the offer of one, that does not prove itself."""

    name = "sync.chunk_refused"

    peer: int
    prefix: str
    """Nibbles of the piece in hexadecimal; "offer" for an offer."""
    reason: str


class SnapshotAdopted(TraceEvent, frozen=True, gc=False):
    """The node has made the block of a fetched state its final head."""

    name = "sync.snapshot_adopted"

    height: int
    digest: bytes
    accounts: int
    kept: int
    """Accounts among them that came with an older snapshot and were still valid."""


EVENTS: tuple[type[TraceEvent], ...] = (
    SyncStarted,
    SyncFinished,
    SnapshotStarted,
    ChunkRefused,
    SnapshotAdopted,
)
"""Every trace event of this package."""
