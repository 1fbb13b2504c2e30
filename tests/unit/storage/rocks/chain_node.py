"""What commits the chain of the crash test: a store, its archive, and a committer."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from primitives.errors import OrreryError
from primitives.ids import Token
from primitives.machine import Persisted, Record
from storage.files.archive import ArchiveLimits
from storage.files.frozen import FrozenStore
from storage.flat import DiskState, read_head
from storage.rocks import CommitLimits, Committer, Durability, RocksOptions, RocksStore, profile
from storage.state import StateLayer
from tests.unit.storage.rocks.chain import CONSENSUS, VOTE, block_records, changes_of, key_of

ARCHIVE, STORE = "archive", "store"
"""Names of the two directories."""
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


class Durable:
    """What was called durable, and what failed."""

    def __init__(self) -> None:
        self.height = self.vote = 0
        self.error: OrreryError | None = None

    def persisted(self, done: Sequence[Persisted]) -> None:
        for each in done:
            if each.origin == "chain":
                self.height = int(each.token)
            else:
                self.vote = int(each.token)

    def failed(self, error: OrreryError, lost: Sequence[Persisted]) -> None:
        assert {each.origin for each in lost} <= {"chain", "votes"}
        self.error = error


class ChainNode:
    """An open node directory, in which the chain goes on from the last durable block.

    Args:
        path: of the directory.
        durable: is told what is durable.
        make: the committer, or one with a fault.
    """

    def __init__(self, path: Path, durable: Durable, make: type[Committer] = Committer) -> None:
        self.store = RocksStore(path / STORE, OPTIONS)
        head = read_head(self.store)
        self.height = durable.height = 0 if head is None else head.height
        base = None if head is None else DiskState(self.store.snapshot())
        self._state = StateLayer(None, {}, below=base)
        self.frozen = opened_frozen(self.store, path)
        self.committer = make(self.store, durable, LIMITS, self.frozen.freeze)

    def step(self) -> None:
        """Submit a vote and the next block, once there is room.

        Raises:
            CommitterStopped: an earlier batch has failed.
        """
        self.committer.wait_for_room()
        height, before = self.height + 1, self._state
        state = StateLayer(before, changes_of(height, before))
        vote = Record(CONSENSUS, VOTE, key_of(height))
        self.committer.submit("votes", Token(height), (vote,))
        self.committer.submit("chain", Token(height), block_records(height, before, state))
        self.height, self._state = height, state

    def close(self) -> None:
        """End as a node does: first what writes, then what is written to.

        Raises:
            StoreFull: there is no room for what waits to be archived; all is closed.
        """
        self.committer.close()
        try:
            self.frozen.close()
        finally:
            self.store.close()


def opened_frozen(store: RocksStore, path: Path) -> FrozenStore:
    """Return a store with the archive of its old blocks."""
    return FrozenStore(store, path / ARCHIVE, limits=ARCHIVE_LIMITS)
