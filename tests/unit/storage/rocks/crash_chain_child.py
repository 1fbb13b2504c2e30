"""The writer that is killed: it commits a chain's blocks and says which ones are durable.

Each line on stdout is `HEIGHT VOTE ARCHIVED SYNCED`: so far blocks, votes and archived blocks were
called durable, and SYNCED has the bytes of each file that had really been synced by then.
"""

import os
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock

from primitives.ids import Token
from primitives.machine import Persisted, Record
from storage.files import ArchiveWriter, EmptyFile
from storage.flat import DiskState, read_head
from storage.rocks import CommitLimits, Committer, Durability, RocksOptions, RocksStore, profile
from storage.rocks.log_sync import LogSync
from storage.state import StateLayer
from tests.unit.storage.rocks.chain import (
    BLOCKS,
    CONSENSUS,
    KEPT,
    VOTE,
    block_records,
    changes_of,
    filler,
    key_of,
)
from tests.unit.storage.rocks.killing import Synced, serve

ARCHIVE = "blocks.archive"
ARCHIVED_AT_ONCE = 4
OPTIONS: RocksOptions = replace(
    profile("small"),
    write_buffer_bytes=64 << 10,
    write_buffers_total_bytes=0,
    durability=Durability.FSYNC,
)
"""Buffers are small, so that logs change and tables are written all the time."""
LIMITS = CommitLimits(queued_batches_max=6)


class Early(Committer):
    """Acknowledges what is written, before it is synced."""

    def _commit(self, group) -> None:
        self._listener.persisted([each.persisted for each in group])
        super()._commit(group)


class Halved(Committer):
    """Writes one batch as two."""

    def _commit(self, group) -> None:
        for each in group:
            middle = len(each.records) // 2
            for half in (each.records[:middle], each.records[middle:]):
                self._store.write_unsynced(self._store.gathered(half))
        self._logs.sync()


class Unnamed(LogSync):
    """Syncs logs, and not the directory."""

    def sync(self) -> None:
        for _, name in self._logs_from(0):
            self._sync_log(name)


class Unsynced(LogSync):
    """Syncs the directory, and not the logs."""

    def _sync_log(self, name: str) -> None:
        pass


COMMITTERS = {"acknowledges-early": Early, "writes-halves": Halved}
LOGS = {"skips-fsync": Unsynced, "skips-directory": Unnamed}


class Reporter:
    """Says on stdout what is durable."""

    def __init__(self, height: int, synced: Synced) -> None:
        self.height, self.vote, self.archived = height, 0, 0
        self._synced = synced
        self._lock = Lock()

    def persisted(self, done: Sequence[Persisted]) -> None:
        for each in done:
            if each.origin == "chain":
                self.height = int(each.token)
            else:
                self.vote = int(each.token)
        self.report()

    def report(self) -> None:
        with self._lock:
            line = f"{self.height} {self.vote} {self.archived} {self._synced.state()}\n"
            os.write(1, line.encode())

    def failed(self, error: Exception, lost: Sequence[Persisted]) -> None:
        os.write(2, f"{error}\n".encode())
        os._exit(3)


def opened_archive(path: Path) -> ArchiveWriter:
    """Return the archive to go on with; a file in which nothing was durable is begun anew."""
    if path.exists():
        try:
            return ArchiveWriter.resume(path)
        except EmptyFile:
            path.unlink()
    return ArchiveWriter.create(path, (BLOCKS,))


def main(arguments: list[str]) -> None:
    """Commit blocks until killed."""
    path, fault = Path(arguments[0]), arguments[1]
    synced = Synced(path, path / "store")
    store = RocksStore(path / "store", OPTIONS)
    head = read_head(store)
    if head is None:
        synced.count(store.path)  # RocksDB has synced the row of the schema by itself
    base = None if head is None else DiskState(store.snapshot())
    height = 0 if head is None else head.height
    state = StateLayer(None, {}, below=base)
    reporter = Reporter(height, synced)
    committer = COMMITTERS.get(fault, Committer)(store, reporter, LIMITS)
    if fault in LOGS:
        committer._logs = LOGS[fault](store.path)
    archive = opened_archive(path / ARCHIVE)
    if fault == "skips-archive-fsync":
        archive._file.sync = lambda: None  # type: ignore[method-assign]
    kind = archive.kind(BLOCKS)
    assert kind is not None
    archived = archive.index.last(kind) or 0
    deleted = int.from_bytes(next(store.scan(BLOCKS), (key_of(1), b""))[0], "big") - 1
    waiting: deque[int] = deque(range(deleted + 1, archived + 1))
    while True:
        height += 1
        before, state = state, StateLayer(state, changes_of(height, state))
        committer.submit("votes", Token(height), (Record(CONSENSUS, VOTE, key_of(height)),))
        durable = reporter.height
        if durable - KEPT - archived >= ARCHIVED_AT_ONCE:
            for number in range(archived + 1, durable - KEPT + 1):
                archive.append(BLOCKS, number, filler(BLOCKS, number))
            archive.sync()
            waiting.extend(range(archived + 1, durable - KEPT + 1))
            reporter.archived = archived = durable - KEPT
            reporter.report()
        gone = range(waiting[0], waiting[-1] + 1) if waiting else range(0)
        waiting.clear()
        committer.submit("chain", Token(height), block_records(height, before, state, gone))
        committer.wait_for_room()


if __name__ == "__main__":
    serve(main)
