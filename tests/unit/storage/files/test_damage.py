"""Every length and every flipped byte of a small archive: noticed, named, never served."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from storage.files import ArchiveReader, ArchiveWriter, CorruptFile, EmptyFile, NotSealed
from storage.files.positioned import Buffer, PositionedFile
from storage.rocks import StoreError
from tests.unit.storage.files.samples import KINDS, Records, content, records, write

BATCHES = [records(2), records(1, first=2), records(2, first=3)]
ALL = [record for batch in BATCHES for record in batch]


def flips(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield each position, and the data with one bit of that byte turned over."""
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= 1 << at % 8
        yield at, bytes(changed)


def resumed(path: Path, durable: int | None) -> Records:
    """Go on with a file, seal it, and return what it holds then."""
    ArchiveWriter.resume(path, durable).seal()
    return content(path)


@pytest.fixture
def sealed(fast_path: Path) -> Path:
    write(fast_path / "a", BATCHES)
    return fast_path / "a"


def test_any_flipped_byte_of_a_sealed_file_is_noticed(sealed: Path) -> None:
    for at, changed in flips(sealed.read_bytes()):
        sealed.write_bytes(changed)
        try:
            with ArchiveReader(sealed) as reader:
                faults = reader.verify()
                assert faults, at
        except StoreError as error:
            faults = (error,)
        assert all(str(sealed) in error.where for error in faults)


def test_a_flipped_byte_is_never_served(sealed: Path) -> None:
    expected = {(kind, number): payload for kind, number, payload in ALL}
    missed = 0
    for _, changed in flips(sealed.read_bytes()):
        sealed.write_bytes(changed)
        try:
            with ArchiveReader(sealed) as reader:
                for (kind, number), payload in expected.items():
                    try:
                        assert reader.get(kind, number) == payload
                    except CorruptFile:
                        missed += 1
        except StoreError:
            continue
    assert missed > 100


def test_reading_from_end_to_end_stops_at_damage(sealed: Path) -> None:
    with ArchiveReader(sealed) as reader:
        start, end = reader.start, reader.seal.index_offset
    for at, changed in flips(sealed.read_bytes()):
        if not start <= at < end:
            continue
        sealed.write_bytes(changed)
        with ArchiveReader(sealed) as reader, pytest.raises(CorruptFile) as caught:
            list(reader.entries())
        assert caught.value.offset <= at


def test_any_cut_of_a_sealed_file_is_noticed(sealed: Path) -> None:
    data = sealed.read_bytes()
    for size in range(len(data)):
        sealed.write_bytes(data[:size])
        with pytest.raises(StoreError):
            ArchiveReader(sealed)


def test_a_cut_in_the_last_batch_loses_nothing_before_it(fast_path: Path) -> None:
    path = fast_path / "a"
    sizes = write(path, BATCHES, seal=False)
    data = path.read_bytes()
    assert len(data) == sizes[-1]
    for size in range(sizes[0], len(data) + 1):
        synced = sum(len(BATCHES[at]) for at, each in enumerate(sizes) if each <= size)
        for durable in (None, max(each for each in sizes if each <= size)):
            path.write_bytes(data[:size])
            with ArchiveWriter.resume(path, durable) as writer:
                torn = writer.torn
            kept = resumed(path, durable)
            assert len(kept) >= synced
            assert kept == ALL[: len(kept)]
            if torn is not None:
                assert (torn.file, torn.offset + torn.lost_bytes) == ("a", size)
            else:
                assert size == path.stat().st_size or kept


def test_a_cut_before_what_was_synced_is_damage(fast_path: Path) -> None:
    path = fast_path / "a"
    sizes = write(path, BATCHES, seal=False)
    data = path.read_bytes()
    for size in range(sizes[1]):
        path.write_bytes(data[:size])
        with pytest.raises(CorruptFile, match="at byte"):
            ArchiveWriter.resume(path, sizes[1])
        assert path.read_bytes() == data[:size], "nothing is cut off what is damaged"


def test_a_file_without_its_header_was_empty(fast_path: Path) -> None:
    path = fast_path / "a"
    write(path, [], seal=False)
    data = path.read_bytes()
    for size in range(len(data)):
        path.write_bytes(data[:size])
        with pytest.raises(EmptyFile):
            ArchiveWriter.resume(path)


