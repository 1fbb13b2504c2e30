"""Accepting connections: counted by address before a byte of them is read."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import Protocol

from network.handshake import Side
from network.transport.admission import Gate, Visit
from network.transport.config import TransportConfig
from network.transport.events import Counters, DropReason
from network.transport.face import Address
from network.transport.link import Link
from network.transport.sockets import bound_address, listening_socket, set_up
from primitives.ids import Instant

_SECOND = 1_000_000_000
_BATCH = 64
"""Connections that are accepted before the loop does something else."""
_REST_SECONDS = 0.1
"""Until the next try when the system has no descriptor left for a connection."""


class Welcomer(Protocol):
    """The transport."""

    def make_link(self, side: Side, address: str) -> Link:
        """Return a link for a connection that is about to be made."""
        ...

    def abandon(self, link: Link, reason: DropReason, detail: str) -> None:
        """There will be no connection for that link."""
        ...


class Listener:
    """Accepts connections and lets them shake hands.

    Args:
        config: limits.
        context: TLS.
        gate: counts by address.
        counters: of the transport.
        clock: of the transport.
        welcomer: makes the links.
    """

    __slots__ = (
        "_clock", "_config", "_context", "_counters", "_gate", "_handshakes", "_socket",
        "_welcomer",
    )  # fmt: skip

    def __init__(
        self,
        config: TransportConfig,
        context: ssl.SSLContext,
        gate: Gate,
        counters: Counters,
        clock: Callable[[], Instant],
        welcomer: Welcomer,
    ) -> None:
        self._config = config
        self._context = context
        self._gate = gate
        self._counters = counters
        self._clock = clock
        self._welcomer = welcomer
        self._socket: socket.socket | None = None
        self._handshakes: dict[int, asyncio.Task[None]] = {}

    def start(self) -> Address:
        """Listen; return where.

        Raises:
            OSError: the address is not this machine's, or taken.
        """
        wanted = Address(self._config.host, self._config.port)
        self._socket = listening_socket(wanted, self._config.sockets)
        self._watch()
        return bound_address(self._socket)

    async def stop(self) -> None:
        """Accept no more, and give up what has not done its TLS handshake."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None
        await asyncio.sleep(0)  # tasks that have not begun would not close their sockets
        tasks = list(self._handshakes.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _watch(self) -> None:
        if self._socket is not None:
            asyncio.get_running_loop().add_reader(self._socket, self._accept, self._socket)

    def _accept(self, listening: socket.socket) -> None:
        """Take what has come, without a task: one that is cancelled could lose a socket."""
        for _ in range(_BATCH):
            try:
                made, source = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:
                self._counters.exhausted += 1
                loop = asyncio.get_running_loop()
                loop.remove_reader(listening)
                loop.call_later(_REST_SECONDS, self._watch)
                return
            made.settimeout(0.0)
            host = str(source[0])
            if self._gate.admits(self._clock(), host):
                self._counters.accepted += 1
                self._enter(made, host, f"{host}:{source[1]}")
            else:
                self._counters.turned_away += 1
                made.close()

    def _enter(self, made: socket.socket, host: str, address: str) -> None:
        link = self._welcomer.make_link(Side.LISTENER, address)

        def evict() -> None:
            self._counters.evicted += 1
            self._welcomer.abandon(link, DropReason.EVICTED, "others have come since")
            task = self._handshakes.get(link.order)
            if task is not None:
                # It has to begin first, or nobody closes the socket.
                asyncio.get_running_loop().call_soon(task.cancel)

        evicted = self._gate.enter(link.order, Visit(host, evict))
        if evicted is not None:
            evicted.evict()
        task = asyncio.get_running_loop().create_task(self._shake(made, link))
        self._handshakes[link.order] = task
        task.add_done_callback(lambda _: self._handshakes.pop(link.order, None))

    async def _shake(self, made: socket.socket, link: Link) -> None:
        """Do the TLS handshake; what follows is the link's."""
        patience = self._config.patience
        try:
            set_up(made, self._config.sockets)
        except OSError as error:
            made.close()
            self._welcomer.abandon(link, DropReason.BROKEN, str(error))
            return
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: link,
                made,
                ssl=self._context,
                ssl_handshake_timeout=patience.handshake / _SECOND,
                ssl_shutdown_timeout=patience.drain / _SECOND,
            )
        except ConnectionAbortedError as error:
            # So do loops say that it took too long.
            made.close()
            self._welcomer.abandon(link, DropReason.HANDSHAKE_TIMEOUT, str(error))
        except OSError as error:
            made.close()
            self._welcomer.abandon(link, DropReason.TLS, str(error) or type(error).__name__)
        except asyncio.CancelledError:
            made.close()
            self._welcomer.abandon(link, DropReason.SHUTDOWN, "")
            raise
