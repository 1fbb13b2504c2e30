"""Trace events of compact blocks."""

from primitives.machine import TraceEvent


class CompactRebuilt(TraceEvent, frozen=True, gc=False):
    """A block was rebuilt from its compact form, or fetched whole instead."""

    name = "compact.rebuilt"

    digest: bytes
    transactions: int
    matched: int
    """Transactions that the node held; 0 if the block was fetched whole."""
    prefilled: int
    fetched: int
    full_bytes: int
    compact_bytes: int
    """Of the compact form; 0 if there was none."""
    fetched_bytes: int
    """Transactions, or a whole block, that came for the asking."""


class CompactMismatched(TraceEvent, frozen=True, gc=False):
    """A transaction of the pool had the short id of another, so the block is fetched whole."""

    name = "compact.mismatched"

    digest: bytes


EVENTS: tuple[type[TraceEvent], ...] = (CompactRebuilt, CompactMismatched)
"""Every trace event of this package."""
