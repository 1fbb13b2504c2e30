"""Rows of blocks, what undoes them, and forgetting."""

from collections.abc import Iterable

import pytest

from primitives.errors import InvalidInput
from primitives.ids import Address, Hash32, Wei
from primitives.keccak import keccak256
from primitives.machine import Record
from storage.account import Account
from storage.changes import StateChanges
from storage.flat import (
    ACCOUNTS,
    CODE as CODES,
    HEAD,
    HISTORY,
    INDEX,
    STORAGE,
    HistoricState,
    NoFlatState,
    StateNotKept,
    adapt_records,
    lowest_height,
    prune_records,
    state_records,
)
from storage.memory import MemoryStore
from storage.state import StateLayer
from storage.store import MalformedRow
from tests.unit.storage.flat.chain import ANN, BOB, CAT, CODE, CONTRACT, Chain, owning

GENESIS = StateChanges(
    {ANN: owning(5), CAT: CONTRACT}, {CAT: {1: 11, 2: 22}}, {}, {keccak256(CODE): CODE}
)
NEW_CODE = b"\x5f"
REBORN = Account(1, Wei(9), keccak256(NEW_CODE))
BLOCKS = (
    StateChanges({ANN: None, BOB: owning(1)}),
    StateChanges({CAT: CONTRACT}, {CAT: {1: 0, 3: 33}}),
    StateChanges({CAT: None}, {}, {CAT: None}),
    StateChanges({CAT: REBORN}, {CAT: {2: 99}}, {}, {keccak256(NEW_CODE): NEW_CODE}),
    StateChanges({CAT: REBORN}, {CAT: {4: 44}}, {CAT: None}),
)
"""An account ends and another begins; slots unset and set; storage wiped, twice."""
STATES: tuple[tuple[dict[Address, Account], dict[int, int]], ...] = (
    ({ANN: owning(5), CAT: CONTRACT}, {1: 11, 2: 22}),
    ({BOB: owning(1), CAT: CONTRACT}, {1: 11, 2: 22}),
    ({BOB: owning(1), CAT: CONTRACT}, {2: 22, 3: 33}),
    ({BOB: owning(1)}, {}),
    ({BOB: owning(1), CAT: REBORN}, {2: 99}),
    ({BOB: owning(1), CAT: REBORN}, {4: 44}),
)


def chain(kept: int | None) -> Chain:
    found = Chain(GENESIS, kept)
    for changes in BLOCKS:
        found.add(changes)
    return found


def cells(records: Iterable[Record]) -> dict[tuple[str, bytes], bytes | None]:
    kept = {ACCOUNTS, STORAGE, CODES}
    return {(each.table, each.key): each.value for each in records if each.table in kept}


def slot_key(slot: int) -> tuple[str, bytes]:
    return STORAGE, CAT + slot.to_bytes(32, "big")


@pytest.mark.parametrize("kept", [None, 5, 9])
def test_every_earlier_state_can_be_read(kept: int | None) -> None:
    store = chain(kept).store
    for height, (accounts, slots) in enumerate(STATES):
        state = HistoricState(store.snapshot(), height)
        assert [state.account(key) for key in (ANN, BOB, CAT)] == [
            accounts.get(key) for key in (ANN, BOB, CAT)
        ]
        assert [state.slot(CAT, slot) for slot in range(6)] == [
            slots.get(slot, 0) for slot in range(6)
        ]
        assert state.slots_of(CAT) == slots
        assert state.slots_of(BOB) == {}
        assert (state.has_storage(CAT), state.has_storage(CAT, [*slots])) == (bool(slots), False)
        assert state.accounts() == accounts
        expected = StateLayer(None, StateChanges(accounts, {CAT: slots} if slots else {}))
        assert state.root() == expected.root()


def test_a_block_writes_the_cells_that_change_and_no_others() -> None:
    blocks = Chain(GENESIS)
    same = StateChanges({ANN: owning(5), CAT: CONTRACT, BOB: None}, {CAT: {1: 11, 2: 0, 5: 0}})
    assert cells(blocks.add(same)) == {slot_key(2): None}
    wiped = StateChanges({CAT: CONTRACT}, {CAT: {1: 12}}, {CAT: None})
    assert cells(blocks.add(wiped)) == {slot_key(1): b"\x0c"}
    gone = StateChanges({CAT: None}, {}, {CAT: None})
    assert cells(blocks.add(gone)) == {(ACCOUNTS, CAT): None, slot_key(1): None}
    assert blocks.store.get(CODES, keccak256(CODE)) == CODE, "others may have the same"


def test_rows_follow_from_the_block_whatever_the_order_of_its_changes() -> None:
    blocks = Chain(GENESIS)
    one = StateChanges({ANN: owning(1), BOB: owning(2)}, {CAT: {3: 3, 1: 1}, BOB: {1: 1}})
    accounts = {**dict(reversed(list(one.accounts.items()))), CAT: CONTRACT}
    slots = {BOB: {1: 1}, CAT: {1: 1, 3: 3}}
    one = StateChanges({**one.accounts, CAT: CONTRACT}, one.slots)
    other = StateChanges(accounts, slots)
    rows = [state_records(blocks.head(), each, blocks.tip, archive=True) for each in (one, other)]
    assert rows[0] == rows[1]


