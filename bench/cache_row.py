"""Rows of `orrery bench cache`: hit rates of the policies on public traces, beside the optimum.

Sizes are shares of the distinct keys of a trace. A miss is put, an entry is an entry however
large. The last row of each size is the mean over the traces, and says on how many S3-FIFO had
at least as many hits as LRU.
"""

import json
import sys
from collections.abc import Mapping
from statistics import mean
from types import MappingProxyType
from typing import Any

from bench.caches.replay import hit_rates
from bench.caches.traces import find_traces, read_trace, traces_directory
from bench.rows import measure

PERCENTS = (5, 10, 20)
PLACES = 4
SPEED_ENTRIES, SPEED_READS, SPEED_ROUNDS = (10_000, 1_000_000), 200_000, 7
LEVEL_KINDS = ("accounts", "trie")
ROWS, READS = 200_000, 300_000

HEADINGS: Mapping[str, str] = MappingProxyType(
    {
        "trace": "trace",
        "requests": "requests",
        "distinct": "keys",
        "structure": "structure",
        "kind": "kind",
        "below_percent": "L2 %",
        "entries": "entries",
        "lru": "LRU",
        "s3-fifo": "S3-FIFO",
        "tiny-lfu": "TinyLFU",
        "optimum": "Belady",
        "no_worse": "S3 >= LRU",
        "hit_ns": "hit ns",
        "hit_ratio": "to dict",
        "put_ns": "put ns",
        "entry_bytes": "bytes/entry",
        "decoded_rate": "L1 hits",
        "encoded_rate": "L2 hits",
        "loads_rate": "loads",
        "read_us": "read us",
        "pays_above_us": "pays above us",
    }
)
"""Columns of this table and of those of `cache-speed` and `cache-levels`."""


def bench_cache() -> dict[str, Any]:
    """Hit rates of the policies on each public trace; needs ORRERY_VECTORS or `../shared`."""
    return measure("bench.cache_row", {"percents": PERCENTS})


def bench_cache_speed() -> dict[str, Any]:
    """What a hit and a put cost, beside a dictionary and an ordered one."""
    return {
        "rows": [
            row
            for entries in SPEED_ENTRIES
            for row in measure(
                "bench.cache_speed_row",
                {"entries": entries, "reads": SPEED_READS, "rounds": SPEED_ROUNDS},
            )["rows"]
        ]
    }


def bench_cache_levels() -> dict[str, Any]:
    """One level against two that share the same memory, over RocksDB."""
    return {
        "rows": [
            row
            for kind in LEVEL_KINDS
            for row in measure(
                "bench.cache_levels_row", {"kind": kind, "rows": ROWS, "reads": READS}
            )["rows"]
        ]
    }


def run(percents: list[int]) -> dict[str, object]:
    """Replay every trace at each size, in percent of its keys, and return all rows."""
    traces = [(name, read_trace(path)) for name, path in find_traces(traces_directory())]
    rows: list[dict[str, Any]] = []
    for percent in percents:
        found = [row(name, requests, percent) for name, requests in traces]
        rows += [*found, summary(found, percent)]
    return {"rows": rows}


def row(name: str, requests: list[bytes], percent: int) -> dict[str, Any]:
    """Return the row of one trace at one size."""
    distinct = len(set(requests))
    entries = max(1, distinct * percent // 100)
    rates = hit_rates(requests, entries)
    return {
        "trace": name,
        "requests": len(requests),
        "distinct": distinct,
        "entries": entries,
        **{policy: round(rate, PLACES) for policy, rate in rates.items()},
        "no_worse": "yes" if rates["s3-fifo"] >= rates["lru"] else "no",
    }


def summary(rows: list[dict[str, Any]], percent: int) -> dict[str, Any]:
    """Return the row that sums up one size."""
    rates = ("lru", "s3-fifo", "tiny-lfu", "optimum")
    return {
        "trace": f"mean at {percent} %",
        "requests": sum(each["requests"] for each in rows),
        "distinct": sum(each["distinct"] for each in rows),
        "entries": sum(each["entries"] for each in rows),
        **{rate: round(mean(each[rate] for each in rows), PLACES) for rate in rates},
        "no_worse": f"{sum(each['no_worse'] == 'yes' for each in rows)} of {len(rows)}",
    }


if __name__ == "__main__":
    print(json.dumps(run(**json.loads(sys.argv[1]))))
