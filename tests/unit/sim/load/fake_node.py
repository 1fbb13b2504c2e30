"""A small Ethereum node over HTTP and WebSocket, on a chain in memory."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiohttp import WSMsgType, web

from tests.unit.sim.load.fake_chain import Block, FakeChain, Refused


class RpcFault(Exception):
    """An error that a test wants for an answer."""

    def __init__(self, code: int, message: str) -> None:
        self.code, self.message = code, message
        super().__init__(message)


class Silence(Exception):
    """A test wants no answer."""


def nothing(method: str, parameters: list[Any]) -> None:
    """Let every call have its usual answer."""


class FakeNode:
    """Answers what a load client asks.

    `meddle` is called before every answer; it may raise `RpcFault` or `Silence`.
    """

    def __init__(self, chain: FakeChain, *, sockets: bool = True, finality: bool = True) -> None:
        self.chain = chain
        self.meddle: Callable[[str, list[Any]], None] = nothing
        self.takes_batches = True
        self.shows_pool = True
        """Whether `pending` counts what is in the pool."""
        self.shows_height: Callable[[], int] | None = None
        """What the node says of its height instead of the truth."""
        self.calls: dict[str, int] = {}
        self.url = ""
        self._sockets = sockets
        self._finality = finality
        self._subscribers: list[web.WebSocketResponse] = []

    @asynccontextmanager
    async def serve(self, block_s: float = 0.05) -> AsyncIterator["FakeNode"]:
        """Listen on a free port, and seal a block now and then; never if `block_s` is 0."""
        app = web.Application(client_max_size=64 << 20)
        app.router.add_post("/", self._post)
        if self._sockets:
            app.router.add_get("/", self._socket)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{port}"
        sealing = asyncio.create_task(self._seal(block_s)) if block_s else None
        try:
            yield self
        finally:
            if sealing is not None:
                sealing.cancel()
            for socket in tuple(self._subscribers):
                await socket.close()
            await runner.cleanup()

    @property
    def has_subscribers(self) -> bool:
        """Whether somebody wants to hear of blocks."""
        return bool(self._subscribers)

    async def tell(self, block: Block) -> None:
        """Announce a block to who has subscribed."""
        note = {"subscription": "0x1", "result": self._block(block)}
        for socket in tuple(self._subscribers):
            with suppress(ConnectionError):
                await socket.send_json(
                    {"jsonrpc": "2.0", "method": "eth_subscription", "params": note}
                )

    async def _seal(self, block_s: float) -> None:
        while True:
            await asyncio.sleep(block_s)
            await self.tell(self.chain.seal())

    async def _post(self, request: web.Request) -> web.Response:
        body = json.loads(await request.read())
        if isinstance(body, list) and not self.takes_batches:
            refusal = {"code": -32600, "message": "batch requests are not supported"}
            return web.json_response({"jsonrpc": "2.0", "id": None, "error": refusal})
        try:
            if isinstance(body, list):
                return web.json_response([self._reply(each) for each in body])
            return web.json_response(self._reply(body))
        except Silence:
            await asyncio.sleep(3_600)
            raise

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                call = json.loads(message.data)
                assert call["params"] == ["newHeads"]
                await socket.send_json({"jsonrpc": "2.0", "id": call["id"], "result": "0x1"})
                self._subscribers.append(socket)
        self._subscribers.remove(socket)
        return socket

    def _reply(self, call: dict[str, Any]) -> dict[str, Any]:
        method, parameters = call["method"], call["params"]
        self.calls[method] = self.calls.get(method, 0) + 1
        answer: dict[str, Any] = {"jsonrpc": "2.0", "id": call["id"]}
        try:
            self.meddle(method, parameters)
            answer["result"] = self._result(method, parameters)
        except RpcFault as fault:
            answer["error"] = {"code": fault.code, "message": fault.message}
        except Refused as refused:
            answer["error"] = {"code": -32000, "message": str(refused)}
        return answer

    def _result(self, method: str, parameters: list[Any]) -> Any:
        answer = getattr(self, f"_{method}", None)
        if answer is None:
            raise RpcFault(-32601, f"the method {method} does not exist")
        return answer(*parameters)

    def _eth_chainId(self) -> str:  # noqa: N802
        return hex(self.chain.chain_id)

    def _web3_clientVersion(self) -> str:  # noqa: N802
        return "fake/1.0"

    def _eth_blockNumber(self) -> str:  # noqa: N802
        return hex(self.shows_height() if self.shows_height else self.chain.head.number)

    def _eth_getBlockByNumber(self, tag: str, bodies: bool) -> Any:  # noqa: N802
        assert not bodies
        return self._block_at(tag)

    def _eth_getTransactionCount(self, address: str, tag: str) -> str:  # noqa: N802
        account = bytes.fromhex(address[2:])
        latest = self.chain.nonces.get(account, 0)
        pending = tag == "pending" and self.shows_pool
        return hex(self.chain.pending_nonce(account) if pending else latest)

    def _eth_getBalance(self, address: str, tag: str) -> str:  # noqa: N802
        assert tag == "latest"
        return hex(self.chain.balances.get(bytes.fromhex(address[2:]), 0))

    def _eth_getCode(self, address: str, tag: str) -> str:  # noqa: N802
        assert tag == "latest"
        return "0x" + self.chain.code.get(bytes.fromhex(address[2:]), b"").hex()

    def _eth_getStorageAt(self, address: str, slot: str, tag: str) -> str:  # noqa: N802
        assert tag == "latest"
        key = bytes.fromhex(address[2:]) + int(slot, 16).to_bytes(32, "big")
        return hex(self.chain.storage.get(key, 0))

    def _eth_feeHistory(self, count: str, newest: str, rewards: list[float]) -> Any:  # noqa: N802
        assert (count, newest, rewards) == ("0x1", "latest", [])
        return {"baseFeePerGas": [hex(self.chain.head.base_fee), hex(self.chain.base_fee)]}

    def _eth_maxPriorityFeePerGas(self) -> str:  # noqa: N802
        return hex(10**9)

    def _eth_sendRawTransaction(self, raw: str) -> str:  # noqa: N802
        return "0x" + self.chain.take(bytes.fromhex(raw[2:])).hex()

    def _eth_getTransactionReceipt(self, digest: str) -> Any:  # noqa: N802
        number = self.chain.receipts.get(bytes.fromhex(digest[2:]))
        status = "0x0" if self.chain.failing else "0x1"
        return None if number is None else {"status": status, "blockNumber": hex(number)}

    def _block_at(self, tag: str) -> dict[str, Any] | None:
        blocks = self.chain.blocks
        if tag == "finalized":
            if not self._finality:
                raise RpcFault(-32602, "finalized block not found")
            return self._block(blocks[max(0, len(blocks) - 1 - self.chain.final_behind)])
        number = len(blocks) - 1 if tag == "latest" else int(tag, 16)
        return self._block(blocks[number]) if number < len(blocks) else None

    def _block(self, block: Block) -> dict[str, Any]:
        return {
            "number": hex(block.number),
            "hash": "0x" + block.digest.hex(),
            "parentHash": "0x" + block.parent.hex(),
            "transactions": ["0x" + each.hex() for each in block.digests],
            "gasUsed": hex(block.gas_used),
            "gasLimit": hex(self.chain.gas_limit),
            "baseFeePerGas": hex(block.base_fee),
        }
