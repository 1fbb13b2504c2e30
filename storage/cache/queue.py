"""What the policies share that count uses in their entries: the entry, and a queue of entries.

A hit only adds one to its entry's uses. They are settled, that is, cut, counted or told to a
sketch, when a queue's policy looks at the entry, which is when something has to go. So what a
policy spends on frequency it spends on misses, however often entries are read between them.
"""

from collections import deque
from typing import Generic

import msgspec

from storage.cache.policy import Limits, V

GONE = 0
"""The place of an entry that was discarded."""
SLACK = 8
"""Entries in a queue that may be gone before it is worth a look, beside those that live."""


class Entry(msgspec.Struct, Generic[V], gc=False):
    """One resident, or, until its queue has noticed, one that was."""

    key: bytes
    value: V
    size: int
    """Bytes."""
    place: int
    """The number of its queue, or `GONE`. No reference to it: without `gc` that were a leak."""
    uses: int = 0
    """Hits that are not settled."""


class Queue(Generic[V]):
    """Entries in the order in which they came.

    Args:
        place: its number; not `GONE`.
        limits: its share of the room. It may hold more for a while.
    """

    __slots__ = ("bytes", "entries", "filed", "limits", "place")

    def __init__(self, place: int, limits: Limits) -> None:
        self.place = place
        self.limits = limits
        self.filed: deque[Entry[V]] = deque()
        """The entries, and some that are gone."""
        self.entries = 0
        """Those that are not gone."""
        self.bytes = 0
        """Sum of their sizes."""

    def append(self, entry: Entry[V]) -> None:
        """Let an entry in, behind all others."""
        entry.place = self.place
        self.entries += 1
        self.bytes += entry.size
        self.filed.append(entry)

    def pop(self) -> Entry[V] | None:
        """Take out the entry that came first; None if there is none. Its place does not change."""
        filed = self.filed
        while filed:
            entry = filed.popleft()
            if entry.place != GONE:
                self.entries -= 1
                self.bytes -= entry.size
                return entry
        return None

    def put_back(self, entry: Entry[V]) -> None:
        """Let the entry that was taken out last in again, before all others."""
        self.entries += 1
        self.bytes += entry.size
        self.filed.appendleft(entry)

    def discard(self, entry: Entry[V]) -> None:
        """Take out an entry from anywhere; it is gone."""
        self.entries -= 1
        self.bytes -= entry.size
        entry.place = GONE
        if len(self.filed) > 2 * self.entries + SLACK:
            self.filed = deque(each for each in self.filed if each.place != GONE)

    def is_full(self) -> bool:
        """Tell whether it has all of its share, or more."""
        limits = self.limits
        return self.entries >= limits.entries or self.bytes >= limits.bytes

    def is_over(self) -> bool:
        """Tell whether it has more than its share."""
        return self.limits.exceeded(self.entries, self.bytes)
