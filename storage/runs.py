"""The runs of a state, newest first, and how a cell is looked up in them and what is below."""

from collections.abc import Collection, Mapping

from primitives.ids import Address, Hash32
from primitives.keccak import EMPTY_KECCAK
from storage.account import Account
from storage.changes import StateChanges, merged, settled
from storage.reader import StateReader, StorageReader

Runs = tuple[StateChanges, ...]
"""Newest first; each less than half as large as the next."""


def with_changes(changes: StateChanges, older: Runs, *, on_nothing: bool = True) -> Runs:
    """Return the runs with newer changes before them, merged as far as their sizes ask for.

    Where the oldest run stands on nothing, what is merged into it leaves no trace of what is
    unset. Over a base that trace must stay, or the base's value would shine through.
    """
    newest, size = changes, changes.size
    taken = 0
    while taken < len(older) and 2 * size >= older[taken].size:
        newest = merged(newest, older[taken])
        size = newest.size
        taken += 1
    if on_nothing and taken and taken == len(older):
        newest = settled(newest)
    return (newest, *older[taken:])


def find_account(runs: Runs, below: StateReader | None, address: Address) -> Account | None:
    """Return an account; None without one."""
    for run in runs:
        if address in run.accounts:
            return run.accounts[address]
    return None if below is None else below.account(address)


def find_slot(runs: Runs, below: StateReader | None, address: Address, slot: int) -> int:
    """Return the value of a slot; 0 if it is not set."""
    for run in runs:
        values = run.slots.get(address)
        if values is not None:
            value = values.get(slot)
            if value is not None:
                return value
        if address in run.wiped:
            return 0
    return 0 if below is None else below.slot(address, slot)


def find_slots(runs: Runs, below: StorageReader | None, address: Address) -> dict[int, int]:
    """Return all slots of an account that are set."""
    newest_first: list[Mapping[int, int]] = []
    for run in runs:
        values = run.slots.get(address)
        if values is not None:
            newest_first.append(values)
        if address in run.wiped:
            break
    else:
        if below is not None:
            newest_first.append(below.slots_of(address))
    found: dict[int, int] = {}
    for values in reversed(newest_first):
        found.update(values)
    return {slot: value for slot, value in found.items() if value}


def find_code(runs: Runs, below: StateReader | None, code_hash: Hash32) -> bytes:
    """Return the code with a hash.

    Raises:
        KeyError: there is none.
    """
    if code_hash == EMPTY_KECCAK:
        return b""
    for run in runs:
        code = run.codes.get(code_hash)
        if code is not None:
            return code
    if below is None:
        raise KeyError(code_hash.hex())
    return below.code(code_hash)


def has_any_slot(
    runs: Runs, below: StateReader | None, address: Address, but: Collection[int] = ()
) -> bool:
    """Whether any slot of an account is set, other than those of `but`."""
    newer = set(but)
    for run in runs:
        values = run.slots.get(address)
        if values is not None:
            if any(value and slot not in newer for slot, value in values.items()):
                return True
            newer.update(values)
        if address in run.wiped:
            return False
    return below is not None and below.has_storage(address, newer)
