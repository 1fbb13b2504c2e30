"""Committees that a store names must have been handed over by those before them."""

from collections.abc import Callable
from functools import cache

import pytest
from msgspec.structs import replace

from consensus.certificate import Certificate
from node.config import Environment
from node.durable_runs import LATEST, SNAPSHOT, StoredSnapshot, stored_snapshot
from node.finality import ChainCommittee
from node.flat_rows import CHAIN, CLOSING, EPOCH
from node.ledger import height_key
from node.snapshot import Closing
from node.storage_config import StateForm, StorageConfig
from node.upkeep.check import StoreCheck
from node.upkeep.exported import CHAIN_KINDS, STATE_KINDS
from node.upkeep.exporting import export
from node.upkeep.finding import Finding, ignore
from node.upkeep.flat_chain import stored_closings
from node.upkeep.importing import import_records
from node.verifiers import Keys
from primitives.codec import decode_canonical, encode_canonical
from primitives.committee import Committee
from primitives.epoch import Epoch
from primitives.machine import Record
from storage.memory import MemoryStore
from tests.unit.node.harness import SECOND, Harness, make_environment, validator_key
from tests.unit.node.test_node_epochs import INTERVAL, PARAMS, Traffic, add, other_key, remove
from tests.unit.node.upkeep.stores import edit, replaced_by
from tests.unit.node.upkeep.test_moving import Shelf

FORMS = [StateForm.FLAT, StateForm.RUNS]
CLOSED = 2 * INTERVAL
"""The block that ends epoch 0."""


@cache
def _made(form: StateForm, after: int = 7) -> tuple[MemoryStore, Environment]:
    """Return the store and the chain after some blocks above the change of the committee."""
    keys = {node: (Keys(other_key(node)),) for node in range(5)}
    keys |= {node: (Keys(validator_key(node)),) for node in range(5, 7)}
    storage = StorageConfig(form=form)
    environment = make_environment(5, PARAMS)
    harness = Harness(5, 2, environment, spare_keys=keys, history=None, storage=storage)
    traffic = Traffic(harness)
    traffic.blocks(5)
    traffic.change(add(5))
    traffic.blocks(after)
    harness.run(SECOND)
    return harness.places[1].store, harness.environment


def closed_store(form: StateForm) -> tuple[MemoryStore, Environment]:
    store, environment = _made(form)
    return store.copy(), environment


def found(store: MemoryStore, environment: Environment) -> list[Finding]:
    return list(StoreCheck(store, environment).findings())


def forge(store: MemoryStore, form: StateForm, change: Callable[[Closing], Closing]) -> None:
    """Put another end of the first epoch into a store."""
    if form is StateForm.FLAT:

        def closing(row: bytes) -> bytes:
            return encode_canonical(change(decode_canonical(row, Closing)))

        edit(store, CHAIN, CLOSING + height_key(CLOSED), closing)
        return

    def snapshot(row: bytes) -> bytes:
        stored = decode_canonical(row, StoredSnapshot)
        first, *rest = stored.manifest.closings
        manifest = replace(stored.manifest, closings=(change(first), *rest))
        return encode_canonical(replace(stored, manifest=manifest))

    edit(store, SNAPSHOT, LATEST, snapshot)


@pytest.mark.parametrize("form", FORMS)
def test_blocks_of_two_epochs_are_judged_by_their_own_committees(form: StateForm) -> None:
    store, environment = closed_store(form)
    check = StoreCheck(store, environment)
    assert list(check.findings()) == []
    assert check.summary.height > CLOSED
    assert check.summary.unjudged == 0


@pytest.mark.parametrize("form", FORMS)
def test_a_committee_to_which_no_header_commits_is_none(form: StateForm) -> None:
    store, environment = closed_store(form)
    strangers = Committee.of_keys(validator_key(50 + index).public_key for index in range(6))
    forge(store, form, lambda closing: replace(closing, committee=strangers))
    findings = found(store, environment)
    assert any(
        each.key == "end of epoch 0" and "commits to the next committee" in each.expected
        for each in findings
    )


@pytest.mark.parametrize("form", FORMS)
def test_a_closing_block_that_nobody_has_signed_ends_nothing(form: StateForm) -> None:
    store, environment = closed_store(form)

    def unsigned(closing: Closing) -> Closing:
        certificate = decode_canonical(closing.certificate, Certificate)
        forged = replace(certificate, signatures=(bytes(64),) * len(certificate.signers))
        return replace(closing, certificate=encode_canonical(forged))

    forge(store, form, unsigned)
    assert [each.key for each in found(store, environment)] == ["end of epoch 0"]
    store, _ = closed_store(form)
    forge(store, form, lambda closing: replace(closing, certificate=b"none"))
    assert "end of epoch 0" in {each.key for each in found(store, environment)}


