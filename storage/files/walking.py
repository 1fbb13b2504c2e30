"""Going through an archive file from its first record on, as checking and recovery do."""

import mmap
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Protocol

import msgspec

from storage.files.errors import ShortFile
from storage.files.positioned import ALIGNMENT, PositionedFile
from storage.files.records import HEAD, MAGIC, Flags, Head, decode_head

CHUNK_BYTES = 1 << 20
DIRECT_CHUNK_BYTES = 1 << 22
"""Past the page cache nobody reads ahead: the disk gets more at once instead."""
Progress = Callable[[int, int], None]
"""Called with the bytes that are done and those that there are."""


class Digest(Protocol):
    """A digest under way; `hashlib` makes them."""

    def update(self, data: bytes | memoryview, /) -> None:
        """Take in more bytes."""
        ...

    def digest(self) -> bytes:
        """Return the digest of all bytes so far."""
        ...

    def copy(self) -> "Digest":
        """Return one that goes its own way from here."""
        ...


def new_digest() -> Digest:
    """Return an empty digest of the kind that seals have."""
    return sha256()


class Stored(msgspec.Struct, frozen=True, gc=False):
    """A record that is what was written."""

    offset: int
    head: Head
    payload: memoryview
    """As it is stored; valid until the next record is asked for."""
    data: memoryview
    """Head and payload."""

    @property
    def end(self) -> int:
        """Where the next record begins."""
        return self.offset + len(self.data)


class Fault(msgspec.Struct, frozen=True):
    """A record that is not."""

    offset: int
    """Of its first byte."""
    reason: str
    last: bool
    """Whether nothing behind it can be found by its length."""


class Window:
    """A part of a file in memory that moves forward.

    Args:
        file: that is walked through.
        size: where the walk ends; None for the end that the file has now.
    """

    def __init__(self, file: PositionedFile, size: int | None = None) -> None:
        self.size = file.size() if size is None else size
        """Where the walk ends."""
        self._file = file
        self._block: mmap.mmap | None = None
        self._start = 0
        self._data = memoryview(b"")

    def at(self, offset: int, length: int) -> memoryview:
        """Return bytes of the file, which has them; they are valid until the next call.

        Raises:
            ShortFile: the file has become shorter.
        """
        begin = offset - self._start
        if begin < 0 or begin + length > len(self._data):
            self._move(offset, length)
            begin = offset - self._start
        return self._data[begin : begin + length]

    def _move(self, offset: int, length: int) -> None:
        if not self._file.direct:
            wanted = min(max(length, CHUNK_BYTES), self.size - offset)
            self._start, self._data = offset, memoryview(self._file.read(offset, wanted))
            return
        start = offset - offset % ALIGNMENT
        end = -(-(offset + length) // ALIGNMENT) * ALIGNMENT
        room = max(end - start, DIRECT_CHUNK_BYTES)
        if self._block is None or len(self._block) < room:
            self._block = mmap.mmap(-1, room)  # which begins at a page, as direct reads want it
        view = memoryview(self._block)[:room]
        found = self._file.read_into(start, view)
        if start + found < offset + length:
            raise ShortFile(self._file.path, offset, length, max(0, start + found - offset))
        self._start, self._data = start, view[:found]


def walk(window: Window, offset: int = 0) -> Iterator[Stored | Fault]:
    """Yield the records of a file from an offset on, up to its end.

    A record with a damaged payload is a `Fault`, and the walk goes on behind it; one with a damaged
    head, or that reaches beyond the end of the file, is the last.
    """
    size = window.size
    while offset < size:
        if size - offset < HEAD.size:
            yield Fault(offset, "the file ends inside of a record's head", last=True)
            return
        head = decode_head(window.at(offset, HEAD.size), offset)
        if isinstance(head, str):
            yield Fault(offset, head, last=True)
            return
        length = HEAD.size + head.length
        if offset + length > size:
            yield Fault(offset, "the file ends inside of a record's payload", last=True)
            return
        data = window.at(offset, length)
        payload = data[HEAD.size :]
        fault = head.fault(payload)
        yield Fault(offset, fault, last=False) if fault else Stored(offset, head, payload, data)
        offset += length


def has_synced_record(window: Window, offset: int) -> bool:
    """Tell whether a record behind `offset` says that all before it had been synced.

    Heads are looked for at every byte, because lengths before it cannot be trusted.
    """
    while offset < window.size:
        span = min(CHUNK_BYTES, window.size - offset)
        data = bytes(window.at(offset, span))
        at = data.find(MAGIC)
        while at >= 0 and at + HEAD.size <= span:
            head = decode_head(data[at : at + HEAD.size], offset + at)
            if isinstance(head, Head) and head.flags & Flags.SYNCED:
                return True
            at = data.find(MAGIC, at + 1)
        offset += span if span < CHUNK_BYTES else span - HEAD.size + 1
    return False
