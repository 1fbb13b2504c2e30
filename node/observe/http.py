"""/metrics and /healthz as aiohttp handlers, to be mounted beside the RPC."""

from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec
from aiohttp import web

from node.observe.health import DEFAULT_PATIENCE, FactsOf, Patience, health

Handler = Callable[[web.Request], Awaitable[web.Response]]


class Exposition(Protocol):
    """Has metrics; `node.observe.metrics.NodeMetrics`."""

    def text(self, accept: str = "") -> tuple[bytes, str]:
        """Return the body and its Content-Type for an Accept header."""
        ...


def metrics_handler(metrics: Exposition) -> Handler:
    """Return the handler of GET /metrics: OpenMetrics for who accepts it, else the text format."""

    async def answer(request: web.Request) -> web.Response:
        body, content_type = metrics.text(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})

    return answer


def health_handler(node: FactsOf, patience: Patience = DEFAULT_PATIENCE) -> Handler:
    """Return the handler of GET /healthz: JSON, with status 200 or 503 and the reasons."""

    async def answer(request: web.Request) -> web.Response:
        found = health(node.facts(), patience)
        body = msgspec.json.encode(found)
        return web.Response(body=body, status=found.status, content_type="application/json")

    return answer


def routes(metrics: Exposition, node: FactsOf) -> list[web.RouteDef]:
    """Return both routes, for `Application.add_routes`."""
    return [
        web.get("/metrics", metrics_handler(metrics)),
        web.get("/healthz", health_handler(node)),
    ]
