"""One row of `orrery bench store`: a profile beside RocksDB's own defaults and a dict.

Keys are hashes, so nothing is in order. All three are filled with the same batches in the same
order; then each store is written out, merged and opened again, so that gets are cold: the block
cache is empty (the page cache is not; no call of ours empties it). Rounds of the two stores
alternate. Reads are processor time; puts are time on the clock, because RocksDB's own threads write
and merge meanwhile. Both write their log unsynced: a sync costs what the disk says.
"""

import gc
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from random import Random
from statistics import median
from types import MappingProxyType
from typing import Any

from rocksdict import Options, Rdict, ReadOptions, WriteBatch

from bench.rows import measure
from primitives.machine import Record
from storage.rocks import Durability, RocksStore, profile

TABLE = "state.accounts"
BATCH_ROWS = 5_000
ROUNDS = 5
ENTRIES = 1_000_000
PROFILES = ("default", "small", "large", "reference")
Rows = list[tuple[bytes, bytes]]

HEADINGS: Mapping[str, str] = MappingProxyType(
    {
        "put_ratio": "put ratio",
        "cold_get_ratio": "cold get",
        "get_ratio": "get",
        "miss_ratio": "miss",
        "scan_ratio": "scan",
        "size_ratio": "size",
        "miss_to_get": "get/miss",
        "profile": "profile",
        "put_us": "put us",
        "cold_get_us": "cold us",
        "get_us": "get us",
        "miss_us": "miss us",
        "scan_us": "scan us",
        "dict_get_us": "dict us",
        "disk_bytes_per_entry": "disk bytes",
    }
)


def bench_store() -> dict[str, Any]:
    """Profiles of the store on disk beside RocksDB's defaults: ratios are defaults over ours."""
    rows = [measure("bench.store_row", {"profile": name, "entries": ENTRIES}) for name in PROFILES]
    return {"rows": rows}


class Defaults:
    """RocksDB as it comes, in raw mode, through the same calls."""

    def __init__(self, path: Path) -> None:
        self._engine = Rdict(str(path), Options(raw_mode=True))

    def write(self, records: list[Record]) -> None:
        """Put rows in one batch."""
        batch = WriteBatch(raw_mode=True)
        put = batch.put
        for record in records:
            put(record.key, record.value)
        self._engine.write(batch)

    def get(self, key: bytes) -> bytes | None:
        """Return a value."""
        found: bytes | None = self._engine.get(key)
        return found

    def scan(self, start: bytes) -> Iterator[Any]:
        """Return the rows from a key on."""
        return iter(self._engine.items(from_key=start, read_opt=ReadOptions()))

    def settle(self) -> None:
        """Write out and merge all."""
        self._engine.flush()
        self._engine.compact_range(None, None)

    def close(self) -> None:
        """Let the directory go."""
        self._engine.close()


class Tuned:
    """Our store under a profile."""

    def __init__(self, path: Path, name: str) -> None:
        self._store = RocksStore(path, replace(profile(name), durability=Durability.WAL))
        self.get = lambda key, get=self._store.get: get(TABLE, key)

    def write(self, records: list[Record]) -> None:
        """Put rows in one batch."""
        self._store.write(records)

    def scan(self, start: bytes) -> Iterator[Any]:
        """Return the rows from a key on."""
        return self._store.scan(TABLE, start)

    def settle(self) -> None:
        """Write out and merge all."""
        self._store.compact()

    def close(self) -> None:
        """Let the directory go."""
        self._store.close()


Engine = Defaults | Tuned


def run(profile: str, entries: int, value_bytes: int = 100, reads: int = 50_000) -> dict[str, Any]:
    """Fill, reopen and read, and return the row: ratios are defaults' time over ours.

    Args:
        profile: of ours.
        entries: rows in each.
        value_bytes: of each row; half of them are random, half zero.
        reads: gets, misses and scanned rows of each round.
    """
    generator = Random(entries)
    rows = [(_key(number), _value(generator, value_bytes)) for number in range(entries)]
    plain: dict[bytes, bytes] = {}
    with tempfile.TemporaryDirectory(prefix="orrery-bench-") as directory:
        paths = {"ours": Path(directory) / "ours", "defaults": Path(directory) / "defaults"}
        makers: dict[str, Callable[[], Engine]] = {
            "ours": lambda: Tuned(paths["ours"], profile),
            "defaults": lambda: Defaults(paths["defaults"]),
        }
        puts = _fill({name: make() for name, make in makers.items()}, rows)
        start = time.process_time()
        for first in range(0, entries, BATCH_ROWS):
            plain.update(rows[first : first + BATCH_ROWS])
        puts["dict"] = (time.process_time() - start) / entries
        wanted = [key for key, _ in generator.choices(rows, k=reads)]
        figures = _read({name: make() for name, make in makers.items()}, wanted, plain)
        sizes = {name: _bytes_under(path) for name, path in paths.items()}
    return _row(profile, entries, puts, figures, sizes)


