"""The state as tries: one of accounts, and one of slots for each account that has storage.

Reference: Ethereum yellow paper, section 4.1.
"""

from collections.abc import Mapping

import msgspec

from primitives.ids import Address
from primitives.keccak import keccak256
from primitives.rlp import encode_int
from storage.account import account_leaf
from storage.changes import StateChanges
from storage.trie import EMPTY_TRIE, TrieNode, trie_root_hash, update_trie


class StateTrie(msgspec.Struct, frozen=True):
    """A state's tries. Versions share what did not change."""

    accounts: TrieNode = EMPTY_TRIE
    storages: Mapping[Address, TrieNode] = {}


def update_state_trie(before: StateTrie, changes: StateChanges) -> StateTrie:
    """Return the tries after some changes, each updated over its dirty paths only."""
    storages = before.storages
    if changes.slots or changes.wiped:
        storages = dict(storages)
        for address in changes.wiped:
            storages.pop(address, None)
        for address, values in changes.slots.items():
            storages[address] = update_trie(
                storages.get(address, EMPTY_TRIE),
                {
                    keccak256(slot.to_bytes(32, "big")): encode_int(value) if value else None
                    for slot, value in values.items()
                },
            )
            if storages[address] is EMPTY_TRIE:
                del storages[address]
    leaves: dict[bytes, bytes | None] = {}
    for address, account in changes.accounts.items():
        if account is None:
            leaves[keccak256(address)] = None
        else:
            root = trie_root_hash(storages.get(address, EMPTY_TRIE))
            leaves[keccak256(address)] = account_leaf(account, root)
    return StateTrie(update_trie(before.accounts, leaves), storages)
