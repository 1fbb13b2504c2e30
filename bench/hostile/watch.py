"""A process that looks at a node as its clients and its operator do, while it is attacked.

Started with one JSON argument; for every line that comes in, it prints what it has seen since the
line before, as one line of JSON.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from network.transport import new_event_loop
from primitives.account_key import AccountKey
from primitives.ids import Address, Gas, Wei
from primitives.keccak import keccak256
from primitives.transaction import DynamicFeeTransaction, encode_transaction, sign_transaction

HOST = "127.0.0.1"
CHAIN_ID = 1_337
PATIENCE_S = 20.0
KEY = keccak256(b"honest client")
ASK_S, KNOCK_S, SEND_S, LOOK_S = 0.02, 0.2, 0.1, 0.02
"""Between two requests, new connections, transactions, looks at the memory."""
GWEI = 10**9
PAGE = 4_096
SHARE = 0.99


class Watched(msgspec.Struct, frozen=True):
    """What a watcher is told to look at."""

    pid: int
    """Of the node that is attacked."""
    port: int
    """Of its RPC."""
    other: int
    """Of the RPC of another validator, which gets transactions and says how high the chain is."""


class Seen(msgspec.Struct, frozen=True):
    """What was seen in some span of time."""

    seconds: float
    asked: int
    """Requests of the client that keeps its connection."""
    knocked: int
    """Those over a new connection each."""
    failed: int
    """Of both, how many had no good answer."""
    p50_ms: float
    p99_ms: float
    most_ms: float
    knock_p99_ms: float
    blocks: int
    """By how many the chain has grown, at the other validator."""
    sent: int
    """Transactions that the other validator has taken."""
    resident: int
    """Bytes of memory of the node, at the end."""
    resident_max: int
    descriptors: int
    """Files and sockets that the node has open, at the end."""
    descriptors_max: int
    cpu: float
    """Share of a core that it took."""
    errors: dict[str, int]
    """Why requests failed."""


def honest_address() -> Address:
    """Return the account that the transactions come from."""
    return AccountKey(KEY).address


class Watcher:
    """Asks and looks, until it is told to stop.

    Args:
        watched: what to look at.
    """

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._address = honest_address()
        self._nonce = 0
        self._height = 0
        self._connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._begin()

    async def run(self) -> None:
        """Do it."""
        own = f"0x{self._address.hex()}"
        other = self._watched.other
        self._nonce = int(await self._ask(other, "eth_getTransactionCount", own, "pending"), 16)
        self._height = self._first = await self._look()
        tasks = [
            asyncio.create_task(each)
            for each in (
                self._answer(),
                self._repeat(ASK_S, self._ask_kept),
                self._repeat(KNOCK_S, self._knock),
                self._repeat(SEND_S, self._send),
                self._repeat(LOOK_S, self._sample),
            )
        ]
        ended, others = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in others:
            task.cancel()
        for task in ended:
            task.result()

    async def _answer(self) -> None:
        lines = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        while await lines.readline():
            self._height = await self._look()
            await self._sample()
            print(json.dumps(msgspec.to_builtins(self._seen())), flush=True)
            self._first = self._height
            self._begin()

    def _begin(self) -> None:
        self._since, self._cpu = time.monotonic(), _cpu(self._watched.pid)
        self._kept: list[float] = []
        self._knocks: list[float] = []
        self._errors: dict[str, int] = {}
        self._sent = 0
        self._resident_max = self._descriptors_max = 0
        self._first = self._height

    def _seen(self) -> Seen:
        seconds = time.monotonic() - self._since
        return Seen(
            seconds=round(seconds, 2),
            asked=len(self._kept),
            knocked=len(self._knocks),
            failed=sum(self._errors.values()),
            p50_ms=_percentile(self._kept, 0.5),
            p99_ms=_percentile(self._kept, SHARE),
            most_ms=_percentile(self._kept + self._knocks, 1),
            knock_p99_ms=_percentile(self._knocks, SHARE),
            blocks=self._height - self._first,
            sent=self._sent,
            resident=_resident(self._watched.pid),
            resident_max=self._resident_max,
            descriptors=_descriptors(self._watched.pid),
            descriptors_max=self._descriptors_max,
            cpu=round((_cpu(self._watched.pid) - self._cpu) / seconds, 2),
            errors=self._errors,
        )

    async def _repeat(self, every: float, act: Callable[[], Any]) -> None:
        while True:
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await act()
            except (OSError, EOFError, TimeoutError, ValueError) as error:
                name = f"{act.__name__[1:]}: {type(error).__name__} {error}".strip()
                self._errors[name] = self._errors.get(name, 0) + 1
            await asyncio.sleep(every)

    async def _ask_kept(self) -> None:
        begun = time.perf_counter()
        made, self._connection = self._connection, None
        if made is None:
            made = await asyncio.open_connection(HOST, self._watched.port)
        await _exchange(*made, "eth_blockNumber")
        self._connection = made
        self._kept.append(time.perf_counter() - begun)

    async def _knock(self) -> None:
        begun = time.perf_counter()
        await self._ask(self._watched.port, "eth_blockNumber")
        self._knocks.append(time.perf_counter() - begun)

    async def _send(self) -> None:
        transaction = sign_transaction(
            DynamicFeeTransaction(
                chain_id=CHAIN_ID, nonce=self._nonce, max_priority_fee_per_gas=Wei(GWEI),
                max_fee_per_gas=Wei(100 * GWEI), gas_limit=Gas(21_000),
                to=Address(bytes(19) + b"\x01"), value=Wei(1), data=b"",
            ),
            KEY,
        )  # fmt: skip
        raw = f"0x{encode_transaction(transaction).hex()}"
        await self._ask(self._watched.other, "eth_sendRawTransaction", raw)
        self._nonce += 1
        self._sent += 1

    async def _sample(self) -> None:
        self._resident_max = max(self._resident_max, _resident(self._watched.pid))
        self._descriptors_max = max(self._descriptors_max, _descriptors(self._watched.pid))

    async def _look(self) -> int:
        return int(await self._ask(self._watched.other, "eth_blockNumber"), 16)

    async def _ask(self, port: int, method: str, *parameters: object) -> str:
        reader, writer = await asyncio.open_connection(HOST, port)
        try:
            return await _exchange(reader, writer, method, *parameters)
        finally:
            writer.transport.abort()


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, method: str, *parameters: object
) -> str:
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
    body = json.dumps(request).encode()
    writer.write(
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    )
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    size = next(line for line in head.split(b"\r\n") if line.startswith(b"content-length:"))
    answer = await reader.readexactly(int(size[15:]))
    if not head.startswith(b"http/1.1 200"):
        raise ValueError(answer.decode())
    found = json.loads(answer)
    if "error" in found:
        raise ValueError(found["error"]["message"])
    return str(found["result"])


def _percentile(spans: Sequence[float], share: float) -> float:
    """Return milliseconds; -1 without any."""
    ordered = sorted(spans)
    if not ordered:
        return -1.0
    return round(1_000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)


def _resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * PAGE


def _descriptors(pid: int) -> int:
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def _cpu(pid: int) -> float:
    """Return seconds of processor time."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def main() -> None:
    """Watch what the argument names."""
    watched = msgspec.json.decode(sys.argv[1], type=Watched)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(Watcher(watched).run())


if __name__ == "__main__":
    main()
