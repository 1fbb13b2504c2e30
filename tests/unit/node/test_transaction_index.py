"""The index by hash has a row for each block and transaction that is kept, and no other."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from node.flat_rows import CHAIN
from node.ledger import BLOCKS, height_key
from node.node import Node
from node.storage_config import StateForm, StorageConfig
from node.transaction_index import (
    HEIGHTS,
    MARKER,
    TABLES,
    TRANSACTIONS,
    block_height,
    is_indexed,
    payload_rows,
    transaction_place,
)
from node.upkeep.check import StoreCheck
from node.upkeep.finding import ignore
from node.upkeep.places import check_places
from node.upkeep.pruning import plan_pruning, pruning_records
from primitives.block import block_hash, decode_block
from primitives.errors import InvalidInput
from primitives.ids import Hash32
from primitives.machine import Persist, Record
from primitives.transaction import transaction_hash
from storage.memory import MemoryStore
from storage.store import MalformedRow, Store
from tests.unit.node.durable_rig import WATCHED, NotedStore
from tests.unit.node.harness import SECOND, Harness, make_config, validator_key
from tests.unit.node.state_rig import CONTRACTS, advance, environment, network

FLAT = StorageConfig(StateForm.FLAT)


def indexed(history: int | None = 0, store: MemoryStore | None = None) -> Harness:
    """Return a network of which all nodes keep an index; a checkpoint is every four blocks."""
    stores = {} if store is None else {WATCHED: store}
    return network(
        contracts=CONTRACTS, history=history, storage=FLAT, index_transactions=True, stores=stores
    )


def store_of(harness: Harness) -> MemoryStore:
    return harness.places[WATCHED].store


def rows(store: Store) -> dict[tuple[str, bytes], bytes]:
    return {(table, key): row for table in TABLES for key, row in store.scan(table)}


def due(store: Store) -> dict[tuple[str, bytes], bytes | None]:
    """Return what the index of the stored blocks should be."""
    blocks = [(int.from_bytes(key, "big"), payload) for key, payload in store.scan(BLOCKS)]
    made = [row for height, payload in blocks for row in payload_rows(height, payload)]
    return {(row.table, row.key): row.value for row in made}


def begun(harness: Harness, store: MemoryStore, *, indexes: bool) -> Node:
    """Return a node that begins with a store, outside of its network, and has written its rows."""
    history = harness.places[WATCHED].config.history
    config = make_config(WATCHED, 4, storage=FLAT, history=history, index_transactions=indexes)
    own = replace(environment(0, CONTRACTS), signer=validator_key(WATCHED))
    node = Node(config, own, store)
    for effect in node.parts.start_work:
        if isinstance(effect, Persist):
            store.write(effect.records)
    return node


@pytest.mark.parametrize("history", [None, 0])
def test_every_block_that_is_kept_is_indexed(history: int | None) -> None:
    harness = indexed(history)
    for _ in range(14):
        advance(harness, 1)
        assert rows(store_of(harness)) == due(store_of(harness))
    store = store_of(harness)
    assert is_indexed(store)
    assert list(StoreCheck(store, harness.environment).findings()) == []
    for key, payload in store.scan(BLOCKS):
        block = decode_block(payload)
        assert block_height(store, block_hash(block)) == int.from_bytes(key, "big")
        for index, raw in enumerate(block.transactions):
            place = transaction_place(store, transaction_hash(raw))
            assert place == (block.header.number, index)
    assert transaction_place(store, Hash32(bytes(32))) is None
    assert block_height(store, Hash32(bytes(32))) is None


def test_a_crash_after_any_batch_leaves_a_whole_index() -> None:
    store = NotedStore()
    harness = indexed(store=store)
    advance(harness, 12)
    for count in range(1, len(store.batches) + 1):
        left = store.after(count)
        if left.get(CHAIN, b"epoch") is not None:
            assert rows(left) == due(left)


def test_a_fetched_state_leaves_nothing_of_the_blocks_below() -> None:
    harness = indexed()
    advance(harness, 2)
    harness.crash(WATCHED)
    advance(harness, 14)
    harness.start(WATCHED)
    harness.run(3 * SECOND)
    advance(harness, 2)
    store = store_of(harness)
    assert harness.node(WATCHED).ledger.lowest > 3
    assert rows(store) == due(store)
    assert list(check_places(store, ignore)) == []


def test_the_index_follows_the_choice_of_the_node() -> None:
    harness = network(contracts=CONTRACTS, history=0, storage=FLAT)
    advance(harness, 10)
    store = store_of(harness)
    assert not rows(store)
    begun(harness, store, indexes=True)
    assert is_indexed(store)
    assert rows(store) == due(store) != {}
    again = store.copy()
    begun(harness, again, indexes=True)
    assert rows(again) == rows(store)
    begun(harness, store, indexes=False)
    assert not rows(store)
    assert not is_indexed(store)
    assert list(check_places(store, ignore)) == []


def test_blocks_that_are_given_up_leave_the_index_too() -> None:
    harness = indexed(history=None)
    advance(harness, 10)
    store = store_of(harness)
    store.write([Record(BLOCKS, height_key(3), b"damaged")])
    node = begun(harness, store, indexes=True)
    assert node.ledger.lowest == 4
    assert rows(store) == due(store)


def test_pruning_takes_the_index_along() -> None:
    harness = indexed(history=None)
    advance(harness, 11)
    store = store_of(harness)
    plan = plan_pruning(store, 8, None)
    assert plan.blocks == 3
    store.write(list(pruning_records(store, plan)))
    assert rows(store) == due(store)
    assert list(check_places(store, ignore)) == []


def damaged(change: Sequence[Record]) -> list[str]:
    harness = indexed(history=None)
    advance(harness, 3)
    store = store_of(harness)
    store.write(change)
    return [str(finding) for finding in check_places(store, ignore)]


def test_rows_that_are_wrong_are_found() -> None:
    harness = indexed(history=None)
    advance(harness, 3)
    digest = next(key for key, _ in store_of(harness).scan(TRANSACTIONS))
    block = next(key for key, _ in store_of(harness).scan(HEIGHTS))
    (missing,) = damaged([Record(TRANSACTIONS, digest, None)])
    assert "found no row" in missing
    (moved,) = damaged([Record(TRANSACTIONS, digest, height_key(9) + bytes(4))])
    assert f"found the place {height_key(9).hex()}" in moved
    (higher,) = damaged([Record(HEIGHTS, block, height_key(9))])
    assert higher.startswith(HEIGHTS)
    (stray,) = damaged([Record(TRANSACTIONS, bytes(32), height_key(2) + bytes(4))])
    assert "a hash of a stored block, found none of 2" in stray
    (unmarked,) = damaged([Record(CHAIN, MARKER, None)])
    assert "the mark of a store with an index" in unmarked


def test_a_place_of_another_length_is_none() -> None:
    store = MemoryStore()
    store.write([Record(TRANSACTIONS, bytes(32), b"\x00" * 11)])
    with pytest.raises(MalformedRow):
        transaction_place(store, Hash32(bytes(32)))


def test_form_runs_has_no_index() -> None:
    with pytest.raises(InvalidInput, match="a store of form flat"):
        make_config(0, 1, index_transactions=True)
