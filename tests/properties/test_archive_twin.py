"""Archives beside a dict of records, and frozen stores beside stores that never delete.

The disk of these tests forgets: at a crash each file is cut to any length that is not below what
was synced, and bytes behind that may be changed, as pages that were never written are.
"""

import shutil
import tempfile
from pathlib import Path
from random import Random

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from primitives.machine import Record
from storage.files import Archive, ArchiveLimits, FrozenStore, Mark, Zstandard
from storage.files.catalogue import file_name
from storage.memory import MemoryStore

MEMORY = Path("/dev/shm")
KINDS = ("one", "two")
PAYLOADS = st.binary(max_size=60) | st.integers(0, 300).map(bytes)
LIMITS = ArchiveLimits(records_max=6, bytes_max=600)
STEPS = 25


def lose(directory: Path, synced: dict[str, int], random: Random) -> None:
    """Let the last file lose what was not synced: a part of it, or some of its bytes."""
    files = sorted(directory.iterdir())
    if not files:
        return
    last = files[-1]
    data = bytearray(last.read_bytes())
    least = synced.get(last.name, 0)
    kept = random.choice((least, len(data), random.randint(least, len(data))))
    del data[kept:]
    if len(data) > least and random.random() < 0.3:
        start = random.randrange(least, len(data))
        data[start : start + 40] = bytes(len(data[start : start + 40]))
    last.write_bytes(data)


class ArchiveTwin(RuleBasedStateMachine):
    """An archive and a dict get the same records; what was synced is in both after a crash."""

    @initialize(seed=st.integers(0, 1 << 30))
    def begin(self, seed: int) -> None:
        self.random = Random(seed)
        self.path = Path(
            tempfile.mkdtemp(prefix="archive-", dir=MEMORY if MEMORY.is_dir() else None)
        )
        self.twin: dict[tuple[str, int], bytes] = {}
        self.synced: dict[tuple[str, int], bytes] = {}
        self.mark: Mark | None = Mark("", 0)
        self.reopen()

    def reopen(self) -> None:
        self.archive = Archive(self.path, KINDS, LIMITS, compressor=Zstandard(), mark=self.mark)

    @rule(kind=st.sampled_from(KINDS), step=st.integers(1, 3), payload=PAYLOADS)
    def append(self, kind: str, step: int, payload: bytes) -> None:
        last = self.archive.last(kind)
        number = step - 1 if last is None else last + step
        self.archive.append(kind, number, payload)
        self.twin[kind, number] = payload

    @rule()
    def sync(self) -> None:
        self.mark = self.archive.sync()
        self.synced = dict(self.twin)

    @rule()
    def roll_over(self) -> None:
        self.archive.roll_over()
        self.sync()

    @rule(knows=st.booleans())
    def close(self, knows: bool) -> None:
        self.sync()
        self.archive.close()
        self.mark = self.mark if knows else None
        self.reopen()
        assert self.archive.torn is None

    @rule()
    def crash(self) -> None:
        synced = self.archive.synced_sizes()
        writer = self.archive._writer
        if writer is not None:
            # What is gathered in memory is lost; what was given to the system may be.
            if self.random.random() < 0.7:
                writer.flush()
            writer._pending.clear()
        self.archive._let_go()
        lose(self.path, synced, self.random)
        self.mark = self.mark or Mark("", 0)
        self.reopen()
        found = {
            (kind, number): payload for kind in KINDS for number, payload in self.archive.scan(kind)
        }
        assert self.synced.items() <= found.items() <= self.twin.items()
        order = list(self.twin)
        assert sorted(order.index(each) for each in found) == list(range(len(found)))
        self.twin = {each: self.twin[each] for each in order[: len(found)]}
        self.sync()

    @rule(kind=st.sampled_from(KINDS), start=st.integers(0, 40), end=st.integers(0, 60))
    def scan(self, kind: str, start: int, end: int) -> None:
        expected = sorted(
            (number, payload)
            for (name, number), payload in self.twin.items()
            if name == kind and start <= number < end
        )
        assert list(self.archive.scan(kind, start, end)) == expected

    @rule(kind=st.sampled_from(KINDS), numbers=st.lists(st.integers(0, 60), max_size=8))
    def get(self, kind: str, numbers: list[int]) -> None:
        expected = [self.twin.get((kind, number)) for number in numbers]
        assert self.archive.get_many(kind, numbers) == expected
        assert [self.archive.get(kind, number) for number in numbers] == expected

    @rule()
    def verify(self) -> None:
        assert self.archive.verify() == ()
        self.sync()

    @invariant()
    def files_have_limits(self) -> None:
        sizes = self.archive.synced_sizes()
        assert list(sizes) == [file_name(number) for number in range(len(sizes))]

    def teardown(self) -> None:
        if not hasattr(self, "archive"):
            return
        self.archive.close()
        shutil.rmtree(self.path)


