"""Dialling: one task for each peer that is to be connected, which sleeps while it is."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import Protocol

from network.handshake import Side
from network.transport.config import TransportConfig
from network.transport.events import Counters, DropReason
from network.transport.face import Address
from network.transport.link import Link
from network.transport.roster import Peer
from network.transport.sockets import connect, hand_over
from primitives.ids import Instant, NodeId

_SECOND = 1_000_000_000


class Caller(Protocol):
    """The transport."""

    def make_link(self, side: Side, address: str, expected: NodeId | None = None) -> Link:
        """Return a link for a connection that is about to be made."""
        ...

    def abandon(self, link: Link, reason: DropReason, detail: str) -> None:
        """There will be no connection for that link."""
        ...

    def may_dial(self, node: NodeId) -> bool:
        """Tell whether nothing speaks against dialling this node now."""
        ...


class Dialler:
    """Keeps peers connected.

    Args:
        config: limits.
        context: TLS.
        counters: of the transport.
        clock: of the transport.
        caller: makes the links, and rates what becomes of them.
    """

    __slots__ = ("_caller", "_clock", "_config", "_context", "_counters", "_tasks")

    def __init__(
        self,
        config: TransportConfig,
        context: ssl.SSLContext,
        counters: Counters,
        clock: Callable[[], Instant],
        caller: Caller,
    ) -> None:
        self._config = config
        self._context = context
        self._counters = counters
        self._clock = clock
        self._caller = caller
        self._tasks: dict[NodeId, asyncio.Task[None]] = {}

    def keep(self, peer: Peer) -> None:
        """Dial a peer whenever it is not connected."""
        if peer.node not in self._tasks:
            task = asyncio.get_running_loop().create_task(self._keep(peer))
            self._tasks[peer.node] = task

    def forget(self, node: NodeId) -> None:
        """Dial a peer no more."""
        task = self._tasks.pop(node, None)
        if task is not None:
            task.cancel()

    async def stop(self) -> None:
        """Dial nobody any more."""
        tasks = list(self._tasks.values())
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep(self, peer: Peer) -> None:
        tick = self._config.patience.tick / _SECOND
        task = asyncio.current_task()
        # Whatever an error has hidden, a task that was told to end does not dial again.
        while task is not None and not task.cancelling():
            await peer.vacant.wait()
            if not self._caller.may_dial(peer.node):
                await asyncio.sleep(tick)
                continue
            wait = peer.plan.wait(self._clock())
            if wait:
                await asyncio.sleep(wait / _SECOND)
            elif peer.address is not None:
                await self._dial(peer, peer.address)

    async def _dial(self, peer: Peer, address: Address) -> None:
        """Make one connection, and wait until its handshake has ended, either way."""
        self._counters.dials += 1
        link = self._caller.make_link(Side.DIALLER, str(address), peer.node)
        try:
            async with asyncio.timeout(self._config.patience.dial / _SECOND):
                await self._connect(address, link)
                await link.greeted.wait()
        except TimeoutError:
            limit = f"expected a connection within {self._config.patience.dial} ns"
            self._caller.abandon(link, DropReason.HANDSHAKE_TIMEOUT, limit)
        except ssl.SSLError as error:
            self._caller.abandon(link, DropReason.TLS, str(error))
        except OSError as error:
            detail = str(error) or type(error).__name__
            self._caller.abandon(link, DropReason.BROKEN, detail)
        except asyncio.CancelledError:
            self._caller.abandon(link, DropReason.SHUTDOWN, "")
            raise

    async def _connect(self, address: Address, link: Link) -> None:
        patience = self._config.patience
        loop = asyncio.get_running_loop()

        async def take(made: socket.socket) -> None:
            await loop.create_connection(
                lambda: link,
                sock=made,
                ssl=self._context,
                server_hostname="",
                ssl_handshake_timeout=patience.handshake / _SECOND,
                ssl_shutdown_timeout=patience.drain / _SECOND,
            )

        await hand_over(await connect(address, self._config.sockets), take)
