"""A trie over its rows."""

from typing import Any

from primitives.ids import Hash32
from primitives.rlp import decode, read_int
from primitives.trie import EMPTY_ROOT
from storage.account import Account
from storage.commitment import (
    Contract,
    StateTrie,
    decode_state_leaf,
    empty_state_trie,
    empty_storage,
)
from storage.store import RowSource
from storage.stored_trie.loading import only_stub
from storage.stored_trie.rows import Rows
from storage.stored_trie.tables import ACCOUNTS, storage_prefix
from storage.trie import Trie


def stored_trie(root: Hash32, source: RowSource) -> StateTrie:
    """Return the state trie with a root, of which nothing is loaded yet.

    It reads, proves and is updated like one in memory. A node is loaded when somebody comes there
    and kept for as long as this trie or one made from it is, so a trie that is updated block after
    block is in memory as a whole in the end; a fresh one at a newer root lets all of it go. (One
    that keeps the upper four levels spares a seventh of the first block's update, of 2,000 changes
    in a million accounts.)

    Args:
        root: the state root that is trusted.
        source: where the rows of that state are, for as long as the trie is used. It must not hold
            the trie: nodes are unknown to the garbage collector, so neither would ever be freed.

    Raises:
        StoredTrieError: from any use of it: a row is missing, or is not the one of this state.
    """
    empty = empty_state_trie()
    if root == EMPTY_ROOT:
        return empty
    name = b"\xa0" + root
    return Trie(empty.form, only_stub(account_rows(source), b"", name), name)


def account_rows(source: RowSource) -> Rows:
    """Return the rows of the trie of accounts."""
    return Rows(source, ACCOUNTS, _state_leaf)


def stored_storage(account: bytes, root: Hash32, source: RowSource) -> Trie[int]:
    """Return the trie of an account's slots, of which nothing is loaded yet.

    Args:
        account: hash of its address.
        root: of its storage.
        source: as for `stored_trie`.
    """
    empty = empty_storage()
    if root == EMPTY_ROOT:
        return empty
    name = b"\xa0" + root
    return Trie(empty.form, only_stub(storage_rows(account, source), b"", name), name)


def storage_rows(account: bytes, source: RowSource) -> Rows:
    """Return the rows of an account's storage, by its hashed address."""
    return Rows(source, storage_prefix(account), _slot_value)


def _state_leaf(source: RowSource, key: bytes, value: bytes) -> Account | Contract:
    account, root = decode_state_leaf(value)
    if root == EMPTY_ROOT:
        return account
    return Contract(account, stored_storage(key, root, source))


def _slot_value(_source: RowSource, _key: bytes, value: bytes) -> Any:
    return read_int(decode(value), "slot")
