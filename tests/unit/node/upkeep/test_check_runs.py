"""What a look through a store of form `runs` finds, and that it finds nothing in a good one."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from consensus.log import TABLE
from node.certificates import CertificateReader
from node.durable_runs import LATEST, RUNS, SNAPSHOT
from node.finality import ChainCommittee
from node.ledger import BLOCKS, CERTIFICATES, height_key
from node.upkeep.check import StoreCheck
from node.upkeep.finding import Finding
from primitives.block import decode_block, encode_block
from primitives.codec import encode_canonical
from primitives.machine import Record
from storage.change_rows import decode_run, encode_run
from storage.memory import MemoryStore
from tests.unit.node.state_rig import environment
from tests.unit.node.upkeep.stores import HEIGHT, chain_store, edit, flipped
from tests.unit.node.upkeep.test_moving import Box

Damage = Callable[[MemoryStore], None]


def found(store: MemoryStore, **known: object) -> list[Finding]:
    return list(StoreCheck(store, **known).findings())  # type: ignore[arg-type]


def test_a_good_store_has_nothing_to_tell() -> None:
    store, known = chain_store()
    check = StoreCheck(store, known)
    assert list(check.findings()) == []
    summary = check.summary
    assert (summary.form, summary.lowest, summary.height) == ("runs", 1, HEIGHT)
    assert (summary.blocks, summary.state_height, summary.unjudged) == (HEIGHT, 8, 0)
    header = decode_block(store.get(BLOCKS, height_key(8)) or b"").header
    assert summary.state_root == f"0x{header.state_root.hex()}"


def test_a_pruned_store_is_whole_too() -> None:
    store, known = chain_store(history=0)
    check = StoreCheck(store, known)
    assert list(check.findings()) == []
    assert (check.summary.lowest, check.summary.height) == (5, HEIGHT)


def test_without_genesis_it_says_what_was_not_looked_at() -> None:
    store, _ = chain_store()
    notes = found(store)
    assert [each.place for each in notes] == ["state root", "certificates"]
    assert not any(each.is_damage for each in notes)
    assert f"{HEIGHT} signed by strangers" in notes[1].found


def test_a_committee_that_is_trusted_is_enough_for_signatures() -> None:
    store, known = chain_store()
    genesis = known.genesis
    trusted = ChainCommittee(known.genesis_block.digest, 0, 0, genesis.committee)
    assert [each.place for each in found(store, trusted=trusted)] == ["state root"]
    other = ChainCommittee(bytes(32), 0, 0, genesis.committee)  # type: ignore[arg-type]
    damages = [each for each in found(store, trusted=other) if each.is_damage]
    assert {each.place for each in damages} == {CERTIFICATES, SNAPSHOT}


def test_an_empty_store_holds_no_chain() -> None:
    check = StoreCheck(MemoryStore())
    assert list(check.findings()) == []
    assert check.summary.form == "empty"


def without(table: str, key: bytes) -> Damage:
    return lambda store: store.write([Record(table, key, None)])


def swapped(table: str, one: int, other: int) -> Damage:
    def damage(store: MemoryStore) -> None:
        row = store.get(table, height_key(other))
        store.write([Record(table, height_key(one), row)])

    return damage


def changed(table: str, key: bytes, change: Callable[[bytes], bytes] = flipped) -> Damage:
    return lambda store: edit(store, table, key, change)


def less_transactions(row: bytes) -> bytes:
    block = decode_block(row)
    return encode_block(replace(block, transactions=block.transactions[1:]))


@pytest.mark.parametrize(
    ("damage", "place", "key", "said"),
    [
        (without(BLOCKS, height_key(5)), BLOCKS, "6", "a gap before it"),
        (without(CERTIFICATES, height_key(5)), CERTIFICATES, "5", "none"),
        (without(BLOCKS, height_key(HEIGHT)), CERTIFICATES, str(HEIGHT), "none"),
        (swapped(BLOCKS, 5, 4), BLOCKS, "5", "that of 4"),
        (swapped(CERTIFICATES, 5, 4), CERTIFICATES, "5", "4"),
        (changed(BLOCKS, height_key(5), lambda row: row[:-1]), BLOCKS, "5", ""),
        (changed(BLOCKS, height_key(5), less_transactions), BLOCKS, "5", "others"),
        (changed(CERTIFICATES, height_key(5), lambda row: row[:-1]), CERTIFICATES, "5", ""),
        (changed(CERTIFICATES, height_key(5)), CERTIFICATES, "5", ""),
        (changed(SNAPSHOT, LATEST, lambda row: row[:-1]), SNAPSHOT, "latest", "other bytes"),
        (without(RUNS, height_key(4)), RUNS, "4", "none"),
        (without(SNAPSHOT, LATEST), RUNS, "4", "another"),
    ],
)
def test_damage_is_named_by_table_and_key(damage: Damage, place: str, key: str, said: str) -> None:
    store, known = chain_store()
    damage(store)
    named = [
        each
        for each in found(store, environment=known)
        if each.is_damage and (each.place, each.key) == (place, key)
    ]
    assert named
    assert said in named[0].found


def test_a_certificate_for_this_digest_at_another_height_is_none() -> None:
    store, known = chain_store()
    reader = CertificateReader(0)

    def moved(row: bytes) -> bytes:
        return encode_canonical(replace(reader.read(row), sequence=6))

    edit(store, CERTIFICATES, height_key(5), moved)
    (finding,) = found(store, environment=known)
    assert (finding.key, finding.expected, finding.found) == ("5", "sequence 5", "6")


def test_a_block_of_another_chain_is_no_child_of_the_one_below() -> None:
    store, known = chain_store()
    edit(store, BLOCKS, height_key(5), another)
    damages = {(each.place, each.key) for each in found(store, environment=known)}
    assert damages == {(BLOCKS, "6"), (CERTIFICATES, "5")}


def test_block_1_stands_on_genesis() -> None:
    store, _ = chain_store()
    stranger = environment(1)
    damages = [each for each in found(store, environment=stranger) if each.is_damage]
    assert (damages[0].place, damages[0].key) == (SNAPSHOT, "latest")
    assert any(each.key == "1" and "a child of block 0" in each.expected for each in damages)


def test_blocks_and_checkpoint_are_of_one_chain() -> None:
    store, known = chain_store()
    for height in (7, 8, 9, 10):
        for table in (BLOCKS, CERTIFICATES):
            store.write([Record(table, height_key(height), None)])
    (finding,) = found(store, environment=known)
    assert finding.found == "those from 1 to 6"
    assert "reach to the checkpoint 8" in finding.expected
    store, _ = chain_store()
    edit(store, BLOCKS, height_key(8), another)
    damages = {(each.key, each.expected[:15]) for each in found(store, environment=known)}
    assert ("8", "the checkpoint'") in damages


def another(row: bytes) -> bytes:
    block = decode_block(row)
    return encode_block(replace(block, header=replace(block.header, gas_used=1)))


def test_another_state_than_the_header_names_is_found() -> None:
    store, known = chain_store()
    row = store.get(RUNS, height_key(4))
    assert row is not None
    store.write([Record(RUNS, height_key(8), row)])
    damages = [each for each in found(store, environment=known) if each.is_damage]
    assert [each.place for each in damages] == [RUNS]
    assert "the state root of block 8" in damages[0].expected


def test_votes_that_cannot_be_read_are_named() -> None:
    store, known = chain_store()
    key, row = list(store.scan(TABLE))[3]
    store.write([Record(TABLE, key, row[:-1])])
    (finding,) = found(store, environment=known)
    assert (finding.place, finding.key, finding.is_damage) == (TABLE, key.hex(), True)
    # Who does not know the protocol does not know what its log looks like.
    assert not any(each.is_damage for each in found(store))
    store.write([Record(TABLE, key, row), Record(TABLE, b"short", b"")])
    (finding,) = found(store, environment=known)
    assert finding.key == b"short".hex()


def test_an_account_whose_code_is_missing_is_named() -> None:
    """The root does not tell: the account has the hash."""
    made, known = chain_store()
    store = Box(made, known).unpacked()
    (key,) = [key for key, _ in store.scan(RUNS)]
    edit(store, RUNS, key, lambda row: encode_run(replace(decode_run(row), codes={})))
    damages = [each for each in StoreCheck(store, known).findings() if each.is_damage]
    assert damages
    assert all("the code of account" in each.expected for each in damages)
