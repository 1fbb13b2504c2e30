"""A pool of aligned buffers: memory that is asked for often is kept, up to a limit in bytes.

Reads past the page cache (O_DIRECT) want memory that begins at a multiple of the disk's block,
which no `bytearray` promises. Anonymous maps do, but a fresh one costs a system call and a fault
for each of its pages, so released ones are kept by size class and handed out again. What was in
them stays in them: who borrows a buffer writes before reading.

One thread takes and releases. Others may fill a view that was handed to them, between the two.

**At the limit** a buffer that lies idle in another class is given up first. If that is not
enough, the request is refused with `BufferPoolExhausted`: a pool that quietly took more would be
no limit, and this package has nothing to wait on. The caller waits for its own requests to end,
or takes ordinary memory and answers for it.

**After release** a buffer may be somebody else's. So release fails if a slice of the view is
still alive, or if somebody reads into it at that moment (`BufferStillViewed`), and it fails for a
buffer that was released before (`BufferReleased`). CPython itself refuses every use of a released
view, with a ValueError.

An error on its way out holds on to the frames that it came through, and so to the slices in them.
Who leaves with one *abandons* the buffer: nobody gets that memory again, and no limit counts it.
"""

import mmap
import sys
from collections.abc import Sequence

import msgspec

from primitives.errors import InvalidInput, OrreryError


class BufferPoolExhausted(OrreryError):
    """The pool may not hold as much as was asked for.

    Args:
        size: bytes that the request needs, rounded up to its class.
        borrowed: bytes that are lent.
        limit: bytes that the pool may hold.
    """

    def __init__(self, size: int, borrowed: int, limit: int) -> None:
        self.size = size
        self.borrowed = borrowed
        self.limit = limit
        super().__init__(
            f"buffer pool: {size} bytes wanted beside {borrowed} that are lent, "
            f"but the limit is {limit}; release some or raise the limit"
        )


class BufferReleased(OrreryError):
    """A buffer was used or released after it had been given back."""

    def __init__(self, size: int) -> None:
        self.size = size
        super().__init__(f"buffer pool: this buffer of {size} bytes was released before")


class BufferStillViewed(OrreryError):
    """A buffer was given back while a view of it lives; it stays lent."""

    def __init__(self, size: int) -> None:
        self.size = size
        super().__init__(
            f"buffer pool: a view of this buffer of {size} bytes is still in use; "
            "let go of its slices and wait for its reads before it is released"
        )


class BufferPoolStatistics(msgspec.Struct, frozen=True):
    """What a pool did so far."""

    borrowed: int
    """Buffers that are lent now."""
    borrowed_bytes: int
    """Their size, rounded up to the classes."""
    borrowed_bytes_peak: int
    """The most that was ever lent at once."""
    held_bytes: int
    """Lent and idle together; never above the limit."""
    hits: int
    """Requests answered with a buffer that lay idle."""
    misses: int
    """Requests for which memory was taken from the system."""
    refused: int
    """Requests that the limit did not allow."""


class Buffer:
    """One buffer while it is lent."""

    __slots__ = ("_block", "_view", "size")

    def __init__(self, block: "_Block", size: int) -> None:
        self.size = size
        self._block: _Block | None = block
        self._view = memoryview(block.memory)[:size]

    @property
    def view(self) -> memoryview:
        """The bytes, as many as were asked for, writable.

        Raises:
            BufferReleased: the buffer was given back.
        """
        if self._block is None:
            raise BufferReleased(self.size)
        return self._view

    def detach(self) -> "_Block":
        """Take the memory out of the buffer, for the pool that lent it.

        Raises:
            BufferReleased: it was given back before.
            BufferStillViewed: a view of it lives.
        """
        block = self._block
        if block is None:
            raise BufferReleased(self.size)
        try:
            self._view.release()
        except BufferError as error:
            raise BufferStillViewed(self.size) from error
        if block.is_viewed():
            self._view = memoryview(block.memory)[: self.size]
            raise BufferStillViewed(self.size)
        self._block = None
        return block

    def forget(self) -> int:
        """Let go of the memory, be it viewed or not, and return its size: for the pool, too.

        Raises:
            BufferReleased: it was given back before.
        """
        block = self._block
        if block is None:
            raise BufferReleased(self.size)
        self._block, self._view = None, memoryview(b"")
        return len(block.memory)


