"""Reads and writes that pass the page cache by, through aligned buffers."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from primitives.buffers import BufferPool
from primitives.errors import InvalidInput
from storage.files.batches import Run
from storage.files.errors import ShortFile
from storage.files.positioned import ALIGNMENT, Buffer, PositionedFile

CHUNK_BYTES = 1 << 20
"""Of one system call. Longer runs take several, so that a buffer's size is bounded."""
SMALL_BYTES = 16 << 10
"""A smaller class of buffers: for single blocks."""


class AlignedBuffers:
    """Buffers for threads: the pool itself belongs to one thread at a time."""

    def __init__(self, threads: int) -> None:
        # Each thread has one buffer; what idles in the other class is given up for it.
        self._pool = BufferPool((SMALL_BYTES, CHUNK_BYTES), threads * CHUNK_BYTES, ALIGNMENT)
        self._lock = Lock()

    @contextmanager
    def borrow(self, size: int) -> Iterator[memoryview]:
        """Lend a buffer for the length of a `with`."""
        with self._lock:
            buffer = self._pool.take(size)
        try:
            yield buffer.view
        except BaseException:
            with self._lock:
                self._pool.abandon(buffer)  # the error holds on to views of it
            raise
        with self._lock:
            self._pool.release(buffer)


def read_direct(file: PositionedFile, run: Run, buffers: AlignedBuffers) -> memoryview:
    """Return the bytes of a run.

    Raises:
        ShortFile: the file ends before.
    """
    whole = bytearray(run.length)
    done = 0
    while done < run.length:
        at = run.offset + done
        skipped = at % ALIGNMENT
        size = min(_rounded(skipped + run.length - done), CHUNK_BYTES)
        with buffers.borrow(size) as view:
            count = file.read_into(at - skipped, view) - skipped
            wanted = min(size - skipped, run.length - done)
            if count < wanted:
                raise ShortFile(file.path, run.offset, run.length, done + max(count, 0))
            whole[done : done + wanted] = view[skipped : skipped + wanted]
        done += wanted
    return memoryview(whole).toreadonly()


def write_direct(file: PositionedFile, offset: int, data: Buffer, buffers: AlignedBuffers) -> None:
    """Write a buffer, whose offset and length are multiples of `ALIGNMENT`."""
    source = memoryview(data)
    for start in range(0, len(source), CHUNK_BYTES):
        part = source[start : start + CHUNK_BYTES]
        with buffers.borrow(len(part)) as view:
            view[:] = part
            file.write(offset + start, (view,))


def check_aligned(file: PositionedFile, offset: int, length: int) -> None:
    """Refuse a write that the system would.

    Raises:
        InvalidInput: offset or length are no multiples of `ALIGNMENT`.
    """
    if offset % ALIGNMENT or length % ALIGNMENT:
        expected = f"offset and length in multiples of {ALIGNMENT}, as O_DIRECT asks"
        raise InvalidInput(str(file.path), expected, (offset, length))


def _rounded(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
