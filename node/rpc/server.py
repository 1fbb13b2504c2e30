"""One port for JSON-RPC over HTTP and WebSocket, and for the pages that a node shows.

A connection begins in a lane of its own (`node.rpc.http`): a POST with a Content-Length, which is
what every library sends, is parsed and answered there. What else HTTP has (GET, preflights,
chunked bodies, WebSocket) is handed over with its connection (`node.rpc.pages`).
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from node.rpc.access import Access
from node.rpc.auth import Admins
from node.rpc.backend import Backend
from node.rpc.caller import Callers
from node.rpc.connections import Roster
from node.rpc.cors import Hosts, Origins
from node.rpc.dispatch import Dispatcher
from node.rpc.feed import Feed
from node.rpc.filters import Filters
from node.rpc.http import HttpLane, HttpServices
from node.rpc.http_answers import AnswerHeads
from node.rpc.limits import Limits
from node.rpc.methods import Method, SessionMethod
from node.rpc.news import News
from node.rpc.pages import Page, Pages, PageServer, PageServices
from node.rpc.subscriptions import Subscriptions

__all__ = ["Page", "Pages", "RpcFigures", "RpcServer", "ServerConfig"]

_ID_BYTES = 16
_NEWS_WAITING = 10_000
_TICK_SECONDS = 1.0
_POLL_SECONDS = 0.02


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
    backlog: int = 512
    """Connections that the system keeps before they are accepted."""


@dataclass(frozen=True, slots=True)
class RpcFigures:
    """What the server has done and holds now; for metrics."""

    calls: Mapping[str, int]
    """By method."""
    failures: Mapping[int, int]
    """Answers that were errors, by code."""
    connections: int
    connections_refused: int
    connections_dropped: int
    connections_evicted: int
    websockets: int
    subscriptions: int
    filters: int
    waiting_calls: int
    """That wait for the node, or are computed in portions."""
    news_left_out: int


class RpcServer:
    """The server of one node; lives on the event loop that runs the node.

    Args:
        config: where, for whom, how much.
        backend: handed to every method.
        methods: by name (`node.rpc.methods.method_table`).
        feed: what subscriptions and filters follow.
        pages: what else is shown on the port.
    """

    __slots__ = (
        "_backend",
        "_config",
        "_dispatcher",
        "_filters",
        "_listener",
        "_loop",
        "_news",
        "_page_server",
        "_page_services",
        "_services",
        "_subscriptions",
        "_tick",
        "_unsubscribe",
    )

    def __init__(
        self,
        config: ServerConfig,
        backend: Backend,
        methods: Mapping[str, Method],
        feed: Feed,
        pages: Pages,
    ) -> None:
        limits = config.limits
        self._config = config
        self._backend = backend
        self._loop = asyncio.get_running_loop()
        self._subscriptions = Subscriptions(feed, limits.watching, _draw_id)
        self._filters = Filters(feed, limits.watching, _draw_id, self._loop.time)
        self._news = News(self._loop, (self._subscriptions, self._filters), _NEWS_WAITING)
        admins = Admins(config.token)
        self._dispatcher = Dispatcher(
            backend,
            methods,
            _session_table(self._subscriptions, self._filters),
            limits.requests,
            has_admins=admins.exist,
        )
        access = Access(Hosts(config.hosts), Origins(config.origins), admins)
        self._join_lanes(access, Callers(limits.rates, time.monotonic_ns), pages)
        self._listener: asyncio.Server | None = None
        self._tick: asyncio.TimerHandle | None = None
        self._unsubscribe: Callable[[], None] | None = None

    @property
    def url(self) -> str:
        """Return where it listens, as `http://127.0.0.1:8545`.

        Raises:
            RuntimeError: it does not.
        """
        if self._listener is None or not self._listener.sockets:
            raise RuntimeError("the RPC server does not listen")
        host, port = self._listener.sockets[0].getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @property
    def figures(self) -> RpcFigures:
        """Return what there is to count."""
        roster = self._services.roster
        return RpcFigures(
            calls=dict(self._dispatcher.calls),
            failures=dict(self._dispatcher.failures),
            connections=len(roster),
            connections_refused=roster.refused,
            connections_dropped=roster.dropped,
            connections_evicted=roster.evicted,
            websockets=len(self._page_services.sessions),
            subscriptions=len(self._subscriptions),
            filters=len(self._filters),
            waiting_calls=self._dispatcher.waiting,
            news_left_out=self._news.left_out,
        )

    async def start(self) -> None:
        """Listen; follow the hub for subscriptions.

        Raises:
            OSError: the port is taken, or the host is none of this machine's.
        """
        config = self._config
        self._listener = await self._loop.create_server(
            lambda: HttpLane(self._services, self._loop),
            config.host,
            config.port,
            backlog=config.backlog,
        )
        self._unsubscribe = self._backend.subscribe(self._news)
        self._tick = self._loop.call_later(_TICK_SECONDS, self._on_tick)

    async def stop(self, grace_seconds: float = 3.0) -> None:
        """Listen no more, let calls under way end for so long, and close every connection."""
        if self._tick is not None:
            self._tick.cancel()
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        if self._listener is not None:
            self._listener.close()
        roster = self._services.roster
        until = self._loop.time() + grace_seconds
        while self._loop.time() < until and self._dispatcher.waiting:
            await asyncio.sleep(_POLL_SECONDS)
        for lane in roster.lanes:
            if isinstance(lane, HttpLane):
                lane.close()
        await self._page_server.stop(max(0.1, until - self._loop.time()))
        for lane in roster.lanes:
            lane.abort()

    def _join_lanes(self, access: Access, callers: Callers, pages: Pages) -> None:
        limits = self._config.limits
        roster = Roster(limits.connections)
        self._page_services = PageServices(
            limits=limits,
            access=access,
            callers=callers,
            dispatcher=self._dispatcher,
            roster=roster,
            subscriptions=self._subscriptions,
            pages=pages,
        )
        self._page_server = PageServer(self._page_services, self._loop)
        self._services = HttpServices(
            limits=limits,
            access=access,
            callers=callers,
            dispatcher=self._dispatcher,
            roster=roster,
            heads=AnswerHeads(time.time()),
            hand_over=self._page_server.take_over,
            clock=self._loop.time,
        )

    def _on_tick(self) -> None:
        """Once a second: renew the date, and look for what takes too long."""
        self._services.heads.renew(time.time())
        self._services.roster.sweep(self._loop.time())
        self._filters.sweep()
        self._tick = self._loop.call_later(_TICK_SECONDS, self._on_tick)


def _session_table(subscriptions: Subscriptions, filters: Filters) -> Mapping[str, SessionMethod]:
    return {each.name: each for each in (*subscriptions.methods(), *filters.methods())}


def _draw_id() -> str:
    return f"0x{secrets.token_hex(_ID_BYTES)}"
