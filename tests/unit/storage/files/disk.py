"""A disk with little room, and one that gives less than it is asked for."""

import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock

import pytest


@dataclass(slots=True)
class SmallDisk:
    """Takes `room` bytes; of a write that does not fit it takes the beginning, as real ones do."""

    room: int
    syncs_fail: bool = False
    lock: Lock = field(default_factory=Lock)

    def fill(self, patch: pytest.MonkeyPatch) -> None:
        """Stand in for the calls of the operating system."""
        write, sync = os.pwritev, os.fdatasync

        def pwritev(descriptor: int, buffers: Sequence[memoryview], offset: int) -> int:
            data = b"".join(bytes(each) for each in buffers)
            with self.lock:
                if data and not self.room:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                count = write(descriptor, [data[: self.room]], offset)
                self.room -= count
            return count

        def fdatasync(descriptor: int) -> None:
            if self.syncs_fail:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            sync(descriptor)

        patch.setattr(os, "pwritev", pwritev)
        patch.setattr(os, "fdatasync", fdatasync)


def give_little(patch: pytest.MonkeyPatch, most: int) -> None:
    """Let each call of the system read or write at most so many bytes."""
    pread, preadv, pwritev = os.pread, os.preadv, os.pwritev
    patch.setattr(os, "pread", lambda fd, length, at: pread(fd, min(length, most), at))
    patch.setattr(os, "preadv", lambda fd, views, at: preadv(fd, [views[0][:most]], at))
    patch.setattr(
        os, "pwritev", lambda fd, views, at: pwritev(fd, [b"".join(map(bytes, views))[:most]], at)
    )
