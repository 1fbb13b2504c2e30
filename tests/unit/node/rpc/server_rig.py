"""An RPC server on a free port, over a chain that the test makes up, and clients by hand."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

import aiohttp

from network.transport import new_event_loop
from node.observe.sink import Sink
from node.rpc.arguments import mapping
from node.rpc.backend import Backend
from node.rpc.errors import execution_reverted, server_error
from node.rpc.limits import Limits
from node.rpc.methods import Method, method_table
from node.rpc.server import Page, Pages, RpcServer, ServerConfig
from node.trace import BlockCommitted, TransactionsPooled
from primitives.ids import Instant
from primitives.machine import TraceEvent

TOKEN = "a-token-of-this-test"


class FakeHub:
    """What a backend is for the server itself: somebody to follow."""

    def __init__(self) -> None:
        self.sinks: list[Sink] = []

    def subscribe(self, sink: Sink) -> Callable[[], None]:
        self.sinks.append(sink)
        return lambda: self.sinks.remove(sink)

    def publish(self, event: TraceEvent) -> None:
        for sink in list(self.sinks):
            sink.event(Instant(0), event)


class FakeFeed:
    """A chain of numbers: block n has n logs, of which a criterion takes those it divides."""

    def __init__(self) -> None:
        self.tip = 0
        self.padding = 0
        """Of each head, in bytes."""
        self.gone: set[bytes] = set()
        self.status: object = False

    def height(self) -> int:
        return self.tip

    def criteria(self, value: object) -> object:
        return cast("int", mapping(value, "filters.FilterCriteria").get("divisor", 1))

    def weight(self, criteria: object) -> int:
        return cast("int", criteria)

    def head(self, height: int) -> object | None:
        return {"number": hex(height), "extra": "x" * self.padding}

    def block_hash(self, height: int) -> str:
        return f"0x{height:064x}"

    def logs(self, criteria: object, first: int, last: int) -> Sequence[object]:
        step = cast("int", criteria)
        return [
            {"blockNumber": hex(height), "logIndex": hex(index), "removed": False}
            for height in range(first, last + 1)
            for index in range(height)
            if index % step == 0
        ]

    def all_logs(self, criteria: object) -> Sequence[object]:
        return self.logs(criteria, 0, self.tip)

    def syncing(self) -> object:
        return self.status

    def pending(self, hash_: bytes) -> object | None:
        return None if hash_ in self.gone else {"hash": f"0x{hash_.hex()}", "nonce": "0x0"}


class Gate:
    """Holds calls of test_wait until the test opens it."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.entered = 0

    async def wait(self) -> str:
        self.entered += 1
        await self.open.wait()
        return "waited"


class Rig:
    """The server and what stands behind it."""

    def __init__(self, server: RpcServer, hub: FakeHub, feed: FakeFeed, gate: Gate) -> None:
        self.server = server
        self.hub = hub
        self.feed = feed
        self.gate = gate
        self.port = int(server.url.rsplit(":", 1)[1])
        self.wires: list[Wire] = []

    def commit(self) -> None:
        """Add a block."""
        self.feed.tip += 1
        height = self.feed.tip
        event = BlockCommitted(height, bytes(32), bytes(32), 0, 0, 0, 0)
        self.hub.publish(event)

    def pool(self, *hashes: bytes) -> None:
        """Let transactions enter the pool."""
        self.hub.publish(TransactionsPooled(hashes))


def methods(gate: Gate) -> Iterable[Method]:
    """Return methods that do what a test needs done."""

    def crash(_: Backend, __: Sequence[object]) -> object:
        raise ZeroDivisionError

    def revert(_: Backend, __: Sequence[object]) -> object:
        raise execution_reverted("execution reverted: no", b"\x08\xc3")

    async def later(_: Backend, __: Sequence[object]) -> int:
        await asyncio.sleep(0)
        return 499_500

    async def late_crash(_: Backend, __: Sequence[object]) -> object:
        await asyncio.sleep(0)
        raise ZeroDivisionError

    async def late_error(_: Backend, __: Sequence[object]) -> object:
        await asyncio.sleep(0)
        raise server_error("nonce too low")

    return (
        Method("test_number", lambda _, __: "0x10"),
        Method("test_echo", lambda _, parameters: list(parameters), arguments=3),
        Method("test_large", lambda _, parameters: "x" * cast("int", parameters[0]), arguments=1),
        Method("test_wait", lambda _, __: gate.wait()),
        Method("test_later", later),
        Method("test_dear", lambda _, __: "0x1", cost=1_000),
        Method("test_crash", crash),
        Method("test_late_crash", late_crash),
        Method("test_unencodable", lambda _, __: object()),
        Method("test_revert", revert),
        Method("test_late_error", late_error),
        Method("test_admin", lambda _, __: True, admin=True),
    )


