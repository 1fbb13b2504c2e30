"""One cell of the state in as many versions as transactions of a block have written it.

A cell knows for each index which value, or which amount, the transaction of that index left. Who
reads as transaction i gets what the last writer below i left, whatever writers above i have done
meanwhile. That is what lets a block's transactions run in any order at all.

Readers may stand in other threads than the one that writes. So entries are replaced or inserted in
one operation and never removed: a reader then sees a version that was there, if not the newest.
What it saw is checked in any case before it counts.

Reference: Gelashvili et al., "Block-STM", arXiv 2203.06871, section 3 (multi-version memory).
"""

from bisect import bisect_left
from collections.abc import Collection
from typing import Generic, TypeVar

from primitives.errors import OrreryError

_Value = TypeVar("_Value")


class Blocked(OrreryError):
    """A transaction needs what a lower one writes that is about to run again.

    Args:
        writer: index of the lower one.
    """

    def __init__(self, writer: int) -> None:
        self.writer = writer
        super().__init__(f"waits for transaction {writer}")


class Versions(Generic[_Value]):
    """What transactions left in one cell, by their index, ascending.

    An entry is (index, (value,)), or (index, ()) once it was taken back.
    """

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: list[tuple[int, tuple[_Value, ...]]] = []

    def put(self, index: int, value: _Value) -> None:
        """Set what the transaction `index` leaves."""
        self._set(index, (value,))

    def drop(self, index: int) -> None:
        """Take back what the transaction `index` left."""
        self._set(index, ())

    def below(self, index: int) -> tuple[int, _Value] | None:
        """Return the last writer below `index` and what it left, or None without one."""
        entries = self._entries
        for place in range(bisect_left(entries, (index,)) - 1, -1, -1):
            writer, held = entries[place]
            if held:
                return writer, held[0]
        return None

    def between(self, first: int, end: int) -> list[tuple[int, _Value]]:
        """Return what the transactions from `first` to before `end` left, in order."""
        entries = self._entries
        part = entries[bisect_left(entries, (first,)) : bisect_left(entries, (end,))]
        return [(index, held[0]) for index, held in part if held]

    def _set(self, index: int, held: tuple[_Value, ...]) -> None:
        entries = self._entries
        place = bisect_left(entries, (index,))
        if place < len(entries) and entries[place][0] == index:
            entries[place] = (index, held)
        elif held:
            entries.insert(place, (index, held))


class Balance:
    """A balance: sometimes set, because somebody saw it, mostly only moved (ADR 13)."""

    __slots__ = ("moved", "set")

    def __init__(self) -> None:
        self.set: Versions[int] = Versions()
        """Wei that the account was left with."""
        self.moved: Versions[int] = Versions()
        """Wei that were added, or taken if negative."""

    def read(self, index: int, before: int, pending: Collection[int]) -> int:
        """Return the balance that the transaction `index` finds, in wei.

        Args:
            index: who reads.
            before: the balance before the block, in wei.
            pending: indexes whose versions are about to be replaced.

        Raises:
            Blocked: one of those is among the versions that count.
        """
        written = self.set.below(index)
        first = 0
        if written is not None:
            first, before = written
            require_settled(first, pending)
            first += 1
        moved = self.moved.between(first, index)
        if pending:
            for writer, _ in moved:
                require_settled(writer, pending)
        return before + sum([amount for _, amount in moved])


def require_settled(writer: int, pending: Collection[int]) -> None:
    """Let a read of what `writer` left pass.

    Raises:
        Blocked: it is about to run again, so what it left is likely to change.
    """
    if writer in pending:
        raise Blocked(writer)
