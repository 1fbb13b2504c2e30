"""Damage in a node's store is named, nothing of it is used, and peers make it good."""

import pytest
from msgspec import structs

from node.flat_rows import ANCHOR, CHAIN, EPOCH, HEADERS, RECEIPTS
from node.ledger import BLOCKS, CERTIFICATES
from node.node import Node
from node.restore import DamagedLog, WrongForm
from node.trace import RowsGivenUp, StoreDiscarded
from primitives.codec import encode_canonical
from primitives.errors import InvalidInput
from primitives.machine import Emit, Persist, Record
from storage.flat import ACCOUNTS, CODE, HEAD, HISTORY, STORAGE
from storage.memory import MemoryStore
from storage.stored_trie import TABLE as TRIE
from tests.unit.node.durable_rig import (
    WATCHED,
    WAYS,
    RottenStore,
    durable_network,
    restarted,
)
from tests.unit.node.harness import SECOND, Harness, agree
from tests.unit.node.state_rig import advance, call

LIVED = 10
VITAL = (HEAD, ACCOUNTS, STORAGE, CODE, TRIE, CHAIN)
"""Tables without any row of which a node has nothing to go on from."""
FLAT_WAYS = ("flat", "read")


def lived(way: str) -> Harness:
    harness = durable_network(WAYS[way], history=6)
    advance(harness, 3)
    call(harness, 2)
    advance(harness, LIVED - 5)
    agree(harness, LIVED)
    harness.crash(WATCHED)
    return harness


def keys(store: MemoryStore, table: str) -> list[bytes]:
    return [key for key, _ in store.scan(table)]


def told(node: Node) -> list[str]:
    """Return what the node says of its store, by the names of the events."""
    events = [effect.event for effect in node.parts.start_work if isinstance(effect, Emit)]
    assert all(isinstance(event, RowsGivenUp | StoreDiscarded) for event in events)
    return [event.name for event in events]


def heals(harness: Harness, store: MemoryStore) -> None:
    """Start the node with a store, and see that it comes to stand as if nothing had been."""
    harness.places[WATCHED].store = store
    harness.start(WATCHED)
    harness.run(10 * SECOND)
    agree(harness, LIVED)
    advance(harness, 5)
    agree(harness, LIVED + 5)
    harness.crash(WATCHED)
    before = len(harness.traced("store.discarded")) + len(harness.traced("store.rows_given_up"))
    harness.start(WATCHED)
    assert harness.node(WATCHED).ledger.height == LIVED + 5
    harness.run(SECOND)
    after = len(harness.traced("store.discarded")) + len(harness.traced("store.rows_given_up"))
    assert after == before


