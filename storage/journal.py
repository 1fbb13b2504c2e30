"""The state as one transaction sees and changes it.

A call that fails must leave no trace, however deep it stood, and most calls change little. So the
journal notes the old value of whatever it changes in an undo log: a snapshot is the length of the
log, and a revert costs what was changed since.

What the transaction learnt is kept apart and never taken back. A balance is a special case, for
everybody pays the same fee recipient: amounts are summed up unseen, and of the balance before the
transaction only the least value is noted with which every withdrawal would have gone the same way
(ADR 13). It becomes a sight when an instruction asks for it or a withdrawal fails.

`Journal` is what `contracts.state.State` asks for, without either knowing of the other.

Reference: EIP-2929 (warmth), EIP-1153 (transient storage), EIP-161 (empty accounts), EIP-6780
(destruction), EIP-2200 (original values).
"""

from collections.abc import Callable
from typing import Any

from primitives.ids import Address, Hash32
from primitives.keccak import EMPTY_KECCAK, keccak256
from primitives.receipt import Log
from storage.journal_entry import (
    SAW_BALANCE,
    SAW_CODE,
    SAW_EXISTENCE,
    SAW_NONCE,
    SAW_STORAGE,
    JournalEntry,
)
from storage.outcome import Outcome
from storage.reader import StateReader

RIPEMD = Address(bytes(19) + b"\x03")
"""Its touch outlives a revert: an accident of 2016 that is in the chain for good (EIP-161)."""

_Undo = tuple[Callable[[Any, Any, Any], object], Any, Any, Any]
"""A function and its arguments: container or object, key or field, old value."""


