"""Rows of `orrery bench commit-groups` and `commit-loop`.

Groups: so many small batches are always waiting, and the committer takes them in one write and one
sync; beside it, a store that syncs each by itself. Loop: an event loop wants a turn each
millisecond while blocks are committed, by RocksDB's synced write in a thread or by the committer;
what is told is by how much its turns came late.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from statistics import median
from threading import Condition
from types import MappingProxyType
from typing import Any

from bench.commit_material import puts
from bench.rows import measure
from primitives.errors import OrreryError
from primitives.ids import Token
from primitives.machine import Persisted, Record
from storage.rocks import Committer, RocksStore, profile

WAITING = (1, 4, 16)
HOW = ("RocksDB in a thread", "committer")
BATCHES, ROUND, BATCH_ROWS = 4_000, 200, 5
LOOP_BLOCKS, LOOP_PUTS = 100, (5_000, 1_000)
TICK_SECONDS = 0.001
PAUSE_SECONDS = 0.005
MILLI = 1e3

HEADINGS: Mapping[str, str] = MappingProxyType(
    {
        "how": "commits by",
        "waiting": "waiting",
        "commits_per_second": "commits/s",
        "syncs_per_commit": "syncs each",
        "plain_per_second": "one by one/s",
        "group_ratio": "ratio",
        "puts": "puts",
        "late_ms_p50": "late p50 ms",
        "late_ms_p90": "p90 ms",
        "late_ms_p99": "p99 ms",
        "late_ms_max": "max ms",
    }
)


def bench_commit_groups() -> dict[str, Any]:
    """Small batches that wait for one another, beside a sync for each."""
    rows = [measure("bench.commit_loop_row", {"waiting": count}) for count in WAITING]
    return {"rows": rows}


def bench_commit_loop() -> dict[str, Any]:
    """How late an event loop's turns come while blocks are committed."""
    rows = [
        measure("bench.commit_loop_row", {"how": how, "puts": count})
        for count in LOOP_PUTS
        for how in HOW
    ]
    return {"rows": rows}


class _Counted:
    """A listener that counts, and wakes whoever waits for a number."""

    def __init__(self) -> None:
        self.done = 0
        self._more = Condition()

    def persisted(self, done: Sequence[Persisted]) -> None:
        """Count."""
        with self._more:
            self.done += len(done)
            self._more.notify()

    def wait_for(self, number: int) -> None:
        """Sleep until so many batches are durable: to spin would keep the processor awake."""
        with self._more:
            self._more.wait_for(lambda: self.done >= number)

    def failed(self, error: OrreryError, lost: Sequence[Persisted]) -> None:
        """Say so, and let nobody wait; the benchmark ends at its next batch."""
        print(f"{len(lost)} batches failed: {error}", file=sys.stderr)
        with self._more:
            self.done = sys.maxsize
            self._more.notify()


def groups(path: Path, waiting: int, batches: int) -> dict[str, Any]:
    """Commit small batches, so many at a time, and return the row.

    Rounds of the two ways alternate, because a disk that others use has good and bad moments.
    """
    random = Random(waiting)
    made = [tuple(puts(random, BATCH_ROWS)) for _ in range(batches)]
    plain: list[float] = []
    grouped: list[float] = []
    heard = _Counted()
    with (
        RocksStore(path / "one-by-one", profile("default")) as one_by_one,
        RocksStore(path / "groups", profile("default")) as store,
        Committer(store, heard) as committer,
    ):
        for first in range(0, batches, ROUND):
            some = made[first : first + ROUND]
            start = time.perf_counter()
            for records in some:
                one_by_one.write(records)
            middle = time.perf_counter()
            for number, records in enumerate(some, first):
                heard.wait_for(number - waiting + 1)
                committer.submit("votes", Token(number), records)
            committer.drain()
            grouped.append(len(some) / (time.perf_counter() - middle))
            plain.append(len(some) / (middle - start))
        seen = committer.statistics()
    return {
        "waiting": waiting,
        "commits_per_second": round(median(grouped)),
        "syncs_per_commit": round(seen.groups / seen.durable, 3),
        "plain_per_second": round(median(plain)),
        "group_ratio": round(median(grouped) / median(plain), 2),
    }


async def loop(path: Path, how: str, rows: int, blocks: int) -> dict[str, Any]:
    """Commit blocks beside a ticking loop and return the row."""
    random = Random(rows)
    made = [tuple(puts(random, rows)) for _ in range(blocks)]
    late: list[float] = []
    with RocksStore(path / "store", profile("default")) as store:
        committing = asyncio.create_task(_commit(store, how, made))
        while not committing.done():
            due = time.perf_counter() + TICK_SECONDS
            await asyncio.sleep(TICK_SECONDS)
            late.append(time.perf_counter() - due)
        await committing
    late.sort()
    places = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
    found = {name: late[int(place * (len(late) - 1))] for name, place in places.items()}
    return {
        "how": how,
        "puts": rows,
        **{f"late_ms_{name}": round(MILLI * value, 2) for name, value in found.items()},
        "ticks": len(late),
    }


async def _commit(store: RocksStore, how: str, blocks: list[tuple[Record, ...]]) -> None:
    """Commit one block after another, with pauses as between the blocks of a chain."""
    await asyncio.sleep(10 * TICK_SECONDS)
    if how == HOW[0]:
        for records in blocks:
            await asyncio.to_thread(store.write, records)
            await asyncio.sleep(PAUSE_SECONDS)
        return
    heard = _Counted()
    with Committer(store, heard) as committer:
        for number, records in enumerate(blocks):
            committer.submit("chain", Token(number), records)
            while heard.done <= number:
                await asyncio.sleep(TICK_SECONDS)
            await asyncio.sleep(PAUSE_SECONDS)


def run(
    waiting: int = 0,
    how: str = "",
    puts: int = 0,
    batches: int = BATCHES,
    blocks: int = LOOP_BLOCKS,
) -> dict[str, Any]:
    """Return the row of a number of waiting batches, or of a way to commit blocks.

    Args:
        waiting: small batches at a time; 0 for blocks.
        how: one of `HOW`.
        puts: in each block.
        batches: to commit.
        blocks: to commit.
    """
    with tempfile.TemporaryDirectory(prefix="orrery-bench-") as directory:
        if waiting:
            return groups(Path(directory), waiting, batches)
        return asyncio.run(loop(Path(directory), how, puts, blocks))


if __name__ == "__main__":
    print(json.dumps(run(**json.loads(sys.argv[1]))))
