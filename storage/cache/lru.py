"""Least recently used, exactly, without moving anything on a hit.

A list in order of use has to be relinked at every hit, and that is most of a hit's cost. Here a
hit only writes the time of use into its entry. Time counts reads and writes, so no two entries
have the same. Entries lie in drawers of 1,024 ticks each, by the time of use that was known when
they were filed, which is never later than the true one. When something has to go, the earliest
drawer is opened: who was used since is filed anew, in constant time, and the others are sorted.
Whoever comes first and was still not used since is the one that was used longest ago. Each
filing but the first is paid for by a hit.

A drawer has at most one entry for each tick, so that no step takes longer than to sort 1,024.
"""

from collections.abc import Callable, Sequence
from typing import Generic

import msgspec

from storage.cache.policy import Counters, Limits, V

GONE = -1
DRAWER_BITS = 10
"""A drawer holds times that differ in so many low bits only."""
SLACK = 8
"""Filed entries that may be gone before it is worth a look, beside those that live."""


class Entry(msgspec.Struct, Generic[V], gc=False):
    """One resident, or, until its drawer is opened, one that was."""

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
        "_admitted", "_bytes", "_clock", "_drawers", "_entries", "_evicted", "_filed", "_first",
        "_limits", "_misses", "_missing", "_open", "_writes",
    )  # fmt: skip

    def __init__(self, limits: Limits, missing: Callable[[bytes], V]) -> None:
        self._limits = limits
        self._missing = missing
        self._entries: dict[bytes, Entry[V]] = {}
        self._drawers: dict[int, list[Entry[V]]] = {}
        self._first = 0
        self._open: list[tuple[int, Entry[V]]] = []
        self._filed = 0
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
            self._filed += 1
            self._file(entry)
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
        if self._filed > 2 * len(self._entries) + SLACK:
            self._drawers, self._open, self._filed = {}, [], len(self._entries)
            for each in self._entries.values():
                self._file(each)

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
        """Let go until the bounds hold."""
        out: list[tuple[bytes, V]] = []
        while self._limits.exceeded(len(self._entries), self._bytes):
            while not self._open:
                self._open_next()
            used, entry = self._open.pop()
            if entry.used != used and entry.size != GONE:
                self._file(entry)
                continue
            self._filed -= 1
            if entry.size == GONE:
                continue
            del self._entries[entry.key]
            self._bytes -= entry.size
            self._evicted += 1
            out.append((entry.key, entry.value))
        return out

    def _file(self, entry: Entry[V]) -> None:
        """Put an entry into the drawer of its last use."""
        number = entry.used >> DRAWER_BITS
        drawer = self._drawers.get(number)
        if drawer is None:
            self._drawers[number] = [entry]
        else:
            drawer.append(entry)

    def _open_next(self) -> None:
        """Empty the first drawer; those who belong there end in `_open`, the earliest last.

        A drawer may fill again while what was in it is being looked at, with later times than
        all of that: it is the first one until it is found empty.
        """
        drawer = self._drawers.pop(self._first, None)
        if drawer is None:
            self._first += 1
            return
        for entry in drawer:
            if entry.size == GONE:
                self._filed -= 1
            elif entry.used >> DRAWER_BITS == self._first:
                self._open.append((entry.used, entry))
            else:
                self._file(entry)
        self._open.sort(key=_earliest_last)


def _earliest_last(item: tuple[int, object]) -> int:
    return -item[0]
