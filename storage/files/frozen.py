"""A store whose old rows move to an archive when they would be deleted.

A node keeps the last blocks in its store and deletes older ones. Most of a database's work is for
rows that change; blocks never do. So rows whose keys are heights go to flat files instead, where
nothing ever merges or moves them again, and a read that does not find its row in the store finds
it there.

The order makes it safe: first the rows are appended and synced, then one batch deletes them and
says how far the archive had been synced. A crash between the two leaves rows in both places; they
are told by their equal bytes when they are deleted again. No crash leaves a row in neither.

Reference: go-ethereum, "ancient store" (freezer): the same split.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol

import msgspec

from primitives.machine import Record
from storage.files.archive import LIMITS, Archive, ArchiveLimits, Mark
from storage.files.compression import Compressor
from storage.files.errors import OutOfOrder
from storage.files.frozen_rows import HEIGHT_BYTES, first_height, merged
from storage.files.reader import PieceReader
from storage.files.recovery import Tear
from storage.files.walking import Progress
from storage.files.writer import NO_METADATA
from storage.rocks.errors import CorruptStore, StoreError
from storage.store import MalformedRow, Snapshot, SnapshotStore

FROZEN_TABLES = ("chain.blocks", "chain.certificates", "chain.headers", "chain.receipts")
"""Tables of a node whose keys are heights and whose rows never change."""
MARK_TABLE = "chain.frozen"
"""Table of the one row that says how far the archive is durable."""
MARK_KEY = b"mark"
MOVED_ROWS = 256
"""Rows that are in memory at once on their way to the archive."""


class HotStore(SnapshotStore, Protocol):
    """What is asked of the store in front of the archive; `RocksStore` and `MemoryStore` fit."""

    def get_many(self, table: str, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return what `get` would for each key."""
        ...


class FrozenMark(msgspec.Struct, frozen=True):
    """The row under `MARK_KEY`, as JSON: written in the batch that deletes the rows."""

    file: str
    """The archive's last file when the batch was written."""
    size: int
    """Its bytes that had been synced."""
    heights: dict[str, int]
    """The last height in the archive, by table."""


