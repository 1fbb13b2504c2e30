"""Servers of one trivial method, to be measured from another process.

One is the node's own; one is what the web framework of the same library makes of it, with the
standard library's JSON, as a first version would be written. Each prints its port, and ends with
its input.
"""

import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from typing import cast

from aiohttp import web

from network.transport import new_event_loop
from node.observe.sink import Sink
from node.rpc.backend import Backend
from node.rpc.feed import Feed
from node.rpc.limits import Limits, Rates
from node.rpc.methods import Method, method_table
from node.rpc.server import RpcServer, ServerConfig

HEIGHT = "0x1b4"
NO_LIMIT = 1 << 40
HOST = "127.0.0.1"


class Silence:
    """A backend of which nothing is asked but to be followed."""

    def subscribe(self, sink: Sink) -> Callable[[], None]:
        """Never tell anything."""
        return lambda: None


async def serve_own() -> int:
    """Start the node's server; return its port."""
    limits = Limits(rates=Rates(cost_per_second=NO_LIMIT, cost_burst=NO_LIMIT))
    methods = method_table((Method("eth_blockNumber", _height),))
    server = RpcServer(
        ServerConfig(HOST, limits=limits),
        cast("Backend", Silence()),
        methods,
        cast("Feed", Silence()),
        {},
    )
    await server.start()
    return int(server.url.rsplit(":", 1)[1])


async def serve_framework() -> int:
    """Start the framework's server; return its port."""
    application = web.Application()
    application.router.add_post("/", _on_post)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0).start()
    return int(runner.addresses[0][1])


def _height(_: Backend, __: Sequence[object]) -> str:
    return HEIGHT


async def _on_post(request: web.Request) -> web.Response:
    call = await request.json()
    if call.get("jsonrpc") != "2.0" or call.get("method") != "eth_blockNumber":
        error = {"code": -32601, "message": "the method does not exist/is not available"}
        return web.json_response({"jsonrpc": "2.0", "id": call.get("id"), "error": error})
    return web.json_response({"jsonrpc": "2.0", "id": call["id"], "result": HEIGHT})


async def _main(kind: str) -> None:
    port = await (serve_own() if kind == "own" else serve_framework())
    print(json.dumps({"port": port}), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(_main(sys.argv[1]))
