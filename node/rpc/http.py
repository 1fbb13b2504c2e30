"""The lane that every connection begins in: POST with a Content-Length, parsed and answered here.

That is what libraries send, thousands of times over one connection, with the same headers each
time. So the lane remembers the last head it has judged: where the next request begins with the
same bytes, nothing of it is parsed or judged again. An answer that is there at once is written in
the turn of the loop in which its request came, without a task or a future.

Whatever else comes (GET, preflights, chunked bodies, WebSocket) is handed over with the
connection, which then stays there.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from node.rpc.access import Access
from node.rpc.caller import NOWHERE, Caller, Callers, host_of
from node.rpc.connections import Phase, Roster
from node.rpc.dispatch import Dispatcher
from node.rpc.http_answers import CONTINUE, AnswerHeads, header_lines, refusal
from node.rpc.http_head import END, BadHead, Head, parse_head
from node.rpc.limits import KIBIBYTE, Limits

LARGE = 64 * KIBIBYTE
"""From here on a body or an answer counts against what all callers together may hold."""

_BLANK = b"\r\n"
_MORE = -1
"""Instead of the end of a request: it has not come, or the connection is lost to this lane."""
_UNSENT = frozenset({Phase.WRITING, Phase.CLOSING})
_ENDING = frozenset({Phase.CLOSING, Phase.LINGERING})
_UNABLE = _UNSENT | _ENDING | {Phase.BUSY}
"""Phases in which nothing is answered."""
_PIPELINED_MAX = 32
"""Requests of one connection that are answered before the others' turn."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HttpServices:
    """What the lanes of one server share."""

    limits: Limits
    access: Access
    callers: Callers
    dispatcher: Dispatcher
    roster: Roster
    heads: AnswerHeads
    hand_over: Callable[[asyncio.Transport, bytes], None]
    """Takes a connection for which this lane is too simple, and the bytes that have come."""
    clock: Callable[[], float]
    """The loop's time, in seconds."""


@dataclass(frozen=True, slots=True)
class _Judged:
    """A head that was let in."""

    raw: bytes
    length: int
    admin: bool
    keeps_alive: bool
    expects_continue: bool
    tail: bytes
    """What follows the length in an answer's head, its empty line included."""
    headers: bytes


