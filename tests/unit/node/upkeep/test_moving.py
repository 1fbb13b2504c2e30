"""What is exported of one store makes another one with the same chain and the same state root."""

from collections.abc import Iterator

import msgspec
import pytest
from msgspec.structs import replace as changed

from node.storage_config import StateForm, StorageConfig
from node.upkeep.check import StoreCheck
from node.upkeep.exported import (
    ACCOUNT,
    ANCHOR,
    BLOCK,
    CHAIN_KINDS,
    SLOT,
    STATE_KINDS,
    Manifest,
    decode_manifest,
    encode_manifest,
    read_rows,
    write_rows,
)
from node.upkeep.exporting import export
from node.upkeep.finding import ignore
from node.upkeep.importing import batches, import_records
from primitives.errors import InvalidEncoding, InvalidInput
from primitives.machine import Record
from storage.memory import MemoryStore
from tests.unit.node.harness import SECOND, agree
from tests.unit.node.state_rig import CONTRACTS, advance, call, network
from tests.unit.node.upkeep.stores import HEIGHT, chain_store

FORMS = [StateForm.FLAT, StateForm.RUNS]


class Shelf:
    """An archive in memory."""

    def __init__(self, kinds: tuple[str, ...]) -> None:
        self.records: dict[str, dict[int, bytes]] = {kind: {} for kind in kinds}

    def append(self, kind: str, number: int, payload: bytes) -> None:
        held = self.records[kind]
        assert not held or number > max(held)
        held[number] = payload

    def scan(self, kind: str, start: int = 0, end: int = 1 << 64) -> Iterator[tuple[int, bytes]]:
        held = self.records[kind]
        return iter([(number, held[number]) for number in sorted(held) if start <= number < end])


class Box:
    """An export in memory."""

    def __init__(self, store: MemoryStore, environment: object) -> None:
        self.chain, self.state = Shelf(CHAIN_KINDS), Shelf(STATE_KINDS)
        check = StoreCheck(store, environment)  # type: ignore[arg-type]
        assert not any(each.is_damage for each in check.findings())
        self.manifest: Manifest = export(
            store,
            check.summary,
            environment,  # type: ignore[arg-type]
            self.chain,
            self.state,
            ignore,
        )

    def unpacked(self) -> MemoryStore:
        store = MemoryStore()
        store.write(import_records(self.manifest, self.chain, self.state, ignore))
        return store


@pytest.mark.parametrize("history", [None, 0])
@pytest.mark.parametrize("form", FORMS)
def test_chain_and_state_are_the_same(form: StateForm, history: int | None) -> None:
    store, environment = chain_store(form, history)
    box = Box(store, environment)
    check = StoreCheck(box.unpacked(), environment)
    assert list(check.findings()) == []
    before = StoreCheck(store, environment)
    assert list(before.findings()) == []
    one, other = before.summary, check.summary
    for name in ("form", "blocks", "lowest", "height", "digest", "state_root", "state_height"):
        assert getattr(one, name) == getattr(other, name) != ""
    assert (one.accounts, one.slots, one.codes) == (other.accounts, other.slots, other.codes)
    manifest = box.manifest
    assert (manifest.state_root, manifest.height) == (one.state_root, HEIGHT)
    assert (manifest.accounts, manifest.slots, manifest.codes) == (
        one.accounts,
        one.slots,
        one.codes,
    )


@pytest.mark.parametrize("form", FORMS)
def test_the_nodes_own_votes_stay(form: StateForm) -> None:
    store, environment = chain_store(form)
    assert list(store.scan("consensus"))
    assert list(Box(store, environment).unpacked().scan("consensus")) == []


@pytest.mark.parametrize("form", FORMS)
def test_a_node_goes_on_from_an_imported_store(form: StateForm) -> None:
    """A follower, which has no votes to remember."""
    storage = StorageConfig(form=form)
    harness = network(contracts=CONTRACTS, followers=1, history=None, storage=storage)
    call(harness, 2)
    advance(harness, HEIGHT - 2)
    place = harness.places[4]
    harness.crash(4)
    place.store = Box(harness.places[1].store, harness.environment).unpacked()
    harness.start(4)
    assert harness.node(4).ledger.height == HEIGHT
    advance(harness, 3)
    harness.run(SECOND)
    agree(harness, HEIGHT + 3)
    assert list(StoreCheck(place.store, harness.environment).findings()) == []


def test_form_runs_needs_genesis() -> None:
    store, _ = chain_store(StateForm.RUNS)
    with pytest.raises(InvalidInput, match="--run"):
        Box(store, None)
    assert Box(chain_store(StateForm.FLAT)[0], None).manifest.genesis_hash is None


def test_a_store_of_form_runs_without_a_checkpoint_has_no_state() -> None:
    harness = network()
    advance(harness, 2)
    with pytest.raises(InvalidInput, match="at the first checkpoint"):
        Box(harness.places[1].store, harness.environment)


