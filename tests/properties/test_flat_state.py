"""Layers over a state on disk, and earlier states of it, beside one dictionary for each block.

Blocks become durable later than they are made, bases move on, blocks have siblings that are never
stored, and whoever holds an old layer goes on reading it.
"""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import note, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from primitives.ids import Address, Hash32
from primitives.keccak import keccak256
from primitives.machine import Record
from storage.cache import POLICIES, CacheOptions, Limits
from storage.changes import StateChanges, merged_all
from storage.flat import (
    DiskState,
    FlatHead,
    HistoricState,
    StateCaches,
    StateNotKept,
    adapt_records,
    expired_records,
    lowest_height,
    state_records,
    whole_state_records,
)
from storage.memory import MemoryStore
from storage.outcome import Change
from storage.rocks import Durability, RocksStore, profile
from storage.state import StateLayer
from storage.stored_trie import trie_records
from tests.properties.plain_state import ADDRESSES, CHANGE, Plain, after

STEPS = 40
KEPT = st.none() | st.integers(0, 4)
LIMITS = st.builds(Limits, st.integers(1, 99), st.integers(300, 30_000))
OPTIONS = st.builds(CacheOptions, LIMITS, st.none() | LIMITS, st.sampled_from([*POLICIES.values()]))
CACHES = st.builds(StateCaches, OPTIONS, OPTIONS, OPTIONS)
READS = st.lists(st.tuples(st.sampled_from(ADDRESSES), st.integers(0, 40)), min_size=1, max_size=8)


State: TypeAlias = StateLayer | DiskState | HistoricState


def digest(height: int) -> Hash32:
    return Hash32(height.to_bytes(32, "big"))


class FlatState(RuleBasedStateMachine):
    """One store, the layers of a process over it, and what all of them should say."""

    make: Callable[[Path], MemoryStore | RocksStore]
    base: DiskState

    @initialize(kept=KEPT, caches=CACHES, first=st.lists(CHANGE, max_size=6))
    def begin(self, kept: int | None, caches: StateCaches, first: list[Change]) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="flat-"))
        self.store = type(self).make(self.path)
        self.kept, self.caches = kept, caches
        genesis, plain = after(StateLayer(None, StateChanges({})), first), Plain()
        for change in first:
            plain.apply(change)
        self.plains = [plain]
        self.changes: list[StateChanges] = [genesis.all_changes]
        self.tip = genesis
        self.layers: list[tuple[StateLayer, Plain]] = [(genesis, plain)]
        self.waiting: list[list[Record]] = []
        self.lowest = 0
        empty = StateLayer(None, StateChanges({}))
        self.store.write(
            [
                *whole_state_records(self.head(0), genesis.everything(), archive=self.kept is None),
                *trie_records(empty.trie(), genesis.trie()),
            ]
        )
        self.restart()

    def head(self, height: int) -> FlatHead:
        root = self.plains[height].root()
        return FlatHead(height, digest(height), root)

    @property
    def stored(self) -> int:
        """The height of the store."""
        return len(self.plains) - 1 - len(self.waiting)

    @rule(blocks=st.lists(st.lists(CHANGE, max_size=5), min_size=1, max_size=4))
    def add_blocks(self, blocks: list[list[Change]]) -> None:
        for changes in blocks:
            self.add_block(changes)

    @rule(blocks=st.lists(st.lists(CHANGE, max_size=5), min_size=1, max_size=4))
    def add_durable_blocks(self, blocks: list[list[Change]]) -> None:
        self.add_blocks(blocks)
        self.make_durable(len(self.waiting))

    def add_block(self, changes: list[Change]) -> None:
        before, plain = self.tip, self.plains[-1].copy()
        for change in changes:
            plain.apply(change)
        self.tip = after(before, changes)
        self.plains.append(plain)
        self.changes.append(self.tip.all_changes)
        self.layers.append((self.tip, plain))
        height = len(self.plains) - 1
        records = state_records(
            self.head(height), self.tip.all_changes, before, archive=self.kept is None
        )
        records += trie_records(before.trie(), self.tip.trie())
        if self.kept is not None:
            records += expired_records(height, self.kept)
        self.waiting.append(records)

    @rule(place=st.integers(0, 99), changes=st.lists(CHANGE, min_size=1, max_size=4))
    def add_sibling(self, place: int, changes: list[Change]) -> None:
        """A block that is never stored."""
        layer, plain = self.layers[place % len(self.layers)]
        plain = plain.copy()
        for change in changes:
            plain.apply(change)
        self.layers.append((after(layer, changes), plain))

    @rule(count=st.integers(1, 6))
    def make_durable(self, count: int) -> None:
        for records in self.waiting[:count]:
            self.store.write(records)
        del self.waiting[:count]
        if self.kept is not None:
            self.lowest = max(self.lowest, self.stored - self.kept)

    @rule(is_warm=st.booleans())
    def move_base(self, is_warm: bool) -> None:
        old = self.base
        at, newer = old.head.height, self.stored
        plain = self.plains[at]
        cells = [*cells_of(plain), *cells_of(self.plains[newer])]
        if is_warm:
            check_reads(old, plain, cells)
        between = merged_all(tuple(reversed(self.changes[at + 1 : newer + 1])))
        self.base = old.advanced(self.store.snapshot(), between)
        assert self.base.head == self.head(newer)
        check_reads(self.base, self.plains[newer], cells)
        check_reads(old, plain, cells)
        above = merged_all(tuple(reversed(self.changes[newer + 1 :])))
        self.tip = StateLayer(None, above, self.base)
        self.layers.append((self.tip, self.plains[-1]))

    @precondition(lambda self: len(self.plains) > 6)
    @rule()
    def restart(self) -> None:
        """A process that knows only the store."""
        above = self.stored + 1
        del self.plains[above:], self.changes[above:]
        self.waiting = []
        self.base = DiskState(self.store.snapshot(), self.caches)
        assert self.base.head == self.head(self.stored)
        self.tip = StateLayer(None, StateChanges({}), self.base)
        self.layers = [*self.layers[-3:], (self.tip, self.plains[-1])]

    @precondition(lambda self: len(self.plains) > 6)
    @rule(kept=KEPT)
    def keep_another_length(self, kept: int | None) -> None:
        self.restart()
        self.kept = kept
        self.store.write(adapt_records(self.store.snapshot(), kept))
        if kept is not None:
            self.lowest = max(self.lowest, self.stored - kept)
        self.restart()

    @rule(place=st.integers(0, 99), reads=READS)
    def read_a_layer(self, place: int, reads: list[tuple[Address, int]]) -> None:
        layer, plain = self.layers[-1 - place % len(self.layers)]
        note(f"layer {place % len(self.layers)} from the end")
        check_reads(layer, plain, reads)

    @rule(place=st.integers(0, 99))
    def read_a_whole_layer(self, place: int) -> None:
        check_whole(*self.layers[-1 - place % len(self.layers)])

    @rule(reads=READS)
    def read_the_base(self, reads: list[tuple[Address, int]]) -> None:
        check_reads(self.base, self.plains[self.base.head.height], reads)
        check_whole(self.base, self.plains[self.base.head.height])

    @rule(place=st.integers(0, 99), reads=READS)
    def read_the_past(self, place: int, reads: list[tuple[Address, int]]) -> None:
        source = self.store.snapshot()
        assert lowest_height(source) == self.lowest
        height = self.lowest - 1 + place % (self.stored - self.lowest + 3)
        if not self.lowest <= height <= self.stored:
            with pytest.raises(StateNotKept, match=f"{self.lowest} to {self.stored}"):
                HistoricState(source, height)
            return
        state = HistoricState(source, height, self.caches)
        check_reads(state, self.plains[height], reads)
        check_whole(state, self.plains[height])
        check_reads(state, self.plains[height], reads)

    def teardown(self) -> None:
        if not hasattr(self, "store"):
            return
        for layer, plain in self.layers:
            check_whole(layer, plain)
        if isinstance(self.store, RocksStore):
            self.store.close()
        shutil.rmtree(self.path)


