"""A store in memory: what a simulated node keeps across its crashes.

The simulated disk decides which batches survive a crash; this object holds those that did.
Values are kept by reference, so that a block persisted by a thousand nodes of one process is in
memory once. Rows that each of them encodes for itself are so too, where the stores share an
`Interning`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from weakref import WeakSet

from primitives.interning import Interning
from primitives.machine import Record
from storage.key_order import KeyOrder

ORDERED_ROWS_MIN = 128
"""Smaller tables are sorted whenever a part of them is scanned."""
CHUNK_ROWS = 16
CHUNK_ROWS_MAX = 1_024
"""Of a snapshot: a scan looks ahead so far, at first and at most."""


@dataclass(slots=True)
class MemoryStore:
    """A `Store` over dictionaries. Rows are sorted when they are scanned, not when written.

    The order of a large table is kept from the first scan of a part of it on.
    """

    _tables: dict[str, dict[bytes, bytes]] = field(default_factory=dict)
    _snapshots: "WeakSet[MemorySnapshot]" = field(default_factory=WeakSet, compare=False)
    interning: Interning | None = field(default=None, compare=False)
    """Shared with other stores of the process, whose rows are the same; None: with no one."""
    _orders: dict[str, KeyOrder] = field(default_factory=dict, compare=False, repr=False)

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
        if self._orders:
            self._note(batch)
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
        rows = self._tables.get(table, {})
        return iter([(key, rows[key]) for key in self.keys(table, start, end) if key in rows])

    def keys(
        self, table: str, start: bytes = b"", end: bytes | None = None, count_max: int | None = None
    ) -> list[bytes]:
        """Return the first keys with start <= key < end, ascending; some may have no row any more.

        Args:
            table: the table.
            start: the first key that may be among them.
            end: the first one that may not; None for no bound.
            count_max: how many are returned at most; None for all.
        """
        rows = self._tables.get(table, {})
        order = self._orders.get(table)
        if order is None or order.is_worn(len(rows)):
            is_whole = not start and end is None and count_max is None
            order = KeyOrder(rows)
            if not is_whole and len(rows) >= ORDERED_ROWS_MIN:
                self._orders[table] = order
        return order.between(start, end, count_max)

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

    def _note(self, batch: Iterable[Record]) -> None:
        """Tell the orders of tables which keys a batch is about to add."""
        tables, orders = self._tables, self._orders
        for record in batch:
            order = orders.get(record.table)
            if order is None or record.value is None or record.key in tables[record.table]:
                continue
            order.add(record.key)
            if order.is_worn(len(tables[record.table])):
                del orders[record.table]


class MemorySnapshot:
    """A store as it was at one moment: what is there now, but for what was overwritten since.

    Args:
        store: the one that it is of.
    """

    __slots__ = ("__weakref__", "_before", "_orders", "_store")

    def __init__(self, store: MemoryStore) -> None:
        self._store: MemoryStore | None = store
        self._before: dict[str, dict[bytes, bytes | None]] = {}
        """Rows that were overwritten since; None for those that were not there."""
        self._orders: dict[str, KeyOrder] = {}
        """Of their keys, where somebody has scanned a part of a table."""

    def keep(self, tables: Mapping[str, Mapping[bytes, bytes]], batch: Iterable[Record]) -> None:
        """Note what a batch is about to overwrite in `tables`."""
        if self._store is None:
            return
        for record in batch:
            before = self._before.setdefault(record.table, {})
            if record.key not in before:
                before[record.key] = tables.get(record.table, {}).get(record.key)
                order = self._orders.get(record.table)
                if order is not None:
                    order.add(record.key)

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
        self._current()
        if not start and end is None:
            return self._whole(table)
        return self._part(table, start, end)

    def release(self) -> None:
        """Let go of the store and of what was overwritten; a second call does nothing."""
        self._store = None
        self._before, self._orders = {}, {}

    def _whole(self, table: str) -> Iterator[tuple[bytes, bytes]]:
        keys = {*self._current().keys(table), *self._before.get(table, {})}
        return self._with_values(table, sorted(keys))

    def _part(self, table: str, start: bytes, end: bytes | None) -> Iterator[tuple[bytes, bytes]]:
        """Yield rows of a part of a table; what is not asked for is not looked at.

        The store may be written to between two of them: what it has lost by then, and what it had
        not yet, is among the keys that were overwritten.
        """
        chunk = CHUNK_ROWS
        while True:
            keys = self._current().keys(table, start, end, chunk)
            is_last = len(keys) < chunk
            after = end if is_last else keys[-1] + b"\x00"
            overwritten = self._overwritten(table, start, after)
            if overwritten:
                keys = sorted({*keys, *overwritten})
            yield from self._with_values(table, keys)
            if is_last:
                return
            assert after is not None
            start, chunk = after, min(2 * chunk, CHUNK_ROWS_MAX)

    def _overwritten(self, table: str, start: bytes, end: bytes | None) -> list[bytes]:
        before = self._before.get(table)
        if not before:
            return []
        order = self._orders.get(table)
        if order is None:
            order = self._orders[table] = KeyOrder(before)
        return order.between(start, end)

    def _with_values(self, table: str, keys: list[bytes]) -> Iterator[tuple[bytes, bytes]]:
        for key in keys:
            value = self.get(table, key)
            if value is not None:
                yield key, value

    def _current(self) -> MemoryStore:
        assert self._store is not None, "a snapshot is not read after its release"
        return self._store
