"""Builds a block's access list (EIP-7928) from the outcomes of what a block does, one by one.

The list is about the block as a whole: a slot that one transaction reads and another changes
stands among the changed ones only, so what was merely read is known when all is done.
"""

from primitives.block_access_list import (
    AccountChanges,
    BlockAccessList,
    CodeChange,
    NumberChange,
    SlotChanges,
)
from primitives.ids import Address
from storage.account import ABSENT
from storage.outcome import Change, Outcome
from storage.reader import AccountReader


class _Entry:
    """What is known of one account so far."""

    __slots__ = ("balances", "codes", "nonces", "slots_changed", "slots_seen")

    def __init__(self) -> None:
        self.balances: list[NumberChange] = []
        self.nonces: list[NumberChange] = []
        self.codes: list[CodeChange] = []
        self.slots_changed: dict[int, list[NumberChange]] = {}
        self.slots_seen: dict[int, None] = {}


class AccessListBuilder:
    """The list of a block in the making.

    `note` is called in the order of the block, and before the outcome is applied: an amount that
    was moved unseen becomes a balance only on the state that it is applied to.
    """

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: dict[Address, _Entry] = {}

    def note(self, index: int, outcome: Outcome, before: AccountReader) -> None:
        """Take in what one transaction, system call or payment did.

        Args:
            index: 0 before the transactions, k for the k-th, one more after all of them. The first
                and the last may be given several times, as two payments to one account are.
            outcome: what it did.
            before: the state that it is about to be applied to.
        """
        entries = self._entries
        for address in outcome.touched:
            if address not in entries:
                entries[address] = _Entry()
        for sight in outcome.sights:
            seen = entries[sight.address].slots_seen
            for slot, _ in sight.slots:
                seen[slot] = None
        for address, slots in outcome.fresh_slots:
            entries[address].slots_seen.update(dict.fromkeys(slots))
        for change in outcome.changes:
            self._note_change(index, change, before)

    def _note_change(self, index: int, change: Change, before: AccountReader) -> None:
        entry = self._entries[change.address]
        balance = (before.account(change.address) or ABSENT).balance
        if change.is_destroyed:
            # It was created in this very transaction: all that was there before is a balance.
            if balance:
                _record(entry.balances, index, 0)
            for slot, _ in change.slots:
                entry.slots_seen[slot] = None
            return
        if change.delta:
            _record(entry.balances, index, balance + change.delta)
        if change.nonce is not None:
            _record(entry.nonces, index, change.nonce)
        if change.code is not None:
            entry.codes.append((index, change.code))
        for slot, value in change.slots:
            _record(entry.slots_changed.setdefault(slot, []), index, value)

    def build(self) -> BlockAccessList:
        """Return the list of all that was noted."""
        entries = self._entries
        return tuple([_account_changes(address, entries[address]) for address in sorted(entries)])


def _record(changes: list[NumberChange], index: int, value: int) -> None:
    """Append a change; of several with one index the last one stands."""
    if changes and changes[-1][0] == index:
        changes.pop()
    changes.append((index, value))


def _account_changes(address: Address, entry: _Entry) -> AccountChanges:
    changed = entry.slots_changed
    return AccountChanges(
        address,
        tuple([SlotChanges(slot, tuple(changed[slot])) for slot in sorted(changed)]),
        tuple([slot for slot in sorted(entry.slots_seen) if slot not in changed]),
        tuple(entry.balances),
        tuple(entry.nonces),
        tuple(entry.codes),
    )