class FrozenStore:
    """A store and the archive behind it. One thread writes or freezes, any may read.

    Args:
        store: what is written to and read first. It is not closed with this one.
        directory: of the archive's files.
        tables: those whose rows under keys of eight bytes are frozen.
        freezes: False deletes such rows for good; what is frozen already stays readable.
        limits: when the archive begins a new file.
        metadata: what new files tell about themselves.
        compressor: of single rows in new files.
        pieces: how many rows are read from a file at once.

    Raises:
        CorruptStore: a file of the archive is damaged, missing or too short; it is named.
    """

    def __init__(
        self,
        store: HotStore,
        directory: Path,
        *,
        tables: Sequence[str] = FROZEN_TABLES,
        freezes: bool = True,
        limits: ArchiveLimits = LIMITS,
        metadata: Mapping[str, str] = NO_METADATA,
        compressor: Compressor | None = None,
        pieces: PieceReader | None = None,
    ) -> None:
        self.store = store
        """The rows that are not frozen. Who wants only the newest blocks scans this one."""
        self.found_twice = 0
        """Rows that were in the archive when they should have moved there: a crash had come
        between the two steps."""
        self._freezes = freezes
        mark = _stored_mark(store)
        self.archive = Archive(
            directory,
            tables,
            limits,
            metadata,
            compressor,
            # Without a mark no row was ever deleted in favour of the archive.
            Mark("", 0) if mark is None else Mark(mark.file, mark.size),
            pieces,
        )
        for table, height in ({} if mark is None else mark.heights).items():
            last = self.archive.last(table) if table in tables else height
            if last is None or last < height:
                self.archive.close()
                reason = f"{table} is frozen up to height {height}, the files end at {last}"
                raise CorruptStore(directory, "", reason)

    @property
    def torn(self) -> Tear | None:
        """What the last crash has left at the archive's end; its rows are in the store still."""
        return self.archive.torn

    def get(self, table: str, key: bytes) -> bytes | None:
        """Return the value under (table, key), frozen or not, or None when there is none.

        Raises:
            CorruptStore: it is not what was written.
        """
        value = self.store.get(table, key)
        if value is None and self._is_height(table, key):
            return self.archive.get(table, int.from_bytes(key, "big"))
        return value

    def get_many(self, table: str, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return what `get` would for each key; frozen rows are read in one batch."""
        found = self.store.get_many(table, keys)
        fill_frozen(self.archive, table, keys, found)
        return found

    def write(self, records: Iterable[Record]) -> None:
        """Apply all records in order, atomically; rows that they delete may be frozen first.

        Raises:
            StoreFull: the disk is, for the archive or for the store; nothing is deleted.
            OutOfOrder: a row that would be frozen lies below frozen ones and differs from them.
        """
        self.store.write(self.freeze(records))

    def freeze(self, records: Iterable[Record]) -> tuple[Record, ...]:
        """Append the rows that a batch deletes to the archive, durably; return the batch to write.

        For those who write batches in their own way. The batch must be applied before the next
        call, or never.
        """
        batch = tuple(records)
        doomed = self._doomed(batch) if self._freezes else []
        moved = 0
        for first in range(0, len(doomed), MOVED_ROWS):
            moved += self._move(doomed[first : first + MOVED_ROWS])
        if not moved:
            return batch
        done = self.archive.sync()
        heights = {
            table: last
            for table in self.archive.kinds
            if (last := self.archive.last(table)) is not None
        }
        mark = msgspec.json.encode(FrozenMark(done.file, done.size, heights))
        return (*batch, Record(MARK_TABLE, MARK_KEY, mark))

    def scan(
        self, table: str, start: bytes = b"", end: bytes | None = None
    ) -> Iterator[tuple[bytes, bytes]]:
        """Yield (key, value) in ascending key order for start <= key < end, frozen or not.

        The rows are those at the time of the call.
        """
        # In this order: a row that moves meanwhile is in both, and not in neither.
        rows = self.store.scan(table, start, end)
        if table not in self.archive.kinds:
            return rows
        return merged(rows, self.archive.scan(table, first_height(start), first_height(end)))

    def snapshot(self) -> "FrozenSnapshot":
        """Return the store as it is now, for reading; later writes do not change it."""
        # In this order: a row that moves meanwhile is in both, and not in neither.
        return FrozenSnapshot(self.store.snapshot(), self.archive)

    def discard(self, tables: Collection[str]) -> None:
        """Delete all rows of some tables that are not frozen. Frozen ones stay."""
        self.store.discard(tables)

    def synced_sizes(self) -> dict[str, int]:
        """Return how many bytes of each archive file survive the end of the machine, by name."""
        return self.archive.synced_sizes()

    def verify(self, progress: Progress | None = None) -> tuple[StoreError, ...]:
        """Read every byte of the archive, and return the damage found (not the store's)."""
        return self.archive.verify(progress)

    def close(self) -> None:
        """Let go of the archive's files; the store stays open. A second call does nothing."""
        self.archive.close()

    def __enter__(self) -> "FrozenStore":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _is_height(self, table: str, key: bytes) -> bool:
        return len(key) == HEIGHT_BYTES and table in self.archive.kinds

    def _doomed(self, batch: tuple[Record, ...]) -> list[tuple[int, str, bytes | None]]:
        """Return height and table of the rows to freeze that a batch deletes, ascending.

        Of several records for one row the last counts. The third is the value that the batch itself
        had put there before, or None.
        """
        put: dict[tuple[str, bytes], bytes] = {}
        gone: dict[tuple[str, bytes], None] = {}
        for record in batch:
            row = record.table, record.key
            if not self._is_height(*row):
                continue
            if record.value is None:
                gone[row] = None
            else:
                put[row] = record.value
                gone.pop(row, None)
        return sorted(
            ((int.from_bytes(key, "big"), table, put.get((table, key))) for table, key in gone),
            key=lambda row: row[:2],
        )

    def _move(self, rows: list[tuple[int, str, bytes | None]]) -> int:
        """Append a few rows, those that are there, and return how many."""
        values = {(height, table): value for height, table, value in rows}
        for table in self.archive.kinds:
            heights = [at for at, name, value in rows if name == table and value is None]
            keys = [height.to_bytes(HEIGHT_BYTES, "big") for height in heights]
            for height, value in zip(heights, self.store.get_many(table, keys), strict=True):
                values[height, table] = value
        moved = 0
        for (height, table), value in values.items():
            if value is not None:
                self._append(table, height, value)
                moved += 1
        return moved

    def _append(self, table: str, height: int, value: bytes) -> None:
        """Append a row, unless it is in the archive already."""
        last = self.archive.last(table)
        if last is None or height > last:
            self.archive.append(table, height, value)
            return
        if self.archive.get(table, height) != value:
            where = f"{self.archive.directory}: {table} {height}"
            raise OutOfOrder(where, f"the row that was frozen, or a height above {last}", "another")
        self.found_twice += 1


class FrozenSnapshot:
    """The store at one moment, and what was frozen then.

    A row that was frozen later is still in the snapshot of the store, so only what is above the
    archive's end of then must not be seen.
    """

    def __init__(self, snapshot: Snapshot, archive: Archive) -> None:
        self._snapshot = snapshot
        self._archive = archive
        self._ends = {
            table: 0 if (last := archive.last(table)) is None else last + 1
            for table in archive.kinds
        }

    def get(self, table: str, key: bytes) -> bytes | None:
        """Return the value that was under (table, key), or None when there was none."""
        value = self._snapshot.get(table, key)
        if value is not None or table not in self._ends:
            return value
        return self.get_many(table, (key,))[0]

    def get_many(self, table: str, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return what `get` would for each key."""
        found = self._snapshot.get_many(table, keys)
        if table in self._ends:
            fill_frozen(self._archive, table, keys, found, self._ends[table])
        return found

    def scan(
        self, table: str, start: bytes = b"", end: bytes | None = None
    ) -> Iterator[tuple[bytes, bytes]]:
        """Yield the (key, value) of then in ascending key order for start <= key < end."""
        rows = self._snapshot.scan(table, start, end)
        if table not in self._ends:
            return rows
        after = min(first_height(end), self._ends[table])
        return merged(rows, self._archive.scan(table, first_height(start), after))

    def release(self) -> None:
        """Let go of the store's snapshot."""
        self._snapshot.release()


def fill_frozen(
    archive: Archive,
    table: str,
    keys: Sequence[bytes],
    found: list[bytes | None],
    end: int = 1 << 64,
) -> None:
    """Put the frozen values of heights below `end` where the store had none."""
    if table not in archive.kinds:
        return
    heights = {
        at: height
        for at, key in enumerate(keys)
        if found[at] is None
        and len(key) == HEIGHT_BYTES
        and (height := int.from_bytes(key, "big")) < end
    }
    values = archive.get_many(table, list(heights.values()))
    for at, value in zip(heights, values, strict=True):
        found[at] = value


def _stored_mark(store: HotStore) -> FrozenMark | None:
    row = store.get(MARK_TABLE, MARK_KEY)
    if row is None:
        return None
    try:
        return msgspec.json.decode(row, type=FrozenMark)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedRow(MARK_TABLE, MARK_KEY, "how far rows are frozen", error) from error
