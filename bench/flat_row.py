"""The row of `orrery bench flat`: a state on disk read through its caches, and the rows of a block.

All cells are in RocksDB's memory. They are read where the cache holds all of them, and where it
holds next to none. Beside that stands a dict of the same cells: of slots by pairs, in a function
of two arguments as well. Keys are new objects for each read, as those of a transaction are. The
block is one of payments between random accounts; what is timed is all from its changes to its
records, other than those of the trie. All of it is processor time.
"""

import gc
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from statistics import median
from types import MappingProxyType
from typing import Any

from bench.rows import measure
from primitives.ids import Address, Hash32, Wei
from storage.account import Account
from storage.cache import CacheOptions, Limits
from storage.changes import StateChanges
from storage.flat import DiskState, FlatHead, StateCaches, state_records, whole_state_records
from storage.rocks import RocksStore
from storage.state import StateLayer

ACCOUNTS, READS, PAYMENTS, ROUNDS = 100_000, 50_000, 1_000, 9
SLOTS = 10
"""One account in so many has so many slots."""
NANO, MICRO, MILLI = 1e9, 1e6, 1e3
ETHER = 10**18
HEAD = FlatHead(0, Hash32(bytes(32)), Hash32(bytes(32)))
ALL = CacheOptions(Limits(1 << 40, 1 << 40))
ONE = CacheOptions(Limits(1, 1 << 40))

HEADINGS: Mapping[str, str] = MappingProxyType(
    {
        "dict_ns": "dict ns",
        "account_ns": "account ns",
        "account_ratio": "to dict",
        "dict_slot_ns": "dict ns",
        "slot_ns": "slot ns",
        "slot_ratio": "to dict",
        "account_load_us": "load us",
        "slot_load_us": "slot load us",
        "payments": "payments",
        "records": "records",
        "records_ms": "records ms",
        "archive_ms": "archive ms",
    }
)


def bench_flat() -> dict[str, Any]:
    """Reads of a state on disk beside those of a dict, and the time for a block's rows."""
    options = {"accounts": ACCOUNTS, "reads": READS, "payments": PAYMENTS, "rounds": ROUNDS}
    return {"rows": [measure("bench.flat_row", options)]}


def run(accounts: int, reads: int, payments: int, rounds: int) -> dict[str, object]:
    """Return the row.

    Args:
        accounts: in the state.
        reads: of each kind in each round.
        payments: in a block.
        rounds: of which the median counts.
    """
    random = Random(1)
    cells = {Address(random.randbytes(20)): _account(random) for _ in range(accounts)}
    owners = list(cells)[::SLOTS]
    slots = {each: {slot: random.getrandbits(128) for slot in range(SLOTS)} for each in owners}
    state = StateChanges(cells, slots)
    with tempfile.TemporaryDirectory() as directory, RocksStore(Path(directory) / "s") as store:
        store.write(whole_state_records(HEAD, state, archive=False))
        store.compact()
        with store.snapshot() as snapshot:
            known = DiskState(snapshot, StateCaches(ALL, ALL))
            stranger = DiskState(snapshot, StateCaches(ONE, ONE))
            for address in cells:
                known.account(address)
            pairs = {(each, slot): value for each in owners for slot, value in slots[each].items()}
            for address, slot in pairs:
                known.slot(address, slot)
            rows = [_read(known, stranger, cells, pairs, reads) for _ in range(rounds)]
    spent = {name: median(row[name] for row in rows) for name in rows[0]}
    base = StateLayer(None, state)
    return {
        "accounts": accounts,
        "dict_ns": round(NANO * spent["dict"]),
        "account_ns": round(NANO * spent["account"]),
        "account_ratio": round(spent["account"] / spent["dict"], 2),
        "dict_slot_ns": round(NANO * spent["dict_slot"]),
        "slot_ns": round(NANO * spent["slot"]),
        "slot_ratio": round(spent["slot"] / spent["dict_slot"], 2),
        "account_load_us": round(MICRO * spent["account_load"], 2),
        "slot_load_us": round(MICRO * spent["slot_load"], 2),
        "payments": payments,
        **_records(base, list(cells), payments, rounds),
    }


def _read(
    known: DiskState,
    stranger: DiskState,
    plain: dict[Address, Account],
    plain_slots: dict[tuple[Address, int], int],
    reads: int,
) -> dict[str, float]:
    """Return seconds for each kind of read, each of other cells drawn at random."""
    random = Random(2)
    addresses, pairs = list(plain), list(plain_slots)
    return {
        "dict": _timed(plain.get, random.choices(addresses, k=reads)),
        "account": _timed(known.account, random.choices(addresses, k=reads)),
        "dict_slot": _timed_pairs(
            lambda address, slot: plain_slots.get((address, slot)), random.choices(pairs, k=reads)
        ),
        "slot": _timed_pairs(known.slot, random.choices(pairs, k=reads)),
        "account_load": _timed(stranger.account, random.choices(addresses, k=reads)),
        "slot_load": _timed_pairs(stranger.slot, random.choices(pairs, k=reads)),
    }


def _timed(read: Callable[[Address], object], addresses: list[Address]) -> float:
    asked = [Address(bytes(bytearray(each))) for each in addresses]
    gc.collect()
    start = time.process_time()
    for address in asked:
        read(address)
    return (time.process_time() - start) / len(asked)


def _timed_pairs(read: Callable[[Address, int], object], pairs: list[tuple[Address, int]]) -> float:
    asked = [(Address(bytes(bytearray(address))), slot) for address, slot in pairs]
    gc.collect()
    start = time.process_time()
    for address, slot in asked:
        read(address, slot)
    return (time.process_time() - start) / len(asked)


def _records(
    before: StateLayer, addresses: list[Address], payments: int, rounds: int
) -> dict[str, object]:
    """Measure the rows of blocks of payments, without and with those of an archive."""
    random = Random(3)
    seconds: dict[bool, list[float]] = {False: [], True: []}
    count = 0
    for _ in range(rounds):
        drawn = random.sample(addresses, 2 * payments)
        changes = StateChanges({address: _account(random) for address in drawn})
        for archive, spent in seconds.items():
            gc.collect()
            start = time.process_time()
            records = state_records(HEAD, changes, before, archive=archive)
            spent.append(time.process_time() - start)
            count = len(records) if not archive else count
    return {
        "records": count,
        "records_ms": round(MILLI * median(seconds[False]), 2),
        "archive_ms": round(MILLI * median(seconds[True]), 2),
    }


def _account(random: Random) -> Account:
    return Account(random.randrange(1, 1_000), Wei(ETHER + random.getrandbits(60)))


if __name__ == "__main__":
    print(json.dumps(run(**json.loads(sys.argv[1]))))
