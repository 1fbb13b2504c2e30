"""Reading a flat state, and moving its caches on."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from threading import Lock

import pytest

from primitives.errors import InvalidInput
from primitives.ids import Hash32
from primitives.keccak import EMPTY_KECCAK, keccak256
from primitives.machine import Record
from storage.account import encode_slim
from storage.cache import CacheOptions, Limits
from storage.changes import StateChanges
from storage.flat import (
    ACCOUNTS,
    CODE as CODES,
    HEAD,
    STORAGE,
    DiskState,
    NoFlatState,
    StateCaches,
    read_head,
)
from storage.memory import MemoryStore
from storage.state import StateLayer
from storage.store import MalformedRow
from tests.unit.storage.flat.chain import ANN, BOB, CAT, CODE, CONTRACT, Chain, owning

GENESIS = StateChanges(
    {ANN: owning(5), CAT: CONTRACT}, {CAT: {1: 11, 2: 22}}, {}, {keccak256(CODE): CODE}
)
WIPED = StateChanges({CAT: None, BOB: owning(1)}, {}, {CAT: None})


class Counting:
    """A source that counts what is got from it."""

    def __init__(self, store: MemoryStore) -> None:
        self.snapshot = store.snapshot()
        self.scan = self.snapshot.scan
        self.gets = 0

    def get(self, table: str, key: bytes) -> bytes | None:
        self.gets += 1
        return self.snapshot.get(table, key)


def test_cells_are_read_once() -> None:
    source = Counting(Chain(GENESIS).store)
    state = DiskState(source)
    before = source.gets
    for _ in range(3):
        assert (state.account(ANN), state.account(BOB)) == (owning(5), None)
        assert (state.slot(CAT, 1), state.slot(CAT, 3), state.slot(ANN, 1)) == (11, 0, 0)
        assert state.code(CONTRACT.code_hash) == CODE
    assert source.gets - before == 6
    accounts, slots, codes = state.counters()
    assert (accounts.loads, accounts.absent, accounts.decoded.hits) == (2, 1, 4)
    assert (slots.loads, slots.absent, codes.loads) == (3, 2, 1)


def test_code_that_nobody_had_is_no_code() -> None:
    state = DiskState(Chain(GENESIS).store.snapshot())
    assert state.code(EMPTY_KECCAK) == b""
    with pytest.raises(KeyError, match="abab"):
        state.code(Hash32(b"\xab" * 32))


def test_storage_of_one_account_is_not_that_of_its_neighbours() -> None:
    state = DiskState(Chain(GENESIS).store.snapshot())
    assert state.slots_of(CAT) == {1: 11, 2: 22}
    assert state.slots_of(ANN) == state.slots_of(BOB) == {}
    assert state.has_storage(CAT)
    assert state.has_storage(CAT, [1])
    assert not state.has_storage(CAT, [1, 2])
    assert not state.has_storage(ANN)


@pytest.mark.parametrize("lock", [None, Lock()])
def test_caches_move_on_and_the_old_base_stays_as_it_was(
    lock: AbstractContextManager[object] | None,
) -> None:
    chain = Chain(GENESIS)
    old = DiskState(chain.store.snapshot(), lock=lock)
    handed_out = old.account
    read = [old.slot(CAT, 1), old.slot(CAT, 2), old.account(CAT), old.account(BOB)]
    chain.add(WIPED)
    source = Counting(chain.store)
    new = old.advanced(source, WIPED)
    gets = source.gets
    assert [new.slot(CAT, 1), new.slot(CAT, 2)] == [0, 0]
    assert [new.account(CAT), new.account(BOB)] == [None, owning(1)]
    assert source.gets == gets, "what the caches know is not read again"
    assert [old.slot(CAT, 1), old.slot(CAT, 2), old.account(CAT), old.account(BOB)] == read
    assert old.code(CONTRACT.code_hash) == CODE
    assert (old.head.height, new.head.height) == (0, 1)
    assert (old.counters(), len(new.counters())) == ((), 3)
    if lock is not None:
        assert handed_out(CAT) == CONTRACT


class Overtaken:
    """A lock for which another thread that wants it goes first, once."""

    def __init__(self) -> None:
        self.first: Callable[[], object] | None = None
        self.is_held = False

    def __enter__(self) -> None:
        first, self.first = self.first, None
        if first is not None:
            first()
        assert not self.is_held
        self.is_held = True

    def __exit__(self, *_: object) -> None:
        self.is_held = False


@pytest.mark.parametrize("is_cached", [True, False])
def test_a_reader_that_is_overtaken_sees_its_own_block(*, is_cached: bool) -> None:
    """It has begun to read the newest base, and gets to the cache when that has moved on."""
    changes = StateChanges({ANN: owning(6), CAT: CONTRACT}, {CAT: {1: 12}})
    for read in (
        lambda state: (state.account(ANN), owning(5), owning(6)),
        lambda state: (state.slot(CAT, 1), 11, 12),
        lambda state: (state.code(CONTRACT.code_hash), CODE, CODE),
    ):
        chain, lock = Chain(GENESIS), Overtaken()
        old = DiskState(chain.store.snapshot(), lock=lock)
        if is_cached:
            read(old)
        chain.add(changes)
        made: list[DiskState] = []
        lock.first = partial(_advance, made, old, chain, changes)
        found, before, after = read(old)
        assert found == before
        assert read(made[0])[0] == after
        assert not lock.is_held


def _advance(made: list[DiskState], old: DiskState, chain: Chain, changes: StateChanges) -> None:
    made.append(old.advanced(chain.store.snapshot(), changes))


def test_what_was_cached_for_nothing_is_found_once_it_is_there() -> None:
    chain = Chain(GENESIS)
    old = DiskState(chain.store.snapshot())
    assert (old.slot(CAT, 7), old.account(BOB)) == (0, None)
    changes = StateChanges({CAT: CONTRACT, BOB: owning(3)}, {CAT: {7: 77, 1: 0}})
    chain.add(changes)
    new = old.advanced(chain.store.snapshot(), changes)
    assert (new.slot(CAT, 7), new.slot(CAT, 1), new.account(BOB)) == (77, 0, owning(3))


def test_only_the_newest_base_moves_on_and_never_back() -> None:
    chain = Chain(GENESIS)
    first = chain.store.snapshot()
    chain.add(WIPED)
    state = DiskState(chain.store.snapshot())
    with pytest.raises(InvalidInput, match="at least 1, got 0"):
        state.advanced(first, StateChanges({}))
    newer = state.advanced(chain.store.snapshot(), StateChanges({}))
    with pytest.raises(InvalidInput, match="newest base"):
        state.advanced(chain.store.snapshot(), StateChanges({}))
    assert newer.account(BOB) == owning(1)


def test_a_base_that_could_not_move_on_reads_its_own_rows() -> None:
    chain = Chain(GENESIS)
    old = DiskState(chain.store.snapshot())
    assert old.account(ANN) == owning(5)
    with pytest.raises(NoFlatState):
        old.advanced(MemoryStore(), StateChanges({}))
    assert old.advanced(chain.store.snapshot(), StateChanges({})).account(ANN) == owning(5)


def test_bounds_of_the_caches_hold() -> None:
    one = CacheOptions(Limits(1, 1_000))
    state = DiskState(Chain(GENESIS).store.snapshot(), StateCaches(one, one, one))
    for _ in range(2):
        assert (state.account(ANN), state.account(CAT)) == (owning(5), CONTRACT)
    assert state.counters()[0].loads == 4
    assert state.counters()[0].decoded.entries == 1


@pytest.mark.parametrize(
    ("table", "key", "row", "expected"),
    [
        (ACCOUNTS, ANN, b"\x01", "account"),
        (ACCOUNTS, ANN, encode_slim(owning(5), Hash32(b"\x11" * 32)), "none in a flat row"),
        (STORAGE, CAT + bytes(31) + b"\x01", b"", "1 to 32 bytes"),
        (STORAGE, CAT + bytes(31) + b"\x01", b"\x00\x01", "leading zeros"),
        (STORAGE, CAT + bytes(31) + b"\x01", b"\x01" * 33, "1 to 32 bytes"),
        (CODES, keccak256(CODE), b"\x60\x01", "code with this hash"),
    ],
)
def test_a_damaged_row_is_named_and_never_served(
    table: str, key: bytes, row: bytes, expected: str
) -> None:
    store = Chain(GENESIS).store
    store.write([Record(table, key, row)])
    cached = DiskState(store.snapshot())
    uncached = DiskState(store.snapshot())
    uncached.advanced(store.snapshot(), StateChanges({}))
    for state in (cached, uncached):
        with pytest.raises(MalformedRow, match=expected) as caught:
            (state.account(ANN), state.slot(CAT, 1), state.code(keccak256(CODE)))
        assert (caught.value.table, caught.value.key) == (table, key)
        assert f"{table} {key.hex()}" in str(caught.value)
        with pytest.raises(MalformedRow, match=f"{table} {key.hex()}"):
            state.everything()


@pytest.mark.parametrize(("table", "key"), [(ACCOUNTS, b"\x01"), (STORAGE, CAT + b"\x01")])
def test_a_damaged_key_is_named(table: str, key: bytes) -> None:
    store = Chain(GENESIS).store
    row = next(iter(store.scan(table)))[1]
    store.write([Record(table, key, row)])
    with pytest.raises(MalformedRow, match=f"{table} {key.hex()}: expected a key of"):
        DiskState(store.snapshot()).everything()


@pytest.mark.parametrize("row", [b"", b"\x93\x01\xc4\x00\xc4\x00", b"\x00" * 72])
def test_a_damaged_head_is_named(row: bytes) -> None:
    store = Chain(GENESIS).store
    store.write([Record(HEAD, b"head", row)])
    with pytest.raises(MalformedRow, match=r"state\.head 68656164: expected a height and two"):
        DiskState(store)


def test_a_store_without_a_head_holds_no_state() -> None:
    assert read_head(MemoryStore()) is None
    with pytest.raises(NoFlatState, match="row of the newest block"):
        DiskState(MemoryStore())


def test_a_layer_that_forgot_its_trie_makes_it_from_all_its_changes() -> None:
    chain = Chain(GENESIS)
    base = DiskState(chain.store.snapshot())
    many = {bytes([number]) * 20: owning(number) for number in range(3, 90)}
    first = StateLayer(None, StateChanges(many), base)  # type: ignore[arg-type]
    second = StateLayer(first, StateChanges({ANN: owning(6), CAT: CONTRACT}, {CAT: {1: 0}}))
    assert len(second._runs) == 2
    root = second.root()
    second.forget_trie()
    assert second.root() == root
    plain = StateLayer(None, second.everything())
    assert plain.root() == root
    assert plain.slots_of(CAT) == {2: 22}