def test_the_row_of_the_epoch_is_that_of_the_last_end() -> None:
    store, environment = closed_store(StateForm.FLAT)
    first = environment.genesis_block.epoch
    edit(store, CHAIN, EPOCH, lambda _: encode_canonical(first))
    (finding,) = found(store, environment)
    assert (finding.place, finding.key, finding.found) == (CHAIN, "epoch", "0")


def test_a_pending_committee_is_the_one_that_transactions_make() -> None:
    made, environment = _made(StateForm.FLAT, after=1)
    assert list(StoreCheck(made, environment).findings()) == []
    row = made.get(CHAIN, EPOCH)
    assert row is not None
    epoch = decode_canonical(row, Epoch)
    assert (epoch.number, len(epoch.pending.nodes), len(epoch.committee.nodes)) == (0, 6, 5)
    strangers = Committee.of_keys(validator_key(50 + index).public_key for index in range(5))
    for wrong, said in (
        (replace(epoch, pending=epoch.committee), "since the last checkpoint"),
        (replace(epoch, committee=strangers), "the committee of genesis"),
        (replace(epoch, since=3), "since block 0"),
    ):
        store = made.copy()
        edit(store, CHAIN, EPOCH, replaced_by(encode_canonical(wrong)))
        (finding,) = found(store, environment)
        assert (finding.place, finding.key, finding.is_damage) == (CHAIN, "epoch", True)
        assert said in finding.expected


@pytest.mark.parametrize("form", FORMS)
def test_the_ends_of_epochs_move_with_the_chain(form: StateForm) -> None:
    store, environment = closed_store(form)
    check = StoreCheck(store, environment)
    assert list(check.findings()) == []
    chain, state = Shelf(CHAIN_KINDS), Shelf(STATE_KINDS)
    manifest = export(store, check.summary, environment, chain, state, ignore)
    moved = MemoryStore()
    moved.write(import_records(manifest, chain, state, ignore))
    after = StoreCheck(moved, environment)
    assert list(after.findings()) == []
    assert after.summary.unjudged == 0


@pytest.mark.parametrize("form", FORMS)
def test_a_trusted_committee_judges_its_own_epoch_only(form: StateForm) -> None:
    store, environment = closed_store(form)
    digest = environment.genesis_block.digest
    for epoch in (0, 1):
        committee = ends(store, form)[0].committee if epoch else environment.genesis.committee
        trusted = ChainCommittee(digest, 0, epoch, committee)
        check = StoreCheck(store, trusted=trusted)
        assert [each for each in check.findings() if each.is_damage] == []
        above = check.summary.height - CLOSED
        assert check.summary.unjudged == (above if epoch == 0 else CLOSED)


def ends(store: MemoryStore, form: StateForm) -> tuple[Closing, ...]:
    if form is StateForm.FLAT:
        return tuple(stored_closings(store))
    stored = stored_snapshot(store)
    assert stored is not None
    return stored.manifest.closings


def test_an_end_of_an_epoch_stands_under_its_height() -> None:
    store, environment = closed_store(StateForm.FLAT)
    row = store.get(CHAIN, CLOSING + height_key(CLOSED))
    store.write([Record(CHAIN, CLOSING + height_key(CLOSED), None)])
    store.write([Record(CHAIN, CLOSING + height_key(CLOSED + 4), row)])
    (finding,) = found(store, environment)
    assert (finding.key, finding.expected) == ("closing/12", "the block of this height")


def test_epochs_end_one_after_another() -> None:
    store, environment = closed_store(StateForm.RUNS)

    def twice(row: bytes) -> bytes:
        stored = decode_canonical(row, StoredSnapshot)
        manifest = replace(stored.manifest, closings=stored.manifest.closings * 2)
        return encode_canonical(replace(stored, manifest=manifest))

    edit(store, SNAPSHOT, LATEST, twice)
    expected = f"a block above {CLOSED}"
    assert expected in [each.expected for each in found(store, environment)]


def test_changes_of_the_committee_count_in_the_order_of_their_blocks() -> None:
    environment = make_environment(5, PARAMS)
    harness = Harness(5, 2, environment, history=None, storage=StorageConfig(form=StateForm.FLAT))
    traffic = Traffic(harness)
    traffic.blocks(4)
    traffic.change(add(5))
    traffic.change(remove(5))
    store = harness.places[1].store
    assert harness.node(1).ledger.height == 6
    assert harness.node(1).ledger.tip.epoch.pending == environment.genesis.committee
    assert found(store, environment) == []
