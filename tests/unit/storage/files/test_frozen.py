"""Rows that move to an archive when they would be deleted."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from primitives.machine import Record
from storage.files import ArchiveLimits, CorruptFile, FrozenStore, OutOfOrder
from storage.files.frozen import MARK_KEY, MARK_TABLE
from storage.files.frozen_rows import HEIGHT_END, first_height, merged
from storage.memory import MemorySnapshot, MemoryStore
from storage.rocks import CorruptStore, RocksStore, StoreFull, profile
from storage.store import MalformedRow
from tests.unit.storage.files.disk import SmallDisk

BLOCKS, CERTIFICATES = "chain.blocks", "chain.certificates"


def key(height: int) -> bytes:
    return height.to_bytes(8, "big")


def block(height: int) -> list[Record]:
    """Return the rows of a block."""
    return [
        Record(BLOCKS, key(height), b"block %d" % height),
        Record(CERTIFICATES, key(height), b"certificate %d" % height),
        Record("consensus", b"last", key(height)),
    ]


def deleted(*heights: int) -> list[Record]:
    """Return what deletes the rows of blocks."""
    return [Record(table, key(each), None) for each in heights for table in (BLOCKS, CERTIFICATES)]


def chain(store: FrozenStore, last: int, kept: int) -> None:
    """Write blocks 1 to `last`, and keep the last few."""
    for height in range(1, last + 1):
        old = deleted(height - kept) if height > kept else []
        store.write([*block(height), *old])


class MovingStore(MemoryStore):
    """A store of which a row moves to the archive just before it is read."""

    before_reading: Callable[[], None] | None = None

    def move(self) -> None:
        moving, self.before_reading = self.before_reading, None
        if moving is not None:
            moving()

    def get(self, table: str, key: bytes) -> bytes | None:
        self.move()
        return super().get(table, key)

    def get_many(self, table: str, keys: Sequence[bytes]) -> list[bytes | None]:
        self.move()
        return super().get_many(table, keys)

    def scan(
        self, table: str, start: bytes = b"", end: bytes | None = None
    ) -> Iterator[tuple[bytes, bytes]]:
        self.move()
        return super().scan(table, start, end)

    def snapshot(self) -> MemorySnapshot:
        self.move()
        return super().snapshot()


def hot_heights(store: MemoryStore) -> list[int]:
    return [int.from_bytes(each, "big") for each, _ in store.scan(BLOCKS)]


def test_old_rows_move_and_are_read_all_the_same(tmp_path: Path) -> None:
    hot = MemoryStore()
    with FrozenStore(hot, tmp_path, limits=ArchiveLimits(records_max=8)) as store:
        chain(store, 20, 5)
        assert hot_heights(hot) == [16, 17, 18, 19, 20]
        assert store.get(BLOCKS, key(3)) == b"block 3"
        assert store.get(BLOCKS, key(20)) == b"block 20"
        assert store.get(BLOCKS, key(21)) is None
        assert store.get(BLOCKS, b"name") is None
        assert store.get("consensus", b"last") == key(20)
        assert store.get_many(CERTIFICATES, [key(30), key(18), key(2)]) == [
            None,
            b"certificate 18",
            b"certificate 2",
        ]
        assert list(store.scan(BLOCKS)) == [(key(n), b"block %d" % n) for n in range(1, 21)]
        assert list(store.scan(CERTIFICATES, key(14), key(18))) == [
            (key(n), b"certificate %d" % n) for n in (14, 15, 16, 17)
        ]
        assert list(store.scan("consensus")) == [(b"last", key(20))]
        assert store.verify() == ()
        assert len(store.synced_sizes()) == 4


def test_it_goes_on_over_a_store_on_disk(tmp_path: Path) -> None:
    for turn in range(3):
        with (
            RocksStore(tmp_path / "store", profile("small")) as hot,
            FrozenStore(hot, tmp_path / "archive") as store,
        ):
            first, last = 10 * turn + 1, 10 * turn + 10
            for height in range(first, last + 1):
                store.write([*block(height), *(deleted(height - 5) if height > 5 else [])])
            assert [each for each, _ in store.scan(BLOCKS)] == [key(n) for n in range(1, last + 1)]
            assert [each for each, _ in hot.scan(BLOCKS)] == [
                key(n) for n in range(last - 4, last + 1)
            ]
            assert store.torn is None


def test_the_batch_that_deletes_says_how_far(tmp_path: Path) -> None:
    hot = MemoryStore()
    with FrozenStore(hot, tmp_path) as store:
        store.write([*block(1), *block(2)])
        assert store.freeze(block(3)) == tuple(block(3)), "nothing is deleted"
        *rows, mark = store.freeze(deleted(1))
        assert rows == deleted(1)
        assert (mark.table, mark.key) == (MARK_TABLE, MARK_KEY)
        assert b'"heights":{"chain.blocks":1,"chain.certificates":1}' in (mark.value or b"")
        assert hot_heights(hot) == [1, 2]


def test_a_crash_between_the_steps_leaves_both_and_loses_none(tmp_path: Path) -> None:
    hot = MemoryStore()
    with FrozenStore(hot, tmp_path) as store:
        chain(store, 6, 4)
        store.freeze(deleted(3, 4))
    with FrozenStore(hot, tmp_path) as store:
        assert list(store.scan(BLOCKS)) == [(key(n), b"block %d" % n) for n in range(1, 7)]
        store.write(deleted(3))
        store.write(deleted(4, 5))
        assert store.found_twice == 4
        assert hot_heights(hot) == [6]
        assert list(store.scan(BLOCKS)) == [(key(n), b"block %d" % n) for n in range(1, 7)]


def test_a_torn_archive_is_completed_from_the_store(fast_path: Path) -> None:
    hot = MemoryStore()
    with FrozenStore(hot, fast_path) as store:
        chain(store, 6, 4)
        marked = store.synced_sizes()["00000000.archive"]
        store.freeze(deleted(3, 4))
    file = fast_path / "00000000.archive"
    data = file.read_bytes()
    for size in range(marked, len(data)):
        file.write_bytes(data[:size])
        again = hot.copy()
        with FrozenStore(again, fast_path) as store:
            assert (store.torn is None) == (size in _ends(data, marked))
            assert list(store.scan(BLOCKS)) == [(key(n), b"block %d" % n) for n in range(1, 7)]
            store.write(deleted(3, 4, 5))
            assert store.get(BLOCKS, key(5)) == b"block 5"
    for size in range(marked):
        file.write_bytes(data[:size])
        with pytest.raises(CorruptStore, match="00000000"):
            FrozenStore(hot, fast_path)


def _ends(data: bytes, start: int) -> set[int]:
    """Return where records end, from a record's beginning on."""
    ends = {start}
    while start < len(data):
        start += 26 + int.from_bytes(data[start + 6 : start + 10], "little")
        ends.add(start)
    return ends


