"""What a trie in a store reads, and what it says of rows that are not those of its root."""

from copy import copy

import pytest

from primitives.ids import Hash32, Wei
from primitives.keccak import keccak256
from primitives.rlp import encode_bytes, encode_list
from primitives.trie import EMPTY_ROOT
from storage.account import Account
from storage.changes import StateChanges
from storage.commitment import StateTrie, empty_state_trie, storage_of, update_state_trie
from storage.memory import MemoryStore
from storage.proof import prove_account, verify_account
from storage.stored_trie import (
    TABLE,
    CorruptTrieNode,
    MissingTrieNode,
    stored_trie,
    trie_records,
)
from storage.trie_nodes import Stub
from tests.unit.storage.stored_trie.source import address, rich, source_of, state


def read_all(trie: StateTrie) -> None:
    for item in trie.items():
        list(storage_of(item[1]).items())


def test_nothing_is_read_before_somebody_comes_there() -> None:
    trie = state(300, slots=50)
    source = source_of(trie)
    lazy = stored_trie(trie.root, source)
    assert lazy.root == trie.root
    assert not lazy.is_empty
    assert not source.read
    key = keccak256(address(0))
    storage = storage_of(lazy.get(key))
    assert 2 <= len(source.read) <= 4
    path = bytes([int(each, 16) for each in key.hex()])
    assert all(path.startswith(read.removeprefix(b"A")) for read in source.read)
    assert storage.root == storage_of(trie.get(key)).root


def test_a_node_is_read_once() -> None:
    trie = state(300)
    source = source_of(trie)
    lazy = stored_trie(trie.root, source)
    keys = [keccak256(address(number)) for number in range(300)]
    for key in keys * 2:
        assert lazy.get(key) == trie.get(key)
    assert sorted(source.read) == [key for key, _ in source.store.scan(TABLE)]


def test_items_keep_nothing() -> None:
    trie = state(300, slots=50)
    source = source_of(trie)
    lazy = stored_trie(trie.root, source)
    assert [key for key, _ in lazy.items()] == [key for key, _ in trie.items()]
    assert isinstance(lazy.top, Stub)
    assert lazy.top.node is None


def test_an_update_reads_the_ways_to_its_keys_only() -> None:
    trie = state(2_000)
    source = source_of(trie)
    lazy = stored_trie(trie.root, source)
    after = update_state_trie(lazy, StateChanges(rich(range(2_000, 2_003))))
    assert after.root == update_state_trie(trie, StateChanges(rich(range(2_000, 2_003)))).root
    assert len(source.read) <= 12


def test_a_branch_whose_last_other_child_goes_looks_at_the_one_that_stays() -> None:
    for gone in range(3):
        trie = state(3)
        source = source_of(trie)
        accounts = {address(number): None for number in range(3) if number != gone}
        lazy = update_state_trie(stored_trie(trie.root, source), StateChanges(accounts))
        assert lazy.root == update_state_trie(trie, StateChanges(accounts)).root
        assert [key for key, _ in lazy.items()] == [keccak256(address(gone))]


def test_proofs_from_a_store_verify() -> None:
    trie = state(300, slots=50)
    lazy = stored_trie(trie.root, source_of(trie))
    for number in (0, 7, 5_000):
        proof = prove_account(lazy, address(number), [1, 2, 999])
        assert proof == prove_account(trie, address(number), [1, 2, 999])
        verify_account(trie.root, proof)


def test_the_empty_trie_needs_no_row() -> None:
    lazy = stored_trie(EMPTY_ROOT, MemoryStore())
    assert lazy.is_empty
    assert trie_records(lazy, empty_state_trie()) == []


def test_a_missing_row_is_named() -> None:
    trie = state(40)
    with pytest.raises(MissingTrieNode) as caught:
        stored_trie(trie.root, MemoryStore()).get(keccak256(address(0)))
    assert caught.value.where == "state.trie: accounts, path (top)"
    assert caught.value.expected == f"node {trie.root.hex()}"
    assert caught.value.actual == "no row"
    again = copy(caught.value)
    assert (type(again), again.key, str(again)) == (MissingTrieNode, b"A", str(caught.value))


def test_every_flipped_bit_of_a_row_is_seen_and_its_path_named() -> None:
    trie = state(3, slots=2)
    source = source_of(trie)
    rows = dict(source.store.scan(TABLE))
    for key, row in rows.items():
        for bit in range(0, 8 * len(row), 7):
            broken = bytearray(row)
            broken[bit >> 3] ^= 1 << (bit & 7)
            store = MemoryStore({TABLE: {**rows, key: bytes(broken)}})
            with pytest.raises(CorruptTrieNode) as caught:
                read_all(stored_trie(trie.root, store))
            path = (key[1:] if key[:1] == b"A" else key[33:]).hex()[1::2] or "(top)"
            assert caught.value.where.endswith(f"path {path}")
            assert ("accounts" in caught.value.where) == (key[:1] == b"A")


def test_rows_of_a_later_state_are_not_taken_for_its_own() -> None:
    before = state(40)
    source = source_of(before)
    after = update_state_trie(before, StateChanges({address(0): Account(9, Wei(9))}))
    source.store.write(trie_records(before, after))
    lazy = stored_trie(before.root, source)
    with pytest.raises(CorruptTrieNode, match="top"):
        lazy.get(keccak256(address(0)))
    assert stored_trie(after.root, source).get(keccak256(address(0))) == Account(9, Wei(9))


@pytest.mark.parametrize(
    "row",
    [
        b"no list",
        encode_list([encode_bytes(b"\x20" + bytes(32))] * 3),
        encode_list([encode_bytes(b"\x20" + bytes(32)), encode_bytes(b"no account")]),
        encode_list([encode_bytes(b"\x20" + bytes(31)), encode_bytes(b"a key too short")]),
        encode_list([encode_bytes(b"\x00"), encode_bytes(bytes(32))]),
        encode_list([b"\x80"] * 17),
        encode_list([encode_bytes(bytes(32)), *[b"\x80"] * 16]),
    ],
)
def test_what_is_no_node_is_refused_even_under_its_own_hash(row: bytes) -> None:
    root = Hash32(keccak256(row))
    store = MemoryStore({TABLE: {b"A": row}})
    with pytest.raises(CorruptTrieNode, match="a node of a trie"):
        stored_trie(root, store).get(bytes(32))
