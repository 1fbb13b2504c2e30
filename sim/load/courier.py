"""Carries transactions to one node, in order: one request under way, the rest in the next batch."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

import msgspec

from sim.load.errors import NodeUnreachable, RpcError
from sim.load.rpc import Reply, RpcClient

BATCH_MAX = 100
"""Most transactions of one request."""
DOWN_NS = 1_000_000_000
"""A node that could not be reached is passed over for so long."""

OnAnswer = Callable[[bytes, int, RpcError | None], None]
"""Gets the hash, the intended instant and the error, None if the node has taken it."""


class Parcel(msgspec.Struct, frozen=True, gc=False):
    """A transaction for a node."""

    raw: bytes
    digest: bytes
    intended_ns: int


class Courier:
    """Sends to one node.

    Args:
        client: to the node.
        on_answer: is told of every answer.
        clock: ns since the beginning of the load.
    """

    __slots__ = ("_client", "_clock", "_down_until", "_on_answer", "_queue", "_wake")

    def __init__(self, client: RpcClient, on_answer: OnAnswer, clock: Callable[[], int]) -> None:
        self._client = client
        self._on_answer = on_answer
        self._clock = clock
        self._queue: deque[Parcel] = deque()
        self._wake = asyncio.Event()
        self._down_until = 0

    def is_down(self, now_ns: int) -> bool:
        """Tell whether the node could not be reached a moment ago."""
        return now_ns < self._down_until

    def take(self, raw: bytes, digest: bytes, intended_ns: int) -> None:
        """Put a transaction in line."""
        self._queue.append(Parcel(raw, digest, intended_ns))
        self._wake.set()

    async def work(self) -> None:
        """Send what is in line, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                count = min(len(self._queue), BATCH_MAX)
                await self._carry([self._queue.popleft() for _ in range(count)])

    async def close(self) -> None:
        """Hang up."""
        await self._client.close()

    async def _carry(self, parcels: Sequence[Parcel]) -> None:
        try:
            replies = await self._ask([parcel.raw.hex().encode() for parcel in parcels])
        except RpcError as error:
            lost = list(parcels)
            if isinstance(error, NodeUnreachable):
                self._down_until = self._clock() + DOWN_NS
                lost += self._queue
                self._queue.clear()
            for parcel in lost:
                self._on_answer(parcel.digest, parcel.intended_ns, error)
            return
        for parcel, reply in zip(parcels, replies, strict=True):
            self._on_answer(parcel.digest, parcel.intended_ns, self._client.objection(reply))

    async def _ask(self, raws: Sequence[bytes]) -> list[Reply]:
        client = self._client
        if len(raws) == 1:
            return [client.read(await client.send(raws[0]))]
        return client.read_batch(await client.send_batch(raws), len(raws))
