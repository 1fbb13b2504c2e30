"""A heap whose stale entries are skipped, for keys that change while they wait.

Removing from the middle of a binary heap costs a search. Here the owner pushes a new entry when
a key changes and tells by `valid` which entries still speak the truth; the others fall out when
they come to the top, or when they have become the majority.
"""

from collections.abc import Callable, Iterable
from heapq import heapify, heappop, heappush
from typing import Generic, TypeVar

_Entry = TypeVar("_Entry", bound=tuple[object, ...])

_SLACK = 64
"""Entries that may be stale before a purge is worth its time."""


class LazyHeap(Generic[_Entry]):
    """Smallest valid entry first. Entries are tuples that begin with what they are ordered by.

    Args:
        valid: whether an entry is still current.
    """

    __slots__ = ("_entries", "_valid")

    def __init__(self, valid: Callable[[_Entry], bool]) -> None:
        self._entries: list[_Entry] = []
        self._valid = valid

    def __len__(self) -> int:
        return len(self._entries)

    def push(self, entry: _Entry, live: int) -> None:
        """Add an entry. `live` is how many valid ones there are, at most."""
        heappush(self._entries, entry)
        if len(self._entries) > 2 * live + _SLACK:
            self.refill([kept for kept in self._entries if self._valid(kept)])

    def first(self) -> _Entry | None:
        """Return the smallest valid entry without removing it, or None."""
        entries = self._entries
        while entries and not self._valid(entries[0]):
            heappop(entries)
        return entries[0] if entries else None

    def pop(self) -> _Entry:
        """Remove and return the entry that `first` has just returned."""
        return heappop(self._entries)

    def refill(self, entries: Iterable[_Entry]) -> None:
        """Hold these entries and no others."""
        self._entries = list(entries)
        heapify(self._entries)
