"""What undoes a block: the old value of each cell that it changed.

A block that unset all storage of an account names none of the slots, so they are read from the
state before it. Code that came up is not undone: see `storage.flat.tables.CODE`.
"""

from primitives.errors import InvalidEncoding
from primitives.ids import Address
from storage.account import Account
from storage.change_rows import decode_run
from storage.changes import StateChanges
from storage.flat.tables import HISTORY
from storage.reader import StorageReader
from storage.store import MalformedRow


def reverse_changes(changes: StateChanges, before: StorageReader) -> StateChanges:
    """Return what turns the state after some changes into the one before them.

    Only cells that really change are in it, in the order of their keys. Accounts of which only
    storage changes are in it, too, as in all changes.

    Args:
        changes: of a block.
        before: the state before them.
    """
    slots: dict[Address, dict[int, int]] = {}
    for address in sorted({**changes.slots, **changes.wiped}):
        old = _old_slots(address, changes, before)
        if old:
            slots[address] = old
    accounts: dict[Address, Account | None] = {}
    for address in sorted(changes.accounts):
        account = before.account(address)
        if address in slots or changes.accounts[address] != account:
            accounts[address] = account
    return StateChanges(accounts, slots)


def read_reverse(key: bytes, row: bytes) -> StateChanges:
    """Return the reverse changes of a row of `HISTORY`.

    Raises:
        MalformedRow: it holds none.
    """
    try:
        found = decode_run(row)
    except InvalidEncoding as error:
        expected = f"changes ({error.where}: {error.expected})"
        raise MalformedRow(HISTORY, key, expected, error.actual) from error
    if found.wiped or found.codes or not found.slots.keys() <= found.accounts.keys():
        raise MalformedRow(HISTORY, key, "old values of single cells", "other changes")
    return found


def _old_slots(address: Address, changes: StateChanges, before: StorageReader) -> dict[int, int]:
    new = changes.slots.get(address, {})
    if address in changes.wiped:
        was_set = before.slots_of(address)
        old = {slot: was_set.get(slot, 0) for slot in sorted({**was_set, **new})}
    else:
        old = {slot: before.slot(address, slot) for slot in sorted(new)}
    return {slot: value for slot, value in old.items() if value != new.get(slot, 0)}
