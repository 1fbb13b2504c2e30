"""Clients that wait for what becomes of their transactions."""

import asyncio

from node.mempool_errors import AlreadyKnown
from node.rpc.backend import SubmitOutcome
from primitives.ids import Hash32
from primitives.transaction import transaction_hash

STOPPED = "node_stopped"
"""The code of the answer of a node that ends before it knows."""


class Submissions:
    """Open answers, by transaction.

    Args:
        loop: of the node.
    """

    __slots__ = ("_loop", "_open", "accepted", "refused")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._open: dict[Hash32, asyncio.Future[SubmitOutcome]] = {}
        self.accepted = 0
        self.refused: dict[str, int] = {}
        """How many were refused, by code."""

    def __len__(self) -> int:
        return len(self._open)

    def open(self, raw: bytes) -> tuple[bool, Hash32, asyncio.Future[SubmitOutcome]]:
        """Return whether to hand a transaction to the node, its hash, and what will be the answer.

        One that waits for its answer already is known: the node need not see it again.
        """
        name = transaction_hash(raw)
        future: asyncio.Future[SubmitOutcome] = self._loop.create_future()
        is_new = name not in self._open
        if is_new:
            self._open[name] = future
        else:
            self._count(AlreadyKnown.code)
            future.set_result(SubmitOutcome(name, AlreadyKnown.code))
        return is_new, name, future

    def answer(self, name: Hash32, code: str) -> None:
        """Answer who waits for a transaction; an empty code says that it is in the pool."""
        self._count(code)
        future = self._open.pop(name, None)
        if future is not None and not future.done():
            future.set_result(SubmitOutcome(name, code))

    def close(self) -> None:
        """Answer all who wait that the node stops."""
        for name in list(self._open):
            self.answer(name, STOPPED)

    def _count(self, code: str) -> None:
        if code:
            self.refused[code] = self.refused.get(code, 0) + 1
        else:
            self.accepted += 1
