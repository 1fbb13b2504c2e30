"""A state as it is served to peers, chunk by chunk."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

import msgspec

from network.messages import CHUNK_ACCOUNTS, Chunk, Content
from node.snapshot_chunks import code_weight, is_large
from node.snapshot_rows import contract_row
from primitives.ids import Address
from primitives.keccak import keccak256
from primitives.trie import EMPTY_ROOT
from storage.account import Account, encode_slim, has_code
from storage.change_rows import slot_rows
from storage.commitment import slot_hash, storage_of, storage_root
from storage.state import StateLayer
from storage.subtree import find_subtree
from storage.trie import Trie


class StorageView(msgspec.Struct, frozen=True):
    """The slots of a large contract, by ascending hash."""

    keys: Sequence[str]
    """Hashes in hexadecimal."""
    slots: Sequence[int]
    trie: Trie[int]


class SnapshotView:
    """A state as it is served: its accounts by hashed address, beside its trie.

    Args:
        state: the accounts.
    """

    __slots__ = ("_keys", "_rows", "_slots", "_state", "_storages", "_trie", "_weights")

    def __init__(self, state: StateLayer) -> None:
        rows = [(keccak256(key).hex(), key, acc) for key, acc in state.accounts().items()]
        rows.sort()
        self._keys = [hashed for hashed, _, _ in rows]
        self._rows = [(key, account) for _, key, account in rows]
        self._slots = state.everything().slots
        self._state = state
        self._storages: dict[bytes, StorageView] = {}
        """Of large contracts that were asked for, by hashed address."""
        self._trie = state.trie()
        self._weights = [0, *accumulate([self._weight(*row) for row in self._rows])]
        """What the accounts before each place weigh."""

    def chunk(self, request: int, prefix: str, held: bytes) -> Chunk:
        """Return the answer to a request for the accounts below a prefix.

        Args:
            request: its number.
            prefix: nibbles in hexadecimal.
            held: reference of the subtree that the asker holds of an older state, or nothing.
        """
        way = _unchanged(self._trie, prefix, held)
        if way is not None:
            return Chunk(request, Content.UNCHANGED, (), way)
        first = bisect_left(self._keys, prefix)
        last = bisect_left(self._keys, prefix + "g")
        weight = self._weights[last] - self._weights[first]
        if weight > CHUNK_ACCOUNTS and last - first > 1:
            return Chunk(request, Content.SPLIT, (), ())
        accounts, contracts = [], []
        for key, account in self._rows[first:last]:
            slots = self._slots.get(key, {})
            root = storage_root(self._trie.get(keccak256(key))) if slots else EMPTY_ROOT
            accounts.append((key, encode_slim(account, root)))
            if slots or has_code(account):
                code = self._state.code(account.code_hash)
                contracts.append(contract_row(key, code, {} if is_large(len(slots)) else slots))
        way = find_subtree(self._trie, prefix)[2]
        return Chunk(request, Content.WHOLE, tuple(accounts), way, tuple(contracts))

    def slots_chunk(self, request: int, account: bytes, prefix: str, held: bytes) -> Chunk:
        """Return the answer to a request for slots of one account below a prefix.

        Args:
            request: its number.
            account: hash of its address.
            prefix: nibbles in hexadecimal, with which hashes of slots begin.
            held: as in `chunk`.
        """
        found = self._storage(account)
        if found is None:
            return Chunk(request, Content.GONE, (), ())
        way = _unchanged(found.trie, prefix, held)
        if way is not None:
            return Chunk(request, Content.UNCHANGED, (), way)
        first = bisect_left(found.keys, prefix)
        last = bisect_left(found.keys, prefix + "g")
        if last - first > CHUNK_ACCOUNTS:
            return Chunk(request, Content.SPLIT, (), ())
        values = self._values(account)
        rows = slot_rows({slot: values[slot] for slot in found.slots[first:last]})
        way = find_subtree(found.trie, prefix)[2]
        return Chunk(request, Content.WHOLE, (), way, (), rows)

    def _weight(self, address: Address, account: Account) -> int:
        slots = len(self._slots.get(address, ()))
        code = len(self._state.code(account.code_hash)) if has_code(account) else 0
        return 1 + code_weight(code) + (0 if is_large(slots) else slots)

    def _values(self, account: bytes) -> Mapping[int, int]:
        """Return the slots of an account, by the hash of its address; none without account."""
        place = bisect_left(self._keys, account.hex())
        if place == len(self._keys) or self._keys[place] != account.hex():
            return {}
        return self._slots.get(self._rows[place][0], {})

    def _storage(self, account: bytes) -> StorageView | None:
        """Return the storage of an account; None if it has none.

        It need not be large: whoever was told so by a liar is to find that out.
        """
        found = self._storages.get(account)
        if found is None:
            values = self._values(account)
            if not values:
                return None
            pairs = sorted([(slot_hash(slot).hex(), slot) for slot in values])
            trie = storage_of(self._trie.get(account))
            found = StorageView([key for key, _ in pairs], [slot for _, slot in pairs], trie)
            if is_large(len(values)):
                self._storages[account] = found
        return found


def _unchanged(trie: Trie[Any], prefix: str, held: bytes) -> tuple[bytes, ...] | None:
    """Return the way to a subtree that is the one held; None if it is another."""
    node, name, way = find_subtree(trie, prefix)
    return way if held == name and node is not None else None
