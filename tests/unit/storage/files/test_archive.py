"""An archive of several files: rolling over, finding, opening after a crash, damage by name."""

import os
from pathlib import Path

import pytest

from primitives.errors import InvalidInput
from storage.files import (
    Archive,
    ArchiveLimits,
    CorruptFile,
    FileIO,
    OutOfOrder,
    Zstandard,
)
from storage.files.catalogue import READERS_MAX
from storage.rocks import CorruptStore, StoreClosed, StoreFailed, StoreFull, UnknownTable
from tests.unit.storage.files.disk import SmallDisk
from tests.unit.storage.files.samples import KINDS, records

FIVE = ArchiveLimits(records_max=5)


def filled(directory: Path, count: int = 12, limits: ArchiveLimits = FIVE) -> Archive:
    """Return an archive with pairs of records, not synced."""
    archive = Archive(directory, KINDS, limits, compressor=Zstandard())
    for record in records(count):
        archive.append(*record)
    return archive


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_records_are_found_in_all_files(tmp_path: Path) -> None:
    expected = records(12)
    with filled(tmp_path) as archive:
        assert [archive.get(kind, number) for kind, number, _ in expected] == [
            payload for *_, payload in expected
        ]
        assert archive.get("block", 12) is None
        assert archive.last("block") == 11
        assert archive.get_many("certificate", [11, 0, 99, 5]) == [b"c11", b"c0", None, b"c5"]
        assert list(archive.scan("certificate", 3, 6)) == [(n, b"c%d" % n) for n in (3, 4, 5)]
        assert [number for number, _ in archive.scan("block")] == list(range(12))
        assert list(archive.scan("block", 12)) == []
    assert names(tmp_path) == [f"0000000{number}.archive" for number in range(5)]


def test_it_goes_on_after_it_was_closed(tmp_path: Path) -> None:
    filled(tmp_path).close()
    with Archive(tmp_path, KINDS, FIVE) as archive:
        assert archive.torn is None
        assert archive.last("certificate") == 11
        with pytest.raises(OutOfOrder, match="above 11"):
            archive.append("block", 11, b"")
        for record in records(3, first=12):
            archive.append(*record)
        assert list(archive.scan("certificate", 10)) == [
            (number, b"c%d" % number) for number in range(10, 15)
        ]
        assert archive.verify() == ()


def test_a_kind_may_be_missing_from_files(tmp_path: Path) -> None:
    with Archive(tmp_path, KINDS, ArchiveLimits(records_max=2)) as archive:
        for number in range(9):
            archive.append("block", number, b"b")
        assert archive.last("certificate") is None
        assert list(archive.scan("certificate")) == []
        archive.append("certificate", 3, b"c")
        assert archive.get("certificate", 3) == b"c"
        assert archive.get("certificate", 4) is None


def test_a_later_version_may_have_more_kinds(tmp_path: Path) -> None:
    filled(tmp_path, 2).close()
    with Archive(tmp_path, (*KINDS, "receipt"), FIVE) as archive:
        archive.append("receipt", 7, b"r")
        assert archive.get("receipt", 7) == b"r"
        assert archive.get("block", 1) == records(2)[2][2]
        assert archive.get("receipt", 1) is None
    assert len(names(tmp_path)) == 2
    with pytest.raises(UnknownTable), Archive(tmp_path, KINDS) as archive:
        archive.get("receipt", 7)


def test_files_end_by_bytes_too(tmp_path: Path) -> None:
    with Archive(tmp_path, KINDS, ArchiveLimits(bytes_max=3_000)) as archive:
        for number in range(10):
            archive.append("block", number, bytes(1_000))
    assert len(names(tmp_path)) == 4
    with pytest.raises(InvalidInput):
        Archive(tmp_path, KINDS, ArchiveLimits(records_max=0))


def test_few_files_are_open_at_once(tmp_path: Path) -> None:
    with filled(tmp_path, 40, ArchiveLimits(records_max=2)) as archive:
        assert len(names(tmp_path)) > 2 * READERS_MAX
        for number in (*range(40), *range(39, -1, -1)):
            assert archive.get("certificate", number) == b"c%d" % number
        assert len(archive._sealed._readers) == READERS_MAX


