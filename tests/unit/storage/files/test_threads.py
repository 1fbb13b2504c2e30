"""One thread moves rows to the archive while others read: no row is ever in neither place."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from primitives.machine import Record
from storage.files import Archive, ArchiveLimits, FrozenStore
from storage.rocks import Durability, RocksStore, profile
from tests.unit.storage.files.samples import KINDS

BLOCKS = "chain.blocks"
COUNT, RECORDS = 400, 4_000
FEW = ArchiveLimits(records_max=37)


def value(number: int) -> bytes:
    return b"%d " % number * (number % 50 + 1)


def beside(write: Callable[[], None], reads: list[Callable[[], None]]) -> None:
    """Repeat reads in threads of their own until the writing is done."""
    with ThreadPoolExecutor(len(reads) + 1) as threads:
        writing = threads.submit(write)

        def repeat(read: Callable[[], None]) -> int:
            rounds = 0
            while not writing.done() or not rounds:
                read()
                rounds += 1
            return rounds

        reading = [threads.submit(repeat, read) for read in reads]
        writing.result()
        assert all(each.result() for each in reading)


def test_an_archive_is_read_while_it_grows(fast_path: Path) -> None:
    archive = Archive(fast_path, KINDS, FEW)

    def write() -> None:
        for number in range(RECORDS):
            archive.append("block", number, value(number))
            if not number % 5:
                archive.sync()

    def scan() -> None:
        found = list(archive.scan("block"))
        assert found == [(number, value(number)) for number in range(len(found))]

    def get() -> None:
        last = archive.last("block") or 0
        numbers = [last, last // 2, last // 3, 0] if last else []
        assert archive.get_many("block", numbers) == [value(number) for number in numbers]

    def verify() -> None:
        assert archive.verify() == ()

    beside(write, [scan, get, verify])
    assert archive.last("block") == RECORDS - 1
    archive.close()


def test_rows_are_read_while_they_move(tmp_path: Path, fast_path: Path) -> None:
    options = replace(profile("small"), durability=Durability.WAL)
    with (
        RocksStore(tmp_path / "store", options) as hot,
        FrozenStore(hot, fast_path, limits=FEW) as store,
    ):
        keys = [number.to_bytes(8, "big") for number in range(COUNT)]
        rows = [Record(BLOCKS, key, value(number)) for number, key in enumerate(keys)]
        store.write(rows)

        def write() -> None:
            for first in range(0, COUNT, 4):
                store.write([Record(BLOCKS, key, None) for key in keys[first : first + 4]])

        def get() -> None:
            assert [store.get(BLOCKS, key) for key in keys] == [row.value for row in rows]

        def get_many() -> None:
            assert store.get_many(BLOCKS, keys) == [row.value for row in rows]

        def scan() -> None:
            assert [row for _, row in store.scan(BLOCKS)] == [row.value for row in rows]

        def scan_a_snapshot() -> None:
            snapshot = store.snapshot()
            assert [row for _, row in snapshot.scan(BLOCKS)] == [row.value for row in rows]
            snapshot.release()

        beside(write, [get, get_many, scan, scan_a_snapshot])
        assert list(hot.scan(BLOCKS)) == []
