"""Rows of `orrery bench cache-levels`: one level, or two that share the same memory, over RocksDB.

Reads follow Zipf's law over all keys, shuffled; the memory is fixed, and a part of it goes to
the level of encoded bytes. All rows are in RocksDB's own cache, so a load costs what a load
without a disk costs. Whoever has a slower store can read off from when on a second level pays:
it costs processor time and saves loads, and the quotient is how much slower than here a load
must be for the two to be equal.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from itertools import accumulate
from pathlib import Path
from random import Random
from sys import getsizeof
from types import MappingProxyType
from typing import Any

import msgspec

from primitives import rlp
from primitives.ids import Hash32, Wei
from primitives.machine import Record
from storage.account import Account, decode_slim, encode_slim
from storage.cache import CachedTable, CacheOptions, Kind, Limits
from storage.cache.table import ENTRY_BYTES
from storage.rocks import RocksStore

BELOW = (0, 10, 25, 50, 75)
"""Percent of the memory that goes to the second level."""
MEMORY_PERCENT = 10
"""The memory holds so many of the rows, decoded and in one level."""
SKEW = 1.0
CHUNK = 10_000
MICRO = 1e6
KEY_BYTES = 32
ENTRIES_MAX = 1 << 40
BRANCHING = 16


class Material(msgspec.Struct, frozen=True):
    """Values of one kind."""

    kind: Kind[Any]
    make: Callable[[Random], Any]


def account(random: Random) -> Account:
    """Return an account; one in ten has code."""
    balance = Wei(random.getrandbits(70))
    if random.random() < 0.1:
        return Account(1, balance, Hash32(random.randbytes(32)))
    return Account(random.randrange(1, 1_000), balance)


def account_size(value: Account) -> int:
    """Return the bytes of an account in memory; the hash of no code is shared."""
    return getsizeof(value) + getsizeof(value.balance) + getsizeof(value.nonce)


def branch(random: Random) -> rlp.Decoded:
    """Return a branch of a trie: sixteen hashes and no value."""
    return [*(random.randbytes(32) for _ in range(BRANCHING)), b""]


def branch_size(value: rlp.Decoded) -> int:
    """Return the bytes of a decoded node in memory."""
    return getsizeof(value) + sum(getsizeof(item) for item in value)


MATERIALS: Mapping[str, Material] = MappingProxyType(
    {
        "accounts": Material(
            Kind("state.accounts", encode_slim, lambda row: decode_slim(row)[0], account_size),
            account,
        ),
        "trie": Material(Kind("state.trie", rlp.encode, rlp.decode, branch_size), branch),
    }
)


def run(kind: str, rows: int, reads: int) -> dict[str, object]:
    """Measure each way to share the memory.

    Args:
        kind: a key of `MATERIALS`.
        rows: in the store.
        reads: as many again come before the clock starts, to fill the cache.
    """
    random, material = Random(1), MATERIALS[kind]
    keys = [random.randbytes(KEY_BYTES) for _ in range(rows)]
    sample = [material.make(random) for _ in range(1_000)]
    each = sum(ENTRY_BYTES + KEY_BYTES + material.kind.size(value) for value in sample)
    memory = each * rows * MEMORY_PERCENT // (100 * len(sample))
    weights = list(accumulate(1 / (rank + 1) ** SKEW for rank in range(rows)))
    asked = random.choices(keys, cum_weights=weights, k=2 * reads)
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as directory, RocksStore(Path(directory) / "s") as store:
        for at in range(0, rows, CHUNK):
            store.write(
                Record(material.kind.table, key, material.kind.encode(material.make(random)))
                for key in keys[at : at + CHUNK]
            )
        store.compact()
        for key in keys:
            store.get(material.kind.table, key)
        for below in BELOW:
            options = shared(memory, below)
            table = CachedTable(material.kind, store, options)
            found.append({"kind": kind, "below_percent": below, **read_all(table, asked, reads)})
    return {"rows": [{**row, "pays_above_us": pays_above(row, found[0])} for row in found]}


def shared(memory: int, below: int) -> CacheOptions:
    """Return options under which the second level has `below` percent of the memory."""
    second = Limits(ENTRIES_MAX, memory * below // 100) if below else None
    return CacheOptions(Limits(ENTRIES_MAX, memory * (100 - below) // 100), second)


def read_all(table: CachedTable[Any], asked: list[bytes], reads: int) -> dict[str, Any]:
    """Fill the cache with the first part of the reads, and measure the second."""
    for key in asked[:-reads]:
        table.read(key)
    before = table.counters()
    start = time.process_time()
    for key in asked[-reads:]:
        table.read(key)
    took = time.process_time() - start
    after = table.counters()
    return {
        "entries": after.decoded.entries + after.encoded.entries,
        "decoded_rate": round((after.decoded.hits - before.decoded.hits) / reads, 4),
        "encoded_rate": round((after.promotions - before.promotions) / reads, 4),
        "loads_rate": round((after.loads - before.loads) / reads, 4),
        "read_us": round(took / reads * MICRO, 3),
    }


def pays_above(row: dict[str, Any], single: dict[str, Any]) -> str:
    """Say from which further cost of a load on, in microseconds, two levels beat the single one."""
    saved = single["loads_rate"] - row["loads_rate"]
    spent = row["read_us"] - single["read_us"]
    if row is single:
        return "-"
    if saved <= 0:
        return "never" if spent >= 0 else "0.0"
    return f"{max(0.0, spent / saved):.1f}"


if __name__ == "__main__":
    print(json.dumps(run(**json.loads(sys.argv[1]))))