async def _late_page(_accept: str) -> Page:
    await asyncio.sleep(0)
    return Page(b"late")


PAGES: Pages = {
    "/metrics": lambda accept: Page(
        b"blocks_total 3\n", "application/openmetrics-text; version=1.0.0"
    ),
    "/healthz": lambda accept: Page(b'{"ok":false}', "application/json", 503),
    "/late": _late_page,
}


@asynccontextmanager
async def serving(config: ServerConfig | None = None) -> AsyncIterator[Rig]:
    """Run a server for the time of a test."""
    hub, feed, gate = FakeHub(), FakeFeed(), Gate()
    server = RpcServer(
        config or ServerConfig(), cast("Backend", hub), method_table(methods(gate)), feed, PAGES
    )
    await server.start()
    rig = Rig(server, hub, feed, gate)
    try:
        yield rig
    finally:
        gate.open.set()
        await server.stop(1.0)
        for wire in rig.wires:
            await wire.close()


def limited(**changes: Any) -> ServerConfig:
    """Return a configuration with some limits changed, each a whole group of them."""
    return ServerConfig(limits=Limits(**changes))


def run(
    test: Callable[[], Awaitable[None]],
    seconds: float = 60.0,
    loop: Callable[[], asyncio.AbstractEventLoop] = new_event_loop,
) -> None:
    """Run an asynchronous test, on the loop that a node runs on."""

    async def bounded() -> None:
        async with asyncio.timeout(seconds):
            await test()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(bounded())


def with_rig(test: Callable[[Rig], Awaitable[None]], config: ServerConfig | None = None) -> None:
    """Run an asynchronous test of a server."""

    async def served() -> None:
        async with serving(config) as rig:
            await test(rig)

    run(served)


def request(method: str, *parameters: object, id_: object = 1) -> dict[str, object]:
    """Return a JSON-RPC request."""
    return {"jsonrpc": "2.0", "id": id_, "method": method, "params": list(parameters)}


class Wire:
    """A connection whose bytes the test writes and reads itself."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, rig: Rig) -> "Wire":
        wire = cls(*await asyncio.open_connection("127.0.0.1", rig.port, limit=1 << 26))
        rig.wires.append(wire)
        return wire

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self) -> tuple[int, Mapping[str, str], bytes]:
        """Read one answer: status, headers (names in small letters), body."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(head[0].split(" ")[1])
        pairs = [line.split(": ", 1) for line in head[1:] if line]
        headers = {name.lower(): value for name, value in pairs}
        length = int(headers.get("content-length", "0"))
        return status, headers, await self.reader.readexactly(length)

    async def ended(self) -> bytes:
        """Read until the server ends the connection; what came is returned."""
        try:
            return await self.reader.read(-1)
        except ConnectionError:
            return b""

    def stop_reading(self) -> None:
        """Take nothing more of what the server sends."""
        cast("asyncio.Transport", self.writer.transport).pause_reading()

    def read_on(self) -> None:
        """Take it again."""
        cast("asyncio.Transport", self.writer.transport).resume_reading()

    async def close(self) -> None:
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()


def post(body: bytes | object, *, path: str = "/", **headers: str) -> bytes:
    """Return a plain POST; keywords are headers with _ for -, and replace the usual ones."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {"host": "localhost", "content_type": "application/json", **headers}
    fields.setdefault("content_length", str(len(raw)))
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + raw


async def ask(rig: Rig, body: bytes | object, **headers: str) -> Any:
    """Post something and return the decoded answer, None for an empty one."""
    wire = await Wire.open(rig)
    wire.send(post(body, **headers))
    _, _, answer = await wire.answer()
    await wire.close()
    return json.loads(answer) if answer else None


@asynccontextmanager
async def web_socket(
    rig: Rig, path: str = "/ws", **options: Any
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """Open a WebSocket."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{rig.server.url}{path}", **options) as socket,
    ):
        yield socket


def transport_of(socket: aiohttp.ClientWebSocketResponse) -> asyncio.Transport:
    """Return what carries a WebSocket of a client."""
    connection = socket._response.connection
    assert connection is not None
    return cast("asyncio.Transport", connection.transport)


async def tell(socket: aiohttp.ClientWebSocketResponse, message: object) -> Any:
    """Send a request over a WebSocket and return the next message."""
    await socket.send_json(message)
    return await socket.receive_json()
