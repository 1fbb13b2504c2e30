"""What one transaction saw of the state, and what it changes there.

An outcome is made on some view of the state, maybe an old one, and is good for every state on
which the transaction would have seen the same. `Sight` is what must be the same, `Change` what is
done then. Both are relative where they can be: an amount that was moved without anybody looking
at the balance is added to whatever the balance is by then.

Reference: ADR 13; Gelashvili et al. 2022, "Block-STM", for validation by what was read.
"""

from collections.abc import Sequence

import msgspec

from primitives.access import BALANCE, CODE, EXISTENCE, NONCE, AccessSet, slot_key
from primitives.ids import Address, Hash32
from primitives.receipt import Log
from storage.account import ABSENT, is_empty
from storage.reader import StateReader

SlotValues = tuple[tuple[int, int], ...]
"""Slots with a value each, in order of first use."""


class Sight(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What was seen of one account as it was before the transaction. None: not looked at."""

    address: Address
    nonce: int | None
    code_hash: Hash32 | None
    exists: bool | None
    """Whether it was not empty (EIP-161)."""
    balance: int | None
    """Wei, where an instruction saw it."""
    balance_min: int
    """Wei that it needed so that all withdrawals went as they did; 0 if none was unseen."""
    has_storage: bool | None
    """Whether any slot was set (EIP-7610)."""
    slots: SlotValues
    """Value of each slot that was looked at."""


class Change(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What happens to one account. It is removed afterwards if that leaves it empty (EIP-161)."""

    address: Address
    delta: int
    """Wei to add; negative to take."""
    nonce: int | None
    """The new one; None if it stays."""
    code_hash: Hash32 | None
    """Of the new code; None if it stays."""
    code: bytes | None
    """The new code; None if it stays."""
    slots: SlotValues
    """New value of each slot that changed; 0 unsets it."""
    is_wiped: bool
    """Whether all slots are unset before `slots` are set: a contract was created here."""
    is_destroyed: bool
    """Whether the account goes, with code and storage, whatever else stands here."""
    starts_or_ends: bool
    """Whether the account came to exist or ceased to, on the state that was seen."""


class Outcome(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The end of one transaction, to be checked and applied by `storage.state.StateOverlay`."""

    sights: tuple[Sight, ...]
    """By ascending address."""
    changes: tuple[Change, ...]
    """By ascending address."""
    logs: tuple[Log, ...]
    """Those that were not taken back, in order."""
    touched: tuple[Address, ...]
    """Every account that was looked at or changed, also in calls taken back; ascending."""
    fresh_slots: tuple[tuple[Address, tuple[int, ...]], ...] = ()
    """Slots that were looked at in accounts while these were being created, by ascending address.
    Nothing of the state before was seen in them, but a block's access list has them (EIP-7928)."""

    @property
    def accesses(self) -> AccessSet:
        """The cells that were read, written, or moved amounts to and from. Computed anew.

        Wiping all slots of an account at once is a write of its code: nobody reads a slot without
        running that code, and it saves naming slots that the transaction has never seen.
        """
        reads: list[bytes] = []
        writes: list[bytes] = []
        deltas: list[bytes] = []
        seen: set[bytes] = set()
        drawn: set[bytes] = set()
        for sight in self.sights:
            _note_reads(sight, reads)
            if sight.balance is not None:
                seen.add(sight.address)
            elif sight.balance_min:
                drawn.add(sight.address)
                deltas.append(sight.address + BALANCE)
        for change in self.changes:
            address = change.address
            is_made = change.is_wiped or change.is_destroyed
            if change.nonce is not None or change.code is not None or is_made:
                _note_writes(change, writes)
            elif change.starts_or_ends:
                (deltas if change.delta > 0 else writes).append(address + EXISTENCE)
            if change.is_destroyed or (change.delta and address in seen):
                writes.append(address + BALANCE)
            elif change.delta and address not in drawn:
                deltas.append(address + BALANCE)
            for slot, _ in change.slots:
                writes.append(slot_key(address, slot))
        reads.sort()
        writes.sort()
        deltas.sort()
        return AccessSet(tuple(reads), tuple(writes), tuple(deltas))


def cells_seen(sight: Sight) -> list[bytes]:
    """Return the keys of the cells that it depends on. Of a balance the least counts, too."""
    cells: list[bytes] = []
    _note_reads(sight, cells)
    if sight.balance_min and sight.balance is None:
        cells.append(sight.address + BALANCE)
    return cells


def cells_changed(change: Change) -> list[bytes]:
    """Return the keys of the cells that are another value afterwards, as `Outcome.accesses` does.

    Whether an account begins to exist is told for the state that was seen.
    """
    cells: list[bytes] = []
    _note_writes(change, cells)
    if change.delta or change.is_destroyed:
        cells.append(change.address + BALANCE)
    cells += [slot_key(change.address, slot) for slot, _ in change.slots]
    return cells


def fits(sights: Sequence[Sight], reader: StateReader) -> bool:
    """Whether somebody who has seen this would see the same in a state."""
    return all(_agrees(sight, reader) for sight in sights)


def _agrees(sight: Sight, reader: StateReader) -> bool:
    address = sight.address
    account = reader.account(address) or ABSENT
    if account.balance < sight.balance_min:
        return False
    if sight.nonce is not None and sight.nonce != account.nonce:
        return False
    if sight.code_hash is not None and sight.code_hash != account.code_hash:
        return False
    if sight.exists is not None and sight.exists == is_empty(account):
        return False
    if sight.balance is not None and sight.balance != account.balance:
        return False
    if sight.has_storage is not None and sight.has_storage != reader.has_storage(address):
        return False
    return all(reader.slot(address, slot) == value for slot, value in sight.slots)


def _note_reads(sight: Sight, reads: list[bytes]) -> None:
    address = sight.address
    if sight.balance is not None:
        reads.append(address + BALANCE)
    if sight.nonce is not None:
        reads.append(address + NONCE)
    if sight.code_hash is not None or sight.has_storage is not None:
        reads.append(address + CODE)
    if sight.exists is not None:
        reads.append(address + EXISTENCE)
    for slot, _ in sight.slots:
        reads.append(slot_key(address, slot))


def _note_writes(change: Change, writes: list[bytes]) -> None:
    address = change.address
    if change.nonce is not None or change.is_destroyed:
        writes.append(address + NONCE)
    if change.code is not None or change.is_wiped or change.is_destroyed:
        writes.append(address + CODE)
    if change.starts_or_ends:
        writes.append(address + EXISTENCE)
