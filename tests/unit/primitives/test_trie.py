import pytest

from primitives.account import encode_account
from primitives.ids import Hash32
from primitives.keccak import keccak256
from primitives.rlp import EMPTY_STRING, encode_bytes, encode_int, encode_list
from primitives.trie import (
    EMPTY_ROOT,
    compact_path,
    ordered_root,
    secure_trie_root,
    trie_root,
)


def test_the_empty_root() -> None:
    assert EMPTY_ROOT.hex() == "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"
    assert trie_root({}) == secure_trie_root({}) == ordered_root([]) == EMPTY_ROOT


def test_an_empty_value_is_an_absent_key() -> None:
    assert trie_root({b"a": b""}) == EMPTY_ROOT
    assert trie_root({b"a": b"1", b"b": b""}) == trie_root({b"a": b"1"})
    assert secure_trie_root({b"a": b"1", b"b": b""}) == secure_trie_root({b"a": b"1"})


def test_the_order_of_insertion_does_not_matter() -> None:
    items = {b"do": b"verb", b"horse": b"stallion", b"doge": b"coin", b"dog": b"puppy"}
    backwards = dict(reversed(list(items.items())))
    root = "5991bb8c6514148a29db676a14ac506cd2cd5775ace63c30a4fe457715e9ac84"
    assert trie_root(items).hex() == trie_root(backwards).hex() == root


def test_secure_means_hashed_keys() -> None:
    items = {b"do": b"verb", b"horse": b"stallion"}
    assert secure_trie_root(items) == trie_root({keccak256(k): v for k, v in items.items()})


@pytest.mark.parametrize("count", [1, 2, 15, 16, 17, 127, 128, 129, 130, 255, 256, 257, 300])
def test_ordered_roots_are_keyed_by_encoded_indexes(count: int) -> None:
    """Index 0 sorts after 127, and from 128 on keys have two bytes."""
    values = [b"value of %d" % index for index in range(count)]
    keyed = {encode_int(index): value for index, value in enumerate(values)}
    assert ordered_root(values) == trie_root(keyed)


def test_order_matters_in_an_ordered_root() -> None:
    assert ordered_root([b"a", b"b"]) != ordered_root([b"b", b"a"])


def test_a_node_of_31_bytes_stands_in_its_parent_and_one_of_32_by_its_hash() -> None:
    """Keys 0x00.. and 0x10..: a branch over two leaves, whose size the value decides."""
    for size, is_inline in ((28, True), (29, False)):
        value = bytes([7]) * size
        leaf = encode_list([encode_bytes(b"\x30"), encode_bytes(value)])
        assert len(leaf) == size + 3
        reference = leaf if is_inline else encode_bytes(keccak256(leaf))
        branch = encode_list([reference, reference, *[EMPTY_STRING] * 15])
        assert trie_root({b"\x00": value, b"\x10": value}) == keccak256(branch)


@pytest.mark.parametrize(
    ("nibbles", "is_leaf", "encoded"),
    [
        ("", False, "00"),
        ("", True, "20"),
        ("1", False, "11"),
        ("f", True, "3f"),
        ("12345", False, "112345"),
        ("012345", False, "00012345"),
        ("0f1cb8", True, "200f1cb8"),
        ("f1cb8", True, "3f1cb8"),
    ],
)
def test_hex_prefix(nibbles: str, is_leaf: bool, encoded: str) -> None:
    assert compact_path(nibbles, is_leaf=is_leaf).hex() == encoded


def test_accounts_of_the_public_vectors() -> None:
    """Case test1 of hex_encoded_securetrie_test: an account's leaf as the state trie holds it."""
    storage = "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert encode_account(1, 0x5F446A7).hex() == (
        "f8480184" + "05f446a7" + "a0" + EMPTY_ROOT.hex() + "a0" + storage
    )
    zero = Hash32(bytes(32))
    assert encode_account(0, 0, zero, zero).hex() == "f8448080" + ("a0" + "00" * 32) * 2
