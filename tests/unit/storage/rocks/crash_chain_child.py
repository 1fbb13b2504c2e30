"""The writer that is killed: it commits a chain's blocks and says which ones are durable.

It reports `durable HEIGHT VOTE`: blocks and votes up to there were called durable. Old blocks move
to an archive in the batch that deletes their rows.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from primitives.errors import OrreryError
from primitives.machine import Persisted
from storage.files import PositionedFile
from storage.rocks import Committer
from storage.rocks.log_sync import LogSync
from tests.unit.storage.rocks.chain_node import ARCHIVE, STORE, ChainNode, Durable
from tests.unit.storage.rocks.killing import Synced, report, serve


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


class Reporter(Durable):
    """Says on stdout what is durable."""

    def persisted(self, done: Sequence[Persisted]) -> None:
        super().persisted(done)
        report("durable", f"{self.height} {self.vote}")

    def failed(self, error: OrreryError, lost: Sequence[Persisted]) -> None:
        os.write(2, f"{error}\n".encode())
        os._exit(3)


def main(arguments: list[str]) -> None:
    """Commit blocks until killed."""
    path, fault = Path(arguments[0]), arguments[1]
    synced = Synced(path / ARCHIVE, path / STORE)
    node = ChainNode(path, Reporter(), COMMITTERS.get(fault, Committer))
    if not node.height:
        synced.count(node.store.path)  # RocksDB has synced the row of the schema by itself
    if fault == "skips-archive-fsync":
        PositionedFile.sync = lambda self: None  # type: ignore[method-assign]
    if fault in LOGS:
        node.committer._logs = LOGS[fault](node.store.path)
    while True:
        node.step()


if __name__ == "__main__":
    serve(main)
