"""The JSON of a tree of calls, written while they run.

Calls stand in calls up to a thousand deep, which is deeper than an encoder goes. And a call that
fails takes back the logs of all that it has called, which must not mean to visit all of that again
for each call around it. So what is known of a call is written when it ends, behind what it has
called; and where logs were written is remembered, for these pieces may be left out later.
"""

from dataclasses import dataclass, field
from typing import Any

import msgspec

_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class OpenCall:
    """A call that has begun and has not ended."""

    fields: dict[str, Any]
    """What is known of it, without logs and calls."""
    first_log: int
    """Index in the block of what would be its first log."""
    opening: int = 0
    """Index of the piece with which it begins."""
    logs_before: int = 0
    """Pieces of logs that were written before it began."""
    calls: int = 0
    """That it has made and that are shown."""
    logs: list[Any] = field(default_factory=list)


class CallTree:
    """The calls of one transaction.

    Args:
        root: the outermost.
        shows_inner: whether others are shown.
    """

    __slots__ = ("_logs", "_open", "_pieces", "_shows_inner")

    def __init__(self, root: OpenCall, *, shows_inner: bool) -> None:
        self._open = [root]
        self._pieces: list[bytes] = [b'{"calls":[']
        self._logs: list[int] = []
        """Indexes of the pieces that are logs."""
        self._shows_inner = shows_inner

    @property
    def last(self) -> OpenCall:
        """The call that runs."""
        return self._open[-1]

    @property
    def is_shown(self) -> bool:
        """Whether it is shown."""
        return self._shows_inner or len(self._open) == 1

    def begin(self, call: OpenCall) -> None:
        """Let the last call make another one."""
        if self._shows_inner:
            self._separate()
            call.opening, call.logs_before = len(self._pieces), len(self._logs)
            self._pieces.append(b'{"calls":[')
        self._open.append(call)

    def add(self, fields: dict[str, Any]) -> None:
        """Add a call of the last one that has ended already."""
        if self._shows_inner:
            self._separate()
            self._pieces.append(_encode(fields))

    def forget_logs(self) -> None:
        """Leave out the logs of the last call, and of all that it has called."""
        call = self.last
        call.logs.clear()
        for place in self._logs[call.logs_before :]:
            self._pieces[place] = b""
        del self._logs[call.logs_before :]

    def end(self) -> None:
        """Write what is known of the last call: it has ended."""
        call, is_shown = self.last, self.is_shown
        self._open.pop()
        if not is_shown:
            return
        fields = _encode(call.fields)
        if call.calls:
            self._pieces.append(b"]," + fields[1:-1])
        else:
            self._pieces[call.opening] = b""
            self._pieces.append(fields[:-1])
        if call.logs:
            self._logs.append(len(self._pieces))
            self._pieces.append(b',"logs":' + _encode(call.logs))
        self._pieces.append(b"}")

    def written(self) -> msgspec.Raw:
        """Return the whole, once the outermost call has ended."""
        assert not self._open, "all calls have ended"
        return msgspec.Raw(b"".join(self._pieces))

    def _separate(self) -> None:
        if self.last.calls:
            self._pieces.append(b",")
        self.last.calls += 1
