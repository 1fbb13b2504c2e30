"""What can be wrong with a file, beside what can be wrong with any store.

They are leaves of the same tree as those of the store on disk: whoever stops cleanly when the disk
is full, or names a damaged file, need not know which kind of file it was.
"""

import errno
from pathlib import Path

from storage.rocks.errors import CorruptStore, StoreError, StoreFailed, StoreFull

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class CorruptFile(CorruptStore):
    """Bytes of a file are not what was written; none of them are served.

    Args:
        damaged: the file.
        offset: the first byte of the record that is damaged.
        reason: what was found.
    """

    def __init__(self, damaged: Path, offset: int, reason: str) -> None:
        self.offset = offset
        self.damaged = damaged
        self.what = reason
        super().__init__(damaged.parent, damaged.name, f"at byte {offset}: {reason}")

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.damaged, self.offset, self.what)


class ShortFile(StoreError):
    """A file ends before the bytes that were asked for.

    Args:
        path: the file.
        offset: where the read began.
        length: how many bytes were asked for.
        found: how many there are.
    """

    def __init__(self, path: Path, offset: int, length: int, found: int) -> None:
        self.path, self.offset, self.length, self.found = path, offset, length, found
        where = f"{path} at byte {offset}"
        super().__init__(where, f"{length} bytes", f"the end of the file after {found}")

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.path, self.offset, self.length, self.found)


class NotSealed(StoreError):
    """An archive file that was never closed, or whose end is missing; recover it first."""


class EmptyFile(StoreError):
    """An archive file of which not even the beginning was written; nothing was ever in it."""


class OutOfOrder(StoreError):
    """A record whose number is not above the last one of its kind: archives only go forward."""


def failure(path: Path, offset: int | None, error: OSError) -> StoreError:
    """Return the error of this tree that stands for what the operating system refused.

    Args:
        path: the file.
        offset: where in it; None if the operation has no place.
        error: what was raised by a call of `os`.
    """
    where = str(path) if offset is None else f"{path} at byte {offset}"
    text = f"{errno.errorcode.get(error.errno or 0, 'an error')} ({error.strerror})"
    if error.errno in NO_ROOM:
        return StoreFull(where, "room on the disk", text)
    return StoreFailed(where, "what can be read, or written to", text)
