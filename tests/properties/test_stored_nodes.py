"""What is decoded was encoded so: nothing but the one encoding of a leaf is taken for it.

Leaves of the usual form are decoded on a way of their own, which must refuse or leave to the
careful one whatever is not canonical, byte for byte.
"""

from hypothesis import given, strategies as st

from primitives.errors import InvalidEncoding
from primitives.ids import Hash32, Wei
from primitives.keccak import EMPTY_KECCAK
from primitives.trie import EMPTY_ROOT
from storage.account import Account, account_leaf
from storage.commitment import decode_state_leaf
from storage.memory import MemoryStore
from storage.stored_trie.loading import decode_node
from storage.stored_trie.rows import Rows
from storage.trie_encoding import encoded
from storage.trie_nodes import Leaf, nibbles_between

NUMBERS = st.one_of(st.integers(0, 300), st.integers(0, 2**64 - 1))
BALANCES = st.one_of(NUMBERS, st.integers(0, 2**256 - 1))
HASHES = st.one_of(st.sampled_from([EMPTY_KECCAK, EMPTY_ROOT]), st.binary(min_size=32, max_size=32))
VALUES = st.one_of(st.binary(min_size=1, max_size=3), st.binary(min_size=50, max_size=300))
ROWS = Rows(MemoryStore(), b"A", lambda _source, _key, value: value)


def changed(data: st.DataObject, encoding: bytes) -> bytes:
    """Return bytes with a place overwritten, dropped or doubled."""
    first = data.draw(st.integers(0, len(encoding) - 1))
    last = data.draw(st.integers(first, min(first + 2, len(encoding))))
    return encoding[:first] + data.draw(st.binary(max_size=2)) + encoding[last:]


@given(NUMBERS, BALANCES, HASHES, HASHES)
def test_an_account_comes_back_from_its_leaf(
    nonce: int, balance: int, root: Hash32, code: Hash32
) -> None:
    account = Account(nonce, Wei(balance), code)
    assert decode_state_leaf(account_leaf(account, root)) == (account, root)


@given(st.data(), NUMBERS, BALANCES)
def test_no_other_bytes_are_an_account(data: st.DataObject, nonce: int, balance: int) -> None:
    value = changed(data, account_leaf(Account(nonce, Wei(balance))))
    try:
        account, root = decode_state_leaf(value)
    except InvalidEncoding:
        return
    assert account_leaf(account, root) == value


@given(st.binary(min_size=32, max_size=32), st.integers(0, 64), VALUES)
def test_a_leaf_comes_back_from_its_row(key: bytes, depth: int, value: bytes) -> None:
    leaf = Leaf(key, value)
    path = nibbles_between(key, 0, depth)
    assert decode_node(ROWS, path, encoded(leaf, depth, bytes)) == leaf


@given(st.data(), st.binary(min_size=32, max_size=32), st.integers(0, 64), VALUES)
def test_no_other_bytes_are_a_leaf(
    data: st.DataObject, key: bytes, depth: int, value: bytes
) -> None:
    path = nibbles_between(key, 0, depth)
    row = changed(data, encoded(Leaf(key, value), depth, bytes))
    try:
        node = decode_node(ROWS, path, row)
    except InvalidEncoding:
        return
    if isinstance(node, Leaf):
        assert encoded(node, depth, bytes) == row
