"""One port for JSON-RPC over HTTP and WebSocket, and for the pages that a node shows.

A connection begins in a lane of its own (`node.rpc.http`): a POST with a Content-Length, which is
what every library sends, is parsed and answered there. What else HTTP has (GET, preflights,
chunked bodies, WebSocket) is handed with its connection to aiohttp (`node.rpc.pages`).
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from node.rpc.backend import Backend
from node.rpc.feed import Feed
from node.rpc.limits import Limits
from node.rpc.methods import Method


@dataclass(frozen=True, slots=True)
class Page:
    """What a GET is answered with."""

    body: bytes
    content_type: str = "text/plain; charset=utf-8"
    status: int = 200


Pages = Mapping[str, Callable[[], Page | Awaitable[Page]]]
"""By path: `/metrics`, `/healthz`."""


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """Where the server listens, and whom it answers."""

    host: str = "127.0.0.1"
    port: int = 0
    """0 takes a free one."""
    origins: tuple[str, ...] = ()
    """Web pages that may read answers: `https://app.example`, or `*` for any; none by default."""
    hosts: tuple[str, ...] = ("localhost",)
    """Names under which the server may be addressed, or `*`; numeric addresses always may."""
    token: str = ""
    """What an admin shows as `Authorization: Bearer TOKEN`; empty: nobody is one."""
    limits: Limits = field(default_factory=Limits)


class RpcServer:
    """The server of one node; lives on the event loop that runs the node.

    Args:
        config: where, for whom, how much.
        backend: handed to every method.
        methods: by name (`node.rpc.methods.method_table`).
        feed: what subscriptions and filters follow.
        pages: what else is shown on the port.
    """

    def __init__(
        self,
        config: ServerConfig,
        backend: Backend,
        methods: Mapping[str, Method],
        feed: Feed,
        pages: Pages,
    ) -> None:
        self._config = config
        self._backend = backend
        self._methods = methods
        self._feed = feed
        self._pages = pages

    @property
    def url(self) -> str:
        """Return where it listens, as `http://127.0.0.1:8545`.

        Raises:
            RuntimeError: it has not been started.
        """
        raise NotImplementedError

    async def start(self) -> None:
        """Listen; follow the hub for subscriptions.

        Raises:
            OSError: the port is taken, or the host is none of this machine's.
        """
        raise NotImplementedError

    async def stop(self, grace_seconds: float = 3.0) -> None:
        """Listen no more, let calls under way end for so long, and close every connection."""
        raise NotImplementedError