def test_damage_to_frozen_rows_is_named(tmp_path: Path) -> None:
    hot = MemoryStore()
    with FrozenStore(hot, tmp_path) as store:
        chain(store, 9, 3)
        file = tmp_path / "00000000.archive"
        data = file.read_bytes()
        at = data.index(b"block 4")
        file.write_bytes(data[:at] + b"B" + data[at + 1 :])
        assert store.get(BLOCKS, key(5)) == b"block 5"
        with pytest.raises(CorruptFile, match="does not match its checksum"):
            store.get(BLOCKS, key(4))
        with pytest.raises(CorruptFile):
            list(store.scan(BLOCKS))
        assert len(store.verify()) == 1
    with pytest.raises(CorruptFile, match=r"00000000\.archive"):
        FrozenStore(hot, tmp_path)


def test_a_lost_archive_is_named(tmp_path: Path) -> None:
    hot = MemoryStore()
    with FrozenStore(hot, tmp_path / "one") as store:
        chain(store, 9, 3)
    with pytest.raises(CorruptStore, match=r"00000000\.archive: .*missing"):
        FrozenStore(hot, tmp_path / "two")
    hot.write([Record(MARK_TABLE, MARK_KEY, b'{"file":"","size":0,"heights":{"chain.blocks":6}}')])
    with pytest.raises(CorruptStore, match=r"frozen up to height 6, the files end at None"):
        FrozenStore(hot, tmp_path / "two")
    hot.write([Record(MARK_TABLE, MARK_KEY, b"{")])
    with pytest.raises(MalformedRow, match=r"chain\.frozen"):
        FrozenStore(hot, tmp_path / "two")


def test_many_rows_move_a_few_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.files.frozen.MOVED_ROWS", 7)
    hot = MemoryStore()
    with FrozenStore(hot, tmp_path, limits=ArchiveLimits(records_max=30)) as store:
        for height in range(1, 101):
            store.write(block(height))
        hot.write([Record(CERTIFICATES, key(50), None)])
        store.write([*deleted(*range(90, 0, -1)), *deleted(5, 95)])
        assert hot_heights(hot) == [91, 92, 93, 94, *range(96, 101)]
        assert list(store.scan(BLOCKS)) == [(key(n), b"block %d" % n) for n in range(1, 101)]
        assert store.get(CERTIFICATES, key(50)) is None
        assert store.get(CERTIFICATES, key(51)) == b"certificate 51"