class Journal:
    """One transaction's view of a state; it lives as long as the transaction.

    Args:
        reader: the state before the transaction. It must not change while the journal lives.
    """

    __slots__ = ("_entries", "_logs", "_reader", "_transient", "_undo", "_warm", "_warm_slots")

    def __init__(self, reader: StateReader) -> None:
        self._reader = reader
        self._entries: dict[Address, JournalEntry] = {}
        self._undo: list[_Undo] = []
        self._warm: set[Address] = set()
        self._warm_slots: set[tuple[Address, int]] = set()
        self._transient: dict[tuple[Address, int], int] = {}
        self._logs: list[Log] = []

    def balance(self, address: Address) -> int:
        """Return the balance in wei, which counts as seen."""
        entry = self._entries.get(address) or self._open(address)
        entry.sights |= SAW_BALANCE
        return entry.account.balance + entry.delta

    def nonce(self, address: Address) -> int:
        """Return the nonce of its next transaction or creation."""
        entry = self._entries.get(address) or self._open(address)
        entry.sights |= SAW_NONCE
        return entry.nonce

    def code(self, address: Address) -> bytes:
        """Return the code as it is stored: a delegation designator is not followed."""
        entry = self._entries.get(address) or self._open(address)
        entry.sights |= SAW_CODE
        code = entry.code
        if code is None:
            code = entry.code = self._reader.code(entry.code_hash)
        return code

    def code_hash(self, address: Address) -> Hash32:
        """Return the hash of the code; that of the empty string without one."""
        entry = self._entries.get(address) or self._open(address)
        entry.sights |= SAW_CODE
        return entry.code_hash

    def is_empty(self, address: Address) -> bool:
        """Whether it has no nonce, no balance and no code (EIP-161).

        As long as nothing has changed only that is seen, and what was paid in answers alone.
        """
        entry = self._entries.get(address) or self._open(address)
        if entry.delta > 0:
            return False
        account = entry.account
        if (
            entry.delta == 0
            and entry.nonce == account.nonce
            and entry.code_hash == account.code_hash
        ):
            entry.sights |= SAW_EXISTENCE
            return entry.was_empty
        if self.nonce(address) or self.code_hash(address) != EMPTY_KECCAK:
            return False
        return not self.balance(address)

    def add_balance(self, address: Address, amount: int) -> None:
        """Add `amount` wei, unseen. 0 touches the account: if empty, it goes (EIP-161)."""
        entry = self._entries.get(address) or self._open(address)
        if amount:
            delta = entry.delta
            self._undo.append((setattr, entry, "delta", delta))
            entry.delta = delta + amount
        if not entry.is_touched:
            self._touch(entry)

    def take_balance(self, address: Address, amount: int) -> bool:
        """Take `amount` wei, unseen; return False and change nothing if there is less."""
        entry = self._entries.get(address) or self._open(address)
        if not amount:
            return True
        delta = entry.delta
        needed = amount - delta
        if entry.account.balance < needed:
            entry.sights |= SAW_BALANCE
            return False
        if needed > entry.balance_min:
            entry.balance_min = needed
        self._undo.append((setattr, entry, "delta", delta))
        entry.delta = delta - amount
        if not entry.is_touched:
            self._touch(entry)
        return True

    def set_nonce(self, address: Address, nonce: int) -> None:
        """Set the nonce."""
        entry = self._entries.get(address) or self._open(address)
        entry.sights |= SAW_NONCE
        self._undo.append((setattr, entry, "nonce", entry.nonce))
        entry.nonce = nonce
        if not entry.is_touched:
            self._touch(entry)

    def set_code(self, address: Address, code: bytes) -> None:
        """Set the code."""
        entry = self._entries.get(address) or self._open(address)
        entry.sights |= SAW_CODE
        self._undo.append((setattr, entry, "code", entry.code))
        self._undo.append((setattr, entry, "code_hash", entry.code_hash))
        entry.code = code
        entry.code_hash = keccak256(code)
        if not entry.is_touched:
            self._touch(entry)

    def destroy(self, address: Address) -> None:
        """Remove the account with its code and storage when the transaction ends.

        Until then it goes on as it is. Its balance has been moved before.
        """
        entry = self._entries.get(address) or self._open(address)
        self._undo.append((setattr, entry, "is_destroyed", entry.is_destroyed))
        entry.is_destroyed = True

    def load(self, address: Address, slot: int) -> int:
        """Return a slot's value."""
        entry = self._entries.get(address) or self._open(address)
        value = entry.slots.get(slot)
        return self._fetch(entry, slot) if value is None else value

    def store(self, address: Address, slot: int, value: int) -> None:
        """Set a slot's value; 0 unsets it. The value before counts as read."""
        entry = self._entries.get(address) or self._open(address)
        old = entry.slots.get(slot)
        if old is None:
            old = self._fetch(entry, slot)
        self._undo.append((dict.__setitem__, entry.slots, slot, old))
        entry.slots[slot] = value
        if not entry.is_touched:
            self._touch(entry)

    def original(self, address: Address, slot: int) -> int:
        """Return the value that the slot had when the transaction began (EIP-2200)."""
        entry = self._entries.get(address) or self._open(address)
        if entry.is_cleared:
            return 0
        if slot not in entry.originals:
            self._fetch(entry, slot)
        return entry.originals[slot]

    def load_transient(self, address: Address, slot: int) -> int:
        """Return a transient slot's value (EIP-1153)."""
        return self._transient.get((address, slot), 0)

    def store_transient(self, address: Address, slot: int, value: int) -> None:
        """Set a transient slot's value."""
        key = address, slot
        self._undo.append((dict.__setitem__, self._transient, key, self._transient.get(key, 0)))
        self._transient[key] = value

    def begin_contract(self, address: Address) -> None:
        """Make the account a contract being created: its storage is empty from now on."""
        entry = self._entries.get(address) or self._open(address)
        undo = self._undo
        undo.append((setattr, entry, "slots", entry.slots))
        undo.append((setattr, entry, "is_cleared", entry.is_cleared))
        undo.append((setattr, entry, "is_created", entry.is_created))
        entry.slots = {}
        entry.is_cleared = True
        entry.is_created = True
        if not entry.is_touched:
            self._touch(entry)

    def was_created(self, address: Address) -> bool:
        """Whether `begin_contract` was called for it in this transaction (EIP-6780)."""
        entry = self._entries.get(address)
        return entry is not None and entry.is_created

    def has_storage(self, address: Address) -> bool:
        """Whether any slot was set before this transaction (EIP-7610)."""
        entry = self._entries.get(address) or self._open(address)
        if not entry.sights & SAW_STORAGE:
            entry.sights |= SAW_STORAGE
            entry.had_storage = self._reader.has_storage(address)
        return entry.had_storage

    def snapshot(self) -> int:
        """Return a mark to `revert` to; marks nest."""
        return len(self._undo)

    def revert(self, mark: int) -> None:
        """Take back everything since the mark."""
        log = self._undo
        while len(log) > mark:
            function, target, key, old = log.pop()
            function(target, key, old)

    def warm_address(self, address: Address) -> bool:
        """Mark an address as accessed; return whether it was before (EIP-2929)."""
        if address in self._warm:
            return True
        self._warm.add(address)
        self._undo.append((_discard, self._warm, address, None))
        return False

    def warm_slot(self, address: Address, slot: int) -> bool:
        """Mark a slot as accessed; return whether it was before (EIP-2929)."""
        key = address, slot
        if key in self._warm_slots:
            return True
        self._warm_slots.add(key)
        self._undo.append((_discard, self._warm_slots, key, None))
        return False

    def append_log(self, log: Log) -> None:
        """Note an event; `logs` of the outcome has those that were not taken back."""
        self._undo.append((_shorten, self._logs, None, None))
        self._logs.append(log)

    def finish(self) -> Outcome:
        """Return what was seen and what changes. The state that was read stays as it is."""
        sights, changes, fresh = [], [], []
        touched = sorted(self._entries)
        for address in touched:
            entry = self._entries[address]
            sight = entry.sight()
            if sight is not None:
                sights.append(sight)
            change = entry.change()
            if change is not None:
                changes.append(change)
            if entry.fresh:
                fresh.append((address, tuple(entry.fresh)))
        return Outcome(
            tuple(sights), tuple(changes), tuple(self._logs), tuple(touched), tuple(fresh)
        )

    def _open(self, address: Address) -> JournalEntry:
        entry = self._entries[address] = JournalEntry(address, self._reader.account(address))
        return entry

    def _touch(self, entry: JournalEntry) -> None:
        entry.is_touched = True
        if entry.address != RIPEMD:
            self._undo.append((setattr, entry, "is_touched", False))

    def _fetch(self, entry: JournalEntry, slot: int) -> int:
        """Return the value before the transaction of a slot that was not looked at so far."""
        if entry.is_cleared:
            if entry.fresh is None:
                entry.fresh = {}
            entry.fresh[slot] = None
            return 0
        value = entry.originals.get(slot)
        if value is None:
            value = entry.originals[slot] = self._reader.slot(entry.address, slot)
        entry.slots.setdefault(slot, value)
        return value


def _discard(members: set[Any], member: Any, _: None) -> None:
    members.discard(member)


def _shorten(items: list[Any], _: None, __: None) -> None:
    items.pop()
