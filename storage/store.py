"""What a node asks of its durable store.

A store is a set of named tables of byte rows. It is written in batches, each of which is
atomic, and read by key or by key order. Nodes read it only when they start; while they run, what
they need is in memory. The Protocol is small so that a log-structured engine on disk and the
memory store of the simulated network both are natural implementations.
"""

from collections.abc import Iterable, Iterator
from typing import Protocol

from primitives.machine import Record


class Store(Protocol):
    """A durable, ordered table store."""

    def get(self, table: str, key: bytes) -> bytes | None:
        """Return the value under (table, key), or None when there is none."""
        ...

    def write(self, records: Iterable[Record]) -> None:
        """Apply all records in order, atomically; a record without a value deletes its row."""
        ...

    def scan(
        self, table: str, start: bytes = b"", end: bytes | None = None
    ) -> Iterator[tuple[bytes, bytes]]:
        """Yield (key, value) in ascending key order for start <= key < end.

        Args:
            table: the table; one that was never written is empty.
            start: the first key that may be yielded.
            end: the first key that may not; None means to the end of the table.
        """
        ...