def test_a_pruned_store_keeps_as_many_states_as_it_should() -> None:
    store = chain(2).store
    assert lowest_height(store) == 3
    assert [len(list(store.scan(table))) for table in (HISTORY, INDEX)] == [2, 0]
    assert HistoricState(store, 3).accounts() == STATES[3][0]
    for height in (2, 6, -1):
        with pytest.raises(StateNotKept, match=f"a height from 3 to 5, got {height}") as caught:
            HistoricState(store, height)
        assert (caught.value.lowest, caught.value.head) == (3, 5)


def test_a_store_that_keeps_nothing_has_the_state_of_now() -> None:
    store = chain(0).store
    assert lowest_height(store) == 5
    assert HistoricState(store, 5).accounts() == STATES[5][0]


@pytest.mark.parametrize("kept", [0, 2, 7])
def test_an_archive_that_is_pruned_is_right_after_each_row(kept: int) -> None:
    store = chain(None).store
    for record in prune_records(store.copy(), kept):
        store.write([record])
        for height in range(lowest_height(store), 6):
            state = HistoricState(store, height)
            assert state.account(CAT) == STATES[height][0].get(CAT)
            assert state.accounts() == STATES[height][0]
    assert lowest_height(store) == max(0, 5 - kept)
    assert not list(store.scan(INDEX))
    assert not list(adapt_records(store, kept))


def test_an_index_begins_where_a_store_becomes_an_archive() -> None:
    blocks = chain(1)
    blocks.kept = None
    blocks.store.write(adapt_records(blocks.store.copy(), None))
    assert not list(adapt_records(blocks.store, None))
    blocks.add(StateChanges({BOB: owning(7)}))
    blocks.store.write([Record(HISTORY, (6).to_bytes(8, "big"), None)])
    assert lowest_height(blocks.store) == 4
    assert HistoricState(blocks.store, 5).account(BOB) == owning(1)
    with pytest.raises(StateNotKept):
        HistoricState(blocks.store, 4)


def test_an_index_with_a_gap_is_not_asked() -> None:
    """A block stored without index rows in between would be passed over without a word."""
    blocks = chain(None)
    blocks.kept = 99
    blocks.add(StateChanges({BOB: owning(2)}))
    blocks.kept = None
    blocks.add(StateChanges({ANN: owning(2)}))
    for height in (5, 6):
        assert HistoricState(blocks.store, height).account(BOB) == owning(height - 4)
    assert list(adapt_records(blocks.store, None))


def test_a_row_missing_in_the_middle_ends_the_history() -> None:
    store = chain(9).store
    store.write([Record(HISTORY, (3).to_bytes(8, "big"), None)])
    assert lowest_height(store) == 3
    with pytest.raises(StateNotKept, match="from 3 to 5"):
        HistoricState(store, 1)


@pytest.mark.parametrize("row", [b"", b"\x90", b"\x93\x90\x91\x93\xc4\x01\x01\xc3\x90\x90"])
def test_a_damaged_row_of_the_history_is_named(row: bytes) -> None:
    store = chain(9).store
    store.write([Record(HISTORY, (4).to_bytes(8, "big"), row)])
    with pytest.raises(MalformedRow, match=r"state\.history 0000000000000004: expected"):
        HistoricState(store, 2)
    assert HistoricState(store, 4).account(BOB) == owning(1)


@pytest.mark.parametrize("row", [b"\x00", b"\x00" * 40])
def test_a_damaged_row_of_the_index_is_named(row: bytes) -> None:
    store = chain(None).store
    for key, _ in list(store.scan(INDEX)):
        store.write([Record(INDEX, key, row)])
    state = HistoricState(store, 0)
    for read in (
        lambda: state.account(ANN),
        lambda: state.slot(CAT, 1),
        lambda: state.slots_of(CAT),
    ):
        with pytest.raises(MalformedRow, match=r"state\.index 0[01]"):
            read()
    store.write([Record(INDEX, b"\x01" + CAT + b"\x00", b"\x01")])
    with pytest.raises(MalformedRow, match="a key of 61 bytes"):
        state.slots_of(CAT)


def test_a_damaged_bound_of_the_index_is_named() -> None:
    store = chain(None).store
    store.write([Record(HEAD, b"indexed-from", b"\x00")])
    with pytest.raises(MalformedRow, match="a height of 8 bytes"):
        lowest_height(store)


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(InvalidInput, match="0 or more blocks"):
        list(prune_records(chain(1).store, -1))
    for records in (adapt_records(MemoryStore(), None), prune_records(MemoryStore(), 1)):
        with pytest.raises(NoFlatState):
            list(records)
    with pytest.raises(NoFlatState):
        lowest_height(MemoryStore())
    with pytest.raises(KeyError):
        HistoricState(chain(1).store, 5).code(Hash32(bytes(32)))
