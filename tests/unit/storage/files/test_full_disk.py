"""A disk that is full for real: nothing that was synced is lost, and it goes on with room."""

from pathlib import Path

import pytest

from storage.files import Archive, ArchiveLimits, SnapshotFile, write_snapshot
from storage.rocks import StoreFull
from tests.unit.storage.files.samples import KINDS
from tests.unit.storage.rocks.disks import CannotMount, fill, free, small_disk

LIMITS = ArchiveLimits(records_max=20)
PAYLOAD = bytes(range(256)) * 20


def append_until_full(archive: Archive) -> int:
    """Return the last number that was synced."""
    for number in range(1_000):
        try:
            archive.append("block", number, PAYLOAD)
            archive.sync()
        except StoreFull:
            return number - 1
    raise AssertionError("the disk was never full")


@pytest.mark.parametrize("kind", ["tmpfs", "ext4"])
def test_an_archive_goes_on_when_there_is_room(tmp_path: Path, kind: str) -> None:
    try:
        with small_disk(kind, tmp_path, 16) as disk:
            fill(disk, 400_000)
            archive = Archive(disk / "archive", KINDS, LIMITS)
            synced = append_until_full(archive)
            assert synced > 20
            with pytest.raises(StoreFull, match="ENOSPC"):
                write_snapshot(disk / "state", ("t",), lambda _: [(b"key", PAYLOAD)] * 1_000)
            assert not list(disk.glob("state*"))
            free(disk)
            last = archive.last("block")
            assert last in (synced, synced + 1)
            for number in range(last + 1, last + 50):
                archive.append("block", number, PAYLOAD)
            archive.close()
            with Archive(disk / "archive", KINDS, LIMITS) as again:
                assert again.torn is None
                assert [number for number, _ in again.scan("block")] == list(range(last + 50))
                assert again.verify() == ()
            write_snapshot(disk / "state", ("t",), lambda _: [(b"key", PAYLOAD)] * 1_000)
            with SnapshotFile(disk / "state") as snapshot:
                assert len(list(snapshot.rows("t"))) == 1_000
    except CannotMount as error:
        pytest.skip(f"no file system can be mounted here: {error}")


def test_a_crash_on_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    try:
        with small_disk("ext4", tmp_path, 16) as disk:
            fill(disk, 200_000)
            archive = Archive(disk / "archive", KINDS, LIMITS)
            synced = append_until_full(archive)
            archive._let_go()
            with Archive(disk / "archive", KINDS, LIMITS) as again:
                assert again.last("block") == synced
                assert again.verify() == ()
                free(disk)
                again.append("block", synced + 1, PAYLOAD)
                again.sync()
    except CannotMount as error:
        pytest.skip(f"no file system can be mounted here: {error}")
