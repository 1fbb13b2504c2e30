"""Gives memory that the allocator keeps back to the system, when nobody has needed it for a while.

What one attack or one large answer has taken and given back lies in glibc's free lists, between
what is still in use, and counts as the process's for good: after bodies that never end, after
answers that nobody takes, a hundred MiB and more. `malloc_trim` gives it back, in 0.3 ms where
there is nothing, and in 30 to 50 ms for a hundred MiB. So it is called where that much has been
free for half a minute, on another thread, which leaves the interpreter alone meanwhile.

What Python's own allocator keeps for small objects, in arenas of a MiB, goes back when the last
object of an arena is gone; nothing can be done about the others.

Reference: malloc_trim(3), mallinfo(3).
"""

import asyncio
import ctypes
from collections import deque
from typing import Protocol

import psutil

MEBIBYTE = 1 << 20
LOOK_SECONDS = 10.0
LOOKS = 3
"""So many times in a row it must have been free."""
FREE_BYTES_MIN = 32 * MEBIBYTE
"""Less is not worth it: it is needed again soon."""


class Allocator(Protocol):
    """The process's."""

    def free_bytes(self) -> int:
        """Return the bytes that it keeps, and nobody uses."""
        ...

    def resident_bytes(self) -> int:
        """Return what counts as the process's memory."""
        ...

    def trim(self) -> None:
        """Give back whole pages that nobody uses; takes a while. On any thread."""
        ...


class _Mallinfo2(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            "arena",
            "ordblks",
            "smblks",
            "hblks",
            "hblkhd",
            "usmblks",
            "fsmblks",
            "uordblks",
            "fordblks",
            "keepcost",
        )
    )


class Glibc:
    """The allocator of glibc 2.33 and later.

    Raises:
        AttributeError: the process has another one.
    """

    def __init__(self) -> None:
        library = ctypes.CDLL(None)
        self._info = library.mallinfo2
        self._info.restype = _Mallinfo2
        self._trim = library.malloc_trim
        self._trim.argtypes = (ctypes.c_size_t,)
        self._process = psutil.Process()

    def free_bytes(self) -> int:
        """Return what is in free lists, given back before or not."""
        return int(self._info().fordblks)

    def resident_bytes(self) -> int:
        """Return the resident set's size."""
        return int(self._process.memory_info().rss)

    def trim(self) -> None:
        """Give back what can be."""
        self._trim(0)


def allocator() -> Allocator | None:
    """Return the process's allocator, if it is one that gives back."""
    try:
        return Glibc()
    except AttributeError:
        return None


class Trimmer:
    """Looks now and then, and gives back.

    Args:
        loop: where it looks.
        memory: the allocator.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, memory: Allocator) -> None:
        self._loop = loop
        self._memory = memory
        self._free: deque[int] = deque(maxlen=LOOKS)
        self._gone = 0
        """Bytes in free lists that have been given back: those lists do not say it themselves."""
        self._left = 0
        """The least resident bytes since the last time."""
        self._timer: asyncio.TimerHandle | None = None
        self._under_way: asyncio.Future[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        self._timer = self._loop.call_later(LOOK_SECONDS, self._on_time)

    async def stop(self) -> None:
        """Look no more; wait for what is under way."""
        if self._timer is not None:
            self._timer.cancel()
        if self._under_way is not None:
            await asyncio.gather(self._under_way, return_exceptions=True)

    def is_due(self) -> bool:
        """Look, and tell whether there is enough to give back that nobody has needed for long."""
        free, resident = self._memory.free_bytes(), self._memory.resident_bytes()
        self._free.append(free)
        self._gone = min(self._gone, free)
        self._left = min(self._left, resident)
        free_min = min(self._free)
        if len(self._free) < LOOKS or free_min < FREE_BYTES_MIN:
            return False
        # What is free for the first time, or was needed meanwhile and so is resident again.
        return max(free_min - self._gone, resident - self._left) >= FREE_BYTES_MIN

    def give_back(self) -> None:
        """Give back what can be; on any thread."""
        self._memory.trim()
        self._gone, self._left = self._memory.free_bytes(), self._memory.resident_bytes()
        self._free.clear()

    def _on_time(self) -> None:
        if (self._under_way is None or self._under_way.done()) and self.is_due():
            self._under_way = self._loop.run_in_executor(None, self.give_back)
        self.start()
