"""The lane for everything but plain POSTs, driven by aiohttp.

GET shows a page, OPTIONS answers a browser that asks whether a page may call, a POST in chunks
carries calls like any other, and an upgrade becomes a WebSocket. A connection that has come here
stays here.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from aiohttp import WSCloseCode, web

from node.rpc.access import PATHS, Access, Admission
from node.rpc.caller import Caller, Callers, host_of
from node.rpc.connections import Phase, Roster
from node.rpc.dispatch import Dispatcher
from node.rpc.http_answers import SERVER
from node.rpc.http_head import Head
from node.rpc.limits import Limits
from node.rpc.subscriptions import Subscriptions
from node.rpc.websocket import WebSocketSession

HELP = b"""This is a node of an Orrery network.

JSON-RPC 2.0 is answered here: POST a request as application/json, or open a WebSocket.

  curl -H 'Content-Type: application/json' \\
       -d '{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber"}' http://this-node/
"""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Page:
    """What a GET is answered with."""

    body: bytes
    content_type: str = "text/plain; charset=utf-8"
    status: int = 200


Pages = Mapping[str, Callable[[str], Page | Awaitable[Page]]]
"""By path, as `/metrics`; asked with the request's Accept header, which may be empty."""


@dataclass(frozen=True, slots=True)
class PageServices:
    """What the connections of this lane share."""

    limits: Limits
    access: Access
    callers: Callers
    dispatcher: Dispatcher
    roster: Roster
    subscriptions: Subscriptions
    pages: Pages
    sessions: dict[WebSocketSession, Caller] = field(default_factory=dict)
    """WebSockets that are open, and who is at their other end."""


class PageLane(web.RequestHandler):
    """One connection; aiohttp's, with its place among all connections."""

    __slots__ = (
        "_handled",
        "_held_bytes",
        "_roster",
        "caller",
        "host",
        "is_handling",
        "is_socket",
        "on_lost",
    )

    def __init__(
        self,
        manager: web.Server,
        loop: asyncio.AbstractEventLoop,
        limits: Limits,
        roster: Roster,
        caller: Caller,
    ) -> None:
        super().__init__(
            manager,
            loop=loop,
            keepalive_timeout=limits.connections.idle_seconds,
            lingering_time=1.0,
            access_log=None,  # type: ignore[arg-type] # for none
            auto_decompress=False,
            max_line_size=limits.requests.head_bytes,
            max_field_size=limits.requests.head_bytes,
            max_headers=limits.requests.headers,
        )
        self._roster = roster
        self._handled = 0
        self._held_bytes = 0
        """Of WebSocket messages that are not whole, or wait to be read."""
        self.caller = caller
        self.host = caller.host
        self.is_handling = False
        """Whether a request is being answered, or the connection is a WebSocket."""
        self.is_socket = False
        self.on_lost: Callable[[], None] | None = None
        """Is told when the connection is gone, which a WebSocket that is busy does not notice."""

    @property
    def phase(self) -> Phase:
        """What it waits for; how long a request takes to come is seen to by aiohttp."""
        if self.unsent_bytes:
            return Phase.WRITING
        return Phase.BUSY if self.is_handling else Phase.IDLE

    @property
    def progress(self) -> int:
        """What is still to be taken, or how many requests there have been."""
        return self.unsent_bytes or -self._handled

    @property
    def is_silent(self) -> bool:
        """Whether it has never asked anything; it has, or would not be here."""
        return False

    @property
    def unsent_bytes(self) -> int:
        """Bytes that the caller has not taken."""
        return 0 if self.transport is None else self.transport.get_write_buffer_size()

    def abort(self) -> None:
        """End it at once."""
        if self.transport is not None:
            self.transport.abort()

    def begin(self) -> None:
        """Note that a request is being answered."""
        self.is_handling = True
        self._handled += 1

    def data_received(self, data: bytes) -> None:
        """Take what has come, if there is room for it where it may be half a message."""
        if self.is_socket:
            if not self._roster.reserve(len(data)):
                self.abort()
                return
            self._held_bytes += len(data)
        super().data_received(data)

    def message_taken(self) -> None:
        """Note that a WebSocket message has been taken whole."""
        held, self._held_bytes = self._held_bytes, 0
        self._roster.release(held)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Give its place away."""
        self._roster.leave(self)
        self.message_taken()
        self.caller.leave()
        if self.on_lost is not None:
            self.on_lost()
            self.on_lost = None
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is no HTTP, or what this node failed at, in one line."""
        if request.writer.output_size > 0:
            raise ConnectionError("part of an answer has been sent already")
        if status >= 500:
            _log.error("request for %s failed", request.path, exc_info=exc)
        response = web.Response(
            status=status, text=f"{(message or 'internal error').splitlines()[0]}\n"
        )
        response.headers["Server"] = SERVER
        response.force_close()
        return response