def test_a_flipped_byte_before_a_sync_is_damage_and_after_it_a_tear(fast_path: Path) -> None:
    path = fast_path / "a"
    sizes = write(path, BATCHES, seal=False)
    data = path.read_bytes()
    for at, changed in flips(data):
        path.write_bytes(changed)
        if at < sizes[-2]:
            with pytest.raises(CorruptFile) as caught:
                ArchiveWriter.resume(path)
            assert caught.value.offset <= at
            assert path.read_bytes() == changed
        else:
            with ArchiveWriter.resume(path) as writer:
                assert writer.torn is not None
                assert sizes[-2] <= writer.torn.offset <= at
            kept = resumed(path, None)
            assert len(ALL) > len(kept) >= len(ALL) - len(BATCHES[-1])
            assert kept == ALL[: len(kept)]


def test_who_knows_what_was_synced_takes_no_damage_for_a_tear(fast_path: Path) -> None:
    path = fast_path / "a"
    sizes = write(path, BATCHES, seal=False)
    for _, changed in flips(path.read_bytes()):
        path.write_bytes(changed)
        with pytest.raises(CorruptFile):
            ArchiveWriter.resume(path, sizes[-1])


def test_who_knows_that_less_was_synced_cuts_there(fast_path: Path) -> None:
    path = fast_path / "a"
    sizes = write(path, BATCHES, seal=False)
    data = bytearray(path.read_bytes())
    data[sizes[0] + 30] ^= 1
    path.write_bytes(data)
    assert resumed(path, sizes[0])[:4] == ALL[:4]


def test_a_seal_that_is_not_whole_is_made_again(sealed: Path) -> None:
    data = sealed.read_bytes()
    with ArchiveReader(sealed) as reader:
        end = reader.seal.index_offset
    for size in range(end, len(data)):
        sealed.write_bytes(data[:size])
        with pytest.raises(NotSealed):
            ArchiveReader(sealed)
        assert resumed(sealed, None) == ALL
        assert sealed.read_bytes() == data


def test_zeros_at_the_end_are_a_tear(fast_path: Path) -> None:
    path = fast_path / "a"
    write(path, BATCHES, seal=False)
    path.write_bytes(path.read_bytes() + bytes(5_000))
    with ArchiveWriter.resume(path) as writer:
        assert writer.torn is not None
        assert writer.torn.lost_bytes == 5_000
    assert resumed(path, None) == ALL


def test_an_archive_inside_of_a_payload_is_only_a_payload(fast_path: Path) -> None:
    inner = fast_path / "inner"
    write(inner, BATCHES)
    path = fast_path / "a"
    with ArchiveWriter.create(path, KINDS) as writer:
        writer.append("block", 0, b"before")
        writer.sync()
        writer.append("block", 1, inner.read_bytes())
        writer.sync()
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 1)
    with ArchiveWriter.resume(path) as writer:
        assert writer.torn is not None
        assert writer.index.last(0) == 0


def test_a_record_in_the_wrong_place_is_noticed(fast_path: Path) -> None:
    path = fast_path / "a"
    with ArchiveWriter.create(path, KINDS) as writer:
        writer.append("block", 1, b"left")
        writer.append("certificate", 1, b"rght")
        index = writer.index
        size = writer.sync()
    data = path.read_bytes()
    (left, length), (right, _) = index.find(0, 1) or (0, 0), index.find(1, 1) or (0, 0)
    path.write_bytes(data[:left] + data[right : right + length] + data[left:right])
    with pytest.raises(CorruptFile, match="head does not match"):
        ArchiveWriter.resume(path, size)


def test_all_before_a_seal_is_synced_before_the_seal_is_written(
    fast_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash between would leave a file that counts as closed, with parts of its index missing."""
    path = fast_path / "a"
    put, sync = PositionedFile.write, PositionedFile.sync
    ends = [0]
    synced_at: dict[int, int] = {}
    synced = 0

    def writing(self: PositionedFile, offset: int, buffers: Sequence[Buffer]) -> int:
        synced_at[offset] = synced
        ends.append(offset + put(self, offset, buffers))
        return ends[-1] - offset

    def syncing(self: PositionedFile) -> None:
        nonlocal synced
        sync(self)
        synced = max(ends)

    monkeypatch.setattr(PositionedFile, "write", writing)
    monkeypatch.setattr(PositionedFile, "sync", syncing)
    write(path, BATCHES)
    with ArchiveReader(path) as reader:
        assert synced_at[reader.seal_offset] == reader.seal_offset
    assert synced == path.stat().st_size
