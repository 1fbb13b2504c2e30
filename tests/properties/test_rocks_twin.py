"""A store on disk beside the one in memory: writes, scans, snapshots, flushes, reopening."""

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from primitives.machine import Record
from storage.memory import MemoryStore
from storage.rocks import Durability, RocksSnapshot, RocksStore, profile

TABLES = st.sampled_from(["consensus", "state.accounts", "chain.accounts", "state.trie"])
KEYS = st.binary(max_size=2) | st.sampled_from([b"\xff" * 3, b"\x00", b"\xff\xfe"])
RECORDS = st.builds(Record, TABLES, KEYS, st.none() | st.binary(max_size=40))
SMALL = profile("small")
STEPS = 25


class Twins(RuleBasedStateMachine):
    """Both stores get the same batches; whatever is asked, they answer alike."""

    @initialize(durability=st.sampled_from(Durability))
    def begin(self, durability: Durability) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="rocks-twin-"))
        self.options = replace(SMALL, durability=durability, group_batches=2)
        self.store = RocksStore(self.path, self.options)
        self.twin = MemoryStore()
        self.snapshots: list[tuple[RocksSnapshot, MemoryStore]] = []

    @rule(records=st.lists(RECORDS, max_size=12))
    def write(self, records: list[Record]) -> None:
        self.store.write(records)
        self.twin.write(records)

    @rule(first=st.integers(0, 65_000), count=st.integers(40, 90), table=TABLES)
    def write_many(self, first: int, count: int, table: str) -> None:
        rows = [
            Record(table, (first + step).to_bytes(2, "big"), bytes(step)) for step in range(count)
        ]
        self.write(rows)

    @rule(table=TABLES, start=KEYS, end=st.none() | KEYS)
    def scan(self, table: str, start: bytes, end: bytes | None) -> None:
        assert list(self.store.scan(table, start, end)) == list(self.twin.scan(table, start, end))

    @rule(table=TABLES, prefix=KEYS)
    def scan_prefix(self, table: str, prefix: bytes) -> None:
        expected = [row for row in self.twin.scan(table) if row[0].startswith(prefix)]
        assert list(self.store.scan_prefix(table, prefix)) == expected

    @rule(table=TABLES, records=st.lists(RECORDS, max_size=6))
    def write_under_a_scan(self, table: str, records: list[Record]) -> None:
        ours, expected = self.store.scan(table), list(self.twin.scan(table))
        self.write(records)
        assert list(ours) == expected

    @rule(table=TABLES, keys=st.lists(KEYS, max_size=4))
    def get(self, table: str, keys: list[bytes]) -> None:
        expected = [self.twin.get(table, key) for key in keys]
        assert [self.store.get(table, key) for key in keys] == expected
        assert self.store.get_many(table, keys) == expected

    @rule()
    def take_snapshot(self) -> None:
        self.snapshots.append((self.store.snapshot(), self.twin.copy()))

    @rule(table=TABLES, key=KEYS, end=st.none() | KEYS)
    def read_snapshots(self, table: str, key: bytes, end: bytes | None) -> None:
        for snapshot, then in self.snapshots:
            assert snapshot.get(table, key) == then.get(table, key)
            assert list(snapshot.scan(table, key, end)) == list(then.scan(table, key, end))

    @rule()
    def release_snapshot(self) -> None:
        if self.snapshots:
            self.snapshots.pop(0)[0].release()

    @rule()
    def compact(self) -> None:
        self.store.compact()

    @rule()
    def sync(self) -> None:
        self.store.sync()

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.snapshots.clear()
        self.store = RocksStore(self.path, self.options)

    @invariant()
    def counts_hold(self) -> None:
        if hasattr(self, "store"):
            assert 0 <= self.store.durable <= self.store.written

    def teardown(self) -> None:
        if not hasattr(self, "store"):
            return
        for table in ("consensus", "state.accounts", "chain.accounts", "state.trie"):
            assert list(self.store.scan(table)) == list(self.twin.scan(table))
        self.store.close()
        shutil.rmtree(self.path)


def run_twins(examples: int) -> None:
    """Play that many histories."""
    case = Twins.TestCase
    case.settings = settings(max_examples=examples, stateful_step_count=STEPS)
    case("runTest").runTest()


def test_disk_and_memory_answer_alike() -> None:
    run_twins(25)


@pytest.mark.soak
def test_disk_and_memory_answer_alike_for_long(soak_runs: int) -> None:
    run_twins(20 * soak_runs)
