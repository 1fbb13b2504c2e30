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
from typing import Generic, TypeVar

from primitives.errors import OrreryError
from primitives.ids import Hash32
from storage.outcome import SlotValues

_Value = TypeVar("_Value")
SPAN = 64
"""Transactions whose amounts are added up together."""


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


class Amounts:
    """Amounts that transactions moved, by their index.

    Everybody pays the fee recipient, and everybody's view asks for what those below have paid. So
    the amounts of each span of indexes are added up beforehand, too.
    """

    __slots__ = ("_amounts", "_sums")

    def __init__(self) -> None:
        self._amounts: Versions[int] = Versions()
        self._sums: dict[int, int] = {}
        """By index // `SPAN`."""

    def put(self, index: int, amount: int) -> None:
        """Set what the transaction `index` moves."""
        self._add(index, amount)
        self._amounts.put(index, amount)

    def drop(self, index: int) -> None:
        """Take back what the transaction `index` moved."""
        self._add(index, 0)
        self._amounts.drop(index)

    def between(self, first: int, end: int) -> int:
        """Return the sum of what the transactions from `first` to before `end` move."""
        first_span, end_span = -(-first // SPAN), end // SPAN
        if first_span >= end_span or len(self._sums) < 2:
            return self._one_by_one(first, end)
        get = self._sums.get
        return (
            self._one_by_one(first, first_span * SPAN)
            + sum([get(span, 0) for span in range(first_span, end_span)])
            + self._one_by_one(end_span * SPAN, end)
        )

    def _one_by_one(self, first: int, end: int) -> int:
        return sum([amount for _, amount in self._amounts.between(first, end)])

    def _add(self, index: int, amount: int) -> None:
        """Correct the sum by what is new."""
        more = amount - self._one_by_one(index, index + 1)
        if more:
            self._sums[index // SPAN] = self._sums.get(index // SPAN, 0) + more


class AccountVersions:
    """One account in versions: each field and slot by itself."""

    __slots__ = ("balance", "code_hash", "delta", "nonce", "slots", "wiped")

    def __init__(self) -> None:
        self.nonce: Versions[int] = Versions()
        self.code_hash: Versions[Hash32] = Versions()
        self.balance: Versions[int] = Versions()
        """Wei that the account was left with, where that is known: by the end of an account, or
        from a block's access list. Everybody else only moves amounts (ADR 13)."""
        self.delta = Amounts()
        """Wei that were added, or taken if negative."""
        self.wiped: Versions[None] = Versions()
        """Who unset all slots, before setting those that it set."""
        self.slots: dict[int, Versions[int]] = {}

    def balance_at(self, index: int, before: int) -> int:
        """Return the balance that the transaction `index` finds, in wei.

        Amounts of a transaction that will run again count as they are: who only pays or is paid
        does not care, and who looks is checked.

        Args:
            index: who reads.
            before: the balance before the block, in wei.
        """
        left = self.balance.below(index)
        first = 0
        if left is not None:
            first, before = left[0] + 1, left[1]
        return before + self.delta.between(first, index)

    def slot(self, slot: int) -> Versions[int]:
        """Return the versions of a slot, to be added to."""
        versions = self.slots.get(slot)
        if versions is None:
            versions = self.slots[slot] = Versions()
        return versions

    def drop(self, index: int, slots: SlotValues) -> None:
        """Take back all that the transaction `index` left, in these slots among others."""
        for field in (self.nonce, self.code_hash, self.balance, self.delta, self.wiped):
            field.drop(index)
        for slot, _ in slots:
            if slot in self.slots:
                self.slots[slot].drop(index)
