"""Rows of `orrery bench cache-speed`: a hit, a put and the memory of an entry, by structure.

Keys have 32 bytes, and those that are read are other objects than those that are in the map, as
they are when they come out of a transaction: their hash has to be computed. All structures are
read in turns, several times; the least processor time counts. Beside the policies stand a
dictionary, which is the limit, and LRU as an ordered dictionary with a relink at each hit.
"""

import gc
import json
import sys
import time
import tracemalloc
from collections import OrderedDict
from collections.abc import Callable
from random import Random
from typing import Any

from storage.cache import POLICIES, Limits

KEY_BYTES = 32
NANO = 1e9
SIZE = 1
MEMORY_SAMPLE = 100_000

Get = Callable[[bytes], object]


class RelinkingLru:
    """An LRU that relinks at each hit; bounded, and nothing else."""

    __slots__ = ("entries", "room")

    def __init__(self, room: int) -> None:
        self.room = room
        self.entries: OrderedDict[bytes, int] = OrderedDict()

    def get(self, key: bytes) -> int | None:
        """Return the value, which is the latest used now."""
        value = self.entries.get(key)
        if value is not None:
            self.entries.move_to_end(key)
        return value

    def put(self, key: bytes, value: int, _size: int) -> None:
        """Set a value; the oldest goes."""
        self.entries[key] = value
        if len(self.entries) > self.room:
            self.entries.popitem(last=False)


def run(entries: int, reads: int, rounds: int) -> dict[str, object]:
    """Measure all structures and return their rows.

    Args:
        entries: in each of them.
        reads: in each round; half as many are put at the end.
        rounds: how often all of them are read, in turns.
    """
    random = Random(1)
    keys = [random.randbytes(KEY_BYTES) for _ in range(entries)]
    plain: dict[bytes, int] = dict.fromkeys(keys, 1)
    gets: dict[str, Get] = {"dict": plain.get}
    puts: dict[str, Callable[[bytes, int, int], object]] = {}
    for name, cache in makers(entries).items():
        for key in keys:
            cache.put(key, 1, SIZE)
        gets[name], puts[name] = cache.get, cache.put
    hit_ns = {name: float("inf") for name in gets}
    for _ in range(rounds):
        asked = random.choices(keys, k=reads)
        for name, get in gets.items():
            hit_ns[name] = min(hit_ns[name], timed(get, [bytes(bytearray(key)) for key in asked]))
    put_ns = {
        "dict": timed_puts(lambda key, value, _size: plain.update({key: value}), random, reads // 2)
    }
    put_ns |= {name: timed_puts(put, random, reads // 2) for name, put in puts.items()}
    return {
        "rows": [
            {
                "structure": name,
                "entries": entries,
                "hit_ns": round(hit_ns[name]),
                "hit_ratio": round(hit_ns[name] / hit_ns["dict"], 2),
                "put_ns": round(put_ns[name]),
                "entry_bytes": entry_bytes(name, keys[:MEMORY_SAMPLE]),
            }
            for name in gets
        ]
    }


def makers(entries: int) -> dict[str, Any]:
    """Return an empty map of each kind."""
    room = Limits(entries, entries * SIZE)
    caches: dict[str, Any] = {name: maker(room, _nothing) for name, maker in POLICIES.items()}
    return {**caches, "relinking": RelinkingLru(entries)}


def timed(get: Get, keys: list[bytes]) -> float:
    """Return the nanoseconds of one read, the loop included."""
    gc.collect()
    start = time.process_time()
    for key in keys:
        get(key)
    return (time.process_time() - start) / len(keys) * NANO


def timed_puts(put: Callable[[bytes, int, int], object], random: Random, count: int) -> float:
    """Return the nanoseconds of putting a new key, for which another one has to go."""
    keys = [random.randbytes(KEY_BYTES) for _ in range(count)]
    gc.collect()
    start = time.process_time()
    for key in keys:
        put(key, 1, SIZE)
    return (time.process_time() - start) / count * NANO


def entry_bytes(name: str, keys: list[bytes]) -> int:
    """Return the bytes that a full map takes for one entry, beside its key and its value."""
    gc.collect()
    tracemalloc.start()
    if name == "dict":
        kept: object = dict.fromkeys(keys, 1)
    else:
        cache = makers(len(keys))[name]
        for key in keys:
            cache.put(key, 1, SIZE)
        kept = cache
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del kept
    return taken // len(keys)


def _nothing(_key: bytes) -> None:
    return None


if __name__ == "__main__":
    print(json.dumps(run(**json.loads(sys.argv[1]))))