class BufferPool:
    """Lends buffers of a few sizes.

    Args:
        classes: sizes in bytes, ascending, each a multiple of `alignment`. A request gets the
            smallest that is large enough. One above them all gets memory of its own, which counts
            against the limit and is not kept.
        limit_bytes: what the pool may hold, lent and idle together.
        alignment: where buffers begin: a power of two up to the size of a page.

    Raises:
        InvalidInput: an argument breaks these rules.
    """

    __slots__ = (
        "_alignment", "_borrowed", "_borrowed_bytes", "_classes", "_held_bytes", "_hits", "_idle",
        "_limit", "_misses", "_peak", "_refused",
    )  # fmt: skip

    def __init__(self, classes: Sequence[int], limit_bytes: int, alignment: int = 4096) -> None:
        if not 1 <= alignment <= mmap.PAGESIZE or alignment & (alignment - 1):
            expected = f"a power of two, at most {mmap.PAGESIZE}"
            raise InvalidInput("buffer_pool.alignment", expected, alignment)
        fits = all(each > 0 and each % alignment == 0 for each in classes)
        if not fits or list(classes) != sorted(set(classes)):
            expected = f"ascending multiples of {alignment}"
            raise InvalidInput("buffer_pool.classes", expected, tuple(classes))
        if limit_bytes < 0:
            raise InvalidInput("buffer_pool.limit_bytes", "0 or more", limit_bytes)
        self._classes = tuple(classes)
        self._limit = limit_bytes
        self._alignment = alignment
        self._idle: dict[int, list[_Block]] = {each: [] for each in classes}
        self._borrowed: dict[Buffer, None] = {}
        self._borrowed_bytes = 0
        self._held_bytes = 0
        self._peak = 0
        self._hits = 0
        self._misses = 0
        self._refused = 0

    def take(self, size: int) -> Buffer:
        """Lend a buffer until `release`.

        Raises:
            InvalidInput: `size` is not positive.
            BufferPoolExhausted: the limit does not allow it.
        """
        if size < 1:
            raise InvalidInput("buffer_pool.take.size", "1 byte or more", size)
        bytes_needed = self._class_of(size)
        idle = self._idle.get(bytes_needed)
        if idle:
            self._hits += 1
            block = idle.pop()
        else:
            block = self._fresh(bytes_needed)
        self._borrowed_bytes += bytes_needed
        self._peak = max(self._peak, self._borrowed_bytes)
        buffer = Buffer(block, size)
        self._borrowed[buffer] = None
        return buffer

    def release(self, buffer: Buffer) -> None:
        """Take a buffer back.

        Raises:
            BufferReleased: it was given back before.
            BufferStillViewed: a view of it lives; it stays lent.
            InvalidInput: another pool lent it.
        """
        self._require_lent(buffer)
        block = buffer.detach()
        del self._borrowed[buffer]
        size = len(block.memory)
        self._borrowed_bytes -= size
        idle = self._idle.get(size)
        if idle is None:
            self._held_bytes -= size
            block.memory.close()
        else:
            idle.append(block)

    def abandon(self, buffer: Buffer) -> None:
        """Take a buffer out of the accounts though views of it may live.

        Its memory goes back to the system with the last of them, and is not handed out again.

        Raises:
            BufferReleased: it was given back before.
            InvalidInput: another pool lent it.
        """
        self._require_lent(buffer)
        del self._borrowed[buffer]
        size = buffer.forget()
        self._borrowed_bytes -= size
        self._held_bytes -= size

    def borrow(self, size: int) -> "Loan":
        """Lend a buffer for the length of a `with`, which gives its view.

        Entering raises what `take` does, and leaving what `release` does. Who leaves with an error
        raises that one: where a view lives, the buffer is abandoned.
        """
        return Loan(self, size)

    def statistics(self) -> BufferPoolStatistics:
        """Return the counts so far."""
        return BufferPoolStatistics(
            borrowed=len(self._borrowed),
            borrowed_bytes=self._borrowed_bytes,
            borrowed_bytes_peak=self._peak,
            held_bytes=self._held_bytes,
            hits=self._hits,
            misses=self._misses,
            refused=self._refused,
        )

    def trim(self) -> None:
        """Give back to the system what lies idle."""
        for size in self._classes:
            while self._idle[size]:
                self._give_up(size)

    def _require_lent(self, buffer: Buffer) -> None:
        if buffer not in self._borrowed:
            buffer.view.nbytes  # noqa: B018 - one that was released says so
            raise InvalidInput("buffer_pool.release", "a buffer of this pool", "another's")

    def _class_of(self, size: int) -> int:
        for each in self._classes:
            if size <= each:
                return each
        return -(-size // self._alignment) * self._alignment

    def _fresh(self, size: int) -> "_Block":
        """Take memory from the system, at the cost of what lies idle if need be."""
        if self._borrowed_bytes + size > self._limit:
            self._refused += 1
            raise BufferPoolExhausted(size, self._borrowed_bytes, self._limit)
        while self._held_bytes + size > self._limit:
            self._give_up(next(each for each in reversed(self._classes) if self._idle[each]))
        self._misses += 1
        self._held_bytes += size
        return _Block(size)

    def _give_up(self, size: int) -> None:
        self._idle[size].pop().memory.close()
        self._held_bytes -= size


class Loan:
    """A buffer that is lent as long as its `with` lasts."""

    __slots__ = ("_buffer", "_pool", "_size")

    def __init__(self, pool: BufferPool, size: int) -> None:
        self._pool = pool
        self._size = size
        self._buffer: Buffer | None = None

    def __enter__(self) -> memoryview:
        self._buffer = self._pool.take(self._size)
        return self._buffer.view

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        assert self._buffer is not None, "it was entered"
        try:
            self._pool.release(self._buffer)
        except BufferStillViewed:
            if kind is None:
                raise
            self._pool.abandon(self._buffer)


class _Block:
    """Memory from the system, and how to tell whether anybody looks at it."""

    __slots__ = ("_references", "memory")

    def __init__(self, size: int) -> None:
        self.memory = mmap.mmap(-1, size)
        self._references = sys.getrefcount(self.memory)

    def is_viewed(self) -> bool:
        """Tell whether a view of the memory lives; all slices of one view hold one reference."""
        return sys.getrefcount(self.memory) > self._references