def cells_of(plain: Plain) -> list[tuple[Address, int]]:
    """Return each slot that is set, and one of each account."""
    slots = [(address, slot) for address, values in plain.slots.items() for slot in values]
    return [*slots, *[(address, 0) for address in plain.accounts]]


def check_reads(state: State, plain: Plain, reads: list[tuple[Address, int]]) -> None:
    """Ask for single cells."""
    for address, slot in reads:
        slots = plain.slots.get(address, {})
        account = plain.accounts.get(address)
        assert state.account(address) == account
        assert state.slot(address, slot) == slots.get(slot, 0)
        assert state.has_storage(address) == bool(slots)
        assert state.has_storage(address, [slot]) == bool({*slots} - {slot})
        assert state.slots_of(address) == slots
        if account is not None:
            assert keccak256(state.code(account.code_hash)) == account.code_hash


def check_whole(state: State, plain: Plain) -> None:
    """Ask for all cells, and for what commits to them."""
    found = state.everything()
    assert dict(found.accounts) == plain.accounts
    assert {key: dict(each) for key, each in found.slots.items()} == plain.slots
    assert state.accounts() == dict(sorted(plain.accounts.items()))
    assert state.root() == state.trie().root == plain.root()


class InMemory(FlatState):
    make = staticmethod(lambda path: MemoryStore())


class OnDisk(FlatState):
    make = staticmethod(
        lambda path: RocksStore(path / "s", replace(profile("small"), durability=Durability.WAL))
    )


def play(case: type[FlatState], examples: int) -> None:
    test = case.TestCase
    test.settings = settings(max_examples=examples, stateful_step_count=STEPS)
    test("runTest").runTest()


def test_states_over_rows_in_memory_equal_dictionaries() -> None:
    play(InMemory, 60)


def test_states_over_rows_on_disk_equal_dictionaries() -> None:
    play(OnDisk, 20)


@pytest.mark.soak
def test_states_over_rows_equal_dictionaries_for_long(soak_runs: int) -> None:
    play(InMemory, 20 * soak_runs)
    play(OnDisk, 5 * soak_runs)
