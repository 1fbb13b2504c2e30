"""What a live node tells of itself, and who listens."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from primitives.ids import Instant
from primitives.machine import TraceEvent


class Sink(Protocol):
    """Consumer of what a node does. Called on the node's thread, in order; must not raise."""

    def event(self, at: Instant, event: TraceEvent) -> None:
        """Take in one protocol event: an `Emit` of a turn."""
        ...

    def sent(self, at: Instant, kind: str, count: int, size: int) -> None:
        """Take in one send or broadcast.

        Args:
            at: when it was handed to the network.
            kind: the message's class name, for example "Prepare".
            count: recipients.
            size: bytes of all copies together, frame headers included.
        """
        ...

    def stored(self, at: Instant, size: int, wait_ns: int) -> None:
        """Take in one durable batch: bytes of its keys and values, and how long it took."""
        ...


class BlockTransactions(Protocol):
    """Looks into blocks by their digest."""

    def transaction_hashes(self, digest: bytes) -> Sequence[bytes]:
        """Return the hashes of the block's transactions; empty for a block that is not known."""
        ...


class Fan:
    """One sink in front of several."""

    __slots__ = ("_sinks",)

    def __init__(self, sinks: Iterable[Sink]) -> None:
        self._sinks = tuple(sinks)

    def event(self, at: Instant, event: TraceEvent) -> None:
        """Tell all of them."""
        for sink in self._sinks:
            sink.event(at, event)

    def sent(self, at: Instant, kind: str, count: int, size: int) -> None:
        """Tell all of them."""
        for sink in self._sinks:
            sink.sent(at, kind, count, size)

    def stored(self, at: Instant, size: int, wait_ns: int) -> None:
        """Tell all of them."""
        for sink in self._sinks:
            sink.stored(at, size, wait_ns)
