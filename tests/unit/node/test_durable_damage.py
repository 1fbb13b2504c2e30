"""Damage in a node's store is named, nothing of it is used, and peers make it good."""

from functools import cache

import pytest
from msgspec import structs

from node.flat_rows import ANCHOR, CHAIN, EPOCH, HEADERS, RECEIPTS
from node.ledger import BLOCKS, CERTIFICATES
from node.node import Node
from node.restore import DamagedLog, WrongForm
from node.storage_config import StateForm, StorageConfig
from node.trace import RowsGivenUp, StoreDiscarded
from primitives.codec import encode_canonical
from primitives.errors import InvalidInput
from primitives.ids import Hash32
from primitives.machine import Emit, Persist, Record
from storage.flat import ACCOUNTS, CODE, HEAD, HISTORY, STORAGE, read_head
from storage.flat.head import encode_head
from storage.flat.tables import LATEST
from storage.memory import MemoryStore
from storage.store import DamagedStore
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
from tests.unit.node.transfers import account

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


@cache
def left(way: str) -> tuple[Harness, MemoryStore]:
    """Return a network that nobody runs any more, and what the watched node has left."""
    harness = lived(way)
    return harness, harness.places[WATCHED].store


def begins(way: str, store: MemoryStore) -> Node:
    return restarted(left(way)[0], store, WAYS[way])


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
    _, store = left(way)
    places = {0, len(keys(store, table)) // 2, len(keys(store, table)) - 1}
    for place in sorted(places):
        rotten = RottenStore(store, table, keys(store, table)[place])
        node = begins(way, rotten)
        assert told(node) == ["store.discarded"]
        assert node.ledger.height == 0
        assert node.ledger.checkpoints.served == ()
        (first,) = [effect for effect in node.parts.start_work if isinstance(effect, Persist)]
        assert {row.table for row in first.records} >= {HEAD, ACCOUNTS, TRIE, CHAIN}
        assert not keys(rotten, BLOCKS)
        assert keys(rotten, "consensus") == keys(store, "consensus")


@pytest.mark.parametrize("way", FLAT_WAYS)
@pytest.mark.parametrize("table", [ACCOUNTS, TRIE])
def test_a_node_that_begins_anew_comes_to_stand_where_the_others_do(way: str, table: str) -> None:
    harness = lived(way)
    store = harness.places[WATCHED].store
    heals(harness, RottenStore(store, table, keys(store, table)[-1]))


@pytest.mark.parametrize("damage", ["flipped", "lost"])
@pytest.mark.parametrize("table", [HEAD, ACCOUNTS, STORAGE, CODE])
def test_a_row_of_the_state_that_is_another_is_noticed_by_the_root(table: str, damage: str) -> None:
    """Where the store has no checksums of its own, or a row is missing as a whole."""
    _, store = left("flat")
    key, row = next(iter(store.scan(table)))
    wrong = row[:-1] + bytes([row[-1] ^ 1]) if damage == "flipped" else None
    changed = store.copy()
    changed.write([Record(table, key, wrong)])
    node = begins("flat", changed)
    if (table, damage) == (CODE, "lost"):
        # An account without its code makes the same root. It is found where the code is needed.
        return
    assert told(node) == ["store.discarded"]
    assert node.ledger.height == 0


@pytest.mark.parametrize("way", FLAT_WAYS)
@pytest.mark.parametrize("table", [BLOCKS, CERTIFICATES, HEADERS])
def test_rows_of_old_blocks_are_given_up_alone(way: str, table: str) -> None:
    _, store = left(way)
    key = keys(store, table)[2]
    damaged = int.from_bytes(key, "big")
    for wrong in ("rotten", "lost", "other"):
        changed = store.copy()
        if wrong == "rotten":
            changed = RottenStore(store, table, key)
        else:
            other = store.get(table, keys(store, table)[3])
            changed.write([Record(table, key, None if wrong == "lost" else other)])
        node = begins(way, changed)
        assert told(node) == ["store.rows_given_up"]
        assert (node.ledger.height, node.ledger.lowest) == (LIVED, damaged + 1)
        assert node.ledger.certified_block(damaged) is None
        (written,) = [e for e in node.parts.start_work if isinstance(e, Persist)]
        changed.write(written.records)
        for each in (BLOCKS, CERTIFICATES, HEADERS, RECEIPTS):
            assert min(keys(changed, each)) == (damaged + 1).to_bytes(8, "big")
        assert told(begins(way, changed)) == []


@pytest.mark.parametrize("way", FLAT_WAYS)
def test_the_head_names_the_state_of_its_block(way: str) -> None:
    _, store = left(way)
    head = read_head(store)
    assert head is not None
    for wrong in (
        structs.replace(head, state_root=Hash32(bytes(32))),
        structs.replace(head, digest=Hash32(bytes(32))),
        structs.replace(head, height=head.height - 1),
    ):
        changed = store.copy()
        changed.write([Record(HEAD, LATEST, encode_head(wrong))])
        assert told(begins(way, changed)) == ["store.discarded"]


@pytest.mark.parametrize("way", FLAT_WAYS)
def test_blocks_below_a_gap_are_given_up(way: str) -> None:
    _, store = left(way)
    lost = LIVED - 2
    tables = (BLOCKS, CERTIFICATES, HEADERS, RECEIPTS)
    store = store.copy()
    store.write(Record(table, lost.to_bytes(8, "big"), None) for table in tables)
    node = begins(way, store)
    assert told(node) == ["store.rows_given_up"]
    assert (node.ledger.height, node.ledger.lowest) == (LIVED, lost + 1)
    (written,) = [e for e in node.parts.start_work if isinstance(e, Persist)]
    store.write(written.records)
    assert [keys(store, table) for table in tables] == [
        [height.to_bytes(8, "big") for height in (lost + 1, LIVED)]
    ] * 4
    assert told(begins(way, store)) == []


@pytest.mark.parametrize("way", FLAT_WAYS)
@pytest.mark.parametrize("table", [BLOCKS, CERTIFICATES, HEADERS])
def test_without_its_newest_block_a_node_begins_anew(way: str, table: str) -> None:
    _, store = left(way)
    changed = store.copy()
    changed.write([Record(table, keys(store, table)[-1], None)])
    for broken in (changed, RottenStore(store, table, keys(store, table)[-1])):
        assert told(begins(way, broken)) == ["store.discarded"]


@pytest.mark.parametrize("way", FLAT_WAYS)
def test_a_checkpoint_whose_state_cannot_be_made_is_not_served(way: str) -> None:
    _, store = left(way)
    whole = begins(way, store.copy()).ledger.checkpoints.served
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
            node = begins(way, changed)
            assert told(node) == ["store.rows_given_up"], (height, wrong)
            assert node.ledger.height == LIVED
            assert [c.block.number for c in node.ledger.checkpoints.served] == served


@pytest.mark.parametrize("way", FLAT_WAYS)
def test_a_node_that_gives_rows_up_goes_on_with_the_others(way: str) -> None:
    harness = lived(way)
    store = harness.places[WATCHED].store
    store.write([Record(HISTORY, (9).to_bytes(8, "big"), None)])
    heals(harness, RottenStore(store, BLOCKS, keys(store, BLOCKS)[1]))


@pytest.mark.parametrize("way", WAYS)
def test_a_validator_whose_votes_cannot_be_read_does_not_start(way: str) -> None:
    _, store = left(way)
    key = keys(store, "consensus")[0]
    with pytest.raises(DamagedLog, match="it might vote twice"):
        begins(way, RottenStore(store, "consensus", key))
    changed = store.copy()
    changed.write([Record("consensus", key, b"\xc1")])
    with pytest.raises(DamagedLog, match="consensus: expected the log"):
        begins(way, changed)


def test_runs_that_cannot_be_read_are_discarded_too() -> None:
    harness = lived("runs")
    store = harness.places[WATCHED].store
    rotten = RottenStore(store, BLOCKS, keys(store, BLOCKS)[-1])
    assert told(restarted(harness, rotten, WAYS["runs"])) == ["store.discarded"]
    heals(harness, RottenStore(store, BLOCKS, keys(store, BLOCKS)[-1]))


def test_a_crash_while_a_store_is_discarded_leaves_what_is_discarded_again() -> None:
    _, store = left("flat")

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
            begins("flat", dying)
        remains = dying.copy()
        node = begins("flat", remains)
        assert node.ledger.height == (LIVED if tables == 0 else 0)
        assert told(node) == ([] if tables == 0 else ["store.discarded"])
        tables_left = {table for table, rows in remains._tables.items() if rows}
        assert tables == 0 or tables_left == {"consensus"}


@pytest.mark.parametrize(("written", "wanted"), [("runs", "flat"), ("flat", "runs")])
def test_a_store_of_another_form_is_refused(written: str, wanted: str) -> None:
    harness, store = left(written)
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

    with pytest.raises(InvalidInput, match="snapshots"):
        begins("flat", Small())  # type: ignore[arg-type]


def test_the_epoch_must_be_the_one_that_the_closed_ones_have_left() -> None:
    _, store = left("flat")
    node = begins("flat", store.copy())
    epoch = structs.replace(node.ledger.tip.epoch, number=1)
    changed = store.copy()
    changed.write([Record(CHAIN, EPOCH, encode_canonical(epoch))])
    assert told(begins("flat", changed)) == ["store.discarded"]
    assert store.get(CHAIN, ANCHOR) is None


def test_damage_that_comes_while_a_node_runs_ends_it_and_is_healed_by_a_restart() -> None:
    """Whoever drives a node stops it when it raises this (`sim.kernel.stopping`)."""
    harness = lived("read")
    store = RottenStore(harness.places[WATCHED].store, ACCOUNTS, account(3))
    rotten, store.rotten = store.rotten, None
    harness.places[WATCHED].store = store
    harness.start(WATCHED)
    harness.run(SECOND)
    advance(harness, 2)
    store.rotten = rotten
    with pytest.raises(DamagedStore, match=account(3).hex()):
        advance(harness, 3, sender=3)
    harness.crash(WATCHED)
    harness.run(SECOND)
    harness.start(WATCHED)
    assert told(harness.node(WATCHED)) == ["store.discarded"]
    harness.run(10 * SECOND)
    assert len(set(harness.heights())) == 1


def test_where_a_restart_does_not_read_all_whoever_comes_upon_damage_finds_it() -> None:
    harness, store = left("read")
    storage = StorageConfig(StateForm.FLAT, checks_state=False)
    way = WAYS["read"]._replace(storage=storage)
    node = restarted(harness, RottenStore(store, ACCOUNTS, account(3)), way)
    assert told(node) == []
    assert node.ledger.height == LIVED
    assert node.ledger.tip.state.account(account(2)) is not None
    with pytest.raises(DamagedStore, match=account(3).hex()):
        node.ledger.tip.state.account(account(3))