@pytest.mark.parametrize("way", FLAT_WAYS)
@pytest.mark.parametrize("table", VITAL)
def test_a_node_begins_anew_where_a_row_of_its_state_cannot_be_read(way: str, table: str) -> None:
    harness = lived(way)
    store = harness.places[WATCHED].store
    places = {0, len(keys(store, table)) // 2, len(keys(store, table)) - 1}
    for place in sorted(places):
        rotten = RottenStore(store, table, keys(store, table)[place])
        node = restarted(harness, rotten, WAYS[way])
        assert told(node) == ["store.discarded"]
        assert node.ledger.height == 0
        assert node.ledger.checkpoints.served == ()
        (first,) = [effect for effect in node.parts.start_work if isinstance(effect, Persist)]
        assert {row.table for row in first.records} >= {HEAD, ACCOUNTS, TRIE, CHAIN}
        assert not keys(rotten, BLOCKS)
        assert keys(rotten, "consensus") == keys(store, "consensus")
    heals(harness, RottenStore(store, table, keys(store, table)[-1]))


@pytest.mark.parametrize("damage", ["flipped", "lost"])
@pytest.mark.parametrize("table", [HEAD, ACCOUNTS, STORAGE, CODE])
def test_a_row_of_the_state_that_is_another_is_noticed_by_the_root(table: str, damage: str) -> None:
    """Where the store has no checksums of its own, or a row is missing as a whole."""
    harness = lived("flat")
    store = harness.places[WATCHED].store
    key, row = next(iter(store.scan(table)))
    wrong = row[:-1] + bytes([row[-1] ^ 1]) if damage == "flipped" else None
    changed = store.copy()
    changed.write([Record(table, key, wrong)])
    node = restarted(harness, changed, WAYS["flat"])
    if (table, damage) == (CODE, "lost"):
        # An account without its code makes the same root. It is found where the code is needed.
        return
    assert told(node) == ["store.discarded"]
    assert node.ledger.height == 0
    changed = store.copy()
    changed.write([Record(table, key, wrong)])
    heals(harness, changed)


@pytest.mark.parametrize("way", FLAT_WAYS)
@pytest.mark.parametrize("table", [BLOCKS, CERTIFICATES, HEADERS])
def test_rows_of_old_blocks_are_given_up_alone(way: str, table: str) -> None:
    harness = lived(way)
    store = harness.places[WATCHED].store
    key = keys(store, table)[2]
    damaged = int.from_bytes(key, "big")
    for wrong in ("rotten", "lost", "other"):
        changed = store.copy()
        if wrong == "rotten":
            changed = RottenStore(store, table, key)
        else:
            other = store.get(table, keys(store, table)[3])
            changed.write([Record(table, key, None if wrong == "lost" else other)])
        node = restarted(harness, changed, WAYS[way])
        assert told(node) == ["store.rows_given_up"]
        assert (node.ledger.height, node.ledger.lowest) == (LIVED, damaged + 1)
        assert node.ledger.certified_block(damaged) is None
        (written,) = [e for e in node.parts.start_work if isinstance(e, Persist)]
        changed.write(written.records)
        for each in (BLOCKS, CERTIFICATES, HEADERS, RECEIPTS):
            assert min(keys(changed, each)) == (damaged + 1).to_bytes(8, "big")
        assert told(restarted(harness, changed, WAYS[way])) == []
    heals(harness, changed)


@pytest.mark.parametrize("way", FLAT_WAYS)
@pytest.mark.parametrize("table", [BLOCKS, CERTIFICATES, HEADERS])
def test_without_its_newest_block_a_node_begins_anew(way: str, table: str) -> None:
    harness = lived(way)
    store = harness.places[WATCHED].store
    changed = store.copy()
    changed.write([Record(table, keys(store, table)[-1], None)])
    node = restarted(harness, changed, WAYS[way])
    assert told(node) == ["store.discarded"]
    heals(harness, RottenStore(store, table, keys(store, table)[-1]))


@pytest.mark.parametrize("way", FLAT_WAYS)
def test_a_checkpoint_whose_state_cannot_be_made_is_not_served(way: str) -> None:
    harness = lived(way)
    store = harness.places[WATCHED].store
    whole = restarted(harness, store.copy(), WAYS[way]).ledger.checkpoints.served
    assert [checkpoint.block.number for checkpoint in whole] == [4, 8]
    # Of the blocks that are undone for a state, the lowest has the last word.
    for height, served in ((9, []), (5, [8])):
        key = height.to_bytes(8, "big")
        for wrong in ("rotten", "lost", "flipped"):
            changed = store.copy()
            row = store.get(HISTORY, key)
            assert row is not None
            if wrong == "rotten":
                changed = RottenStore(store, HISTORY, key)
            elif wrong == "lost":
                changed.write([Record(HISTORY, key, None)])
            else:
                changed.write([Record(HISTORY, key, row[:-9] + bytes([row[-9] ^ 1]) + row[-8:])])
            node = restarted(harness, changed, WAYS[way])
            assert told(node) == ["store.rows_given_up"], (height, wrong)
            assert node.ledger.height == LIVED
            assert [c.block.number for c in node.ledger.checkpoints.served] == served
    heals(harness, changed)


@pytest.mark.parametrize("way", WAYS)
def test_a_validator_whose_votes_cannot_be_read_does_not_start(way: str) -> None:
    harness = lived(way)
    store = harness.places[WATCHED].store
    key = keys(store, "consensus")[0]
    with pytest.raises(DamagedLog, match="it might vote twice"):
        restarted(harness, RottenStore(store, "consensus", key), WAYS[way])
    changed = store.copy()
    changed.write([Record("consensus", key, b"\xc1")])
    with pytest.raises(DamagedLog, match="consensus: expected the log"):
        restarted(harness, changed, WAYS[way])


def test_runs_that_cannot_be_read_are_discarded_too() -> None:
    harness = lived("runs")
    store = harness.places[WATCHED].store
    rotten = RottenStore(store, BLOCKS, keys(store, BLOCKS)[-1])
    assert told(restarted(harness, rotten, WAYS["runs"])) == ["store.discarded"]
    heals(harness, RottenStore(store, BLOCKS, keys(store, BLOCKS)[-1]))


def test_a_crash_while_a_store_is_discarded_leaves_what_is_discarded_again() -> None:
    harness = lived("flat")
    store = harness.places[WATCHED].store

    class Dying(RottenStore):
        left = 0

        def discard(self, tables: object) -> None:
            for number, table in enumerate(tables):  # type: ignore[arg-type, var-annotated]
                if number == self.left:
                    raise KeyboardInterrupt
                MemoryStore.discard(self, (table,))

    for tables in range(13):
        dying = Dying(store, ACCOUNTS, keys(store, ACCOUNTS)[0])
        dying.left = tables
        with pytest.raises(KeyboardInterrupt):
            restarted(harness, dying, WAYS["flat"])
        left = dying.copy()
        node = restarted(harness, left, WAYS["flat"])
        assert node.ledger.height == (LIVED if tables == 0 else 0)
        assert told(node) == ([] if tables == 0 else ["store.discarded"])
        tables_left = {table for table, rows in left._tables.items() if rows}
        assert tables == 0 or tables_left == {"consensus"}


@pytest.mark.parametrize(("written", "wanted"), [("runs", "flat"), ("flat", "runs")])
def test_a_store_of_another_form_is_refused(written: str, wanted: str) -> None:
    harness = lived(written)
    store = harness.places[WATCHED].store
    before = store.copy()
    with pytest.raises(WrongForm, match=f"{written}, as the store has been written, got {wanted}"):
        restarted(harness, store, WAYS[wanted])
    assert store.copy() == before


def test_a_store_that_cannot_show_one_moment_is_refused() -> None:
    class Small:
        def __init__(self) -> None:
            self.get = MemoryStore().get
            self.scan = MemoryStore().scan
            self.write = MemoryStore().write

    harness = lived("flat")
    with pytest.raises(InvalidInput, match="snapshots"):
        restarted(harness, Small(), WAYS["flat"])  # type: ignore[arg-type]


def test_the_epoch_must_be_the_one_that_the_closed_ones_have_left() -> None:
    harness = lived("flat")
    store = harness.places[WATCHED].store
    node = restarted(harness, store.copy(), WAYS["flat"])
    epoch = structs.replace(node.ledger.tip.epoch, number=1)
    changed = store.copy()
    changed.write([Record(CHAIN, EPOCH, encode_canonical(epoch))])
    assert told(restarted(harness, changed, WAYS["flat"])) == ["store.discarded"]
    assert store.get(CHAIN, ANCHOR) is None