@pytest.mark.parametrize("form", FORMS)
def test_one_row_of_the_state_less_is_refused(form: StateForm) -> None:
    box = Box(*chain_store(form))
    rows = list(read_rows(box.state, ACCOUNT))
    box.state = replace_rows(box.state, rows[1:])
    with pytest.raises(InvalidInput, match=r"manifest's state root|accounts that exist"):
        box.unpacked()


def test_slots_of_nobody_are_refused() -> None:
    """No root would show them, but they would be in the store."""
    box = Box(*chain_store(StateForm.FLAT))
    rows = list(read_rows(box.state, SLOT))
    box.state = replace_rows(box.state, [(bytes(52), b"\x01"), *rows], SLOT)
    with pytest.raises(InvalidInput, match="slots of accounts that exist"):
        box.unpacked()


def replace_rows(shelf: Shelf, rows: list[tuple[bytes, bytes]], kind: str = ACCOUNT) -> Shelf:
    other = Shelf(STATE_KINDS)
    other.records = {**shelf.records, kind: {}}
    write_rows(other, kind, rows)
    return other


def test_a_manifest_that_lies_about_the_root_is_refused_and_one_with_another_state_too() -> None:
    store, environment = chain_store(StateForm.FLAT)
    box = Box(store, environment)
    box.manifest = changed(box.manifest, state_root="0x" + "00" * 32)
    with pytest.raises(InvalidInput, match="manifest's state root"):
        box.unpacked()


def test_a_whole_state_that_is_not_that_of_the_blocks_is_found_by_the_check() -> None:
    store, environment = chain_store(StateForm.FLAT)
    box, older = (
        Box(store, environment),
        network(contracts=CONTRACTS, storage=StorageConfig(form=StateForm.FLAT)),
    )
    call(older, 3)
    other = Box(older.places[1].store, older.environment)
    box.state = other.state
    box.manifest = changed(box.manifest, state_root=other.manifest.state_root)
    damages = list(StoreCheck(box.unpacked(), environment).findings())
    assert any("the state root of block 10" in each.expected for each in damages)


def test_a_checkpoint_needs_its_proof() -> None:
    box = Box(*chain_store(StateForm.RUNS))
    proof = box.chain.records[ANCHOR]
    box.chain.records[ANCHOR] = {}
    with pytest.raises(InvalidInput, match="the proof of one checkpoint"):
        box.unpacked()
    box.chain.records[ANCHOR] = proof
    box.manifest = changed(box.manifest, state_height=4)
    with pytest.raises(InvalidInput, match="the proof of block 4"):
        box.unpacked()


def test_what_is_no_record_is_refused() -> None:
    box = Box(*chain_store(StateForm.FLAT))
    box.chain.records[BLOCK][3] = b"no block"
    with pytest.raises(InvalidEncoding):
        box.unpacked()
    box = Box(*chain_store(StateForm.FLAT))
    box.state.records[ACCOUNT][0] = b"no rows"
    with pytest.raises(InvalidEncoding):
        box.unpacked()


def test_a_manifest_is_read_as_it_was_written_and_nothing_else() -> None:
    manifest = Box(*chain_store(StateForm.FLAT)).manifest
    content = encode_manifest(manifest)
    assert decode_manifest(content, "here") == manifest
    newer = content.replace(b'"version": 1', b'"version": 2')
    not_text = content.replace(b"orrery", b"orr\xb7ry")
    for bad in (b"", b"{}", content[:-5], newer, not_text):
        with pytest.raises(InvalidInput, match="here"):
            decode_manifest(bad, "here")
    for wrong in (
        changed(manifest, digest="0x" + "zz" * 32),
        changed(manifest, state_root=""),
        changed(manifest, state_height=-1),
        changed(manifest, state_height=1 << 64),
    ):
        with pytest.raises(InvalidInput, match="here"):
            decode_manifest(msgspec.json.encode(wrong), "here")
    box = Box(*chain_store(StateForm.FLAT))
    box.manifest = changed(manifest, form="other")
    with pytest.raises(InvalidInput, match=r"manifest.form"):
        box.unpacked()


def test_rows_come_in_batches() -> None:
    rows = [Record("table", bytes((number,)), b"") for number in range(7)]
    assert [len(batch) for batch in batches(rows, 3)] == [3, 3, 1]
    assert [row for batch in batches(rows, 3) for row in batch] == rows


def test_many_rows_go_into_a_record() -> None:
    shelf = Shelf(STATE_KINDS)
    rows = [(number.to_bytes(20, "big"), b"\x01") for number in range(1_200)]
    assert write_rows(shelf, ACCOUNT, rows) == 1_200
    assert len(shelf.records[ACCOUNT]) == 3
    assert list(read_rows(shelf, ACCOUNT)) == rows
