"""What a live node tells of itself, and who listens."""

from collections.abc import Sequence
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
