"""Batches of positioned reads and writes, with and without the page cache."""

import asyncio
import os
from concurrent.futures import wait
from pathlib import Path
from threading import Event

import pytest

from primitives.errors import InvalidInput
from storage.files import FileIO, PositionedFile, ShortFile
from storage.files.batches import RUN_BYTES_MAX, read_runs, write_runs
from storage.files.direct import CHUNK_BYTES
from storage.files.positioned import ALIGNMENT
from storage.files.reads import Reads
from storage.files.walking import Window
from storage.files.workers import Workers
from storage.rocks import StoreFull
from tests.unit.storage.files.disk import SmallDisk

SIZE = 3 * CHUNK_BYTES + 777
DATA = os.urandom(SIZE)
PIECES = [
    (4_096 * number * 7 % (SIZE - 5_000), (number * 13) % 5_000) for number in range(1, 300)
] + [(0, SIZE), (SIZE - 1, 1), (SIZE, 0), (1, CHUNK_BYTES), (4_095, 2), (4_096, 4_096)]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("batched") / "f"
    path.write_bytes(DATA)
    return path


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("announce", [False, True])
def test_pieces_come_in_the_order_of_the_request(
    path: Path, direct: bool, announce: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.files.batched.CAN_ANNOUNCE", announce)
    with FileIO(workers=3) as files, PositionedFile(path, direct=direct) as file:
        found = files.read_many(file, PIECES)
        assert found == [DATA[offset : offset + length] for offset, length in PIECES]
        assert all(view.readonly for view in found)
        assert files.submit_read(file, PIECES[:9]).result() == found[:9]
        assert files.read_many(file, []) == []
        counts = files.statistics()
    assert counts.read_pieces == len(PIECES) + 9
    assert counts.read_runs < counts.read_pieces
    assert counts.refusals == (3 if file.refusal else 0)
    assert counts.refusal == file.refusal
    assert counts.direct_bytes == (counts.read_bytes if file.direct else 0)


@pytest.mark.parametrize("direct", [False, True])
def test_a_piece_beyond_the_end_is_an_error(path: Path, direct: bool) -> None:
    pieces = [(0, 10), (SIZE - 5, 20), (9_000, 10)]
    with FileIO() as files, PositionedFile(path, direct=direct) as file:
        with pytest.raises(ShortFile) as caught:
            files.read_many(file, pieces)
        assert (caught.value.offset, caught.value.found) == (SIZE - 5, 5)
        with pytest.raises(ShortFile):
            files.submit_read(file, pieces).result()
        with pytest.raises(ShortFile):
            files.read_many(file, [(SIZE + 9_000, 1), (0, 1)])
        assert files.read_many(file, pieces[:1]) == [DATA[:10]]


def test_every_run_is_announced_once_and_ahead(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.files.reads.AHEAD", 3)
    calls: list[tuple[str, int]] = []
    with PositionedFile(path) as file:
        read = file.read

        def noted(offset: int, length: int) -> bytes:
            calls.append(("read", offset))
            return read(offset, length)

        monkeypatch.setattr(file, "read", noted)
        monkeypatch.setattr(file, "will_need", lambda offset, _: calls.append(("tell", offset)))
        reads = Reads(file, [(number * 50_000, 100) for number in range(6)])
        assert reads.read_announced()[5] == DATA[250_000:250_100]
        told = [at for what, at in calls if what == "tell"]
        assert (
            told == [at for what, at in calls if what == "read"] == [50_000 * n for n in range(6)]
        )
        assert [what for what, _ in calls] == ["tell"] * 3 + ["tell", "read"] * 3 + ["read"] * 3
        calls.clear()
        Reads(file, [(7, 7)]).read_announced()
        assert calls == [("read", 7)], "nothing is told of a single read"


@pytest.mark.parametrize("direct", [False, True])
def test_a_file_that_shrinks_under_a_walk_is_noticed(path: Path, direct: bool) -> None:
    with PositionedFile(path, direct=direct) as file:
        assert Window(file).at(SIZE - 10, 10) == DATA[-10:]
        window = Window(file, SIZE + 10_000)
        with pytest.raises(ShortFile):
            window.at(SIZE - 10, 20)


def test_asyncio_may_wait_for_a_batch(path: Path) -> None:
    async def read(files: FileIO, file: PositionedFile) -> list[memoryview]:
        return await asyncio.wrap_future(files.submit_read(file, [(5, 5), (50, 5)]))

    with FileIO() as files, PositionedFile(path) as file:
        assert asyncio.run(read(files, file)) == [DATA[5:10], DATA[50:55]]


def test_many_batches_at_once(path: Path) -> None:
    with FileIO(workers=4, batches_max=3) as files, PositionedFile(path) as file:
        futures = [files.submit_read(file, [(at, 10), (9 * at, 5)]) for at in range(200)]
        wait(futures)
        for at, future in enumerate(futures):
            assert future.result() == [DATA[at : at + 10], DATA[9 * at : 9 * at + 5]]
        assert files.statistics().read_pieces == 400


@pytest.mark.parametrize("direct", [False, True])
def test_pieces_are_written_where_they_belong(tmp_path: Path, direct: bool) -> None:
    blocks = [number * ALIGNMENT for number in (5, 0, 1, 300, 2)]
    pieces = [(offset, DATA[offset : offset + ALIGNMENT]) for offset in blocks]
    pieces.append((400 * ALIGNMENT, DATA[: 2 * CHUNK_BYTES]))
    with (
        FileIO(workers=2) as files,
        PositionedFile(tmp_path / "new", writable=True, direct=direct) as file,
    ):
        assert files.write_many(file, pieces) == sum(len(data) for _, data in pieces)
        file.sync()
        counts = files.statistics()
        assert (counts.write_pieces, counts.write_bytes) == (6, 5 * ALIGNMENT + 2 * CHUNK_BYTES)
        if not file.direct:
            assert counts.write_runs == 4, "three blocks touch one another"
    written = (tmp_path / "new").read_bytes()
    for offset, data in pieces:
        assert written[offset : offset + len(data)] == data


def test_writes_that_overlap_are_refused(tmp_path: Path) -> None:
    with FileIO() as files, PositionedFile(tmp_path / "new", writable=True) as file:
        with pytest.raises(InvalidInput, match="an offset from 4 on, got 3"):
            files.write_many(file, [(0, b"four"), (3, b"x")])
        with pytest.raises(InvalidInput, match="got -1"):
            files.write_many(file, [(-1, b"x")])
        with pytest.raises(InvalidInput, match="0 or more"):
            files.read_many(file, [(0, -1)])
        assert file.size() == 0


def test_direct_writes_are_aligned(tmp_path: Path) -> None:
    with (
        FileIO() as files,
        PositionedFile(tmp_path / "new", writable=True, direct=True) as file,
    ):
        if not file.direct:
            pytest.skip(file.refusal)
        with pytest.raises(InvalidInput, match="multiples of 4096, as O_DIRECT asks"):
            files.write_many(file, [(0, b"short")])


def test_a_full_disk_ends_a_batch_past_the_page_cache_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error on its way out still holds views of the buffer that was being written."""
    pieces = [(0, bytes(ALIGNMENT)), (CHUNK_BYTES, bytes(CHUNK_BYTES))]
    with (
        FileIO(workers=1) as files,
        PositionedFile(tmp_path / "new", writable=True, direct=True) as file,
    ):
        if not file.direct:
            pytest.skip(file.refusal)
        SmallDisk(room=0).fill(monkeypatch)
        errors = []
        for piece in pieces:
            with pytest.raises(StoreFull) as caught:
                files.write_many(file, [piece])
            errors.append(caught)
        monkeypatch.undo()
        assert files.write_many(file, pieces) == sum(len(data) for _, data in pieces)
        assert files._buffers._pool.statistics().borrowed == 0


def test_a_full_disk_ends_a_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with FileIO() as files, PositionedFile(tmp_path / "new", writable=True) as file:
        disk = SmallDisk(room=100)
        disk.fill(monkeypatch)
        with pytest.raises(StoreFull):
            files.write_many(file, [(0, DATA[:60]), (1_000, DATA[:60])])
        disk.room = 1_000
        assert files.write_many(file, [(0, b"x")]) == 1


def test_runs_cover_neighbours_and_small_gaps() -> None:
    runs = read_runs([(100, 10), (0, 50), (60, 10), (500, 1), (55, 30)], gap_bytes=15)
    assert [(run.offset, run.length) for run in runs] == [(0, 110), (500, 1)]
    assert sorted(piece.number for run in runs for piece in run.pieces) == [0, 1, 2, 3, 4]
    far = read_runs([(0, 10), (10, RUN_BYTES_MAX)], gap_bytes=0)
    assert len(far) == 2, "a run has a limit"
    assert write_runs([(3, b"ab"), (0, b"xyz"), (9, b"q")]) == [(0, [b"xyz", b"ab"]), (9, [b"q"])]


def test_the_first_error_drops_what_was_not_begun() -> None:
    workers = Workers(1, 1)
    begun: list[int] = []

    def work(item: int) -> None:
        begun.append(item)
        if item == 2:
            raise StoreFull("here", "room", "none")

    future = workers.spread(range(5), work, lambda: "done")
    with pytest.raises(StoreFull):
        future.result()
    assert begun == [0, 1, 2]
    assert workers.spread((), work, lambda: "done").result() == "done"
    with pytest.raises(ZeroDivisionError):
        workers.submit(lambda: 1 // 0).result()
    workers.close()


def test_who_submits_too_much_waits() -> None:
    workers = Workers(2, 1)
    begun, may_end = Event(), Event()

    def slow() -> str:
        begun.set()
        return "slow" if may_end.wait(10) else "late"

    first = workers.submit(slow)
    assert begun.wait(10)
    asked = Workers(1, 1)
    second = asked.submit(lambda: workers.submit(lambda: "second"))
    assert not second.done()
    may_end.set()
    assert first.result() == "slow"
    assert second.result(10).result(10) == "second"
    asked.close()
    workers.close()
    with pytest.raises(InvalidInput):
        FileIO(workers=0)
