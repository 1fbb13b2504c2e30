"""A store on disk: RocksDB behind the `Store` Protocol.

A batch is the only way in, and is whole or not there at all, over all tables. What a batch
survives is the store's `Durability`. RocksDB's calls hold the interpreter's lock, a synced write
for as long as the disk takes: a node that must not stop meanwhile writes through a `Committer`.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import cast
from weakref import WeakSet

from rocksdict import (
    BottommostLevelCompaction,
    Cache,
    Checkpoint,
    ColumnFamily,
    CompactOptions,
    Rdict,
    WriteBatch,
    WriteOptions,
)

from primitives.errors import OrreryError
from primitives.machine import Record
from storage.rocks.errors import CorruptStore, StoreClosed, StoreError, UnknownTable, translated
from storage.rocks.gathering import gathered
from storage.rocks.opening import open_engine
from storage.rocks.options import Durability, RocksOptions
from storage.rocks.profiles import DEFAULT
from storage.rocks.reading import Cursor, cursor_at, key_prefix, prefix_end, rows, table_bounds
from storage.rocks.schema import (
    CHAIN_SCHEMA,
    SCHEMA_KEY,
    Family,
    Schema,
    Table,
    encode_row,
    schema_row,
)
from storage.rocks.shape import LevelShape, shapes
from storage.rocks.snapshot import RocksSnapshot
from storage.rocks.statistics import statistics
from storage.rocks.wal import Damage


class RocksStore:
    """An open store. It must be closed before the process may open its directory again.

    Args:
        path: its directory; made if there is none.
        options: how it is tuned.
        schema: its tables. An earlier version is migrated, one step after another.
        cache: a block cache that several stores share (`engine.shared_cache`).
        named: how errors name the directory, once it is open; as `path` if None.

    Raises:
        StoreError: it cannot be opened; the leaves say why.
    """

    def __init__(
        self,
        path: Path,
        options: RocksOptions = DEFAULT,
        schema: Schema = CHAIN_SCHEMA,
        cache: Cache | None = None,
        named: Path | None = None,
    ) -> None:
        opened = open_engine(path, options, schema, cache)
        self.path = path
        self.named = path if named is None else named
        """How errors name the directory."""
        self.options = options
        self.torn: Damage | None = opened.torn
        """Where the logs ended in the last crash; what came after it is dropped now."""
        self.written = 0
        """Batches written since it was opened."""
        self.durable = 0
        """How many of them, from the first one on, survive the end of the machine."""
        self._refused: OrreryError | None = None
        """The first error of a write; RocksDB answers all later ones by something less clear."""
        self._unsure: OrreryError | None = None
        """Why nobody knows what the disk holds of a batch that was written."""
        self.writing = Lock()
        """Held by who writes until its batch is as durable as it shall be."""
        self._engine: Rdict | None = opened.engine
        self._settings = opened.settings
        engine = opened.engine
        self._families = {each: engine.get_column_family(each.value) for each in Family}
        self._handles = {each: engine.get_column_family_handle(each.value) for each in Family}
        self._tables = schema.by_name()
        self._places: dict[str, tuple[bytes, ColumnFamily]] = {
            table.name: (key_prefix(table), self._handles[table.family]) for table in schema.tables
        }
        self._readers = {
            table.name: (key_prefix(table), self._families[table.family].get)
            for table in schema.tables
        }
        self._open_cursors: WeakSet[Cursor] = WeakSet()
        self._open_snapshots: WeakSet[RocksSnapshot] = WeakSet()
        self._how = WriteOptions()
        self._how.sync = options.durability is Durability.FSYNC
        # A property, though rocksdict's stub declares a method.
        unlogged = options.durability is Durability.NONE
        self._how.disable_wal = unlogged  # type: ignore[method-assign, assignment]
        self._unsynced = WriteOptions()
        try:
            self._migrate(schema, schema.version if opened.found is None else opened.found.version)
        except BaseException:
            self.close()
            raise

    def get(self, table: str, key: bytes) -> bytes | None:
        """Return the value under (table, key), or None when there is none.

        Raises:
            CorruptStore: the block in which it would be is damaged.
        """
        place = self._readers.get(table)
        if place is None:
            raise self._refusal(table)
        try:
            return cast("bytes | None", place[1](place[0] + key))
        except Exception as error:
            raise translated(self.named, error) from error

    def get_many(self, table: str, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return what `get` would for each key, at half the cost for each."""
        place = self._readers.get(table)
        if place is None:
            raise self._refusal(table)
        prefix, read = place
        try:
            return cast("list[bytes | None]", read([prefix + key for key in keys]))
        except Exception as error:
            raise translated(self.named, error) from error

    def write(self, records: Iterable[Record]) -> None:
        """Apply all records in order, atomically; a record without a value deletes its row.

        It survives what the store's durability says, from when this returns.

        Raises:
            StoreFull: the disk is; nothing of the batch is kept.
            UnknownTable: the schema has no such table; nothing is written.
        """
        batch = self.gathered(records)
        with self.writing:
            self._write(batch, self._how)

    def write_unsynced(self, batch: WriteBatch) -> None:
        """Write a batch as `write` does, but leave it to the caller to make it durable.

        The caller holds `writing` from before until then, and counts it in `durable` at last.
        """
        self._write(batch, self._unsynced)

    def refuse(self, error: OrreryError) -> None:
        """Take no more batches, since what the disk holds of one that was written is unknown.

        A later sync would succeed without it: the system has marked the pages clean. So whatever
        came after it in the log would be acknowledged, and lost behind a hole.
        """
        self._unsure = self._unsure or error

    def scan(
        self, table: str, start: bytes = b"", end: bytes | None = None
    ) -> Iterator[tuple[bytes, bytes]]:
        """Yield (key, value) in ascending key order for start <= key < end.

        The rows are those at the time of the call; later writes do not disturb the iteration.

        Raises:
            CorruptStore: a block is damaged; the iteration never just ends there.
        """
        found = self._table(table)
        first, after = table_bounds(found, start, end)
        if first >= after:
            return iter(())
        cursor = cursor_at(self._families[found.family], first, after)
        self._open_cursors.add(cursor)
        return rows(self.named, cursor, first)

    def discard(self, tables: Collection[str]) -> None:
        """Delete all rows of some tables, be they readable or not, table by table."""
        for table in [self._table(name) for name in tables]:
            batch = WriteBatch(raw_mode=True)
            first, after = table_bounds(table, b"", None)
            batch.delete_range(first, after, self._handles[table.family])
            with self.writing:
                self._write(batch, self._how)

    def scan_prefix(self, table: str, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield (key, value) in ascending key order for the keys that begin with `prefix`."""
        return self.scan(table, prefix, prefix_end(prefix))

    def sync(self) -> None:
        """Make all that was written survive the end of the machine."""
        engine = self._open()
        written = self.written
        if self.durable == written:
            return
        if self._unsure is not None:
            raise self._unsure
        try:
            if self.options.durability is Durability.NONE:
                self._flush()
            else:
                engine.flush_wal(sync=True)
        except Exception as error:
            raise self._refused or translated(self.named, error) from error
        self.durable = max(self.durable, written)  # a committer may have written more meanwhile

    def snapshot(self) -> RocksSnapshot:
        """Return the store as it is now, for reading; later writes do not change it.

        It holds back the space of what is overwritten meanwhile: release it. It is of one moment
        even if a `Committer` writes: then it is taken again.
        """
        engine = self._open()
        while True:
            sequence = engine.latest_sequence_number()
            snapshot = RocksSnapshot(self.named, self._tables, self._families, Lock())
            if engine.latest_sequence_number() == sequence:
                self._open_snapshots.add(snapshot)
                return snapshot
            snapshot.release()

    def checkpoint(self, directory: Path) -> None:
        """Make a store of its own in `directory`, with what this one holds now.

        Tables are linked, not copied, where both lie on one file system. `restore` in
        `storage.rocks.checkpoint` turns it back into a store to go on with.

        Raises:
            StoreError: `directory` exists already, or the disk is full.
        """
        engine = self._open()
        try:
            Checkpoint(engine).create_checkpoint(str(directory))
        except Exception as error:
            raise translated(self.named, error) from error

    def compact(self) -> None:
        """Write out all buffers and merge all tables, so that deleted rows take no space."""
        self._open()
        try:
            self._flush()
            whole = CompactOptions()
            # Otherwise a table on which no other one lies is only moved down, deleted rows and all.
            whole.set_bottommost_level_compaction(BottommostLevelCompaction.force_optimized())
            for family in self._families.values():
                family.compact_range(None, None, whole)
        except Exception as error:
            raise translated(self.named, error) from error

    def verify(self) -> tuple[StoreError, ...]:
        """Read every row, and return the damage found: at most one for each table.

        Blocks that are cached already are not read again, so open the store for it.
        """
        found: list[StoreError] = []
        for name in self._tables:
            try:
                for _ in self.scan(name):
                    pass
            except CorruptStore as error:
                found.append(error)
        return tuple(found)

    def statistics(self) -> dict[str, int]:
        """Return what RocksDB says about itself (`storage.rocks.statistics`)."""
        return statistics(self._open(), self._families, self._settings)

    def shapes(self) -> tuple[LevelShape, ...]:
        """Return how the tables of each family and level are built, from their own properties."""
        self._open()
        return shapes(self._families)

    def close(self) -> None:
        """Make everything durable and let the directory go; a second call does nothing.

        Raises:
            CorruptStore: RocksDB met damage while it merged tables; the store is closed.
            StoreFull, StoreFailed: batches that were written cannot be made durable; the store is
                closed.
        """
        if self._engine is None:
            return
        try:
            self.sync()
        finally:
            self._let_go()

    def __enter__(self) -> "RocksStore":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _let_go(self) -> None:
        """Drop all that keeps RocksDB open: iterators, snapshots, families, handles."""
        for cursor in list(self._open_cursors):
            cursor.release()
        for snapshot in list(self._open_snapshots):
            snapshot.release()
        self._readers.clear()
        self._places.clear()
        self._handles.clear()
        engines = [*self._families.values()]
        self._families.clear()
        if self._engine is not None:
            engines.append(self._engine)
        self._engine = None
        errors: list[Exception] = []
        while engines:
            try:
                engines.pop(0).close()
            except Exception as error:  # noqa: BLE001 - the others must be closed all the same
                errors.append(error)
        if errors and self._refused is None:
            raise translated(self.named, errors[0]) from errors[0]

    def gathered(self, records: Iterable[Record]) -> WriteBatch:
        """Return records as the batch that `write` makes."""
        return gathered(records, self._places, self._refusal)

    def _write(self, batch: WriteBatch, how: WriteOptions) -> None:
        engine = self._open()
        if self._unsure is not None:
            raise self._unsure
        try:
            engine.write(batch, how)
        except Exception as error:
            self._refused = self._refused or translated(self.named, error)
            raise self._refused from error
        self.written += 1
        if how is self._unsynced:
            return
        if self.options.durability is Durability.FSYNC:
            self.durable = self.written
        elif (
            self.options.durability is Durability.GROUP
            and self.written - self.durable >= self.options.group_batches
        ):
            self.sync()

    def _flush(self) -> None:
        for family in (self._open(), *self._families.values()):
            family.flush(wait=True)

    def _migrate(self, schema: Schema, version: int) -> None:
        """Bring the store to the schema's version, each step in one batch with its number."""
        for step in range(version, schema.version):
            migration = schema.migrations.get(step)
            if migration is None:
                raise StoreError(str(self.named), f"a way from version {step}", "none")
            self._stamp(schema, step + 1, migration(self))
        row = encode_row(schema_row(schema))
        if self._open().get(SCHEMA_KEY) != row:
            self._stamp(schema, schema.version, ())
        self.sync()
        self.written = self.durable = 0

    def _stamp(self, schema: Schema, version: int, records: Iterable[Record]) -> None:
        batch = self.gathered(records)
        batch.set_default_column_family(None)
        row = schema_row(Schema(version, schema.tables))
        batch.put(SCHEMA_KEY, encode_row(row))
        self._write(batch, self._how)

    def _open(self) -> Rdict:
        if self._engine is None:
            raise StoreClosed(self.named)
        return self._engine

    def _table(self, name: str) -> Table:
        self._open()
        found = self._tables.get(name)
        if found is None:
            raise self._refusal(name)
        return found

    def _refusal(self, table: str) -> StoreError:
        if self._engine is None:
            return StoreClosed(self.named)
        return UnknownTable(str(self.named), f"one of {', '.join(self._tables)}", repr(table))
