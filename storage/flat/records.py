"""The rows of a block: what takes a flat state from the block before it to this one.

They are a function of the state before and the block alone, and in the order of their keys, so
nodes of one process may share them.
"""

from collections.abc import Iterator

from primitives.codec import encode_canonical
from primitives.machine import Record
from storage.change_rows import Run, run_of
from storage.changes import StateChanges
from storage.flat.cells import WORD_BYTES, encode_account, encode_slot
from storage.flat.head import FlatHead, encode_head
from storage.flat.reverse import reverse_changes
from storage.flat.tables import (
    ACCOUNTS,
    CODE,
    HEAD,
    HISTORY,
    INDEX,
    INDEXED_FROM,
    INDEXED_TO,
    LATEST,
    STORAGE,
    account_index_key,
    height_key,
    slot_index_key,
    storage_key,
)
from storage.reader import StorageReader


def state_records(
    head: FlatHead, changes: StateChanges, before: StorageReader, *, archive: bool
) -> list[Record]:
    """Return the rows of a block, for the batch that makes it durable.

    Args:
        head: the block.
        changes: what it changed.
        before: the state before it.
        archive: whether past values are also found by account and slot (`INDEX`). A block that
            is stored without ends what the index covers, until `adapt_records` begins it anew.
    """
    reverse = reverse_changes(changes, before)
    records = [*_cell_records(changes, reverse)]
    records += [Record(CODE, key, changes.codes[key]) for key in sorted(changes.codes)]
    run = run_of(reverse)
    records.append(Record(HISTORY, height_key(head.height), encode_canonical(run)))
    if archive:
        records += _index_records(head.height, run)
        records.append(Record(HEAD, INDEXED_TO, height_key(head.height)))
    else:
        records.append(Record(HEAD, INDEXED_FROM, None))
    records.append(Record(HEAD, LATEST, encode_head(head)))
    return records


def expired_records(height: int, kept: int) -> list[Record]:
    """Return what a block deletes so that the states of the `kept` blocks before it stay.

    They hold for a store that has kept so many all the time; see `adapt_records`.

    Args:
        height: of the block.
        kept: at least 0.
    """
    if height <= kept:
        return []
    return [Record(HISTORY, height_key(height - kept), None)]


def whole_state_records(head: FlatHead, state: StateChanges, *, archive: bool) -> list[Record]:
    """Return the rows of a whole state, for a store that has none, such as at genesis.

    Args:
        head: the block of the state.
        state: the state, as changes of nothing.
        archive: as for `state_records`.
    """
    accounts = state.accounts
    records = [
        Record(ACCOUNTS, address, encode_account(account))
        for address in sorted(accounts)
        if (account := accounts[address]) is not None
    ]
    slots = _storage_rows(state)
    records += [Record(STORAGE, key, slots[key]) for key in sorted(slots)]
    records += [Record(CODE, key, state.codes[key]) for key in sorted(state.codes)]
    if archive:
        records += index_start_records(head.height)
    records.append(Record(HEAD, LATEST, encode_head(head)))
    return records


def index_start_records(height: int) -> list[Record]:
    """Return what lets the index begin: it will hold what blocks above this height change."""
    return [Record(HEAD, key, height_key(height)) for key in (INDEXED_FROM, INDEXED_TO)]


def _storage_rows(state: StateChanges) -> dict[bytes, bytes]:
    return {
        storage_key(address, slot): encode_slot(value)
        for address, values in state.slots.items()
        for slot, value in values.items()
        if value
    }


def _cell_records(changes: StateChanges, reverse: StateChanges) -> Iterator[Record]:
    """Yield the new rows of the cells that change."""
    for address, old in reverse.accounts.items():
        account = changes.accounts[address]
        if account != old:
            yield Record(ACCOUNTS, address, None if account is None else encode_account(account))
    for address, values in reverse.slots.items():
        new = changes.slots.get(address, {})
        for slot in values:
            value = new.get(slot, 0)
            yield Record(STORAGE, storage_key(address, slot), encode_slot(value) or None)


def _index_records(height: int, reverse: Run) -> Iterator[Record]:
    """Yield what each cell that changes held before. Values are those of the history's row."""
    for address, value in reverse.accounts:
        yield Record(INDEX, account_index_key(address, height), value)
    for row in reverse.storage:
        for slot, value in row.slots:
            key = row.address + slot.rjust(WORD_BYTES, b"\0")
            yield Record(INDEX, slot_index_key(key, height), value)
