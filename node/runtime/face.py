"""What the outside sees of a process: RPC, metrics and health on one port, and where it is.

The server outlives the node: while one that met damage is replaced, clients wait or are told so,
and need not connect again. `endpoints.json` in the data directory names the addresses that the
process listens on, while it does: with port 0 nobody knows them beforehand.
"""

import contextlib
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from node.observe.calls import RpcSource
from node.rpc.call_runner import CallLimits
from node.rpc.limits import Limits
from node.rpc.logs import LogLimits
from node.rpc.methods import method_table
from node.rpc.node_methods import MethodLimits, NodeMethods
from node.rpc.server import Page, RpcServer, ServerConfig
from node.runtime.backend import ProcessBackend
from node.runtime.datadir import DataDirectory
from node.runtime.errors import AddressInUse, reason
from node.runtime.keys import new_token
from node.runtime.live import LiveNode
from node.runtime.observatory import Observatory
from node.settings import RpcSettings

if TYPE_CHECKING:
    from node.runtime.process import NodeProcess

SECOND_NS = 1_000_000_000


class Endpoints(msgspec.Struct, frozen=True):
    """`endpoints.json`."""

    pid: int
    network: str
    """host:port"""
    rpc: str
    """URL; empty where clients are not served."""


class Face:
    """The RPC server of one process, and what looks at its node.

    Args:
        process: whose.
        data: its data directory.
    """

    def __init__(self, process: "NodeProcess", data: DataDirectory) -> None:
        self._process = process
        self._data = data
        self._file: Path = data.path / "endpoints.json"
        self._server: RpcServer | None = None
        self._observatory: Observatory | None = None

    @property
    def url(self) -> str:
        """Where clients reach the process; empty if they do not."""
        return "" if self._server is None else self._server.url

    @property
    def observatory(self) -> Observatory:
        """What looks at the node as it runs now."""
        assert self._observatory is not None, "nobody asks before the node is there"
        return self._observatory

    def forget(self) -> None:
        """Take back where the process before has listened: nobody shall wait for this one there."""
        self._file.unlink(missing_ok=True)

    def watch(self, live: LiveNode) -> None:
        """Look at a node from its beginning."""
        self._observatory = Observatory(live)

    async def start(self, network: str) -> None:
        """Listen, unless it does already, and say where.

        Args:
            network: where the node listens for others.

        Raises:
            AddressInUse: the configured address is not this machine's, or taken.
        """
        self.observatory.start()
        settings = self._process.settings.rpc
        if settings.enabled and self._server is None:
            self._server = await self._started(settings)
        if (server := self._server) is not None:
            self.observatory.metrics.add(RpcSource(lambda: server.figures))
        endpoints = Endpoints(os.getpid(), network, self.url)
        new = self._file.with_suffix(".new")
        new.write_bytes(msgspec.json.encode(endpoints))
        new.replace(self._file)

    def rest(self) -> None:
        """Look no more at the node, which is about to end."""
        if self._observatory is not None:
            self._observatory.facts.stopping = True
            self._observatory.stop()

    async def stop(self) -> None:
        """Take no more work, and let calls under way end for a moment."""
        if self._server is not None:
            server, self._server = self._server, None
            await server.stop()
        with contextlib.suppress(OSError):
            self.forget()

    async def _started(self, settings: RpcSettings) -> RpcServer:
        token = new_token(self._data.token) if settings.admin else ""
        backend = ProcessBackend(self._process, self)
        methods = NodeMethods(method_limits(settings))
        methods.follow(backend)
        server = RpcServer(
            server_config(settings, token),
            backend,
            method_table(methods.methods()),
            methods.feed(backend),
            {"/metrics": self._metrics, "/healthz": self._health},
        )
        try:
            await server.start()
        except (OSError, UnicodeError) as error:
            expected = "an address of this machine that nobody else listens on"
            found = f"{reason(error)}: {settings.host}:{settings.port}"
            raise AddressInUse("rpc.port", expected, found) from error
        return server

    def _metrics(self, accept: str) -> Page:
        body, content_type = self.observatory.text(accept)
        return Page(body, content_type)

    def _health(self, _accept: str) -> Page:
        found = self.observatory.health()
        return Page(msgspec.json.encode(found), "application/json", found.status)


def server_config(settings: RpcSettings, token: str) -> ServerConfig:
    """Return where the server listens, for whom, and what that may cost."""
    limits = Limits()
    return ServerConfig(
        host=settings.host,
        port=settings.port,
        origins=settings.cors,
        hosts=settings.hosts,
        token=token,
        limits=replace(
            limits,
            connections=replace(limits.connections, count=settings.connections_max),
            requests=replace(
                limits.requests,
                body_bytes=settings.body_max,
                batch_items=settings.batch_max,
                response_bytes=settings.response_max,
                call_seconds=settings.call_time_max / SECOND_NS,
            ),
            rates=replace(
                limits.rates,
                cost_per_second=settings.cost_per_second,
                cost_burst=2 * settings.cost_per_second,
            ),
        ),
    )


def method_limits(settings: RpcSettings) -> MethodLimits:
    """Return what single methods may cost."""
    calls, logs = CallLimits(), LogLimits()
    return MethodLimits(
        replace(calls, gas=settings.call_gas_max, time_ns=settings.call_work_max),
        replace(
            logs,
            blocks=settings.log_blocks_max,
            logs=settings.logs_max,
            time_ns=settings.call_work_max,
        ),
    )
