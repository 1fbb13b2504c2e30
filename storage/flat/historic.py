"""The state after an earlier block.

An archive finds a cell of then by one look into its index: the first row of that cell above the
height says what it held before, and without one it still holds the same. Without an index the
reverse changes of the blocks above the height are merged once, and lie over the state of now as
if they were a later block.
"""

from collections.abc import Collection, Iterator

from primitives.errors import InvalidEncoding
from primitives.ids import Address, Hash32
from storage.account import Account
from storage.changes import StateChanges, merged_all
from storage.commitment import StateTrie
from storage.flat.caches import StateCaches
from storage.flat.cells import decode_account, decode_slot
from storage.flat.disk import DiskState
from storage.flat.errors import StateNotKept
from storage.flat.head import indexed_from, lowest_height, read_height, unbroken_from
from storage.flat.reverse import read_reverse
from storage.flat.tables import (
    HISTORY,
    INDEX,
    account_index_key,
    height_key,
    later_heights,
    read_slot_index_key,
    slot_index_bounds,
    slot_index_key,
    storage_key,
)
from storage.state import StateLayer
from storage.store import MalformedRow, RowSource


class HistoricState:
    """The state after the block of a height at or below the head's.

    Args:
        source: as for `DiskState`.
        height: of the block.
        options: bounds of the caches for what has not changed since.

    Raises:
        StateNotKept: it is not kept (any more), or the height is above the head.
        NoFlatState: the source has no head row.
        MalformedRow: a row that was read is damaged.
    """

    def __init__(self, source: RowSource, height: int, options: StateCaches | None = None) -> None:
        self._source = source
        self._now = DiskState(source, options)
        head = self._now.head
        if not 0 <= height <= head.height:
            raise StateNotKept(height, lowest_height(source), head.height)
        self.height = height
        """Of the block after which this is the state."""
        indexed = indexed_from(source, head)
        self._is_indexed = indexed is not None and indexed <= height
        self._merged: StateLayer | None = None if self._is_indexed else self._layer()

    def account(self, address: Address) -> Account | None:
        """Return the account, or None when the address had none."""
        if self._merged is not None:
            return self._merged.account(address)
        for key, row in self._later(account_index_key(address, self.height + 1)):
            return _indexed_account(key, row)
        return self._now.account(address)

    def slot(self, address: Address, slot: int) -> int:
        """Return the value of a storage slot; 0 when it was not set."""
        if self._merged is not None:
            return self._merged.slot(address, slot)
        cell = storage_key(address, slot)
        for key, row in self._later(slot_index_key(cell, self.height + 1)):
            return _indexed_slot(key, row)
        return self._now.slot(address, slot)

    def code(self, code_hash: Hash32) -> bytes:
        """Return the code with this hash; nothing for that of the empty string.

        Raises:
            KeyError: no account has ever had such code.
        """
        return self._now.code(code_hash)

    def has_storage(self, address: Address, but: Collection[int] = ()) -> bool:
        """Whether any slot was set, other than those of `but`."""
        if self._merged is not None:
            return self._merged.has_storage(address, but)
        return any(slot not in but for slot in self.slots_of(address))

    def slots_of(self, address: Address) -> dict[int, int]:
        """Return the slots that were set with their values.

        An archive looks at each later change of the account's storage for that.
        """
        if self._merged is not None:
            return self._merged.slots_of(address)
        before: dict[int, int] = {}
        for key, row in self._source.scan(INDEX, *slot_index_bounds(address)):
            slot, height = read_slot_index_key(key)
            if height > self.height:
                before.setdefault(slot, _indexed_slot(key, row))
        found = {**self._now.slots_of(address), **before}
        return {slot: value for slot, value in found.items() if value}

    def accounts(self) -> dict[Address, Account]:
        """Return all accounts, by ascending address. Costs time for each of them."""
        return self._whole().accounts()

    def everything(self) -> StateChanges:
        """Return the whole state as changes of nothing. Costs time for each cell.

        All code that any account ever had is in it, later ones too.
        """
        return self._whole().everything()

    def trie(self) -> StateTrie:
        """Return the state as a Merkle Patricia trie, keyed by hashed address."""
        return self._whole().trie()

    def root(self) -> Hash32:
        """Return the state root."""
        return self._whole().root()

    def _whole(self) -> StateLayer:
        """Return all of it over the state of now, at the cost of what has changed since."""
        if self._merged is None:
            self._merged = self._layer()
        return self._merged

    def _layer(self) -> StateLayer:
        """Merge what undoes the blocks above."""
        head = self._now.head.height
        heights: list[int] = []
        undone: list[StateChanges] = []
        rows = self._source.scan(HISTORY, height_key(self.height + 1), height_key(head + 1))
        for key, row in rows:
            heights.append(read_height(HISTORY, key))
            undone.append(read_reverse(key, row))
        if len(undone) != head - self.height:
            raise StateNotKept(self.height, unbroken_from(heights, head), head)
        # The block right above is undone last, so of several old values its own counts.
        return StateLayer(None, merged_all(tuple(undone)), self._now)

    def _later(self, index_key: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Return what a cell held before the blocks from some height on, the earliest first."""
        return self._source.scan(INDEX, *later_heights(index_key))


def _indexed_account(key: bytes, row: bytes) -> Account | None:
    try:
        return decode_account(row) if row else None
    except InvalidEncoding as error:
        raise MalformedRow(INDEX, key, f"an account ({error.expected})", row.hex()) from error


def _indexed_slot(key: bytes, row: bytes) -> int:
    try:
        return decode_slot(row) if row else 0
    except InvalidEncoding as error:
        raise MalformedRow(INDEX, key, f"a slot's value ({error.expected})", row.hex()) from error
