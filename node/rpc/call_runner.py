"""Calls on the node's own thread, a slice at a time.

A thread would not take the calls off the node: Python runs one thread at a time, and gives another
one its turn only every five milliseconds. On the loop's own thread a call runs for two, lets
everything else run that waits, and goes on; nothing that it reads needs a lock. What it may take
in all is bounded in gas and in time, and so is how many run or wait. One address has neither all
turns nor more than half of what may wait: whoever floods a node with calls that never end keeps
those of others waiting for a turn, but not for his own calls.
"""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Generator
from dataclasses import dataclass
from time import monotonic_ns
from typing import TypeVar

from node.rpc.caller import HOST
from node.rpc.errors import limit_exceeded, server_error

Result = TypeVar("Result")

SECOND_NS = 1_000_000_000
FOREVER = 1 << 64


@dataclass(frozen=True, slots=True)
class CallLimits:
    """What calls may take."""

    gas: int = 50_000_000
    """Of one call; one that asks for more gets this much."""
    time_ns: int = 5 * SECOND_NS
    """Of the node's thread for one request, which may run several calls."""
    running: int = 4
    """Calls that take turns; all but one may be of one address."""
    waiting: int = 64
    """Calls that wait for their turn, half of them of one address; one more is refused."""
    slice_ns: int = 2_000_000
    """For which a call keeps the node's thread."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """A bound that a caller sets, beside those of the node."""

    time_ns: int | None
    """By the clock from the call's first turn on, the turns of others included; None for none.
    With nothing left, as with less, the call does not run at all."""
    message: str
    """What the caller is told, whichever bound has ended the call."""


class CallRunner:
    """Runs calls of one node.

    Args:
        limits: what they may take.
    """

    __slots__ = ("_open", "_queues", "_running", "limits")

    def __init__(self, limits: CallLimits) -> None:
        self.limits = limits
        self._open: Counter[str] = Counter()
        """Calls that run or wait, by address."""
        self._running: Counter[str] = Counter()
        self._queues: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        """Calls that wait; the address whose call was begun last is last."""

    @property
    def open(self) -> int:
        """How many calls run or wait."""
        return self._open.total()

    async def run(
        self, steps: Generator[None, None, Result], deadline: Deadline | None = None
    ) -> Result:
        """Run a generator to its end and return its result.

        Args:
            steps: the call.
            deadline: of the caller's own, if there is one.

        Raises:
            RpcError: it takes too long, or too many wait already.
        """
        limits, host = self.limits, HOST.get()
        own_max = self._own_running_max + max(1, limits.waiting // 2)
        if self.open >= limits.running + limits.waiting or self._open[host] >= own_max:
            steps.close()
            raise limit_exceeded("too many calls wait already, ask again later")
        self._open[host] += 1
        try:
            await self._begin(host)
            try:
                return await self._take_turns(steps, deadline or self._no_deadline)
            finally:
                self._end(host)
        finally:
            self._open -= Counter((host,))
            steps.close()

    @property
    def _own_running_max(self) -> int:
        """How many calls of one address take turns."""
        return max(1, self.limits.running - 1)

    def _may_begin(self, host: str) -> bool:
        is_free = self._running.total() < self.limits.running
        return is_free and self._running[host] < self._own_running_max

    async def _begin(self, host: str) -> None:
        """Wait until it is the turn of a call from this address."""
        if self._may_begin(host) and host not in self._queues:
            self._running[host] += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(host, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it had its turn in the same moment
                self._end(host)
            raise

    def _end(self, host: str) -> None:
        """Give the turn of a call away."""
        self._running -= Counter((host,))
        for other in list(self._queues):
            while other in self._queues and self._may_begin(other):
                turn = self._queues[other].popleft()
                if self._queues[other]:
                    self._queues.move_to_end(other)
                else:
                    del self._queues[other]
                if not turn.done():
                    self._running[other] += 1
                    turn.set_result(None)
                    break

    @property
    def _no_deadline(self) -> Deadline:
        shown = f"{self.limits.time_ns / SECOND_NS:g}s"
        return Deadline(None, f"execution aborted (timeout = {shown})")

    async def _take_turns(self, steps: Generator[None, None, Result], deadline: Deadline) -> Result:
        limits, spent = self.limits, 0
        begun = now = monotonic_ns()
        last = FOREVER if deadline.time_ns is None else begun + deadline.time_ns
        while True:
            until = min(begun + limits.slice_ns, last)
            while now < until:
                try:
                    next(steps)
                except StopIteration as end:
                    result: Result = end.value
                    return result
                now = monotonic_ns()
            spent += now - begun
            if spent > limits.time_ns or now >= last:
                raise server_error(deadline.message)
            await asyncio.sleep(0)
            begun = now = monotonic_ns()
