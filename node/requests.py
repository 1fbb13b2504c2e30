"""Which computation is for what: the thread from a `Compute` to its `Completed`."""

import msgspec

from primitives.ids import RequestId


class Purpose(msgspec.Struct, frozen=True, gc=False):
    """Base of what a part of the node has to remember while a computation runs."""


class Requests:
    """Numbers the computations of one node and keeps the purposes of those under way."""

    __slots__ = ("_last", "_open")

    def __init__(self) -> None:
        self._last = 0
        self._open: dict[RequestId, Purpose] = {}

    def open(self, purpose: Purpose) -> RequestId:
        """Return a new request number for `purpose`."""
        self._last += 1
        request = RequestId(self._last)
        self._open[request] = purpose
        return request

    def close(self, request: RequestId) -> Purpose:
        """Return what a completed request was for, and forget it.

        Raises:
            KeyError: no such request is open; a driver completed one twice.
        """
        return self._open.pop(request)

    def __len__(self) -> int:
        return len(self._open)
