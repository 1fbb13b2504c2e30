"""The writer that is killed: it commits blocks and says which ones are durable.

It reports `durable NUMBER`: blocks up to there were called durable; and `synced SIZES`, the bytes
of each log that have really been synced. The second is RocksDB's own count, not what the store
believes, so a store that skips its syncs is found out.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from primitives.machine import Record
from storage.rocks import Durability, RocksStore, profile
from storage.rocks.wal import log_files
from tests.unit.storage.rocks.blocks import block
from tests.unit.storage.rocks.killing import report, serve

SYNCED = re.compile(r"rocksdb\.wal\.synced COUNT : (\d+)")
BUFFER_BYTES = 48 << 10
"""Small, so that logs change and tables are written all the time. Not with groups: RocksDB then
syncs an old log by itself before it writes a table, and the parent could cut what was synced."""


class Unsynced(RocksStore):
    """A store that calls durable what is not."""

    def write(self, records: Iterable[Record]) -> None:
        self._how.sync = False
        super().write(records)

    def sync(self) -> None:
        self.durable = self.written


class Halved(RocksStore):
    """A store whose batches are not atomic."""

    def write(self, records: Iterable[Record]) -> None:
        records = list(records)
        super().write(records[:5])
        super().write(records[5:])


FAULTS = {"none": RocksStore, "skips-fsync": Unsynced, "writes-halves": Halved}


def synced_count(store: RocksStore) -> int:
    """Return how often RocksDB has synced a log."""
    found = SYNCED.search(store._settings.get_statistics() or "")
    return int(found[1]) if found else 0


def sizes(path: Path) -> dict[str, int]:
    """Return the bytes of each log; RocksDB deletes some at any time."""
    found = {}
    for log in log_files(path):
        try:
            found[log.name] = log.stat().st_size
        except FileNotFoundError:
            continue
    return found


def main(arguments: list[str]) -> None:
    """Commit blocks until killed. Arguments: path, durability, fault."""
    path, durability, fault = Path(arguments[0]), Durability(arguments[1]), arguments[2]
    options = replace(
        profile("small"),
        write_buffer_bytes=BUFFER_BYTES if durability is Durability.FSYNC else 8 << 20,
        write_buffers_total_bytes=0,
        durability=durability,
        group_batches=4,
        statistics=True,
    )
    store = FAULTS[fault](path, options)
    number = int.from_bytes(store.get("chain.snapshot", b"head") or b"", "big")
    count, synced = synced_count(store), dict[str, int]()
    while True:
        number += 1
        store.write(block(number))
        if (now := synced_count(store)) > count:
            count, synced = now, sizes(path)
        if store.durable == store.written:
            report("synced", json.dumps(synced))
            report("durable", str(number))


if __name__ == "__main__":
    serve(main)
