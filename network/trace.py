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


EVENTS: tuple[type[TraceEvent], ...] = (SyncStarted, SyncFinished)
"""Every trace event of this package."""
