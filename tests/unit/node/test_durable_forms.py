"""However a node keeps its states durable: a restart is like never having stopped."""

from dataclasses import replace

import pytest

from node.costs import STORE_ROW
from node.ledger import CERTIFICATES, encode_certificate
from node.node import Node
from node.upkeep.check import StoreCheck
from primitives.ids import Hash32, Instant
from primitives.machine import Persist, Work
from storage.flat import HISTORY, INDEX
from tests.unit.node.durable_rig import (
    WATCHED,
    WAYS,
    NotedStore,
    durable_network,
    fetched,
    restarted,
)
from tests.unit.node.harness import SECOND, Harness, agree
from tests.unit.node.state_rig import COUNTER, LARGE, advance, call
from tests.unit.node.test_node_parts import certificate
from tests.unit.node.transfers import built, stranger, transfer

BLOCKS = 14


@pytest.fixture(params=WAYS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def lived(name: str) -> tuple[Harness, NotedStore]:
    """Return a network after 14 blocks, four of which call contracts."""
    harness = durable_network(WAYS[name], history=6)
    advance(harness, 3)
    call(harness, 4)
    advance(harness, BLOCKS - 7)
    agree(harness, BLOCKS)
    store = harness.places[WATCHED].store
    assert isinstance(store, NotedStore)
    return harness, store


def heights(store: NotedStore) -> list[int]:
    """Return after how many blocks each number of batches leaves the chain."""
    found = [0]
    for batch in store.batches:
        new = [row.key for row in batch if row.table == CERTIFICATES and row.value is not None]
        found.append(int.from_bytes(new[0], "big") if new else found[-1])
    return found


def served(node: Node) -> list[tuple[int, Hash32, bytes]]:
    return [
        (each.block.number, each.block.state.root(), each.certificate)
        for each in node.ledger.checkpoints.served
    ]


def test_a_crash_after_any_batch_finds_the_block_of_that_batch(name: str) -> None:
    harness, store = lived(name)
    archive = durable_network(WAYS["runs"], history=None)
    advance(archive, 3)
    call(archive, 4)
    advance(archive, BLOCKS - 7)
    chain = archive.node(WATCHED).ledger
    reached = heights(store)
    assert sorted(set(reached)) == list(range(BLOCKS + 1))
    for count, height in enumerate(reached):
        node = restarted(harness, store.after(count), WAYS[name])
        ledger = node.ledger
        assert ledger.height == height
        if not height:
            continue
        block = chain.certified_block(height)
        assert block is not None
        assert ledger.tip.digest == chain.certificate(height).digest
        assert ledger.tip.state.root() == ledger.tip.block.header.state_root
        for kept in range(ledger.lowest, height + 1):
            assert ledger.certified_block(kept) == chain.certified_block(kept)
            assert ledger.certificate(kept) == chain.certificate(kept)
        trail = [certificate.sequence for certificate in ledger.trail()]
        assert trail == list(range(height + 1 - len(trail), height + 1))
        newest = height - height % 4
        whole = [number for number in (newest - 4, newest) if number > 0]
        expected = whole[-1:] if name == "runs" else whole
        assert [number for number, _, _ in served(node)][-len(expected) :] == expected
        for number, root, proof in served(node):
            header = next(
                each.block.block.header
                for each in node.ledger.checkpoints.served
                if each.block.number == number
            )
            assert (root, proof) == (header.state_root, chain_certificate(chain, number))


def chain_certificate(chain: object, number: int) -> bytes:
    block = chain.certified_block(number)  # type: ignore[attr-defined]
    return bytes(block.certificate)


def test_a_restart_serves_what_the_node_has_served(name: str) -> None:
    harness, _ = lived(name)
    before = served(harness.node(WATCHED))
    states = [each.block.state for each in harness.node(WATCHED).ledger.checkpoints.served]
    wholes = [state.accounts() for state in states]
    slots = [(state.slot(COUNTER, 0), state.slot(LARGE, 0)) for state in states]
    harness.crash(WATCHED)
    harness.start(WATCHED)
    node = harness.node(WATCHED)
    assert served(node) == before[-len(served(node)) :]
    kept = [each.block.state for each in node.ledger.checkpoints.served]
    assert [state.accounts() for state in kept] == wholes[-len(kept) :]
    assert [(s.slot(COUNTER, 0), s.slot(LARGE, 0)) for s in kept] == slots[-len(kept) :]
    assert len(kept) == (1 if name == "runs" else 2)


def test_a_restarted_node_goes_on_with_the_others(name: str) -> None:
    harness, _ = lived(name)
    harness.crash(WATCHED)
    advance(harness, 2)
    harness.start(WATCHED)
    harness.run(SECOND)
    call(harness, 3, first=8)
    agree(harness, BLOCKS + 5)
    harness.crash(WATCHED)
    harness.start(WATCHED)
    assert harness.node(WATCHED).ledger.height == BLOCKS + 5
    advance(harness, 5)
    agree(harness, BLOCKS + 10)


def test_all_ways_are_one_chain() -> None:
    tips = {name: lived(name)[0].node(WATCHED).ledger.tip.digest for name in WAYS}
    assert len(set(tips.values())) == 1


def test_a_state_that_was_fetched_is_there_after_a_restart(name: str) -> None:
    harness, store = fetched(name)
    (leapt,) = [e.height for e in harness.traced("sync.snapshot_adopted", WATCHED)]  # type: ignore[attr-defined]
    assert leapt == 16
    agree(harness, 19)
    last = restarted(harness, store, WAYS[name])
    for count in range(len(store.batches) + 1):
        node = restarted(harness, store.after(count), WAYS[name])
        tip = node.ledger.tip
        assert node.ledger.height in {0, 1, 2, 3, *range(16, 20)}
        assert tip.state.root() == tip.block.header.state_root
        assert len(tip.state.accounts()) >= 20
    assert last.ledger.height == 19
    if name != "archive":
        # No row leads from one state to another that is not the one before it.
        assert [key[-1] for key, _ in store.scan(HISTORY)] == (
            [] if name == "runs" else [17, 18, 19]
        )
    assert [each.block.number for each in last.ledger.checkpoints.served] == [16]
    advance(harness, 6)
    agree(harness, 25)
    again = restarted(harness, store, WAYS[name])
    assert [each.block.number for each in again.ledger.checkpoints.served][-1] == 24
    assert again.ledger.height == 25


@pytest.mark.parametrize("name", ["flat", "read"])
def test_a_fetched_state_leaves_nothing_that_led_back_from_the_one_before(name: str) -> None:
    way = WAYS[name]._replace(storage=replace(WAYS[name].storage, state_history=0))
    kept = way.storage.kept(4)
    assert kept == 16
    harness = durable_network(way)
    advance(harness, kept + 3)
    harness.crash(WATCHED)
    advance(harness, 18)
    store = harness.places[WATCHED].store
    assert [key[-1] for key, _ in store.scan(HISTORY)] == list(range(4, kept + 4))
    harness.start(WATCHED)
    harness.run(3 * SECOND)
    (leapt,) = [e.height for e in harness.traced("sync.snapshot_adopted", WATCHED)]  # type: ignore[attr-defined]
    assert [key[-1] for key, _ in store.scan(HISTORY)] == list(range(leapt + 1, kept + 22))


def test_each_row_of_a_batch_is_charged_however_states_are_held(name: str) -> None:
    node = durable_network(WAYS[name]).node(WATCHED)
    tip = node.ledger.tip
    params = node.parts.commits._params
    block = built(tip, transfer(0, 0, stranger(1), 1, params=params), params=params)
    proof = certificate(block, 0, 1, 2)
    effects = node.parts.commits.commit(Instant(0), block, encode_certificate(proof), proof)
    (batch,) = [each.records for each in effects if isinstance(each, Persist)]
    works = [each for each in effects if isinstance(each, Work)]
    charged = [each.units for each in works if each.kind == STORE_ROW]
    assert charged == ([] if name == "runs" else [len(batch)])


def test_a_node_may_keep_more_or_less_of_the_past_than_in_its_life_before() -> None:
    """An archive's index begins when it becomes one, and goes when it is one no more."""
    short = WAYS["read"]._replace(storage=replace(WAYS["read"].storage, state_history=0))
    harness = durable_network(short)
    place = harness.places[WATCHED]
    advance(harness, 20)
    for storage, readable in (
        (WAYS["archive"].storage, 4),
        (short.storage, 10),
        (WAYS["archive"].storage, 10),
    ):
        harness.crash(WATCHED)
        place.config = replace(place.config, storage=storage)
        harness.start(WATCHED)
        began = harness.node(WATCHED).ledger.height
        advance(harness, 3)
        check = StoreCheck(place.store, harness.environment)
        assert list(check.findings()) == []
        indexed = [int.from_bytes(key[-8:], "big") for key, _ in place.store.scan(INDEX)]
        assert sorted({*indexed}) == (
            list(range(began + 1, began + 4)) if storage.state_history is None else []
        )
        assert check.summary.readable_from == readable
