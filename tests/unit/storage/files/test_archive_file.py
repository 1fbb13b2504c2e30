"""One archive file: what goes in comes out, and what must not go in is refused."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest
import zstandard

from primitives.errors import InvalidInput
from storage.files import Archive, ArchiveReader, ArchiveWriter, CorruptFile, NotSealed, OutOfOrder
from storage.files.compression import decompress
from storage.files.index import Index, decode_index
from storage.files.layout import encode_seal
from storage.files.records import PAYLOAD_BYTES_MAX, encode_head
from storage.rocks import ForeignStore, NewerStore, StoreClosed, StoreError, StoreFull, UnknownTable
from tests.unit.storage.files.disk import SmallDisk
from tests.unit.storage.files.samples import KINDS, content, records, write


def test_records_come_out_as_they_went_in(tmp_path: Path) -> None:
    path, expected = tmp_path / "a", records(50)
    write(path, [expected[:30], expected[30:]])
    assert content(path) == expected
    with ArchiveReader(path) as reader:
        assert reader.kinds == KINDS
        assert reader.metadata == {"chain": "test"}
        assert reader.seal.entries == len(expected)
        assert [reader.get(kind, number) for kind, number, _ in expected] == [
            payload for *_, payload in expected
        ]
        assert reader.get("block", 50) is None
        assert reader.get_many("certificate", [7, 99, 3]) == [b"c7", None, b"c3"]
        assert reader.numbers("block", 48) == [48, 49]
        assert reader.numbers("block", 3, 30, 2) == [3, 4]
        assert reader.numbers("unheard of") == []
        assert reader.verify() == ()


def test_numbers_may_have_gaps(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write(path, [[("block", 3, b"x"), ("block", 1 << 40, b"y"), ("certificate", 0, b"z")]])
    with ArchiveReader(path) as reader:
        assert reader.get("block", 1 << 40) == b"y"
        assert reader.get("block", 4) is None
        assert reader.seal.ranges[0].first == 3
        assert reader.seal.ranges[0].last == 1 << 40


def test_an_empty_file_can_be_sealed(tmp_path: Path) -> None:
    write(tmp_path / "a", [])
    assert content(tmp_path / "a") == []
    with ArchiveReader(tmp_path / "a") as reader:
        assert reader.verify() == ()


def test_a_seal_with_many_kinds_is_found(tmp_path: Path) -> None:
    kinds = tuple(f"kind {number}" for number in range(400))
    with ArchiveWriter.create(tmp_path / "a", kinds) as writer:
        for kind in kinds:
            writer.append(kind, 1, kind.encode())
        writer.seal()
    with ArchiveReader(tmp_path / "a") as reader:
        assert reader.get("kind 399", 1) == b"kind 399"
        assert reader.verify() == ()


def test_progress_reaches_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write(path, [records(10)])
    seen: list[tuple[int, int]] = []
    with ArchiveReader(path) as reader:
        assert reader.verify(lambda done, total: seen.append((done, total))) == ()
    assert seen[-1] == (path.stat().st_size,) * 2
    assert seen == sorted(seen)


@pytest.mark.parametrize("refused", [False, True])
def test_large_records_are_checked_past_the_page_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: bool
) -> None:
    path = tmp_path / "a"
    sizes = (10, 5 << 20, 0, 4_095, 4_096, (4 << 20) - 26, 9 << 20, 1)
    with ArchiveWriter.create(path, KINDS) as writer:
        for number, size in enumerate(sizes):
            writer.append("block", number, bytes([number]) * size)
        writer.seal()
    flags: list[int] = []
    opened = os.open

    def look(name: Path, how: int, mode: int = 0o777) -> int:
        flags.append(how)
        if refused and how & os.O_DIRECT:
            raise OSError(errno.EINVAL, "refused")
        return opened(name, how, mode)

    monkeypatch.setattr(os, "open", look)
    with ArchiveReader(path) as reader:
        assert reader.verify() == ()
        assert any(how & os.O_DIRECT for how in flags)
        assert [len(each.payload) for each in reader.entries()] == list(sizes)
        with path.open("r+b") as file:
            file.seek(reader.index.columns[0].offsets[6] + (8 << 20))
            file.write(b"!")
        (found,) = reader.verify()
        assert isinstance(found, CorruptFile)
        assert found.offset == reader.index.columns[0].offsets[6]


def test_numbers_only_go_up(tmp_path: Path) -> None:
    with ArchiveWriter.create(tmp_path / "a", KINDS) as writer:
        writer.append("block", 5, b"")
        writer.append("certificate", 4, b"")
        for number in (5, 4, -1, 1 << 64):
            with pytest.raises(OutOfOrder, match=r"above 5"):
                writer.append("block", number, b"")
        with pytest.raises(UnknownTable, match=r"block, certificate, got 'vote'"):
            writer.append("vote", 6, b"")


def test_a_payload_has_a_limit(tmp_path: Path) -> None:
    class Long(bytes):
        def __len__(self) -> int:
            return PAYLOAD_BYTES_MAX + 1

    with ArchiveWriter.create(tmp_path / "a", KINDS) as writer:
        with pytest.raises(InvalidInput, match="bytes at most"):
            writer.append("block", 0, Long())
        writer.append("block", 0, b"fits")


def test_a_file_is_not_overwritten(tmp_path: Path) -> None:
    write(tmp_path / "a", [])
    with pytest.raises(StoreError, match="a name that is free"):
        ArchiveWriter.create(tmp_path / "a", KINDS)
    with pytest.raises(StoreError, match="one that is sealed"):
        ArchiveWriter.resume(tmp_path / "a")
    with pytest.raises(InvalidInput, match="different names"):
        ArchiveWriter.create(tmp_path / "b", ("x", "x"))
    with pytest.raises(StoreError, match="ENOENT"):
        ArchiveWriter.create(tmp_path / "none" / "a", KINDS)


def test_an_open_file_is_not_read_as_a_sealed_one(tmp_path: Path) -> None:
    write(tmp_path / "a", [records(3)], seal=False)
    with pytest.raises(NotSealed, match="a file that was closed"):
        ArchiveReader(tmp_path / "a")


@pytest.mark.parametrize("data", [b"", b"x", bytes(1_000), b"PK\x03\x04" * 100])
def test_other_files_are_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(ForeignStore, match="an archive file"):
        ArchiveReader(tmp_path / "a")


def test_a_later_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.files.layout.VERSION", 2)
    write(tmp_path / "a", [])
    monkeypatch.undo()
    with pytest.raises(NewerStore, match="version 1 at most, got 2"):
        ArchiveReader(tmp_path / "a")


def test_a_closed_file_is_of_no_use(tmp_path: Path) -> None:
    writer = ArchiveWriter.create(tmp_path / "a", KINDS)
    writer.close()
    writer.close()
    with pytest.raises(StoreClosed):
        writer.append("block", 0, b"")
    write(tmp_path / "b", [records(1)])
    reader = ArchiveReader(tmp_path / "b")
    reader.close()
    with pytest.raises(StoreClosed):
        reader.get("certificate", 0)


def test_an_index_that_lies_is_noticed(tmp_path: Path) -> None:
    write(tmp_path / "a", [records(4)])
    with ArchiveReader(tmp_path / "a") as reader:
        blocks, certificates = reader.index.columns[0], reader.index.columns[1]
        blocks.offsets[1], certificates.lengths[2] = blocks.offsets[2], certificates.lengths[2] - 1
        blocks.lengths[1] = blocks.lengths[2]
        with pytest.raises(CorruptFile, match="the index leads to another record"):
            reader.get("block", 1)
        with pytest.raises(CorruptFile, match="the index has another length"):
            reader.get("certificate", 2)
        (found,) = reader.verify()
        assert "the index does not say where the records are" in str(found)


def test_a_seal_that_found_no_room_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = ArchiveWriter.create(tmp_path / "a", KINDS)
    for record in records(4):
        writer.append(*record)
    size = writer.sync()
    disk = SmallDisk(room=60)
    disk.fill(monkeypatch)
    with pytest.raises(StoreFull):
        writer.seal()
    assert (tmp_path / "a").stat().st_size == size == writer.size
    disk.room = 10_000
    writer.append("block", 4, b"one more")
    writer.seal()
    assert content(tmp_path / "a") == [*records(4), ("block", 4, b"one more")]


def forged(path: Path, index: Index) -> None:
    """Write a file whose checksums are right and whose index is somebody's invention."""
    with ArchiveWriter.create(path, KINDS) as writer:
        for record in records(3):
            writer.append(*record)
        writer.index = index
        writer.seal()


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ((0, 1, 1 << 62, 100), "leads out of the file"),
        ((0, 1, 100, 1 << 62), "leads out of the file"),
        ((0, 1, 100, 3), "leads out of the file"),
        ((9, 1, 100, 30), "a kind 9, the file has 2"),
    ],
)
def test_an_index_that_leads_astray_is_refused(
    tmp_path: Path, entry: tuple[int, int, int, int], reason: str
) -> None:
    index = Index()
    index.add(*entry)
    forged(tmp_path / "00000000.archive", index)
    with pytest.raises(CorruptFile, match=reason):
        ArchiveReader(tmp_path / "00000000.archive")
    if entry[0] == 9:
        with pytest.raises(CorruptFile, match="a kind that the file does not name"):
            Archive(tmp_path, KINDS)