class PageServer:
    """Answers what comes over such connections.

    Args:
        services: what they share.
        loop: of the node.
    """

    __slots__ = ("_loop", "_manager", "_services")

    def __init__(self, services: PageServices, loop: asyncio.AbstractEventLoop) -> None:
        self._services = services
        self._loop = loop
        self._manager = web.Server(self.handle, loop=loop)

    def take_over(self, transport: asyncio.Transport, data: bytes) -> None:
        """Go on with a connection of the other lane, and with what has come over it."""
        services = self._services
        caller = services.callers.new(host_of(transport))
        lane = PageLane(self._manager, self._loop, services.limits, services.roster, caller)
        services.roster.take_over(lane, self._loop.time())
        transport.set_protocol(lane)
        lane.connection_made(transport)
        lane.data_received(data)

    async def stop(self, grace_seconds: float) -> None:
        """End WebSockets in good order, and everything else that is open."""
        sessions = list(self._services.sessions)
        for session in sessions:
            session.end(WSCloseCode.GOING_AWAY, "this node stops")
        for session in sessions:
            await session.ended()
        self._manager.pre_shutdown()
        await self._manager.shutdown(grace_seconds)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        lane = _lane(request)
        lane.begin()
        try:
            return await self._handle(request)
        finally:
            lane.is_handling = False

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        head = _head(request)
        if request.headers.get("Upgrade", "").strip().lower() == "websocket":
            return await self._upgrade(request, head)
        match request.method:
            case "GET" | "HEAD":
                response = await self._show(head, request.headers.get("Accept", ""))
            case "OPTIONS":
                response = _response(self._services.access.preflight(head), b"")
            case "POST":
                response = await self._call(request, head)
            case _:
                response = _refusal(Admission(405, "expected GET, OPTIONS or POST"))
        return response

    async def _show(self, head: Head, accept: str) -> web.Response:
        admission = self._services.access.enter(head)
        if admission.status != 200:
            return _refusal(admission)
        if head.path in PATHS:
            return _response(admission, HELP)
        page = self._services.pages.get(head.path)
        if page is None:
            return _refusal(Admission(404, f"no page {head.path[:64]}"))
        shown = page(accept)
        if not isinstance(shown, Page):
            shown = await shown
        response = _response(admission, shown.body, shown.content_type)
        response.set_status(shown.status)
        return response

    async def _call(self, request: web.BaseRequest, head: Head) -> web.Response:
        admission = self._services.access.call(head)
        if admission.status != 200:
            return _refusal(admission)
        try:
            async with asyncio.timeout(self._services.limits.connections.body_seconds):
                body = await self._read(request)
        except TimeoutError:
            return _refusal(Admission(408, "the body took too long", headers=admission.headers))
        if isinstance(body, Admission):
            return _refusal(body)
        caller = _lane(request).caller
        caller.admin = admission.admin
        answer = self._services.dispatcher.answer(body, caller)
        if not isinstance(answer, bytes):
            answer = await answer
        if not self._services.roster.can_send(len(answer)):
            return _refusal(Admission(503, "too many answers wait to be fetched"))
        response = _response(admission, answer, "application/json")
        if not answer:
            response.set_status(204)
        return response

    async def _read(self, request: web.BaseRequest) -> bytes | Admission:
        """Read a body, or say why it is not read to its end."""
        roster, body_max = self._services.roster, self._services.limits.requests.body_bytes
        body, reserved = bytearray(), 0
        try:
            async for chunk in request.content.iter_any():
                if not roster.reserve(len(chunk)):
                    return Admission(503, "too many large requests at once")
                reserved += len(chunk)
                body += chunk
                if len(body) > body_max:
                    return Admission(413, f"expected at most {body_max} bytes")
        finally:
            roster.release(reserved)
        return bytes(body)

    async def _upgrade(self, request: web.BaseRequest, head: Head) -> web.StreamResponse:
        services = self._services
        admission = services.access.upgrade(head)
        if admission.status != 200:
            return _refusal(admission)
        if head.path not in PATHS:
            return _refusal(Admission(404, "expected the path / or /ws"))
        if not self._has_place(_lane(request).host):
            return _refusal(Admission(503, "too many WebSocket connections"))
        socket = web.WebSocketResponse(
            compress=False,
            decode_text=False,
            heartbeat=services.limits.watching.heartbeat_seconds,
            max_msg_size=services.limits.requests.message_bytes,
        )
        socket.headers["Server"] = SERVER
        await socket.prepare(request)
        lane = _lane(request)
        lane.is_socket = True
        session = WebSocketSession(
            socket, services.dispatcher, services.limits.watching, lane.abort, lane.message_taken
        )
        caller = services.callers.new(lane.host, session.push)
        caller.admin = admission.admin
        services.sessions[session] = caller
        lane.on_lost = partial(self._leave, session, caller)
        try:
            await session.run(caller)
        finally:
            self._leave(session, caller)
        return socket

    def _has_place(self, host: str) -> bool:
        """Find a place for a WebSocket, or take one from an address that has more of them."""
        sessions = self._services.sessions
        if len(sessions) < self._services.limits.connections.websockets:
            return True
        by_host = Counter([caller.host for caller in sessions.values()])
        greedy, most = by_host.most_common(1)[0]
        if most <= by_host[host] + 1:
            return False
        newest = [each for each, caller in sessions.items() if caller.host == greedy][-1]
        caller = sessions.pop(newest)
        self._services.subscriptions.leave(caller)
        newest.end(WSCloseCode.TRY_AGAIN_LATER, "others need a place; this address has many")
        return True

    def _leave(self, session: WebSocketSession, caller: Caller) -> None:
        self._services.sessions.pop(session, None)
        self._services.subscriptions.leave(caller)
        caller.leave()


def _lane(request: web.BaseRequest) -> PageLane:
    lane = request.protocol
    assert isinstance(lane, PageLane)
    return lane


def _head(request: web.BaseRequest) -> Head:
    headers = request.headers
    return Head(
        method=request.method,
        path=request.path,
        length=0,
        plain=False,
        keeps_alive=True,
        expects_continue=False,
        host=headers.get("Host", ""),
        origin=headers.get("Origin", ""),
        authorization=headers.get("Authorization", ""),
        content_type=headers.get("Content-Type", ""),
        content_encoding=headers.get("Content-Encoding", ""),
    )


def _response(
    admission: Admission, body: bytes, content_type: str = "text/plain; charset=utf-8"
) -> web.Response:
    headers = {"Content-Type": content_type, "Server": SERVER, **admission.headers}
    return web.Response(status=admission.status, body=body, headers=headers)


def _refusal(admission: Admission) -> web.Response:
    response = _response(admission, f"{admission.reason}\n".encode())
    response.force_close()
    return response
