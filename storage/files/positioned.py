"""A file that is read and written at positions, never at a cursor.

Calls are those of the operating system and let go of the interpreter's lock, so threads may use
one file at the same time. Short reads and writes are continued here; a call that a signal
interrupts is repeated by Python itself (PEP 475).

`O_DIRECT` passes the page cache by: what is read once and never again does not push out what is
read often. It asks for offsets, lengths and addresses in multiples of the device's block. Some
file systems (tmpfs before Linux 6.6, some network ones) refuse it: then the file is opened the
usual way, and `refusal` says why.
"""

import errno
import mmap
import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from storage.files.errors import ShortFile, failure
from storage.rocks.errors import StoreClosed

ALIGNMENT = 4_096
"""Bytes. No device in use has larger logical blocks; `O_DIRECT` takes any multiple of its own."""
VECTORS_MAX = 1_024
"""Buffers in one system call at most (IOV_MAX of Linux)."""
CAN_ANNOUNCE = hasattr(os, "posix_fadvise")
"""Whether the system can be told what will be read."""
Buffer = bytes | bytearray | memoryview


class PositionedFile:
    """An open file.

    Args:
        path: the file.
        writable: open it for writing, too; it is made if there is none.
        direct: pass the page cache by, where the file system allows it.

    Raises:
        StoreError: it cannot be opened.
    """

    def __init__(self, path: Path, *, writable: bool = False, direct: bool = False) -> None:
        self.path = path
        self.refusal = ""
        """Why the page cache is used though it was to be passed by; empty if it is not so."""
        self.direct = False
        """Whether offsets, lengths and addresses have to be multiples of `ALIGNMENT`."""
        flags = os.O_CLOEXEC | (os.O_RDWR | os.O_CREAT if writable else os.O_RDONLY)
        self._descriptor = -1
        if direct:
            self._open_direct(flags)
        if self._descriptor < 0:
            self._descriptor = self._opened(flags)

    def read(self, offset: int, length: int) -> bytes:
        """Return the bytes at a position (not for a direct file).

        Raises:
            ShortFile: the file ends before.
        """
        try:
            data = os.pread(self._fd(), length, offset)
        except OSError as error:
            raise failure(self.path, offset, error) from error
        if len(data) == length:
            return data
        whole = bytearray(length)
        whole[: len(data)] = data
        view = memoryview(whole)[len(data) :]
        found = len(data) + (self.read_into(offset + len(data), view) if data else 0)
        if found < length:
            raise ShortFile(self.path, offset, length, found)
        return bytes(whole)

    def read_into(self, offset: int, view: memoryview) -> int:
        """Fill a buffer from a position, and return how many bytes there were.

        Fewer than asked for means that the file ends there.
        """
        done = 0
        try:
            while done < len(view):
                count = os.preadv(self._fd(), [view[done:]], offset + done)
                done += count
                if not count or (self.direct and count % ALIGNMENT):
                    break
        except OSError as error:
            raise failure(self.path, offset + done, error) from error
        return done

    def write(self, offset: int, buffers: Sequence[Buffer]) -> int:
        """Write buffers one after another from a position on, and return their bytes.

        Raises:
            StoreFull: the disk is; a part may have been written.
        """
        waiting = [memoryview(each) for each in buffers if len(each)]
        waiting.reverse()
        done = 0
        try:
            while waiting:
                batch = waiting[: -VECTORS_MAX - 1 : -1]
                count = os.pwritev(self._fd(), batch, offset + done)
                done += count
                while waiting and count >= len(waiting[-1]):
                    count -= len(waiting.pop())
                if count:
                    waiting[-1] = waiting[-1][count:]
        except OSError as error:
            raise failure(self.path, offset + done, error) from error
        return done

    def size(self) -> int:
        """Return the bytes of the file."""
        return os.fstat(self._fd()).st_size

    def truncate(self, size: int) -> None:
        """Cut the file to a size, and make that and all before it durable."""
        try:
            if size != self.size():
                os.ftruncate(self._fd(), size)
            os.fsync(self._fd())
        except OSError as error:
            raise failure(self.path, size, error) from error

    def sync(self) -> None:
        """Make what was written, and the file's size, survive the end of the machine."""
        try:
            os.fdatasync(self._fd())
        except OSError as error:
            raise failure(self.path, None, error) from error

    def will_need(self, offset: int, length: int) -> None:
        """Let the system begin to read a range; no call waits for it."""
        if CAN_ANNOUNCE:
            os.posix_fadvise(self._fd(), offset, length, os.POSIX_FADV_WILLNEED)

    def forget(self) -> None:
        """Drop the file's pages from the page cache, as far as they are written out."""
        if CAN_ANNOUNCE:
            os.posix_fadvise(self._fd(), 0, 0, os.POSIX_FADV_DONTNEED)

    @property
    def closed(self) -> bool:
        """Whether it was let go of."""
        return self._descriptor < 0

    def close(self) -> None:
        """Let go of the file; a second call does nothing."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __enter__(self) -> "PositionedFile":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _fd(self) -> int:
        if self._descriptor < 0:
            raise StoreClosed(self.path)
        return self._descriptor

    def _opened(self, flags: int) -> int:
        try:
            return os.open(self.path, flags, 0o644)
        except OSError as error:
            raise failure(self.path, None, error) from error

    def _open_direct(self, flags: int) -> None:
        bypass = getattr(os, "O_DIRECT", 0)
        if not bypass:
            self.refusal = "this operating system has no O_DIRECT"
            return
        try:
            self._descriptor = os.open(self.path, flags | bypass, 0o644)
            # Some file systems take the flag and refuse the first read.
            with mmap.mmap(-1, ALIGNMENT) as block:
                os.preadv(self._descriptor, [block], 0)
        except OSError as error:
            self.close()
            if error.errno != errno.EINVAL:
                raise failure(self.path, None, error) from error
            self.refusal = f"the file system refuses O_DIRECT ({error.strerror})"
            return
        self.direct = True


def make_directory(directory: Path) -> None:
    """Make a directory, and those above it, so that they survive the end of the machine.

    What is synced in a directory whose own name was not is lost with it.
    """
    if directory.is_dir():
        return
    make_directory(directory.parent)
    try:
        directory.mkdir(exist_ok=True)
    except OSError as error:
        raise failure(directory, None, error) from error
    sync_directory(directory.parent)


def sync_directory(directory: Path) -> None:
    """Make the names in a directory survive the end of the machine.

    A new file that was synced is lost all the same if its name was not.
    """
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise failure(directory, None, error) from error
