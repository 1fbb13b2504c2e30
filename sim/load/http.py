"""Requests over HTTP/1.1 to one server, on a bounded number of connections that stay open.

A load client lives on what one request costs it. A general client library spends 150 to 250 us on
each; this one spends some 20, because it does only what JSON-RPC needs: POST, a body of known
length, one answer, the next request on the same connection.

Reference: RFC 9112 (HTTP/1.1).
"""

import asyncio
import os
import socket
import ssl
from collections import deque
from functools import partial
from typing import cast

from primitives.errors import InvalidInput
from sim.load.errors import NodeUnreachable, RequestTimedOut, UnusableAnswer
from sim.load.response import Response, ResponseReader
from sim.load.urls import authorization, shown_url, split_url

SWEEP_S = 0.25
"""How often overdue requests are looked for: a time-out is late by at most this."""
LIMIT_BYTES = 256 << 20
"""Largest answer that is taken in."""


class Connection(asyncio.Protocol):
    """A connection with at most one request under way.

    Args:
        endpoint: gets the connection back when an answer is whole.
    """

    __slots__ = ("_endpoint", "_reader", "_request", "_served", "deadline", "transport", "waiter")

    def __init__(self, endpoint: "Endpoint") -> None:
        self._endpoint = endpoint
        self._reader = ResponseReader(LIMIT_BYTES)
        self._request = b""
        self._served = 0
        self.transport: asyncio.Transport | None = None
        self.waiter: asyncio.Future[Response] | None = None
        self.deadline = 0.0
        """When the request under way is overdue, by the loop's clock."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The server has accepted."""
        # The transports of uvloop are no subclasses of asyncio's.
        self.transport = cast(asyncio.Transport, transport)

    @property
    def is_lost(self) -> bool:
        """Whether it has ended."""
        return self.transport is None or self.transport.is_closing()

    def send(self, request: bytes, waiter: "asyncio.Future[Response]", deadline: float) -> None:
        """Send a whole request."""
        assert self.transport is not None
        self.waiter, self.deadline, self._request = waiter, deadline, request
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Take what has come; answer the waiter when it is whole."""
        try:
            response = self._reader.feed(data)
        except InvalidInput as error:
            self.fail(UnusableAnswer(self._endpoint.url, str(error)))
            return
        if response is None:
            return
        waiter, self.waiter = self.waiter, None
        self._served += 1
        if waiter is None or not response.keep:
            self.close()
        else:
            self._endpoint.give_back(self)
        if waiter is not None and not waiter.done():
            waiter.set_result(response)

    def connection_lost(self, exc: Exception | None) -> None:
        """The server, or we, have hung up."""
        self._endpoint.lost(self)
        fresh = self._reader.is_fresh
        final = self._reader.end()
        waiter, self.waiter = self.waiter, None
        if waiter is None or waiter.done():
            return
        if final is not None:
            waiter.set_result(final)
        elif fresh and self._served:
            # An idle connection that the server closed while our request was on its way.
            self._endpoint.submit(self._request, waiter, self.deadline)
        else:
            waiter.set_exception(NodeUnreachable(self._endpoint.url, str(exc or "it hung up")))

    def fail(self, error: Exception) -> None:
        """Answer the waiter with an error, and hang up."""
        waiter, self.waiter = self.waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_exception(error)
        self.close()

    def close(self) -> None:
        """Hang up at once."""
        self._endpoint.lost(self)
        if self.transport is not None:
            self.transport.abort()


class Endpoint:
    """A server's address, and the connections to it.

    Args:
        url: `http://` or `https://`, with a host.
        connections: most at one time; further requests wait in line.
        timeout_s: longest wait for one answer, the wait in line included.

    Raises:
        InvalidInput: the URL is of another kind.
    """

    def __init__(self, url: str, connections: int = 8, timeout_s: float = 10.0) -> None:
        parts = split_url(url)
        self.url = shown_url(url)
        self._host = parts.hostname or ""
        self._secure = parts.scheme == "https"
        self._port = parts.port or (443 if self._secure else 80)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        host = parts.netloc.rpartition("@")[2]
        self._head = (
            f"POST {path} HTTP/1.1\r\nHost: {host}\r\n{authorization(parts)}"
            "Content-Type: application/json\r\nContent-Length: "
        ).encode()
        self._most = connections
        self._timeout_s = timeout_s
        self._open: dict[Connection, None] = {}
        self._free: list[Connection] = []
        self._opening = 0
        self._line: deque[tuple[bytes, asyncio.Future[Response], float]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._sweeper: asyncio.TimerHandle | None = None

    def post(self, body: bytes) -> "asyncio.Future[Response]":
        """Send a request; the answer comes in the future, or one of this package's errors."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Response] = loop.create_future()
        request = b"%s%d\r\n\r\n%s" % (self._head, len(body), body)
        if self._sweeper is None:
            self._sweeper = loop.call_later(SWEEP_S, self._sweep)
        self.submit(request, waiter, loop.time() + self._timeout_s)
        return waiter

    def submit(self, request: bytes, waiter: "asyncio.Future[Response]", deadline: float) -> None:
        """Send a whole request on a free connection, or put it in line for one."""
        if self._free:
            self._free.pop().send(request, waiter, deadline)
            return
        self._line.append((request, waiter, deadline))
        self._dial()

    def _dial(self) -> None:
        """Open one more connection for those in line, if there may be one."""
        if self._line and len(self._open) + self._opening < self._most:
            self._opening += 1
            task = asyncio.get_running_loop().create_task(self._connect())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def give_back(self, connection: Connection) -> None:
        """Use a connection whose answer has come for the next request, or keep it for later."""
        while self._line:
            request, waiter, deadline = self._line.popleft()
            if not waiter.done():
                connection.send(request, waiter, deadline)
                return
        self._free.append(connection)

    def lost(self, connection: Connection) -> None:
        """Forget a connection that is gone; who waits for it gets another one."""
        if connection in self._open:
            del self._open[connection]
            if connection in self._free:
                self._free.remove(connection)
            self._dial()

    async def close(self) -> None:
        """Hang up everywhere; what is under way ends with an error."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        error = NodeUnreachable(self.url, "this side has ended")
        self._fail_line(error)
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for connection in tuple(self._open):
            connection.fail(error)

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        context = ssl.create_default_context() if self._secure else None
        make = partial(Connection, self)
        try:
            async with asyncio.timeout(self._timeout_s):
                _, connection = await loop.create_connection(
                    make, self._host, self._port, ssl=context
                )
        except OSError as error:
            if not self._open:
                self._fail_line(NodeUnreachable(self.url, dial_words(error)))
            return
        finally:
            self._opening -= 1
        self._open[connection] = None
        if connection.is_lost:
            if self._line:
                connection.waiter = self._line.popleft()[1]
            connection.fail(NodeUnreachable(self.url, "it hung up"))
            return
        self.give_back(connection)

    def _fail_line(self, error: Exception) -> None:
        line, self._line = self._line, deque()
        for _, waiter, _ in line:
            if not waiter.done():
                waiter.set_exception(error)

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        error = RequestTimedOut(self.url, self._timeout_s)
        for connection in tuple(self._open):
            if connection.waiter is not None and connection.deadline < now:
                connection.fail(error)
        while self._line and self._line[0][2] < now:
            waiter = self._line.popleft()[1]
            if not waiter.done():
                waiter.set_exception(error)
        self._sweeper = loop.call_later(SWEEP_S, self._sweep)


def dial_words(error: OSError) -> str:
    """Say why there is no connection."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"no connection: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"no connection: no TLS there ({(error.reason or 'unknown').lower()})"
    if isinstance(error, socket.gaierror):
        return f"no connection: {str(error.strerror).lower()}"
    if error.errno is not None:
        return f"no connection: {os.strerror(error.errno).lower()}"
    return f"no connection: {str(error) or 'no answer'}"
