"""RocksDB under a simulated node: real files, which a crash in virtual time leaves as they are.

Virtual time pays for every sync by the simulated disk, so RocksDB need not sync. It writes its
log all the same (`Durability.WAL`): a restart has something to replay then, and a torn last write
is one. Batches of 173 rows took 410 us with the log and 375 us without, synced ones 920 us
(2-core Xeon, virtual disk).

rocksdict writes out all buffers when a store is closed, and also when it is merely dropped, so
after either a restart would find neatly closed tables. A crash therefore takes the files as they
are at that moment (tables linked, the rest copied), closes the store, and puts them in its place.
"""

import os
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import msgspec

from primitives.machine import Record
from storage.rocks import Durability, RocksOptions, RocksStore
from storage.rocks.wal import BLOCK_BYTES, HEADER, log_files
from storage.store import Snapshot

LEFT = ".left"
"""Suffix of the directory that takes what a crash leaves."""
GONE = ".gone"
"""Suffix of the directory whose place that takes."""


class Written(msgspec.Struct, frozen=True):
    """Bytes that RocksDB has written, by its own counters."""

    asked: int = 0
    """Of the batches that it was given."""
    log: int = 0
    tables: int = 0
    """When buffers were written out, and when tables were merged."""


class RocksDrive:
    """A RocksDB that outlives crashes of its node.

    Args:
        directory: its own.
        options: how it is tuned; durability is not taken from there.
        opened: opens a store, with what the nodes of this process share.
    """

    __slots__ = ("_opened", "_options", "_store", "_written", "directory")

    def __init__(
        self,
        directory: Path,
        options: RocksOptions,
        opened: Callable[[Path, RocksOptions], RocksStore] = RocksStore,
    ) -> None:
        self.directory = directory
        self._options = replace(options, durability=Durability.WAL, statistics=True)
        self._written = Written()
        self._opened = opened
        self._store: RocksStore | None = None
        self.power_on()

    # ---------------------------------------------------------------- as a store

    @property
    def store(self) -> RocksStore:
        """The store that is open.

        Raises:
            RuntimeError: none is: a node that is down was asked for a row.
        """
        if self._store is None:
            raise RuntimeError(f"{self.directory} is closed: its node is down")
        return self._store

    def get(self, table: str, key: bytes) -> bytes | None:
        """Return the value under (table, key), or None when there is none."""
        return self.store.get(table, key)

    def get_many(self, table: str, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return what `get` would for each key."""
        return self.store.get_many(table, keys)

    def scan(
        self, table: str, start: bytes = b"", end: bytes | None = None
    ) -> Iterator[tuple[bytes, bytes]]:
        """Yield (key, value) in ascending key order for start <= key < end."""
        return self.store.scan(table, start, end)

    def write(self, records: Iterable[Record]) -> None:
        """Apply all records in order, atomically; a record without a value deletes its row."""
        self.store.write(records)

    def snapshot(self) -> Snapshot:
        """Return the store as it is now; later writes do not change it."""
        return self.store.snapshot()

    def discard(self, tables: Collection[str]) -> None:
        """Delete all rows of some tables, be they readable or not."""
        self.store.discard(tables)

    # ---------------------------------------------------------------- what befalls it

    def power_off(self) -> None:
        """Let go of the files; nothing can be read or written until `power_on`."""
        if self._store is not None:
            self._leave({})

    def power_on(self) -> None:
        """Open what the files hold, a torn log included.

        Raises:
            CorruptStore: a file is damaged.
        """
        if self._store is None:
            self._store = self._opened(self.directory, self._options)

    def tear(self, records: tuple[Record, ...], permille: int) -> None:
        """Lose power while a batch is written: the log ends within its record.

        Args:
            records: the batch.
            permille: how much of the record there is, 0 to 1000; at least a byte, and not all.
        """
        before = self._log_sizes()
        self.store.write(records)
        ends: dict[str, int] = {}
        for name, end in self._log_sizes().items():
            first = before.get(name, 0)
            padding = -first % BLOCK_BYTES
            first += padding if padding < HEADER.size else 0
            if end > first:
                ends[name] = first + 1 + (end - first - 1) * permille // 1001
        self._leave(ends)

    def close(self) -> None:
        """Make all durable and let go of the files for good."""
        if self._store is not None:
            self._written = self.written()
            store, self._store = self._store, None
            store.close()

    def written(self) -> Written:
        """Return what was written since the run began."""
        before = self._written
        if self._store is None:
            return before
        said = self._store.statistics()
        return Written(
            before.asked + said.get("engine.bytes.written", 0),
            before.log + said.get("engine.wal.bytes", 0),
            before.tables
            + said.get("engine.flush.write.bytes", 0)
            + said.get("engine.compact.write.bytes", 0),
        )

    def file_bytes(self) -> int:
        """Return the bytes of all its files."""
        size = 0
        for file in self.directory.iterdir():
            with suppress(FileNotFoundError):  # RocksDB deletes what it has merged, at any time
                size += file.stat().st_size
        return size

    def _leave(self, ends: Mapping[str, int]) -> None:
        """Close the store, and have files in its place as they are now, some of them cut."""
        left = self.directory.with_name(self.directory.name + LEFT)
        frozen(self.directory, left)
        for name, end in ends.items():
            os.truncate(left / name, end)
        self.close()
        # A Ctrl-C may come at any moment, and no half of a store must lie here then.
        gone = self.directory.with_name(self.directory.name + GONE)
        self.directory.rename(gone)
        left.rename(self.directory)
        shutil.rmtree(gone)

    def _log_sizes(self) -> dict[str, int]:
        return {log.name: log.stat().st_size for log in log_files(self.directory)}


def frozen(directory: Path, copy: Path) -> None:
    """Take the files of an open store as they are now.

    Nobody writes batches meanwhile, but tables may be made and merged. Their list, the manifest,
    grows then; a copy is whole if it has not.

    Args:
        directory: of the store.
        copy: where they go. What is there is removed.
    """
    while True:
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir()
        with suppress(FileNotFoundError):
            before = _sizes(directory)
            for name in before:
                if name.endswith(".sst"):
                    (copy / name).hardlink_to(directory / name)
                else:
                    shutil.copyfile(directory / name, copy / name)
            if _sizes(directory) == before:
                return


def _sizes(directory: Path) -> dict[str, int]:
    """Return the bytes of each file that makes a store what it is."""
    files = [file for file in directory.iterdir() if not file.name.startswith(("LOCK", "LOG"))]
    return {file.name: file.stat().st_size for file in sorted(files)}