def test_batches_read_for_an_archive(tmp_path: Path) -> None:
    with FileIO() as files, filled(tmp_path) as archive:
        archive.sync()
        with Archive(tmp_path / "other", KINDS, pieces=files) as other:
            other.append("block", 0, b"x" * 100)
            assert other.get_many("block", [0, 0]) == [b"x" * 100] * 2
            assert files.statistics().read_pieces == 2


def test_a_scan_sees_what_was_there_when_it_began(tmp_path: Path) -> None:
    with filled(tmp_path, 3) as archive:
        scan = archive.scan("block")
        first = next(scan)
        for record in records(9, first=3):
            archive.append(*record)
        assert [first[0], *(number for number, _ in scan)] == [0, 1, 2]


def test_a_torn_end_is_named_and_cut(tmp_path: Path) -> None:
    archive = filled(tmp_path, 11)
    mark = archive.sync()
    assert archive.synced_sizes()[mark.file] == mark.size
    archive.append("block", 11, b"lost")
    archive.close()
    last = tmp_path / mark.file
    last.write_bytes(last.read_bytes()[:-1])
    for known in (mark, None):
        with Archive(tmp_path, KINDS, FIVE, mark=known) as again:
            if known is not None:
                assert again.torn is not None
                assert (again.torn.file, again.torn.offset) == (mark.file, mark.size)
            assert again.last("block") == 10
            assert again.mark() == mark


@pytest.mark.parametrize("pairs", [8, 11])
def test_what_nobody_relies_on_is_cut_though_it_was_synced(tmp_path: Path, pairs: int) -> None:
    archive = filled(tmp_path, pairs)
    mark = last = archive.sync()
    for record in records(13, first=pairs)[: 2 * (12 - pairs)]:
        archive.append(*record)
        last = archive.sync()
    archive.close()
    path = tmp_path / last.file
    data = bytearray(path.read_bytes())
    at = data.rindex(b"c11") if pairs == 11 else data.index(b"c10")
    data[at] ^= 1
    path.write_bytes(data)
    if pairs == 8:
        with pytest.raises(CorruptFile, match=last.file):
            Archive(tmp_path, KINDS, FIVE)
    with Archive(tmp_path, KINDS, FIVE, mark=mark) as again:
        assert again.torn is not None
        assert again.torn.file == last.file
        assert again.get("certificate", 7) == b"c7"


def test_a_last_file_that_was_only_begun_is_dropped(tmp_path: Path) -> None:
    archive = filled(tmp_path, 10)
    archive.roll_over()
    mark = archive.mark()
    archive.close()
    begun = tmp_path / "00000004.archive"
    begun.write_bytes((tmp_path / "00000000.archive").read_bytes()[:20])
    with Archive(tmp_path, KINDS, mark=mark) as again:
        assert again.torn is not None
        assert again.torn.file == begun.name
        assert not begun.exists()
        assert again.mark() == mark


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    archive = filled(tmp_path)
    mark = archive.sync()
    archive.close()
    assert mark.file == "00000004.archive"
    (tmp_path / "00000004.archive").unlink()
    with pytest.raises(CorruptStore, match=r"00000004\.archive.*missing"):
        Archive(tmp_path, KINDS, mark=mark)
    (tmp_path / "00000001.archive").unlink()
    with pytest.raises(CorruptStore, match=r"00000001\.archive.*missing"):
        Archive(tmp_path, KINDS)


def test_a_file_that_was_sealed_must_be_sealed(tmp_path: Path) -> None:
    filled(tmp_path).close()
    second = tmp_path / "00000001.archive"
    second.write_bytes(second.read_bytes()[:-1])
    with pytest.raises(CorruptFile, match=r"00000001\.archive"):
        Archive(tmp_path, KINDS)


def test_files_that_are_exchanged_are_noticed(tmp_path: Path) -> None:
    filled(tmp_path).close()
    first, second = tmp_path / "00000000.archive", tmp_path / "00000001.archive"
    other = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(other)
    with pytest.raises(CorruptFile, match="follows"):
        Archive(tmp_path, KINDS)


