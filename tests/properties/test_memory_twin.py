"""A store in memory and its snapshots beside plain dictionaries, with scans under way meanwhile.

Tables are small here, so the bounds from which orders are kept are smaller still.
"""

from collections.abc import Iterator

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from primitives.machine import Record
from storage.memory import MemorySnapshot, MemoryStore
from storage.store import RowSource

STEPS = 40
TABLES = st.sampled_from(["one", "two"])
KEYS = st.integers(0, 14).map(lambda n: bytes([n]))
VALUES = st.none() | st.binary(max_size=2)
BATCH = st.lists(st.builds(Record, TABLES, KEYS, VALUES), max_size=12)
BOUNDS = st.tuples(st.just(b"") | KEYS, st.none() | KEYS)

Rows = dict[str, dict[bytes, bytes]]
Found = list[tuple[bytes, bytes]]


def part(rows: Rows, table: str, bounds: tuple[bytes, bytes | None]) -> Found:
    start, end = bounds
    return [
        (key, value)
        for key, value in sorted(rows.get(table, {}).items())
        if start <= key and (end is None or key < end)
    ]


class MemoryTwins(RuleBasedStateMachine):
    """One store, some snapshots of it, and what all of them should say."""

    @initialize()
    def begin(self) -> None:
        self.store = MemoryStore()
        self.rows: Rows = {}
        self.snapshots: list[tuple[MemorySnapshot, Rows]] = []
        self.scans: list[tuple[Iterator[tuple[bytes, bytes]], Found]] = []

    @rule(batch=BATCH)
    def write(self, batch: list[Record]) -> None:
        self.store.write(batch)
        for table, key, value in [(each.table, each.key, each.value) for each in batch]:
            rows = self.rows.setdefault(table, {})
            if value is None:
                rows.pop(key, None)
            else:
                rows[key] = value

    @rule()
    def take_snapshot(self) -> None:
        copy = {table: dict(rows) for table, rows in self.rows.items()}
        self.snapshots.append((self.store.snapshot(), copy))

    @rule(table=TABLES, bounds=BOUNDS)
    def scan(self, table: str, bounds: tuple[bytes, bytes | None]) -> None:
        assert list(self.store.scan(table, *bounds)) == part(self.rows, table, bounds)

    @rule(table=TABLES, bounds=BOUNDS, place=st.integers(0, 9))
    def begin_a_scan(self, table: str, bounds: tuple[bytes, bytes | None], place: int) -> None:
        later = self.snapshots[place % (len(self.snapshots) + 1) :]
        sources: list[tuple[RowSource, Rows]] = [(self.store, self.rows), *later]
        for source, rows in sources:
            self.scans.append((source.scan(table, *bounds), part(rows, table, bounds)))

    @rule(count=st.integers(0, 4))
    def go_on_with_scans(self, count: int) -> None:
        for scan, left in self.scans:
            for _ in range(count):
                assert next(scan, None) == (left.pop(0) if left else None)

    @rule(table=TABLES)
    def discard(self, table: str) -> None:
        self.store.discard([table])
        self.rows.pop(table, None)

    @rule(table=TABLES, key=KEYS)
    def get(self, table: str, key: bytes) -> None:
        sources: list[tuple[RowSource, Rows]] = [(self.store, self.rows), *self.snapshots]
        for source, rows in sources:
            assert source.get(table, key) == rows.get(table, {}).get(key)

    def teardown(self) -> None:
        for scan, left in self.scans:
            assert list(scan) == left
        for snapshot, rows in self.snapshots:
            for table in ("one", "two"):
                assert list(snapshot.scan(table)) == part(rows, table, (b"", None))


def play(examples: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("storage.memory.ORDERED_ROWS_MIN", 3)
        patch.setattr("storage.memory.CHUNK_ROWS", 2)
        patch.setattr("storage.memory.CHUNK_ROWS_MAX", 4)
        patch.setattr("storage.key_order.INSERTED_MAX", 2)
        patch.setattr("storage.key_order.SLACK", 2)
        test = MemoryTwins.TestCase
        test.settings = settings(max_examples=examples, stateful_step_count=STEPS)
        test("runTest").runTest()


def test_stores_in_memory_equal_dictionaries() -> None:
    play(100)


@pytest.mark.soak
def test_stores_in_memory_equal_dictionaries_for_long(soak_runs: int) -> None:
    play(20 * soak_runs)
