"""The keys of a table in order, kept for those who look at parts of it again and again.

A dictionary has no order, and sorting a hundred thousand keys takes tens of milliseconds: too much
for a look at the few slots of one account. So keys are sorted once. Those that come up later wait
in a list, and find their places when somebody looks. Keys that were deleted stay; whoever has the
rows passes over them, and begins anew when there are too many (`is_worn`).
"""

from bisect import bisect_left
from collections.abc import Iterable

INSERTED_MAX = 128
"""So many keys are put in one by one, each at the cost of moving those behind it. More are put
behind the others, and all sorted: two runs in order, which costs a comparison for each key."""
SLACK = 64
"""Keys without a row that are not worth a look, beside as many as there are rows."""


class KeyOrder:
    """Sorted keys, each of them once.

    Args:
        keys: the first ones, in any order.
    """

    __slots__ = ("_fresh", "_keys")

    def __init__(self, keys: Iterable[bytes]) -> None:
        self._keys = sorted(keys)
        self._fresh: list[bytes] = []

    def __len__(self) -> int:
        return len(self._keys) + len(self._fresh)

    def add(self, key: bytes) -> None:
        """Take in a key, which may be there already."""
        self._fresh.append(key)

    def is_worn(self, rows: int) -> bool:
        """Tell whether most keys are of no use any more to a table with so many rows."""
        return len(self) > 2 * rows + SLACK

    def between(self, start: bytes, end: bytes | None, count_max: int | None = None) -> list[bytes]:
        """Return the first keys with start <= key < end, ascending.

        Args:
            start: the first key that may be among them.
            end: the first one that may not; None for no bound.
            count_max: how many are returned at most; None for all.
        """
        if self._fresh:
            self._settle()
        keys = self._keys
        first = bisect_left(keys, start)
        last = len(keys) if end is None else bisect_left(keys, end)
        return keys[first : last if count_max is None else min(last, first + count_max)]

    def _settle(self) -> None:
        """Give those that wait their places."""
        keys = self._keys
        fresh = [key for key in sorted({*self._fresh}) if not self._has(key)]
        self._fresh = []
        if len(fresh) > INSERTED_MAX:
            keys += fresh
            keys.sort()
            return
        for key in fresh:
            keys.insert(bisect_left(keys, key), key)

    def _has(self, key: bytes) -> bool:
        at = bisect_left(self._keys, key)
        return at < len(self._keys) and self._keys[at] == key
