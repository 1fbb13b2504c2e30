"""The writer that is killed: it commits a chain's blocks and says which ones are durable.

It reports `durable HEIGHT VOTE`: blocks and votes up to there were called durable. Old blocks move
to an archive in the batch that deletes their rows.
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from primitives.ids import Token
from primitives.machine import Persisted, Record
from storage.files import PositionedFile
from storage.files.archive import ArchiveLimits
from storage.files.frozen import FrozenStore
from storage.flat import DiskState, read_head
from storage.rocks import CommitLimits, Committer, Durability, RocksOptions, RocksStore, profile
from storage.rocks.log_sync import LogSync
from storage.state import StateLayer
from tests.unit.storage.rocks.chain import CONSENSUS, VOTE, block_records, changes_of, key_of
from tests.unit.storage.rocks.killing import Synced, report, serve

ARCHIVE = "archive"
ARCHIVE_LIMITS = ArchiveLimits(records_max=300)
"""Files are small, so that new ones are begun."""
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

    def __init__(self, height: int) -> None:
        self.height, self.vote = height, 0

    def persisted(self, done: Sequence[Persisted]) -> None:
        for each in done:
            if each.origin == "chain":
                self.height = int(each.token)
            else:
                self.vote = int(each.token)
        report("durable", f"{self.height} {self.vote}")

    def failed(self, error: Exception, lost: Sequence[Persisted]) -> None:
        os.write(2, f"{error}\n".encode())
        os._exit(3)


def opened_frozen(store: RocksStore, path: Path) -> FrozenStore:
    """Return the store with the archive of its old blocks."""
    return FrozenStore(store, path / ARCHIVE, limits=ARCHIVE_LIMITS)


def main(arguments: list[str]) -> None:
    """Commit blocks until killed."""
    path, fault = Path(arguments[0]), arguments[1]
    synced = Synced(path / ARCHIVE, path / "store")
    store = RocksStore(path / "store", OPTIONS)
    head = read_head(store)
    if head is None:
        synced.count(store.path)  # RocksDB has synced the row of the schema by itself
    base = None if head is None else DiskState(store.snapshot())
    height = 0 if head is None else head.height
    state = StateLayer(None, {}, below=base)
    reporter = Reporter(height)
    frozen = opened_frozen(store, path)
    if fault == "skips-archive-fsync":
        PositionedFile.sync = lambda self: None  # type: ignore[method-assign]
    make = COMMITTERS.get(fault, Committer)
    committer = make(store, reporter, LIMITS, frozen.freeze)
    if fault in LOGS:
        committer._logs = LOGS[fault](store.path)
    while True:
        height += 1
        before, state = state, StateLayer(state, changes_of(height, state))
        committer.submit("votes", Token(height), (Record(CONSENSUS, VOTE, key_of(height)),))
        committer.submit("chain", Token(height), block_records(height, before, state))
        committer.wait_for_room()


if __name__ == "__main__":
    serve(main)