@pytest.mark.parametrize("number", [0, 3, 4])
def test_damage_is_found_in_every_file(tmp_path: Path, number: int) -> None:
    path = tmp_path / f"{number:08}.archive"
    with filled(tmp_path) as archive:
        archive.sync()
        assert archive.verify() == ()
        data = bytearray(path.read_bytes())
        data[250] ^= 4
        path.write_bytes(data)
        (found,) = archive.verify()
        assert isinstance(found, CorruptFile)
        assert found.damaged == path
        seen: list[tuple[int, int]] = []
        again = archive.verify(lambda done, total: seen.append((done, total)))
        assert [str(each) for each in again] == [str(found)]
        assert seen == sorted(seen)
        assert seen[-1][0] <= seen[-1][1] == sum(archive.synced_sizes().values())


def test_it_goes_on_when_a_full_disk_has_room_again(
    fast_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for room in range(0, 900, 11):
        directory = fast_path / str(room)
        disk = SmallDisk(room=10_000)
        disk.fill(monkeypatch)
        archive = Archive(directory, KINDS, FIVE)
        disk.room = room
        for record in records(12):
            while True:
                try:
                    archive.append(*record)
                    archive.sync()
                    break
                except StoreFull:
                    disk.room += 400
                if archive.last(record[0]) == record[1]:
                    break
        archive.close()
        monkeypatch.undo()
        with Archive(directory, KINDS, FIVE) as again:
            assert again.torn is None
            assert again.verify() == ()
            found = [(k, n, again.get(k, n)) for k, n, _ in records(12)]
            assert found == records(12)


def test_a_failed_sync_is_not_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = filled(tmp_path, 2)
    archive.sync()
    disk = SmallDisk(room=10_000, syncs_fail=True)
    disk.fill(monkeypatch)
    archive.append("block", 2, b"")
    with pytest.raises(StoreFailed, match="EIO"):
        archive.sync()
    disk.syncs_fail = False
    for use in (archive.sync, lambda: archive.append("block", 3, b""), archive.close):
        with pytest.raises(StoreFailed, match="a failed sync"):
            use()
    with pytest.raises(StoreClosed):
        archive.get("block", 0)


def test_what_is_called_durable_was_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: dict[str, int] = {}
    names_synced: list[str] = []
    above: list[Path] = []
    directory = tmp_path / "store" / "archive"

    def note(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        if path == directory:
            names_synced[:] = sorted(each.name for each in path.iterdir())
        elif path.is_dir():
            above.append(path)
        else:
            synced[path.name] = path.stat().st_size

    monkeypatch.setattr(os, "fsync", note)
    monkeypatch.setattr(os, "fdatasync", note)
    archive = Archive(directory, KINDS, FIVE)
    assert above == [tmp_path, directory.parent]
    for record in records(12):
        archive.append(*record)
        assert archive.synced_sizes().items() <= synced.items()
        assert list(archive.synced_sizes()) == names_synced
        if record[1] % 3 == 0:
            archive.sync()
            assert archive.synced_sizes() == synced
            assert sum(synced.values()) == sum(each.stat().st_size for each in directory.iterdir())
    archive.append("block", 12, b"")
    last = archive.sync().file
    archive.close()
    with pytest.raises(StoreClosed):
        archive.synced_sizes()
    with (directory / last).open("ab") as file:
        file.write(b"torn")
    synced.clear()
    Archive(directory, KINDS, FIVE).close()
    assert synced == {"00000004.archive": (directory / "00000004.archive").stat().st_size}


@pytest.mark.parametrize("fails", [False, True])
def test_what_is_on_the_disk_is_read_though_the_disk_takes_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, fails: bool
) -> None:
    archive = Archive(tmp_path, KINDS)
    archive.append("block", 1, b"on the disk")
    archive.sync()
    disk = SmallDisk(room=1_000 if fails else 0, syncs_fail=fails)
    disk.fill(monkeypatch)
    archive.append("block", 2, b"not there")
    with pytest.raises(StoreFailed if fails else StoreFull):
        archive.sync()
    assert archive.get("block", 1) == b"on the disk"
    assert list(archive.scan("block", 0, 2)) == [(1, b"on the disk")]
    if not fails:
        with pytest.raises(StoreFull):
            archive.get("block", 2)
        disk.room = 1_000
        assert archive.get("block", 2) == b"not there"
        archive.close()
