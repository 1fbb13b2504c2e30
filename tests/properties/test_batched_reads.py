"""Batches of positioned reads and writes beside slices of a byte string."""

import tempfile
from collections.abc import Iterator
from os import urandom
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from primitives.errors import InvalidInput
from storage.files import FileIO, PositionedFile, ShortFile
from storage.files.batches import read_runs, write_runs

SIZE = 40_000
DATA = urandom(SIZE)
PIECES = st.lists(st.tuples(st.integers(0, SIZE + 50), st.integers(0, 9_000)), max_size=20)
GAPS = st.sampled_from([0, 1, 100, 4_096])


@pytest.fixture(scope="module")
def opened() -> Iterator[tuple[FileIO, tuple[PositionedFile, PositionedFile]]]:
    with tempfile.TemporaryDirectory(prefix="orrery-reads-") as name:
        path = Path(name) / "f"
        path.write_bytes(DATA)
        with (
            FileIO(workers=2) as files,
            PositionedFile(path) as plain,
            PositionedFile(path, direct=True) as direct,
        ):
            yield files, (plain, direct)


@given(pieces=PIECES, near_the_end=st.booleans())
def test_a_batch_reads_what_slices_are(
    opened: tuple[FileIO, tuple[PositionedFile, PositionedFile]],
    pieces: list[tuple[int, int]],
    near_the_end: bool,
) -> None:
    files, both = opened
    if near_the_end:
        pieces = [*pieces, (SIZE - 3, 3), (SIZE + 7, 0)]
    expected = [DATA[offset : offset + length] for offset, length in pieces]
    # A piece of no bytes is there even behind the end.
    whole = all(offset + length <= SIZE or not length for offset, length in pieces)
    for file in both:
        for read in (files.read_many, lambda *each: files.submit_read(*each).result()):
            if whole:
                assert read(file, pieces) == expected
            else:
                with pytest.raises(ShortFile):
                    read(file, pieces)


@given(pieces=PIECES, gap=GAPS, most=st.sampled_from([1, 500, 20_000]))
def test_runs_cover_all_pieces_and_keep_their_limits(
    pieces: list[tuple[int, int]], gap: int, most: int
) -> None:
    runs = read_runs(pieces, gap, most)
    placed = [(run, piece) for run in runs for piece in run.pieces]
    read = [number for number, (_, length) in enumerate(pieces) if length]
    assert sorted(piece.number for _, piece in placed) == read
    for run, piece in placed:
        assert (run.offset + piece.start, piece.length) == pieces[piece.number]
        assert piece.start + piece.length <= run.length
    for run in runs:
        covered = {at for each in run.pieces for at in range(each.start, each.start + each.length)}
        assert run.length - len(covered) <= gap * (len(run.pieces) - 1)
        assert (
            run.length <= most
            or len(run.pieces) == 1
            or run.length == max(each.length for each in run.pieces)
        )
    assert [run.offset for run in runs] == sorted(run.offset for run in runs)


@given(st.lists(st.tuples(st.integers(0, 300), st.binary(max_size=30)), max_size=12))
def test_writes_leave_what_single_ones_do_or_are_refused(pieces: list[tuple[int, bytes]]) -> None:
    touched = [at for offset, data in pieces for at in range(offset, offset + len(data))]
    overlap = len(set(touched)) < len(touched)
    try:
        runs = write_runs(pieces)
    except InvalidInput:
        # An empty piece inside of another one is refused, too.
        assert overlap or any(not data for _, data in pieces)
        return
    assert not overlap
    expected, found = bytearray(400), bytearray(400)
    for offset, data in pieces:
        expected[offset : offset + len(data)] = data
    for offset, buffers in runs:
        whole = b"".join(buffers)
        found[offset : offset + len(whole)] = whole
    assert found == expected
    ends = [offset + sum(map(len, buffers)) for offset, buffers in runs]
    assert all(end < offset for end, (offset, _) in zip(ends, runs[1:], strict=False))