TABLE = "chain.blocks"
KEYS = st.integers(0, 24).map(lambda height: height.to_bytes(8, "big")) | st.binary(max_size=9)


class FrozenTwin(RuleBasedStateMachine):
    """A frozen store beside a store that is never told to delete a row that would be frozen."""

    @initialize(seed=st.integers(0, 1 << 30))
    def begin(self, seed: int) -> None:
        self.random = Random(seed)
        self.path = Path(
            tempfile.mkdtemp(prefix="frozen-", dir=MEMORY if MEMORY.is_dir() else None)
        )
        self.hot, self.twin = MemoryStore(), MemoryStore()
        self.head = self.tail = 0
        self.reopen()

    def reopen(self) -> None:
        self.store = FrozenStore(self.hot, self.path, tables=(TABLE,), limits=LIMITS)

    def batch(self, blocks: int, old: int, payload: bytes) -> list[Record]:
        """Return a batch that puts some blocks at the head and deletes some at the tail."""
        rows = []
        for _ in range(blocks):
            row = Record(TABLE, self.head.to_bytes(8, "big"), payload + bytes([self.head % 256]))
            rows += [row, Record("consensus", row.key[-1:], payload)]
            self.twin.write(rows[-2:])
            self.head += 1
        while old and self.tail < self.head:
            rows.append(Record(TABLE, self.tail.to_bytes(8, "big"), None))
            self.tail, old = self.tail + 1, old - 1
        return rows

    @rule(blocks=st.integers(0, 4), old=st.integers(0, 5), payload=st.binary(max_size=40))
    def write(self, blocks: int, old: int, payload: bytes) -> None:
        self.store.write(self.batch(blocks, old, payload))

    @rule(old=st.integers(0, 5))
    def crash_between_the_steps(self, old: int) -> None:
        tail, synced = self.tail, self.store.synced_sizes()
        self.store.freeze(self.batch(0, old, b""))
        self.tail = tail
        self.store.close()
        lose(self.path, synced, self.random)
        self.reopen()

    @rule(key=KEYS, value=st.binary(max_size=9))
    def write_elsewhere(self, key: bytes, value: bytes) -> None:
        for store in (self.store, self.twin):
            store.write([Record("consensus", key, value or None)])

    @rule(table=st.sampled_from((TABLE, "consensus")), start=KEYS, end=st.none() | KEYS)
    def scan(self, table: str, start: bytes, end: bytes | None) -> None:
        assert list(self.store.scan(table, start, end)) == list(self.twin.scan(table, start, end))

    @rule(table=st.sampled_from((TABLE, "consensus")), keys=st.lists(KEYS, max_size=6))
    def get(self, table: str, keys: list[bytes]) -> None:
        expected = [self.twin.get(table, key) for key in keys]
        assert self.store.get_many(table, keys) == expected
        assert [self.store.get(table, key) for key in keys] == expected

    @invariant()
    def deleted_rows_are_not_in_the_store(self) -> None:
        kept = [int.from_bytes(key, "big") for key, _ in self.hot.scan(TABLE)]
        assert kept == list(range(self.tail, self.head))

    def teardown(self) -> None:
        if not hasattr(self, "store"):
            return
        self.store.close()
        shutil.rmtree(self.path)


def run_twins(machine: type[RuleBasedStateMachine], examples: int) -> None:
    """Play that many histories."""
    case = machine.TestCase
    case.settings = settings(max_examples=examples, stateful_step_count=STEPS)
    case("runTest").runTest()


def test_an_archive_holds_what_a_dict_does() -> None:
    run_twins(ArchiveTwin, 60)


def test_a_frozen_store_holds_what_was_never_deleted() -> None:
    run_twins(FrozenTwin, 60)


@pytest.mark.soak
@pytest.mark.parametrize("machine", [ArchiveTwin, FrozenTwin])
def test_for_long(machine: type[RuleBasedStateMachine], soak_runs: int) -> None:
    run_twins(machine, 20 * soak_runs)