def test_of_several_records_for_a_row_the_last_counts(tmp_path: Path) -> None:
    hot = MemoryStore()
    with FrozenStore(hot, tmp_path) as store:
        row = Record(BLOCKS, key(1), b"first")
        store.write([row, Record(BLOCKS, key(1), None), Record(BLOCKS, key(1), b"second")])
        assert store.archive.last(BLOCKS) is None
        store.write([Record(BLOCKS, key(1), b"third"), Record(BLOCKS, key(1), None)])
        assert (hot.get(BLOCKS, key(1)), store.get(BLOCKS, key(1))) == (None, b"third")
        store.write(deleted(1, 7))
        assert store.archive.last(BLOCKS) == 1, "what is not there is not frozen"
        store.write([Record(BLOCKS, b"name", b"x"), Record(BLOCKS, b"name", None)])
        assert store.get(BLOCKS, b"name") is None


def test_a_frozen_row_does_not_change(tmp_path: Path) -> None:
    hot = MemoryStore()
    with FrozenStore(hot, tmp_path) as store:
        chain(store, 9, 3)
        store.write([Record(BLOCKS, key(2), b"another block 2")])
        with pytest.raises(OutOfOrder, match=r"chain\.blocks 2: expected the row that was frozen"):
            store.write(deleted(2))
        assert hot.get(BLOCKS, key(2)) == b"another block 2"


def test_rows_may_be_deleted_for_good(tmp_path: Path) -> None:
    hot = MemoryStore()
    with FrozenStore(hot, tmp_path) as store:
        chain(store, 9, 3)
    with FrozenStore(hot, tmp_path, freezes=False) as store:
        store.write(deleted(7, 8))
        assert [key(n) for n in (1, 2, 3, 4, 5, 6, 9)] == [each for each, _ in store.scan(BLOCKS)]
        store.discard([BLOCKS])
        assert store.get(BLOCKS, key(9)) is None
        assert store.get(BLOCKS, key(6)) == b"block 6"


def test_a_snapshot_does_not_see_what_came_later(tmp_path: Path) -> None:
    with FrozenStore(MemoryStore(), tmp_path) as store:
        chain(store, 8, 4)
        snapshot = store.snapshot()
        expected = list(store.scan(BLOCKS))
        for height in range(9, 20):
            store.write([*block(height), *deleted(height - 4)])
        assert list(snapshot.scan(BLOCKS)) == expected
        assert list(snapshot.scan(BLOCKS, key(3), key(6))) == expected[2:5]
        assert [snapshot.get(BLOCKS, key(n)) for n in (1, 6, 9, 14)] == [
            b"block 1",
            b"block 6",
            None,
            None,
        ]
        assert list(snapshot.scan("consensus")) == [(b"last", key(8))]
        assert snapshot.get("consensus", b"last") == key(8)
        snapshot.release()


def test_a_row_that_moves_while_it_is_looked_for_is_found(tmp_path: Path) -> None:
    hot = MovingStore()
    with FrozenStore(hot, tmp_path) as store:
        chain(store, 9, 6)
        expected = list(store.scan(BLOCKS))
        for height, look in enumerate(
            (
                lambda: list(store.scan(BLOCKS)),
                lambda: list(store.snapshot().scan(BLOCKS)),
                lambda: [(key(n), store.get(BLOCKS, key(n))) for n in range(1, 10)],
                lambda: [
                    (key(n), value)
                    for n, value in enumerate(
                        store.get_many(BLOCKS, [key(n) for n in range(1, 10)]), start=1
                    )
                ],
            ),
            start=4,
        ):
            hot.before_reading = lambda height=height: store.write(deleted(height))
            assert look() == expected
            assert store.archive.last(BLOCKS) == height


def test_a_full_disk_deletes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hot = MemoryStore()
    with FrozenStore(hot, tmp_path) as store:
        chain(store, 6, 3)
        disk = SmallDisk(room=20)
        disk.fill(monkeypatch)
        with pytest.raises(StoreFull):
            store.write([*block(7), *deleted(4)])
        assert hot_heights(hot) == [4, 5, 6]
        disk.room = 1_000
        store.write([*block(7), *deleted(4)])
        assert hot_heights(hot) == [5, 6, 7]
        assert [each for each, _ in store.scan(BLOCKS)] == [key(n) for n in range(1, 8)]
        assert store.verify() == ()


@pytest.mark.parametrize(
    ("bound", "height"),
    [
        (b"", 0),
        (b"\x01", 1 << 56),
        (key(7), 7),
        (key(7) + b"\x00", 8),
        (key(7)[:-1], 0),
        (b"\xff" * 8, HEIGHT_END - 1),
        (b"\xff" * 9, HEIGHT_END),
        (None, HEIGHT_END),
    ],
)
def test_bounds_become_heights(bound: bytes | None, height: int) -> None:
    assert first_height(bound) == height


def test_rows_count_where_both_have_a_key() -> None:
    rows = [(b"", b"0"), (key(1), b"1"), (key(3), b"3"), (b"\xff" * 9, b"9")]
    records = [(1, b"old"), (2, b"2")]
    found = list(merged(iter(rows), iter(records)))
    assert found == [rows[0], rows[1], (key(2), b"2"), rows[2], rows[3]]
