"""What a look through a store of form `flat` finds, and that it finds nothing in a good one."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from consensus.certificate import Certificate
from node.flat_rows import ANCHOR, CHAIN, EPOCH, HEADERS, RECEIPTS, Anchor
from node.ledger import BLOCKS, CERTIFICATES, height_key
from node.storage_config import StateForm
from node.upkeep.check import StoreCheck
from node.upkeep.finding import Finding
from primitives.block import Withdrawal, decode_block, encode_block
from primitives.codec import decode_canonical, encode_canonical
from primitives.ids import Address
from primitives.machine import Record
from storage.flat import ACCOUNTS, CODE, HEAD, HISTORY, INDEX, STORAGE, read_head
from storage.flat.cells import decode_account, encode_account
from storage.flat.head import encode_head
from storage.flat.tables import LATEST
from storage.memory import MemoryStore
from storage.stored_trie import TABLE as TRIE
from tests.unit.node.durable_rig import fetched
from tests.unit.node.upkeep.stores import HEIGHT, chain_store, edit, flipped

Damage = Callable[[MemoryStore], None]


def flat_store(**kwargs: int | None) -> MemoryStore:
    return chain_store(StateForm.FLAT, **kwargs)[0]


def found(store: MemoryStore) -> list[Finding]:
    _, environment = chain_store(StateForm.FLAT)
    return list(StoreCheck(store, environment).findings())


def test_a_good_store_has_nothing_to_tell() -> None:
    store, environment = chain_store(StateForm.FLAT)
    check = StoreCheck(store, environment)
    assert list(check.findings()) == []
    summary = check.summary
    assert (summary.form, summary.height, summary.state_height) == ("flat", HEIGHT, HEIGHT)
    header = decode_block(store.get(BLOCKS, height_key(HEIGHT)) or b"").header
    assert summary.state_root == f"0x{header.state_root.hex()}"
    assert summary.accounts == len(list(store.scan(ACCOUNTS)))
    assert summary.slots == len(list(store.scan(STORAGE)))
    assert (summary.codes, summary.readable_from) == (len(list(store.scan(CODE))), 0)


def test_a_pruned_store_is_whole_too() -> None:
    store, environment = chain_store(StateForm.FLAT, history=0)
    check = StoreCheck(store, environment)
    assert list(check.findings()) == []
    assert check.summary.lowest == 4


def test_all_of_the_state_is_looked_at_without_knowing_the_chain() -> None:
    check = StoreCheck(flat_store())
    assert [each.place for each in check.findings()] == ["certificates"]
    assert check.summary.state_root


def first_key(store: MemoryStore, table: str) -> bytes:
    return next(key for key, _ in store.scan(table))


def richer(row: bytes) -> bytes:
    account = decode_account(row)
    return encode_account(replace(account, balance=account.balance + 1))


def test_one_wei_too_much_is_found_in_the_root() -> None:
    store = flat_store()
    edit(store, ACCOUNTS, first_key(store, ACCOUNTS), richer)
    (finding,) = found(store)
    assert (finding.place, finding.is_damage) == (ACCOUNTS, True)
    assert f"the state root of block {HEIGHT}" in finding.expected


@pytest.mark.parametrize("table", [ACCOUNTS, STORAGE])
def test_a_row_of_the_state_that_is_missing_is_found(table: str) -> None:
    store = flat_store()
    key = first_key(store, table)
    store.write([Record(table, key, None)])
    assert any(each.place == ACCOUNTS and "state root" in each.expected for each in found(store))


def test_slots_without_an_account_are_named() -> None:
    store = flat_store()
    stranger = bytes(20)
    store.write([Record(STORAGE, stranger + bytes(32), b"\x01")])
    (finding,) = [each for each in found(store) if each.place == STORAGE]
    assert finding.key == stranger.hex()


def test_code_that_is_missing_or_not_what_its_hash_says_is_named() -> None:
    store = flat_store()
    key = first_key(store, CODE)
    edit(store, CODE, key, flipped)
    assert (CODE, key.hex()) in {(each.place, each.key) for each in found(store)}
    store.write([Record(CODE, key, None)])
    (finding,) = found(store)
    assert (finding.place, finding.key, finding.found) == (CODE, key.hex(), "no row")


def test_every_node_of_the_trie_is_checked() -> None:
    for key, _ in list(flat_store().scan(TRIE))[::200]:
        store = flat_store()
        edit(store, TRIE, key, flipped)
        assert any(each.place == TRIE for each in found(store)), key.hex()
        store.write([Record(TRIE, key, None)])
        assert any(each.place == TRIE for each in found(store)), key.hex()


def test_a_row_that_no_node_of_the_trie_needs_is_named() -> None:
    store = flat_store()
    store.write([Record(TRIE, b"A" + bytes(9), b"left over")])
    (finding,) = found(store)
    assert (finding.place, finding.key) == (TRIE, (b"A" + bytes(9)).hex())


def test_a_head_of_another_block_is_named() -> None:
    store = flat_store()
    last = height_key(HEIGHT)
    for table in (BLOCKS, CERTIFICATES, HEADERS, RECEIPTS):
        store.write([Record(table, last, None)])
    damages = found(store)
    assert (HEAD, "head") in {(each.place, each.key) for each in damages}


def test_a_gap_in_the_history_is_named() -> None:
    store = flat_store()
    store.write([Record(HISTORY, height_key(7), None)])
    names = {each.key for each in found(store) if each.place == HISTORY}
    assert names == {str(height) for height in range(1, 7)}


def test_a_history_that_does_not_undo_its_block_is_named() -> None:
    store = flat_store()
    row = store.get(HISTORY, height_key(6))
    assert row is not None
    store.write([Record(HISTORY, height_key(5), row)])
    (finding,) = found(store)
    assert (finding.place, finding.key) == (HISTORY, "5")
    assert "what undoes the block" in finding.expected


@pytest.mark.parametrize(
    ("table", "key", "name"),
    [
        (HEADERS, height_key(5), "5"),
        (RECEIPTS, height_key(5), "5"),
        (CHAIN, EPOCH, "epoch"),
        (HISTORY, height_key(5), height_key(5).hex()),
    ],
)
def test_rows_that_make_no_sense_are_named(table: str, key: bytes, name: str) -> None:
    store = flat_store()
    edit(store, table, key, lambda row: row[:-1])
    assert (table, name) in {(each.place, each.key) for each in found(store)}


def test_receipts_of_another_block_are_found() -> None:
    store = flat_store()
    edit(store, RECEIPTS, height_key(2), lambda _: store.get(RECEIPTS, height_key(9)) or b"")
    (finding,) = found(store)
    assert (finding.place, finding.key) == (RECEIPTS, "2")
    assert "others" in finding.found


def test_what_an_archive_keeps_from_before_it_fetched_a_state_is_no_damage() -> None:
    harness, store = fetched("archive")
    history = [int.from_bytes(key, "big") for key, _ in store.scan(HISTORY)]
    assert history == [1, 2, 3, 17, 18, 19]
    check = StoreCheck(store, harness.environment)
    assert list(check.findings()) == []
    assert (check.summary.height, check.summary.readable_from) == (19, 16)
    for table, key in ((HISTORY, height_key(17)), (INDEX, newest_key(store))):
        damaged = store.copy()
        damaged.write([Record(table, key, None)])
        assert any(each.is_damage for each in StoreCheck(damaged, harness.environment).findings())


def newest_key(store: MemoryStore) -> bytes:
    return max((key for key, _ in store.scan(INDEX)), key=lambda key: key[-8:])


def test_a_fetched_state_is_held_to_the_header_that_it_was_fetched_with() -> None:
    harness, noted = fetched("flat")
    batches = [any(row.key == ANCHOR for row in batch) for batch in noted.batches]
    store = noted.after(batches.index(True) + 1)
    assert list(store.scan(BLOCKS)) == []
    for environment in (harness.environment, None):
        damages = [e for e in StoreCheck(store, environment).findings() if e.is_damage]
        assert damages == []
    before = noted.after(batches.index(True))
    forged = store.copy()
    forged.discard((ACCOUNTS, STORAGE, TRIE))
    for table in (ACCOUNTS, STORAGE, TRIE):
        forged.write(Record(table, *row) for row in before.scan(table))
    head, older = read_head(store), read_head(before)
    assert head is not None
    assert older is not None
    row = encode_head(replace(head, state_root=older.state_root))
    forged.write([Record(HEAD, LATEST, row)])
    (finding,) = StoreCheck(forged, harness.environment).findings()
    assert (finding.place, finding.is_damage) == (HEAD, True)
    assert "the state root of block 16" in finding.expected


def test_a_state_without_its_block_is_none_to_go_on_from() -> None:
    store = flat_store()
    store.discard((BLOCKS, CERTIFICATES, HEADERS, RECEIPTS))
    (finding,) = StoreCheck(store).findings()
    assert (finding.place, finding.key, finding.found) == (BLOCKS, str(HEIGHT), "neither")


@pytest.mark.parametrize("table", [HEADERS, RECEIPTS])
def test_rows_of_no_block_are_named(table: str) -> None:
    store = flat_store(history=0)
    store.write([Record(table, height_key(2), b"left over")])
    (finding,) = found(store)
    assert (finding.place, finding.key, finding.found) == (table, "2", "no such block")


@pytest.mark.parametrize("part", ["ommers", "withdrawals"])
def test_what_the_header_does_not_commit_to_is_found_in_a_block(part: str) -> None:
    store = flat_store()

    def with_more(row: bytes) -> bytes:
        block = decode_block(row)
        if part == "ommers":
            return encode_block(replace(block, ommers=(block.header,)))
        paid = Withdrawal(0, 0, Address(bytes(20)), 1)
        return encode_block(replace(block, withdrawals=(paid,)))

    edit(store, BLOCKS, height_key(5), with_more)
    (finding,) = found(store)
    assert (finding.place, finding.key) == (BLOCKS, "5")
    assert part in finding.expected


def test_the_proof_of_a_fetched_state_must_be_signed() -> None:
    harness, store = fetched("flat")

    def unsigned(row: bytes) -> bytes:
        anchor = decode_canonical(row, Anchor)
        certificate = decode_canonical(anchor.certificate, Certificate)
        forged = replace(certificate, signatures=(bytes(64),) * len(certificate.signers))
        return encode_canonical(replace(anchor, certificate=encode_canonical(forged)))

    edit(store, CHAIN, ANCHOR, unsigned)
    (finding,) = StoreCheck(store, harness.environment).findings()
    assert (finding.place, finding.key, finding.is_damage) == (CHAIN, "anchor", True)
