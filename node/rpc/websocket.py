"""One WebSocket connection: calls come in as messages, answers and news go out as such.

Calls that have to wait are answered when they are ready, whatever came after them; at most a few
are under way at once, and while there are as many, no further message is read. Those of a caller
that has left end like any other: what they do to the node must not depend on a connection.

News waits in a queue of its own. A caller who does not take it fast enough is dropped, and told
why: the queue is bounded, and leaving some of it out would be worse than an end that the caller
notices.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from node.rpc.caller import Caller
from node.rpc.dispatch import Dispatcher
from node.rpc.limits import Watching
from node.rpc.requests import notice_bytes

_CLOSE_SECONDS = 2.0
"""For which a closed connection may still take what it has been told last."""
_CALLS = frozenset({WSMsgType.TEXT, WSMsgType.BINARY})


class WebSocketSession:
    """Talks to one caller.

    Args:
        socket: open, its text not decoded.
        dispatcher: answers calls.
        limits: of what may wait.
        abort: ends the connection at once.
        taken: is told that a message has been taken.
    """

    __slots__ = (
        "_abort",
        "_bytes",
        "_calls",
        "_closer",
        "_dispatcher",
        "_limits",
        "_news",
        "_socket",
        "_taken",
        "_waiting",
    )

    def __init__(
        self,
        socket: "web.WebSocketResponse[bool]",
        dispatcher: Dispatcher,
        limits: Watching,
        abort: Callable[[], None],
        taken: Callable[[], None],
    ) -> None:
        self._socket = socket
        self._dispatcher = dispatcher
        self._limits = limits
        self._abort = abort
        self._taken = taken
        self._calls: set[asyncio.Task[None]] = set()
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._bytes = 0
        self._news = asyncio.Event()
        self._closer: asyncio.Task[None] | None = None

    def push(self, subscription: str, result: bytes) -> None:
        """Queue news, or drop the caller if too much waits for it already."""
        if self._closer is not None:
            return
        self._waiting.append((subscription, result))
        self._bytes += len(result)
        if (
            len(self._waiting) > self._limits.queue_notices
            or self._bytes > self._limits.queue_bytes
        ):
            reason = f"too slow: {len(self._waiting)} notices wait"
            self._waiting.clear()
            self.end(WSCloseCode.TRY_AGAIN_LATER, reason)
        self._news.set()

    def end(self, code: WSCloseCode, reason: str) -> None:
        """Begin to close the connection, with a reason that the caller is shown."""
        if self._closer is None:
            self._closer = asyncio.get_running_loop().create_task(self._close(code, reason))

    async def ended(self) -> None:
        """Wait for an end that has begun."""
        if self._closer is not None:
            await asyncio.wait({self._closer})

    async def run(self, caller: Caller) -> None:
        """Answer until the caller or this node ends it; calls under way end by themselves."""
        teller = asyncio.create_task(self._tell())
        try:
            async for message in self._socket:
                self._taken()
                if message.type in _CALLS:
                    await self._answer(message.data, caller)
        except ConnectionError:
            pass
        finally:
            teller.cancel()
            await asyncio.gather(teller, return_exceptions=True)
            await self.ended()

    async def _answer(self, body: bytes, caller: Caller) -> None:
        answer = self._dispatcher.answer(body, caller)
        if isinstance(answer, bytes):
            await self._send(answer)
            return
        call = asyncio.create_task(self._finish(answer))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)
        if len(self._calls) >= self._limits.calls:
            await asyncio.wait(self._calls, return_when=asyncio.FIRST_COMPLETED)

    async def _finish(self, answer: Coroutine[Any, Any, bytes]) -> None:
        with suppress(ConnectionError):
            await self._send(await answer)

    async def _send(self, message: bytes) -> None:
        if message:
            await self._socket.send_frame(message, WSMsgType.TEXT)

    async def _tell(self) -> None:
        """Send news as fast as the caller takes it."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                subscription, result = self._waiting.popleft()
                self._bytes -= len(result)
                await self._send(notice_bytes(subscription, result))

    async def _close(self, code: WSCloseCode, reason: str) -> None:
        """Say why, if the caller listens, and end the connection."""
        try:
            with suppress(TimeoutError, ConnectionError):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await self._socket.close(code=code, message=reason.encode())
        finally:
            self._abort()
