"""Reads and writes at positions, one at a time: what the system may do, and what is named."""

import copy
import errno
import os
from pathlib import Path

import pytest

from storage.files import CorruptFile, PositionedFile, ShortFile
from storage.files.positioned import ALIGNMENT, VECTORS_MAX, sync_directory
from storage.rocks import StoreClosed, StoreError, StoreFailed, StoreFull
from tests.unit.storage.files.disk import SmallDisk, give_little

DATA = os.urandom(10_000)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "f").write_bytes(DATA)
    return tmp_path / "f"


def test_bytes_are_read_where_they_are(path: Path) -> None:
    with PositionedFile(path) as file:
        assert file.size() == len(DATA)
        assert file.read(17, 4_000) == DATA[17:4_017]
        assert file.read(10_000, 0) == b""
        view = memoryview(bytearray(100))
        assert file.read_into(9_950, view) == 50
        assert view[:50] == DATA[-50:]
        file.will_need(0, 100)
        file.forget()


def test_short_reads_go_on(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    give_little(monkeypatch, 700)
    with PositionedFile(path) as file:
        assert file.read(1, 9_000) == DATA[1:9_001]


def test_short_writes_go_on(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    give_little(monkeypatch, 700)
    parts = [DATA[:1], b"", DATA[1:699], DATA[699:701], DATA[701:]]
    with PositionedFile(path.with_name("new"), writable=True) as file:
        assert file.write(5, parts) == len(DATA)
    assert path.with_name("new").read_bytes() == bytes(5) + DATA


def test_more_buffers_than_one_call_takes(path: Path) -> None:
    parts = [bytes([number % 251]) * (number % 3) for number in range(3 * VECTORS_MAX)]
    with PositionedFile(path.with_name("new"), writable=True) as file:
        assert file.write(0, parts) == sum(map(len, parts))
        file.sync()
    assert path.with_name("new").read_bytes() == b"".join(parts)


def test_the_end_of_the_file_is_named(path: Path) -> None:
    with PositionedFile(path) as file, pytest.raises(ShortFile) as caught:
        file.read(9_990, 20)
    assert (caught.value.offset, caught.value.length, caught.value.found) == (9_990, 20, 10)
    assert str(caught.value) == (
        f"{path} at byte 9990: expected 20 bytes, got the end of the file after 10"
    )


def test_what_the_system_refuses_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    with PositionedFile(path) as file:
        monkeypatch.setattr(os, "pread", refuse)
        with pytest.raises(StoreFailed, match=r"f at byte 40: .* got EIO \(Input/output error\)"):
            file.read(40, 1)
    with pytest.raises(StoreFailed, match="ENOENT"):
        PositionedFile(path.with_name("none"))
    with pytest.raises(StoreFailed, match="ENOENT"):
        sync_directory(path.with_name("none"))


def test_a_full_disk_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    SmallDisk(room=150).fill(monkeypatch)
    with (
        PositionedFile(path, writable=True) as file,
        pytest.raises(StoreFull, match="at byte 250: expected room on the disk"),
    ):
        file.write(100, [DATA[:200]])


def test_a_really_full_disk_is_named() -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    with PositionedFile(full, writable=True) as file, pytest.raises(StoreFull, match="ENOSPC"):
        file.write(0, [b"x"])


def test_a_closed_file_is_of_no_use(path: Path) -> None:
    file = PositionedFile(path)
    file.close()
    file.close()
    assert file.closed
    for use in (lambda: file.read(0, 1), file.size, file.sync):
        with pytest.raises(StoreClosed):
            use()


def test_a_direct_file_needs_aligned_buffers(path: Path) -> None:
    with PositionedFile(path, direct=True) as file:
        assert file.direct != bool(file.refusal)
        if file.direct:
            with pytest.raises(StoreFailed, match="EINVAL"):
                file.read_into(1, memoryview(bytearray(ALIGNMENT)))


@pytest.mark.parametrize("call", ["open", "preadv"])
def test_a_file_system_may_refuse_to_be_direct(
    path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    opened, read = os.open, os.preadv

    def refuse_flag(name: Path, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_DIRECT:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return opened(name, flags, mode)

    refusals = [OSError(errno.EINVAL, os.strerror(errno.EINVAL))]

    def refuse_once(*arguments: object) -> int:
        if refusals:
            raise refusals.pop()
        return read(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(os, call, refuse_flag if call == "open" else refuse_once)
    with PositionedFile(path, direct=True) as file:
        assert not file.direct
        assert file.refusal == "the file system refuses O_DIRECT (Invalid argument)"
        assert file.read(5, 5) == DATA[5:10]


@pytest.mark.parametrize(
    "error",
    [
        CorruptFile(Path("d") / "f", 7, "rotten"),
        ShortFile(Path("f"), 1, 2, 0),
        StoreFull("f", "room", "none"),
    ],
)
def test_errors_cross_processes(error: StoreError) -> None:
    again = copy.copy(error)  # as pickle does it
    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))
