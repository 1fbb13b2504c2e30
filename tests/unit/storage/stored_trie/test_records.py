"""Which rows a block writes, and what finding them costs."""

from primitives.ids import Wei
from primitives.keccak import keccak256
from storage.account import Account
from storage.changes import StateChanges
from storage.commitment import empty_state_trie, update_state_trie
from storage.stored_trie import TABLE, stored_trie, trie_records
from tests.unit.storage.stored_trie.source import address, rich, source_of, state


def test_equal_tries_need_no_record_and_no_read() -> None:
    trie = state(100, slots=10)
    source = source_of(trie)
    lazy = stored_trie(trie.root, source)
    assert trie_records(trie, trie) == []
    assert trie_records(lazy, stored_trie(trie.root, source)) == []
    assert trie_records(trie, state(100, slots=10)) == []
    assert not source.read


def test_a_change_writes_its_way_and_reads_nothing_more() -> None:
    trie = state(5_000)
    source = source_of(trie)
    lazy = stored_trie(trie.root, source)
    after = update_state_trie(lazy, StateChanges({address(0): Account(9, Wei(9))}))
    read = list(source.read)
    records = trie_records(lazy, after)
    path = bytes([int(each, 16) for each in keccak256(address(0)).hex()])
    assert sorted(record.key for record in records) == sorted(read)
    assert all(path.startswith(record.key[1:]) for record in records)
    assert source.read == read
    assert source.scans == 0


def test_keys_that_are_written_back_need_no_record() -> None:
    trie = state(100)
    there = update_state_trie(trie, StateChanges(rich(range(100, 120))))
    back = update_state_trie(there, StateChanges({address(each): None for each in range(100, 120)}))
    assert trie_records(trie, back) == []


def test_wiped_storage_costs_a_scan_and_no_node() -> None:
    trie = state(100, slots=500)
    source = source_of(trie)
    lazy = stored_trie(trie.root, source)
    wiped = StateChanges({address(0): Account(1)}, {address(0): {7: 7}}, {address(0): None})
    after = update_state_trie(lazy, wiped)
    source.store.write(trie_records(lazy, after))
    assert not [key for key in source.read if key[:1] == b"O"][1:]
    rows = [key for key, _ in source.store.scan(TABLE, b"O")]
    assert rows == [b"O" + keccak256(address(0))]
    deleted = StateChanges({address(0): None}, {}, {address(0): None})
    source.store.write(trie_records(after, update_state_trie(after, deleted)))
    assert not list(source.store.scan(TABLE, b"O"))


def test_the_storage_of_a_leaf_that_moves_is_left_alone() -> None:
    trie = state(1, slots=50)
    source = source_of(trie)
    lazy = stored_trie(trie.root, source)
    after = update_state_trie(lazy, StateChanges(rich(range(1, 300))))
    assert not [record for record in trie_records(lazy, after) if record.key[:1] == b"O"]
    gone = StateChanges({address(each): None for each in range(1, 300)})
    records = trie_records(after, update_state_trie(after, gone))
    assert not [record for record in records if record.key[:1] == b"O"]
    assert not [key for key in source.read if key[:1] == b"O"]


def test_nothing_is_left_of_a_state_that_ends() -> None:
    trie = state(50, slots=30)
    source = source_of(trie)
    source.store.write(trie_records(stored_trie(trie.root, source), empty_state_trie()))
    assert not list(source.store.scan(TABLE))
