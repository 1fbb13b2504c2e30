"""The nodes that a load is sent to, each with its connections and what waits for the next request.

All that comes due in one turn of the event loop for one node goes out together: one request each,
or batches of JSON-RPC where that is asked for.
"""

import asyncio
from asyncio import Future
from collections.abc import Callable, Sequence
from functools import partial

import msgspec

from sim.load.errors import RpcError
from sim.load.lanes import Lane
from sim.load.response import Response
from sim.load.rpc import RpcClient
from sim.load.signing import Signed


class Attempt(msgspec.Struct, frozen=True, gc=False):
    """A transaction that is being handed to a node."""

    lane: Lane
    signed: Signed
    intended_ns: int
    client: int
    """Who waits for it in a closed loop; -1 in an open one."""
    handed_ns: int = 0
    """When it was handed over last."""
    is_repeat: bool = False
    """Whether a node has taken it before: its account does not wait for the answer."""
    was_taken: bool = False
    """Whether a node had taken it once, under another nonce."""
    is_unsure: bool = False
    """Whether an answer was lost: a node may have it, or not. No other one may be signed for its
    arrival until a block has used its nonce otherwise."""
    is_left: bool = False
    """Whether its account has gone on although no node has said that it has it."""


OnAnswer = Callable[[Attempt, RpcError | None], None]


class Nodes:
    """Hands transactions to nodes.

    Args:
        clients: one for each node.
        batch: most transactions of one request.
        on_answer: is told of every answer.
    """

    def __init__(self, clients: Sequence[RpcClient], batch: int, on_answer: OnAnswer) -> None:
        self._clients = clients
        self._batch = batch
        self._on_answer = on_answer
        self._waiting: list[list[Attempt]] = [[] for _ in clients]
        self.under_way = 0
        """Transactions that have not been answered."""

    def hand(self, attempt: Attempt) -> None:
        """Give a transaction to the node whose turn it is for that account."""
        lane = attempt.lane
        node = (lane.index + lane.shift) % len(self._clients)
        self.under_way += 1
        if self._batch == 1:
            future = self._clients[node].send(attempt.signed.raw.hex().encode())
            future.add_done_callback(partial(self._one_answered, node, attempt))
            return
        waiting = self._waiting[node]
        waiting.append(attempt)
        if len(waiting) == 1:
            asyncio.get_running_loop().call_soon(self._flush, node)

    def _flush(self, node: int) -> None:
        attempts, self._waiting[node] = self._waiting[node], []
        for start in range(0, len(attempts), self._batch):
            part = attempts[start : start + self._batch]
            future = self._clients[node].send_batch(
                [attempt.signed.raw.hex().encode() for attempt in part]
            )
            future.add_done_callback(partial(self._many_answered, node, part))

    def _one_answered(self, node: int, attempt: Attempt, future: "Future[Response]") -> None:
        if future.cancelled():
            return
        try:
            reply = self._clients[node].read(future.result())
        except RpcError as error:
            self._tell(attempt, error)
            return
        self._tell(attempt, self._clients[node].objection(reply))

    def _many_answered(
        self, node: int, attempts: Sequence[Attempt], future: "Future[Response]"
    ) -> None:
        if future.cancelled():
            return
        try:
            replies = self._clients[node].read_batch(future.result(), len(attempts))
        except RpcError as error:
            for attempt in attempts:
                self._tell(attempt, error)
            return
        for attempt, reply in zip(attempts, replies, strict=True):
            self._tell(attempt, self._clients[node].objection(reply))

    def _tell(self, attempt: Attempt, error: RpcError | None) -> None:
        self.under_way -= 1
        self._on_answer(attempt, error)
