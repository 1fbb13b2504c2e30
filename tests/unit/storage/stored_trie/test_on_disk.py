"""Tries over the store on disk: through its snapshots, and when it is opened again."""

from pathlib import Path
from random import Random

import pytest

from primitives.ids import Address, Wei
from primitives.keccak import keccak256
from storage.account import Account
from storage.changes import StateChanges
from storage.commitment import StateTrie, empty_state_trie, update_state_trie
from storage.rocks import RocksStore, StoreClosed, profile
from storage.stored_trie import stored_trie, trie_faults, trie_records
from tests.unit.storage.stored_trie.source import address

ACCOUNTS = 300
CONTRACT = address(ACCOUNTS)


def blocks(count: int) -> list[StateChanges]:
    """Return blocks that pay, write slots, and now and then wipe them or delete accounts."""
    random = Random(5)
    found = []
    for _ in range(count):
        drawn = random.sample(range(ACCOUNTS), 20)
        accounts: dict[Address, Account | None] = {
            address(number): Account(0, Wei(random.randrange(1, 1 << 70))) for number in drawn[2:]
        }
        accounts |= {address(number): None for number in drawn[:2]} | {CONTRACT: Account(1)}
        slots = {random.randrange(50): random.randrange(3) for _ in range(10)}
        wiped = dict.fromkeys([*map(address, drawn[:2]), *[CONTRACT] * (random.random() < 0.2)])
        found.append(StateChanges(accounts, {CONTRACT: slots}, wiped))
    return found


def test_a_chain_goes_on_over_its_store_from_any_block(tmp_path: Path) -> None:
    trie: StateTrie = empty_state_trie()
    for changes in blocks(12):
        with RocksStore(tmp_path / "store", profile("small")) as store:
            assert list(trie_faults(trie.root, store)) == []
            lazy = stored_trie(trie.root, store)
            after = update_state_trie(lazy, changes)
            store.write(trie_records(lazy, after))
            trie = update_state_trie(trie, changes)
            assert after.root == trie.root
            fresh = stored_trie(trie.root, store)
            assert [key for key, _ in fresh.items()] == [key for key, _ in trie.items()]


def test_a_trie_over_a_snapshot_does_not_see_later_blocks(tmp_path: Path) -> None:
    first, *later = blocks(6)
    trie = update_state_trie(empty_state_trie(), first)
    with RocksStore(tmp_path / "store", profile("small")) as store:
        store.write(trie_records(empty_state_trie(), trie))
        snapshot = store.snapshot()
        lazy, head = stored_trie(trie.root, snapshot), stored_trie(trie.root, store.snapshot())
        for changes in later:
            after = update_state_trie(head, changes)
            store.write(trie_records(head, after))
            head = after
        assert list(trie_faults(head.root, store)) == []
        assert list(trie_faults(trie.root, snapshot)) == []
        assert [key for key, _ in lazy.items()] == [key for key, _ in trie.items()]
        snapshot.release()
        with pytest.raises(StoreClosed):
            stored_trie(trie.root, snapshot).get(keccak256(CONTRACT))
