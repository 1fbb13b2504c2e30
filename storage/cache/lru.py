"""Least recently used, exactly, without moving anything on a hit.

A list in order of use has to be relinked at every hit, and that is most of a hit's cost. Here a
hit only writes the time of use into its entry. The order is a heap of (time, entry) in which
times are brought up to date when they reach the top: a time in the heap is never later than the
true one, so a top whose time is still true belongs to the entry that was used longest ago. Each
correction is paid for by at least one hit since the last; it costs O(log n) where a hit would
have cost a relink.
"""

from collections.abc import Callable, Sequence
from heapq import heapify, heappop, heappush, heapreplace
from typing import Generic

import msgspec

from storage.cache.policy import Counters, Limits, V

GONE = -1
SLACK = 8
"""Entries in the heap that may be gone before it is worth a look, beside those that live."""


class Entry(msgspec.Struct, Generic[V], gc=False):
    """One resident, or, until the heap has noticed, one that was."""

    key: bytes
    value: V
    size: int
    """Bytes; `GONE` once it was discarded."""
    used: int
    """Time of the last use, in reads and writes of this map. No two entries share one."""


class Lru(Generic[V]):
    """A `Policy`: whoever was used longest ago goes.

    Args:
        limits: bounds.
        missing: answers reads that find nothing.
    """

    __slots__ = (
        "_admitted", "_bytes", "_clock", "_entries", "_evicted", "_heap", "_limits", "_misses",
        "_missing", "_writes",
    )  # fmt: skip

    def __init__(self, limits: Limits, missing: Callable[[bytes], V]) -> None:
        self._limits = limits
        self._missing = missing
        self._entries: dict[bytes, Entry[V]] = {}
        self._heap: list[tuple[int, Entry[V]]] = []
        self._bytes = 0
        self._clock = 0
        self._writes = 0
        self._misses = 0
        self._admitted = 0
        self._evicted = 0

    def get(self, key: bytes) -> V:
        """Return the value, or what `missing(key)` returns if there is none."""
        try:
            entry = self._entries[key]
        except KeyError:
            pass
        else:
            entry.used = self._clock = self._clock + 1
            return entry.value
        self._misses += 1
        return self._missing(key)

    def put(self, key: bytes, value: V, size: int) -> Sequence[tuple[bytes, V]]:
        """Set a value, which counts as a use, and return what had to go."""
        self._clock += 1
        self._writes += 1
        entry = self._entries.get(key)
        if entry is None:
            self._admitted += 1
            entry = self._entries[key] = Entry(key, value, size, self._clock)
            heappush(self._heap, (self._clock, entry))
        else:
            self._bytes -= entry.size
            entry.value, entry.size, entry.used = value, size, self._clock
        self._bytes += size
        if self._bytes <= self._limits.bytes and len(self._entries) <= self._limits.entries:
            return ()
        if size > self._limits.bytes:
            self.discard(key)
            self._evicted += 1
            return ((key, value),)
        return self._shrink()

    def discard(self, key: bytes) -> None:
        """Forget a key."""
        entry = self._entries.pop(key, None)
        if entry is None:
            return
        self._bytes -= entry.size
        entry.size = GONE
        if len(self._heap) > 2 * len(self._entries) + SLACK:
            self._heap = [(each.used, each) for each in self._entries.values()]
            heapify(self._heap)

    def __contains__(self, key: bytes) -> bool:
        return key in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def counters(self) -> Counters:
        """Return the counts so far. Each tick of the clock that was no write was a hit."""
        return Counters(
            self._clock - self._writes,
            self._misses,
            self._admitted,
            self._evicted,
            len(self._entries),
            self._bytes,
        )

    def _shrink(self) -> list[tuple[bytes, V]]:
        heap, out = self._heap, []
        while self._limits.exceeded(len(self._entries), self._bytes):
            used, entry = heap[0]
            if entry.size == GONE:
                heappop(heap)
            elif entry.used != used:
                heapreplace(heap, (entry.used, entry))
            else:
                heappop(heap)
                del self._entries[entry.key]
                self._bytes -= entry.size
                self._evicted += 1
                out.append((entry.key, entry.value))
        return out
