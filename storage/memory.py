"""A store in memory: what a simulated node keeps across its crashes.

The simulated disk decides which batches survive a crash; this object holds those that did.
Values are kept by reference, so that a block persisted by a thousand nodes of one process is in
memory once.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from primitives.machine import Record


@dataclass(slots=True)
class MemoryStore:
    """A `Store` over dictionaries. Rows are sorted when they are scanned, not when written."""

    _tables: dict[str, dict[bytes, bytes]] = field(default_factory=dict)

    def get(self, table: str, key: bytes) -> bytes | None:
        """Return the value under (table, key), or None when there is none."""
        rows = self._tables.get(table)
        return None if rows is None else rows.get(key)

    def write(self, records: Iterable[Record]) -> None:
        """Apply all records in order; a record without a value deletes its row.

        The records are gathered first, so that an iterable that raises half-way changes nothing.
        """
        tables = self._tables
        for record in tuple(records):
            rows, value = tables.get(record.table), record.value
            if value is not None:
                if rows is None:
                    rows = tables[record.table] = {}
                rows[record.key] = value
            elif rows is not None:
                rows.pop(record.key, None)

    def scan(
        self, table: str, start: bytes = b"", end: bytes | None = None
    ) -> Iterator[tuple[bytes, bytes]]:
        """Yield (key, value) in ascending key order for start <= key < end.

        The rows are those at the time of the call; later writes do not disturb the iteration.
        """
        rows = self._tables.get(table, {})
        keys = sorted(rows)
        first = bisect_left(keys, start)
        last = len(keys) if end is None else bisect_left(keys, end)
        return iter([(key, rows[key]) for key in keys[first:last]])

    def copy(self) -> "MemoryStore":
        """Return an independent store with the same rows (the values are shared)."""
        return MemoryStore({table: dict(rows) for table, rows in self._tables.items()})

    def row_count(self) -> int:
        """Return how many rows it holds."""
        return sum(len(rows) for rows in self._tables.values())

    def byte_count(self) -> int:
        """Return the bytes held in keys and values."""
        return sum(
            len(key) + len(value) for rows in self._tables.values() for key, value in rows.items()
        )