@pytest.mark.parametrize("told", [0, 2])
def test_a_seal_that_tells_of_other_entries_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: int
) -> None:
    """An archive would pass over what the seal does not tell of."""
    encode = encode_seal

    def forge(index: Index, offset: int, digest: bytes) -> bytes:
        other = Index()
        for number in range(told):
            other.add(0, number, *(index.find(0, number) or (0, 0)))
        return encode(other, offset, digest)

    monkeypatch.setattr("storage.files.writer.encode_seal", forge)
    path = tmp_path / "00000000.archive"
    write(path, [records(3)])
    with pytest.raises(CorruptFile, match="the seal tells of other entries"):
        ArchiveReader(path)
    with Archive(tmp_path, KINDS) as archive:
        (found,) = archive.verify()
        assert "the seal tells of other entries" in str(found)


def test_entries_of_no_kind_and_out_of_order_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode = encode_head

    def forge(*arguments: Any, kind: int = 0, number: int = 0, **others: Any) -> bytes:
        return encode(*arguments, kind=9 if kind else 0, number=7, **others)

    monkeypatch.setattr("storage.files.writer.encode_head", forge)
    write(tmp_path / "a", [records(3)])
    monkeypatch.undo()
    with ArchiveReader(tmp_path / "a") as reader:
        with pytest.raises(CorruptFile, match="a kind that the file does not name"):
            list(reader.entries())
        reasons = [str(each) for each in reader.verify()]
    assert sum("of a kind that the file does not name" in each for each in reasons) == 3
    assert sum("number 7 follows 7" in each for each in reasons) == 2


@pytest.mark.parametrize(
    "payload",
    [b"\x00" * 5, b"\x00\x00\x00\x00\x00\x00", b"\x00\x00\xff\xff\xff\xff" + bytes(24)],
)
def test_bytes_that_are_no_index_are_refused(payload: bytes) -> None:
    assert isinstance(decode_index(payload), str)


def test_a_frame_that_claims_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.files.compression.PAYLOAD_BYTES_MAX", 1_000)
    bomb = zstandard.ZstdCompressor().compress(bytes(1_001))
    assert "claims 1001 bytes" in str(decompress(bomb))
    assert "does not open" in str(decompress(b"not a frame"))
