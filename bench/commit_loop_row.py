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
BATCHES, BATCH_ROWS = 2_000, 5
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
    """A listener that lets whoever waits for room go on."""

    def __init__(self) -> None:
        self.done = 0

    def persisted(self, done: Sequence[Persisted]) -> None:
        """Count."""
        self.done += len(done)

    def failed(self, error: OrreryError, lost: Sequence[Persisted]) -> None:
        """Say so; the benchmark ends at its next batch."""
        print(f"{len(lost)} batches failed: {error}", file=sys.stderr)


def groups(path: Path, waiting: int, batches: int) -> dict[str, Any]:
    """Commit small batches, so many at a time, and return the row."""
    random = Random(waiting)
    made = [tuple(puts(random, BATCH_ROWS)) for _ in range(batches)]
    with RocksStore(path / "one-by-one", profile("default")) as store:
        start = time.perf_counter()
        for records in made:
            store.write(records)
        plain = batches / (time.perf_counter() - start)
    with RocksStore(path / "groups", profile("default")) as store:
        heard = _Counted()
        with Committer(store, heard) as committer:
            start = time.perf_counter()
            for number, records in enumerate(made):
                while number - heard.done >= waiting:
                    time.sleep(0)
                committer.submit("votes", Token(number), records)
            committer.drain()
            rate = batches / (time.perf_counter() - start)
            seen = committer.statistics()
    return {
        "waiting": waiting,
        "commits_per_second": round(rate),
        "syncs_per_commit": round(seen.groups / seen.durable, 3),
        "plain_per_second": round(plain),
        "group_ratio": round(rate / plain, 2),
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
