"""A store in memory: what a simulated node keeps across its crashes.

The simulated disk decides which batches survive a crash; this object holds those that did.
Values are kept by reference, so that a block persisted by a thousand nodes of one process is in
memory once. Rows that each of them encodes for itself are so too, where the stores share an
`Interning`.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from weakref import WeakSet

from primitives.interning import Interning
from primitives.machine import Record


@dataclass(slots=True)
class MemoryStore:
    """A `Store` over dictionaries. Rows are sorted when they are scanned, not when written."""

    _tables: dict[str, dict[bytes, bytes]] = field(default_factory=dict)
    _snapshots: "WeakSet[MemorySnapshot]" = field(default_factory=WeakSet, compare=False)
    interning: Interning | None = field(default=None, compare=False)
    """Shared with other stores of the process, whose rows are the same; None: with no one."""

    def get(self, table: str, key: bytes) -> bytes | None:
        """Return the value under (table, key), or None when there is none."""
        rows = self._tables.get(table)
        return None if rows is None else rows.get(key)

    def get_many(self, table: str, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return what `get` would for each key."""
        rows = self._tables.get(table, {})
        return [rows.get(key) for key in keys]

    def write(self, records: Iterable[Record]) -> None:
        """Apply all records in order; a record without a value deletes its row.

        The records are gathered first, so that an iterable that raises half-way changes nothing.
        """
        tables, interning = self._tables, self.interning
        batch = tuple(records)
        for snapshot in self._snapshots:
            snapshot.keep(tables, batch)
        for record in batch:
            rows, value = tables.get(record.table), record.value
            if value is not None:
                if rows is None:
                    rows = tables[record.table] = {}
                if interning is not None:
                    value = interning.one((record.table, record.key), value)
                rows[record.key] = value
            elif rows is not None:
                rows.pop(record.key, None)

    def scan(
        self, table: str, start: bytes = b"", end: bytes | None = None
    ) -> Iterator[tuple[bytes, bytes]]:
        """Yield (key, value) in ascending key order for start <= key < end.

        The rows are those at the time of the call; later writes do not disturb the iteration.
        """
        return _ascending(self._tables.get(table, {}), start, end)

    def snapshot(self) -> "MemorySnapshot":
        """Return the store as it is now, for reading. It costs as much as is overwritten later."""
        snapshot = MemorySnapshot(self)
        self._snapshots.add(snapshot)
        return snapshot

    def discard(self, tables: Collection[str]) -> None:
        """Delete all rows of some tables."""
        for table in tables:
            rows = self._tables.get(table, {})
            self.write([Record(table, key, None) for key in rows])

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


class MemorySnapshot:
    """A store as it was at one moment: what is there now, but for what was overwritten since.

    Args:
        store: the one that it is of.
    """

    __slots__ = ("__weakref__", "_before", "_store")

    def __init__(self, store: MemoryStore) -> None:
        self._store: MemoryStore | None = store
        self._before: dict[str, dict[bytes, bytes | None]] = {}
        """Rows that were overwritten since; None for those that were not there."""

    def keep(self, tables: Mapping[str, Mapping[bytes, bytes]], batch: Iterable[Record]) -> None:
        """Note what a batch is about to overwrite in `tables`."""
        if self._store is None:
            return
        for record in batch:
            before = self._before.setdefault(record.table, {})
            if record.key not in before:
                before[record.key] = tables.get(record.table, {}).get(record.key)

    def get(self, table: str, key: bytes) -> bytes | None:
        """Return the value that was under (table, key), or None when there was none."""
        before = self._before.get(table)
        if before is not None and key in before:
            return before[key]
        return self._current().get(table, key)

    def get_many(self, table: str, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return what `get` would for each key."""
        return [self.get(table, key) for key in keys]

    def scan(
        self, table: str, start: bytes = b"", end: bytes | None = None
    ) -> Iterator[tuple[bytes, bytes]]:
        """Yield the (key, value) of then in ascending key order for start <= key < end."""
        rows = {**dict(self._current().scan(table)), **self._before.get(table, {})}
        kept = {key: value for key, value in rows.items() if value is not None}
        return _ascending(kept, start, end)

    def release(self) -> None:
        """Let go of the store and of what was overwritten; a second call does nothing."""
        self._store = None
        self._before = {}

    def _current(self) -> MemoryStore:
        assert self._store is not None, "a snapshot is not read after its release"
        return self._store


def _ascending(
    rows: Mapping[bytes, bytes], start: bytes, end: bytes | None
) -> Iterator[tuple[bytes, bytes]]:
    keys = sorted(rows)
    first = bisect_left(keys, start)
    last = len(keys) if end is None else bisect_left(keys, end)
    return iter([(key, rows[key]) for key in keys[first:last]])
