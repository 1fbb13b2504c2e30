"""New heads over WebSocket: only a signal that there is something to fetch."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import aiohttp
import msgspec

AGAIN_S = 2.0
"""Pause before a lost or refused connection is tried again."""
_SUBSCRIBE = {"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]}


class HeadsSocket:
    """A subscription that comes back when it is lost.

    Args:
        wake: called for every new head.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self.is_open = False
        """Whether new heads are being announced."""

    async def listen(self, url: str) -> None:
        """Listen until cancelled; a node without WebSocket is asked again now and then."""
        while True:
            with suppress(aiohttp.ClientError, OSError, TimeoutError):
                await self._once(url)
            self.is_open = False
            await asyncio.sleep(AGAIN_S)

    async def _once(self, url: str) -> None:
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(url, heartbeat=10.0) as socket,
        ):
            await socket.send_json(_SUBSCRIBE)
            async for message in socket:
                if message.type is not aiohttp.WSMsgType.TEXT:
                    return
                try:
                    found = msgspec.json.decode(message.data)
                except msgspec.DecodeError:
                    return
                if not isinstance(found, dict) or "error" in found:
                    return
                self.is_open = True
                self._wake()
