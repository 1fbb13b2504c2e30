"""One row of `orrery bench stored-trie`: a block's update of a trie on disk, beside one in memory.

The same accounts, drawn at random, change in a trie that is in memory as a whole, in one of which
nothing is loaded, and in one of which nothing is in the page cache either (as far as the system
lets go of it). Then the block's rows are found and written,
unsynced. Times are of the processor, but for the last read and the write: those are on the clock.
"""

import gc
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from random import Random
from statistics import median
from types import MappingProxyType
from typing import Any, TypeVar

from bench.rows import measure
from primitives.ids import Address, Wei
from storage.account import Account
from storage.changes import StateChanges
from storage.commitment import StateTrie, empty_state_trie, update_state_trie
from storage.rocks import Durability, RocksStore, profile
from storage.stored_trie import stored_trie, trie_records

ACCOUNTS, CHANGES, ROUNDS = 1_000_000, (200, 2_000), 9
BATCH_ROWS = 20_000
ETHER = 10**18
OPTIONS = replace(profile("default"), durability=Durability.WAL)
Found = TypeVar("Found")

HEADINGS: Mapping[str, str] = MappingProxyType(
    {
        "memory_ms": "memory ms",
        "unloaded_ms": "unloaded",
        "unloaded_ratio": "ratio",
        "disk_clock_ms": "from disk",
        "records_ms": "rows ms",
        "written_rows": "rows",
        "written_bytes": "bytes",
        "write_clock_ms": "write ms",
        "disk_bytes_per_account": "disk bytes",
    }
)


def bench_stored_trie() -> dict[str, Any]:
    """A block's changes to a trie of a million accounts that lies in a store."""
    return {
        "rows": [
            measure(
                "bench.stored_trie_row",
                {"accounts": ACCOUNTS, "changed": changed, "rounds": ROUNDS},
            )
            for changed in CHANGES
        ]
    }


def run(accounts: int, changed: int, rounds: int) -> dict[str, Any]:
    """Build a trie, store it, change it block by block, and return the row.

    Args:
        accounts: in the state.
        changed: of them in each block.
        rounds: blocks; a figure is the median over them.
    """
    generator = Random(accounts)
    addresses = [Address(generator.randbytes(20)) for _ in range(accounts)]
    trie = update_state_trie(empty_state_trie(), _changes(addresses, generator))
    figures: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="orrery-bench-") as directory:
        path = Path(directory) / "store"
        with RocksStore(path, OPTIONS) as store:
            records = trie_records(empty_state_trie(), trie)
            for first in range(0, len(records), BATCH_ROWS):
                store.write(records[first : first + BATCH_ROWS])
            del records
            store.compact()
        disk_bytes = sum(each.stat().st_size for each in path.iterdir())
        for _ in range(rounds):
            changes = _changes(generator.sample(addresses, changed), generator)
            trie = _block(path, trie, changes, figures)
    row = {name: round(median(spent), 2) for name, spent in figures.items()}
    return {
        "accounts": accounts,
        "changed": changed,
        **row,
        "unloaded_ratio": round(row["unloaded_ms"] / row["memory_ms"], 2),
        "written_rows": round(row["written_rows"]),
        "written_bytes": round(row["written_bytes"]),
        "disk_bytes_per_account": round(disk_bytes / accounts),
    }


def _block(
    path: Path, trie: StateTrie, changes: StateChanges, figures: dict[str, list[float]]
) -> StateTrie:
    """Time one block in every way, and return the trie after it; the store holds it then."""

    def timed(name: str, clock: Callable[[], float], work: Callable[[], Found]) -> Found:
        gc.collect()
        start = clock()
        found = work()
        figures.setdefault(name, []).append(1_000 * (clock() - start))
        return found

    _forget_pages(path)
    with RocksStore(path, OPTIONS) as store:
        cold = stored_trie(trie.root, store)
        timed("disk_clock_ms", time.perf_counter, lambda: update_state_trie(cold, changes))
        fresh = stored_trie(trie.root, store)
        timed("unloaded_ms", time.process_time, lambda: update_state_trie(fresh, changes))
        after = timed("memory_ms", time.process_time, lambda: update_state_trie(trie, changes))
        records = timed("records_ms", time.process_time, lambda: trie_records(trie, after))
        timed("write_clock_ms", time.perf_counter, lambda: store.write(records))
        figures.setdefault("written_rows", []).append(len(records))
        written = sum(len(each.key) + len(each.value or b"") for each in records)
        figures.setdefault("written_bytes", []).append(written)
        if after.root != update_state_trie(fresh, changes).root:
            raise AssertionError("the stored trie has another root")
    return after


def _forget_pages(path: Path) -> None:
    """Ask the system to drop the pages of a closed store's files."""
    for each in path.iterdir():
        handle = os.open(each, os.O_RDONLY)
        try:
            os.fsync(handle)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(handle)


def _changes(addresses: list[Address], generator: Random) -> StateChanges:
    return StateChanges({each: _account(generator) for each in addresses})


def _account(generator: Random) -> Account:
    return Account(generator.randrange(100), Wei(ETHER + generator.randrange(ETHER)))


if __name__ == "__main__":
    print(json.dumps(run(**json.loads(sys.argv[1]))))