def _fill(engines: dict[str, Engine], rows: Rows) -> dict[str, float]:
    """Put all rows into each, batch by batch in turn, and return seconds for each row."""
    seconds = dict.fromkeys(engines, 0.0)
    for first in range(0, len(rows), BATCH_ROWS):
        records = [Record(TABLE, key, value) for key, value in rows[first : first + BATCH_ROWS]]
        for name, engine in engines.items():
            start = time.perf_counter()
            engine.write(records)
            seconds[name] += time.perf_counter() - start
    for engine in engines.values():
        engine.settle()
        engine.close()
    return {name: spent / len(rows) for name, spent in seconds.items()}


def _read(
    engines: dict[str, Engine], wanted: list[bytes], plain: dict[bytes, bytes]
) -> dict[str, dict[str, float]]:
    """Return seconds for each cold get, warm get, miss and scanned row, by engine."""
    absent = [hashlib.sha256(key).digest() for key in wanted]
    rounds: dict[str, dict[str, list[float]]] = {
        name: {"cold": [], "get": [], "miss": [], "scan": []} for name in (*engines, "dict")
    }
    for turn in range(ROUNDS):
        for name, engine in engines.items():
            spent = rounds[name]
            spent["get" if turn else "cold"].append(_timed(engine.get, wanted))
            spent["miss"].append(_timed(engine.get, absent))
            spent["scan"].append(_scanned(engine, wanted[turn], len(wanted)))
        rounds["dict"]["get"].append(_timed(plain.get, wanted))
        rounds["dict"]["miss"].append(_timed(plain.get, absent))
    for engine in engines.values():
        if any(engine.get(key) != plain[key] for key in wanted[:1_000]):
            raise AssertionError("a store returned another value than was put")
        engine.close()
    return {
        name: {kind: median(each) for kind, each in spent.items() if each}
        for name, spent in rounds.items()
    }


def _timed(get: Callable[[bytes], object], keys: list[bytes]) -> float:
    gc.collect()
    start = time.process_time()
    for key in keys:
        get(key)
    return (time.process_time() - start) / len(keys)


def _scanned(engine: Engine, start_key: bytes, count: int) -> float:
    start = time.process_time()
    found = 0
    for _ in engine.scan(start_key):
        found += 1
        if found == count:
            break
    return (time.process_time() - start) / found


def _row(
    name: str,
    entries: int,
    puts: dict[str, float],
    figures: dict[str, dict[str, float]],
    sizes: dict[str, int],
) -> dict[str, Any]:
    ours, defaults, plain = figures["ours"], figures["defaults"], figures["dict"]
    return {
        "profile": name,
        "entries": entries,
        "put_ratio": round(puts["defaults"] / puts["ours"], 2),
        "cold_get_ratio": round(defaults["cold"] / ours["cold"], 2),
        "get_ratio": round(defaults["get"] / ours["get"], 2),
        "miss_ratio": round(defaults["miss"] / ours["miss"], 2),
        "scan_ratio": round(defaults["scan"] / ours["scan"], 2),
        "size_ratio": round(sizes["defaults"] / sizes["ours"], 2),
        "miss_to_get": round(ours["get"] / ours["miss"], 2),
        "put_us": round(1e6 * puts["ours"], 2),
        "cold_get_us": round(1e6 * ours["cold"], 2),
        "get_us": round(1e6 * ours["get"], 2),
        "miss_us": round(1e6 * ours["miss"], 2),
        "scan_us": round(1e6 * ours["scan"], 2),
        "dict_put_us": round(1e6 * puts["dict"], 3),
        "dict_get_us": round(1e6 * plain["get"], 3),
        "disk_bytes_per_entry": round(sizes["ours"] / entries),
    }


def _key(number: int) -> bytes:
    return hashlib.sha256(number.to_bytes(8, "big")).digest()


def _value(generator: Random, size: int) -> bytes:
    """Return a value as state has it: a hash or two, and small numbers in wide fields."""
    return generator.randbytes(size // 2) + bytes(size - size // 2)


def _bytes_under(path: Path) -> int:
    return sum(each.stat().st_size for each in path.iterdir() if each.suffix == ".sst")


if __name__ == "__main__":
    print(json.dumps(run(**json.loads(sys.argv[1]))))
