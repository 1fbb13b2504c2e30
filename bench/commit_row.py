"""Rows of `orrery bench commit`: one block made durable, part by part.

The rows of a block are built from two states, gathered into RocksDB's batch, written without a
sync, and synced by the committer; all four are timed apart, in turns with the same block in a
store that lets RocksDB sync. What the disk takes for a sync is the machine's. Hashing the trie is
no part of it: that comes with execution (`orrery bench state-root`).

Bytes written are those of the log, of the tables that buffers became, and of the tables that were
merged from those, for each byte of all rows and for each byte of accounts.

`commit-groups` lets small batches wait for one another, and `commit-loop` looks at what an event
loop notices while blocks are committed.
"""

import gc
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from statistics import median
from types import MappingProxyType
from typing import Any

from bench.commit_material import STATE_TABLES, Chain, batches, byte_count, puts
from bench.rows import measure
from primitives.errors import OrreryError
from primitives.ids import Token
from primitives.machine import Persisted, Record
from storage.rocks import CommitStatistics, Committer, RocksStore, profile
from storage.rocks.written import written

PUTS_ONLY, NO_TRIE, WHOLE = "5,000 puts", "transfers, no trie", "transfers"
CASES = (
    (PUTS_ONLY, "default"),
    (NO_TRIE, "default"),
    (WHOLE, "default"),
    (WHOLE, "small"),
)
"""Blocks, and profiles of the store."""
ACCOUNTS, TRANSFERS, BLOCKS, PUTS = 100_000, 1_000, 200, 5_000
MILLI = 1e3
PERCENT_99 = 0.99
GENESIS_ROWS = 20_000

HEADINGS: Mapping[str, str] = MappingProxyType(
    {
        "commit": "block",
        "profile": "profile",
        "rows_per_block": "rows",
        "kibibytes": "KiB",
        "build_ms": "build ms",
        "gather_ms": "gather ms",
        "write_ms": "write ms",
        "sync_ms": "sync ms",
        "commit_ms": "all ms",
        "commit_ms_p99": "p99 ms",
        "unsynced_ms": "but sync",
        "cpu_ms": "CPU ms",
        "rocksdb_ms": "RocksDB ms",
        "amplification": "written/row",
        "state_amplification": "written/state",
    }
)


class Heard:
    """A listener that only fails."""

    def persisted(self, done: Sequence[Persisted]) -> None:
        """Take note."""

    def failed(self, error: OrreryError, lost: Sequence[Persisted]) -> None:
        """Say so; the benchmark ends at its next batch."""
        print(f"{len(lost)} batches failed: {error}", file=sys.stderr)


def bench_commit() -> dict[str, Any]:
    """Parts of the time in which a block of a thousand transfers becomes durable."""
    options = {"accounts": ACCOUNTS, "blocks": BLOCKS}
    return {
        "rows": [
            measure("bench.commit_row", {"case": case, "profile": name, **options})
            for case, name in CASES
        ]
    }


def run(case: str, profile: str, accounts: int, blocks: int) -> dict[str, Any]:
    """Commit blocks and return the row.

    Args:
        case: one of `CASES`.
        profile: of the store.
        accounts: in the state.
        blocks: to commit, after a few that do not count.
    """
    with tempfile.TemporaryDirectory(prefix="orrery-bench-") as directory:
        measured = _Measured(Path(directory), case, profile, accounts)
        for _ in range(max(2, blocks // 10)):
            measured.block()
        measured.start()
        for _ in range(blocks):
            measured.block()
        return measured.row()


class _Measured:
    """Two stores that take the same blocks in turn."""

    def __init__(self, directory: Path, case: str, name: str, accounts: int) -> None:
        self._case, self._profile = case, name
        self._random = Random(1)
        self._chain = None if case == PUTS_ONLY else Chain(accounts, TRANSFERS)
        self._path = directory / "committer"
        self._store = RocksStore(self._path, profile(name))
        self._beside = RocksStore(directory / "beside", profile(name))
        if self._chain is not None:
            for piece in batches(self._chain.genesis(), GENESIS_ROWS):
                self._store.write(piece)
                self._beside.write(piece)
        for store in (self._store, self._beside):
            store.compact()
        self._committer = Committer(self._store, Heard())
        self.start()

    def start(self) -> None:
        """Forget what was measured so far."""
        self._parts: list[dict[str, float]] = []
        self._rows = self._bytes = self._state_bytes = 0
        self._before = written(self._path)

    def block(self) -> None:
        """Build and commit one block in both stores."""
        pair = None if self._chain is None else self._chain.next_states()
        gc.collect()
        start, used = time.perf_counter(), time.process_time()
        records = self._records(pair)
        built = time.perf_counter()
        before = self._committer.statistics()
        self._committer.submit("chain", Token(len(self._parts)), records)
        self._committer.drain()
        done, used = time.perf_counter(), time.process_time() - used
        parts = _parts(before, self._committer.statistics())
        begun = time.perf_counter()
        self._beside.write(records)
        ended = time.perf_counter()
        # Random rows are drawn, not built: that is the benchmark's own time.
        build = 0.0 if pair is None else built - start
        commit = build + done - built
        parts |= {"build": build, "commit": commit, "cpu": used, "rocksdb": ended - begun}
        self._parts.append(parts)
        self._rows += len(records)
        self._bytes += byte_count(records)
        self._state_bytes += byte_count(records, STATE_TABLES)

    def row(self) -> dict[str, Any]:
        """Return what was measured; the stores are closed."""
        self._committer.close()
        amplification = self._amplification()
        for store in (self._store, self._beside):
            store.close()
        blocks = len(self._parts)
        commits = sorted(part["commit"] for part in self._parts)
        middle = {name: median(part[name] for part in self._parts) for name in self._parts[0]}
        state = self._state_bytes if self._chain is not None else self._bytes
        unsynced = median(part["commit"] - part["sync"] for part in self._parts)
        return {
            "commit": self._case,
            "profile": self._profile,
            "rows_per_block": self._rows // blocks,
            "kibibytes": round(self._bytes / blocks / 1_024),
            **{f"{name}_ms": round(MILLI * value, 2) for name, value in middle.items()},
            "commit_ms_p99": round(MILLI * commits[int(PERCENT_99 * (blocks - 1))], 2),
            "unsynced_ms": round(MILLI * unsynced, 2),
            "amplification": round(amplification, 2),
            "state_amplification": round(amplification * self._bytes / state, 2),
            "blocks": blocks,
        }

    def _records(self, pair: tuple[Any, Any] | None) -> list[Record]:
        if self._chain is None or pair is None:
            return puts(self._random, PUTS)
        return self._chain.rows(*pair, trie=self._case == WHOLE)

    def _amplification(self) -> float:
        """Return the bytes written for each byte of rows: to the log, and to tables since."""
        before, after = self._before, written(self._path)
        if before is None or after is None:
            raise AssertionError("RocksDB keeps no log of its own")
        rows = after.flushed_row_bytes - before.flushed_row_bytes
        tables = after.flushed_table_bytes - before.flushed_table_bytes
        tables += after.merged_table_bytes - before.merged_table_bytes
        return 1 + tables / rows if rows else 1.0


def _parts(before: CommitStatistics, after: CommitStatistics) -> dict[str, float]:
    """Return the seconds of each part between two moments."""
    names = ("gather", "write", "sync")
    return {
        name: (getattr(after, f"{name}_ns") - getattr(before, f"{name}_ns")) / 1e9 for name in names
    }


if __name__ == "__main__":
    print(json.dumps(run(**json.loads(sys.argv[1]))))
