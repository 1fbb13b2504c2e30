"""Calls on the node's own thread, a slice at a time.

A thread would not take the calls off the node: Python runs one thread at a time, and gives another
one its turn only every five milliseconds. On the loop's own thread a call runs for two, lets
everything else run that waits, and goes on; nothing that it reads needs a lock. What it may take
in all is bounded in gas and in time, and so is how many run or wait.
"""

import asyncio
from collections.abc import Generator
from dataclasses import dataclass
from time import monotonic_ns
from typing import TypeVar

from node.rpc.errors import limit_exceeded, server_error

Result = TypeVar("Result")

SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class CallLimits:
    """What calls may take."""

    gas: int = 50_000_000
    """Of one call; one that asks for more gets this much."""
    time_ns: int = 5 * SECOND_NS
    """Of the node's thread for one request, which may run several calls."""
    running: int = 4
    """Calls that take turns."""
    waiting: int = 64
    """Calls that wait for their turn; one more is refused."""
    slice_ns: int = 2_000_000
    """For which a call keeps the node's thread."""


class CallRunner:
    """Runs calls of one node.

    Args:
        limits: what they may take.
    """

    __slots__ = ("_open", "_places", "limits")

    def __init__(self, limits: CallLimits) -> None:
        self.limits = limits
        self._open = 0
        self._places = asyncio.Semaphore(limits.running)

    @property
    def open(self) -> int:
        """How many calls run or wait."""
        return self._open

    async def run(self, steps: Generator[None, None, Result]) -> Result:
        """Run a generator to its end and return its result.

        Raises:
            RpcError: it takes too long, or too many wait already.
        """
        limits = self.limits
        if self._open >= limits.running + limits.waiting:
            steps.close()
            raise limit_exceeded("too many calls wait already, ask again later")
        self._open += 1
        try:
            async with self._places:
                return await self._take_turns(steps)
        finally:
            self._open -= 1
            steps.close()

    async def _take_turns(self, steps: Generator[None, None, Result]) -> Result:
        limits, spent = self.limits, 0
        while True:
            begun = now = monotonic_ns()
            while now - begun < limits.slice_ns:
                try:
                    next(steps)
                except StopIteration as end:
                    result: Result = end.value
                    return result
                now = monotonic_ns()
            spent += now - begun
            if spent > limits.time_ns:
                shown = f"{limits.time_ns / SECOND_NS:g}s"
                raise server_error(f"execution aborted (timeout = {shown})")
            await asyncio.sleep(0)