class HttpLane(asyncio.Protocol):
    """One connection."""

    __slots__ = (
        "_buffer",
        "_caller",
        "_continued",
        "_ended",
        "_judged",
        "_loop",
        "_needed",
        "_reading",
        "_requests",
        "_reserved",
        "_services",
        "_transport",
        "host",
        "phase",
    )

    def __init__(self, services: HttpServices, loop: asyncio.AbstractEventLoop) -> None:
        self._services = services
        self._loop = loop
        self._caller: Caller | None = None
        self._buffer = bytearray()
        self._needed = 0
        """How many bytes there must be before another look at them is worth while."""
        self._judged: _Judged | None = None
        self._requests = 0
        self._reserved = 0
        self._continued = False
        self._ended = False
        """The caller sends no more."""
        self._reading = True
        self._transport: asyncio.Transport | None = None
        self.host = NOWHERE
        self.phase = Phase.HEAD

    @property
    def progress(self) -> int:
        """Requests answered, or what is still to be taken."""
        return self.unsent_bytes if self.phase in _UNSENT else self._requests

    @property
    def is_silent(self) -> bool:
        """Whether it has never asked anything."""
        return not self._requests

    @property
    def unsent_bytes(self) -> int:
        """Bytes that the caller has not taken."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def abort(self) -> None:
        """End it at once."""
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """End it once what is written has been taken."""
        if self._transport is not None:
            self.phase = Phase.CLOSING
            self._release()
            self._buffer.clear()
            self._transport.close()

    def _linger(self) -> None:
        """End this half of it once what is written has been taken."""
        if self._transport is not None:
            self.phase = Phase.LINGERING
            self._release()
            self._buffer.clear()
            self._transport.write_eof()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Find a place for it, or turn it away."""
        transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class
        self._transport = transport
        self.host = host_of(transport)
        self._caller = self._services.callers.new(self.host)
        if not self._services.roster.enter(self, self._services.clock()):
            transport.write(refusal(503, "too many connections", {}))
            self.close()
            return
        transport.set_write_buffer_limits(high=self._services.limits.connections.write_bytes)

    def connection_lost(self, exc: Exception | None) -> None:
        """Give its place away."""
        self._release()
        self._services.roster.leave(self)
        self._transport = None
        self._buffer.clear()
        if self._caller is not None:
            self._caller.leave()

    def eof_received(self) -> bool:
        """Keep the other half open until what was asked is answered, if that is soon."""
        self._ended = True
        if self.phase is Phase.BUSY:
            self._loop.call_later(self._services.limits.connections.half_seconds, self._give_up)
        return self.phase in (Phase.BUSY, Phase.WRITING)

    def _give_up(self) -> None:
        """Compute no more: one that has left looks as if it had nothing more to ask."""
        if self.phase is Phase.BUSY:
            self.abort()

    def pause_writing(self) -> None:
        """Answer nothing more until the caller has taken some of what it got."""
        if self.phase not in _UNABLE:
            self.phase = Phase.WRITING

    def resume_writing(self) -> None:
        """Go on with what has come meanwhile."""
        if self.phase is Phase.WRITING:
            self._go_on()

    def data_received(self, data: bytes) -> None:
        """Answer what is complete."""
        buffer = self._buffer
        if self.phase in _UNABLE:
            self._set_aside(data)
            return
        if buffer:
            buffer += data
            if self.phase is Phase.BODY and not self._reserve():
                return
            if len(buffer) < self._needed:
                return
            data = bytes(buffer)
            buffer.clear()
        self._advance(data)

    def _advance(self, data: bytes) -> None:
        """Answer the requests that the bytes hold; keep what is left of them."""
        at, answered = 0, 0
        while at < len(data):
            end = self._take(data, at)
            if end == _MORE:
                break
            at = end
            answered += 1
            if self.phase is not Phase.IDLE:
                break
            if answered == _PIPELINED_MAX:
                self.phase = Phase.BUSY
                self._loop.call_soon(self._go_on)
                break
        if at < len(data):
            self._set_aside(data[at:] if at else data)

    def _take(self, data: bytes, at: int) -> int:
        """Answer the request that begins there; return where it ends, or `_MORE`."""
        judged = self._judged
        if judged is None or not data.startswith(judged.raw, at):
            if data.startswith(_BLANK, at):  # some clients end a body with it
                return at + len(_BLANK)
            judged = self._judge(data, at)
            if judged is None:
                return _MORE
        begin = at + len(judged.raw)
        end = begin + judged.length
        if end > len(data):
            self._await_body(judged, end - at)
            return _MORE
        self._answer(data[begin:end], judged)
        return end

    def _judge(self, data: bytes, at: int) -> _Judged | None:
        """Read and judge a head; None if it is not all there, or the lane has lost it."""
        limits = self._services.limits.requests
        stop = data.find(END, at)
        size = (len(data) if stop < 0 else stop) - at
        if size > limits.head_bytes:
            self._refuse(431, f"expected at most {limits.head_bytes} bytes of headers")
            return None
        if stop < 0:
            self.phase = Phase.HEAD
            self._needed = 0
            return None
        raw = data[at : stop + len(END)]
        try:
            head = parse_head(raw, limits.headers)
        except BadHead as error:
            self._refuse(error.status, error.reason)
            return None
        if not head.plain:
            self._hand_over(data[at:] if at else data)
            return None
        return self._admit(head, raw)

    def _admit(self, head: Head, raw: bytes) -> _Judged | None:
        admission = self._services.access.call(head)
        if admission.status != 200:
            self._refuse(admission.status, admission.reason, admission.headers)
            return None
        body_max = self._services.limits.requests.body_bytes
        if head.length > body_max:
            self._refuse(413, f"expected at most {body_max} bytes", admission.headers)
            return None
        ending = {} if head.keeps_alive else {"Connection": "close"}
        headers = header_lines({**admission.headers, **ending})
        self._judged = _Judged(
            raw=raw,
            length=head.length,
            admin=admission.admin,
            keeps_alive=head.keeps_alive,
            expects_continue=head.expects_continue,
            tail=b"".join((b"\r\n", headers, b"\r\n")),
            headers=headers,
        )
        return self._judged

    def _await_body(self, judged: _Judged, needed: int) -> None:
        """Let the rest of a body come."""
        self.phase = Phase.BODY
        self._needed = needed
        if judged.expects_continue and not self._continued and self._transport is not None:
            self._continued = True
            self._transport.write(CONTINUE)

    def _reserve(self) -> bool:
        """Count what has come of a large body; False if there is no room for it, and it is over."""
        grown = len(self._buffer) - self._reserved
        if grown < LARGE:
            return True
        if not self._services.roster.reserve(grown):
            self._refuse(503, "too many large requests at once")
            return False
        self._reserved += grown
        return True

    def _answer(self, body: bytes, judged: _Judged) -> None:
        self._continued = False
        self._release()
        assert self._caller is not None, "what is answered has come over a connection"
        self._caller.admin = judged.admin
        answer = self._services.dispatcher.answer(body, self._caller)
        if isinstance(answer, bytes):
            self.phase = Phase.IDLE
            self._write(answer, judged)
            return
        self.phase = Phase.BUSY
        task = self._loop.create_task(answer)
        task.add_done_callback(lambda done: self._finish(done, judged))

    def _finish(self, task: asyncio.Task[bytes], judged: _Judged) -> None:
        """Write what was waited for, and go on with what has come meanwhile."""
        error = None if task.cancelled() else task.exception()
        if error is not None:
            _log.error("an answer was lost", exc_info=error)
        if task.cancelled() or error is not None:
            self.close()
        if self._transport is None or self.phase in _ENDING:
            return
        self.phase = Phase.IDLE
        self._write(task.result(), judged)
        if self.phase is Phase.IDLE:
            self._go_on()

    def _write(self, answer: bytes, judged: _Judged) -> None:
        transport = self._transport
        if transport is None:
            return
        self._requests += 1
        heads = self._services.heads
        if len(answer) > LARGE and not self._services.roster.can_send(len(answer)):
            self._refuse(503, "too many answers wait to be fetched")
            return
        if answer:
            length = b"%d" % len(answer)
            transport.write(b"".join((heads.json, length, judged.tail, answer)))
        else:
            transport.write(b"".join((heads.empty, judged.headers, _BLANK)))
        if not judged.keeps_alive:
            self.close()

    def _go_on(self) -> None:
        """Answer what came while the lane could not."""
        if self._transport is None or self.phase in _ENDING:
            return
        self.phase = Phase.IDLE
        if self._buffer:
            data = bytes(self._buffer)
            self._buffer.clear()
            self._advance(data)
        if self.phase not in _UNABLE:
            self._read_on()

    def _read_on(self) -> None:
        """Take in what comes next; nothing comes from a caller that has ended its half."""
        if self._ended:
            self.close()
        elif not self._reading and self._transport is not None:
            self._reading = True
            self._transport.resume_reading()

    def _set_aside(self, data: bytes) -> None:
        """Keep bytes for later, and take in no more once they are many and it is not soon.

        Not at once: who does not read does not learn that a caller has left.
        """
        if self._transport is None or self.phase in _ENDING:
            return
        self._buffer += data
        if self.phase in _UNABLE and self._reading and len(self._buffer) > LARGE:
            self._reading = False
            self._transport.pause_reading()

    def _refuse(self, status: int, reason: str, headers: Mapping[str, str] | None = None) -> None:
        """Say why not, and end the connection: what follows of it cannot be told apart."""
        if self._transport is not None:
            self._transport.write(refusal(status, reason, headers or {}))
            self._linger()

    def _hand_over(self, data: bytes) -> None:
        """Give the connection away, with all that came."""
        transport, self._transport = self._transport, None
        if transport is None:
            return
        if not self._reading:
            transport.resume_reading()
        self._services.roster.leave(self)
        self._services.hand_over(transport, data)

    def _release(self) -> None:
        if self._reserved:
            self._services.roster.release(self._reserved)
            self._reserved = 0
