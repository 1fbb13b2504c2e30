"""The row of `orrery bench load`: what the client of `orrery load` spends on a transaction.

All figures are processor time of the process that is named, the least of some rounds. Requests go
to a server in another process that answers every one with the same bytes, so that what is measured
is the client alone.
"""

import asyncio
import json
import os
import signal
import socket
import time
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from bench.rows import measure
from network.transport import new_event_loop
from sim.load.blocks import SeenBlock
from sim.load.lanes import Lanes
from sim.load.ledger import LoadLedger
from sim.load.mixes import parse_mix
from sim.load.rpc import RpcClient
from sim.load.sender import Sender
from sim.load.signing import Order, Signed, Signer, SigningProcess, SigningSetup
from sim.load.tracker import Tracker
from sim.workload.accounts import account_secret

ROUNDS = 5
ACCOUNTS = 1_000
TRANSACTIONS = 10_000
CONNECTIONS = 64
AT_ONCE = 64
"""Transactions that come due in one turn of the event loop."""
BATCHES = (1, 20)
BLOCK = 1_000
MICRO = 1e6
ENDLESS_NS = 10**18

HEADINGS: Mapping[str, str] = MappingProxyType(
    {"client_step": "step", "client_us": "us", "client_rate": "a second and core"}
)


def bench_load() -> dict[str, Any]:
    """What signing, handing over, sending and finding a transaction cost."""
    return {"rows": measure("bench.load_row", {})["rows"]}


def main() -> None:
    """Print the rows as one JSON object."""
    print(json.dumps({"rows": rows()}))


def rows() -> list[dict[str, Any]]:
    """Return one row for each step."""
    setup = SigningSetup(
        secrets=[account_secret(1, index) for index in range(ACCOUNTS)],
        chain_id=1,
        mix=parse_mix("transfers"),
        seed=1,
        nonces=[0] * ACCOUNTS,
        deployer=None,
    )
    order = Order(list(range(ACCOUNTS)) * (TRANSACTIONS // ACCOUNTS), 1, 10)
    signed = Signer(setup).fill(order)
    found = [
        row("sign (in the signing process)", least(lambda: Signer(setup).fill(order))),
        row("take it from the signing process", least_of(lambda: taken(setup, order))),
    ]
    with_server = [
        row(
            f"send and take the answer, {batch} to a request",
            least_of(partial(sent, setup, signed, batch)),
        )
        for batch in BATCHES
    ]
    return [*found, *with_server, row("find it in its block", least(lambda: find(signed)))]


def row(step: str, seconds: float) -> dict[str, Any]:
    """Return a row from the seconds that all transactions took."""
    each = seconds / TRANSACTIONS
    return {
        "client_step": step,
        "client_us": round(MICRO * each, 2),
        "client_rate": round(1 / each),
    }


def least(call: Callable[[], object]) -> float:
    """Return the least processor time of a call."""

    def spent() -> float:
        start = time.process_time()
        call()
        return time.process_time() - start

    return least_of(spent)


def least_of(call: Callable[[], float]) -> float:
    """Return the least of what a call says it took."""
    return min(call() for _ in range(ROUNDS))


def taken(setup: SigningSetup, order: Order) -> float:
    """Let another process sign; return what asking and taking costs this one."""
    signing = SigningProcess(setup)
    try:

        async def fill() -> float:
            await signing.fill(Order([0], 1, 10))
            start = time.process_time()
            await signing.fill(order)
            return time.process_time() - start

        return asyncio.run(fill())
    finally:
        signing.close()


def sent(setup: SigningSetup, signed: list[Signed], batch: int) -> float:
    """Send everything to a server that says yes; return what it costs this process."""
    listener = socket.create_server(("127.0.0.1", 0))
    child = os.fork()
    if child == 0:
        try:
            with asyncio.Runner(loop_factory=new_event_loop) as runner:
                runner.run(say_yes(listener))
        finally:
            os._exit(0)
    try:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            return runner.run(offer(url, setup, signed, batch))
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        listener.close()


async def offer(url: str, setup: SigningSetup, signed: list[Signed], batch: int) -> float:
    """Offer all transactions as fast as they are taken."""
    lanes = Lanes([0] * ACCOUNTS, TRANSACTIONS)
    for each in signed:
        lanes.add(each)
    start_ns = time.monotonic_ns()
    ledger = LoadLedger()
    client = RpcClient(url, CONNECTIONS)
    sender = Sender(
        [client],
        lanes,
        Signer(setup),
        ledger,
        lambda: time.monotonic_ns() - start_ns,
        batch,
        ENDLESS_NS,
    )
    start = time.process_time()
    for at in range(TRANSACTIONS):
        sender.offer(at)
        if at % AT_ONCE == 0:
            await asyncio.sleep(0)
    while ledger.accepted.total < TRANSACTIONS:
        await asyncio.sleep(0.001)
    spent = time.process_time() - start
    assert not ledger.errors, "the server says yes to all"
    await client.close()
    return spent


class YesProtocol(asyncio.Protocol):
    """Answers each request with as many yeses as it has calls."""

    def __init__(self) -> None:
        self._buffer = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody has connected."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer what is whole."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            length = int(head[head.rindex(b"Content-Length: ") + 16 :])
            body = self._buffer[end + 4 : end + 4 + length]
            if len(body) < length:
                return
            self._buffer = self._buffer[end + 4 + length :]
            self._answer(body)

    def _answer(self, body: bytes) -> None:
        yes = b'{"jsonrpc":"2.0","id":%d,"result":"0x' + b"0" * 64 + b'"}'
        if body.startswith(b"["):
            answer = b"[" + b",".join(yes % at for at in range(body.count(b'"id"'))) + b"]"
        else:
            answer = yes % 1
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
        self._transport.write(head + b"%d\r\n\r\n" % len(answer) + answer)


async def say_yes(listener: socket.socket) -> None:
    """Serve until the process is killed."""
    server = await asyncio.get_running_loop().create_server(YesProtocol, sock=listener)
    await server.serve_forever()


def find(signed: list[Signed]) -> None:
    """Track all transactions and find them in blocks, which become final."""
    tracker: Tracker[None] = Tracker(LoadLedger())
    for each in signed:
        tracker.began(each.digest, 0, None)
    for at in range(0, TRANSACTIONS, BLOCK):
        digests = tuple(each.digest for each in signed[at : at + BLOCK])
        block = SeenBlock(at, b"", b"", at, digests, 0, 0, 0)
        assert len(tracker.on_block(block)) == BLOCK, "every transaction is found"
        tracker.on_final(at, at)


if __name__ == "__main__":
    main()
