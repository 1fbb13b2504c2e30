"""A few threads for calls that take long, and a short queue before them."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from node.rpc.errors import limit_exceeded
from node.rpc.limits import Workers

Result = TypeVar("Result")


class WorkerPool:
    """Runs calls on threads; refuses what would have to wait behind too many.

    A call that its caller has given up keeps its thread until it ends: threads cannot be
    interrupted, so whatever runs here is bounded by gas or by a time of its own. It counts as
    open until then, so that callers who give up and ask again get no more threads than others.

    Without threads every call runs at once, and everything else waits for it.
    """

    __slots__ = ("_executor", "_limit", "_open", "refused")

    def __init__(self, limits: Workers) -> None:
        self._executor = (
            ThreadPoolExecutor(limits.threads, thread_name_prefix="rpc") if limits.threads else None
        )
        self._limit = limits.threads + limits.waiting
        self._open: set[Future[Any]] = set()
        self.refused = 0
        """Calls that found the queue full."""

    @property
    def open(self) -> int:
        """How many calls run or wait."""
        return len(self._open)

    def run(self, call: Callable[[], Result]) -> asyncio.Future[Result]:
        """Queue a call; return its result to be awaited on the loop.

        Raises:
            RpcError: too many wait already.
        """
        if len(self._open) >= self._limit:
            self.refused += 1
            raise limit_exceeded("too many long calls wait already, ask again later")
        if self._executor is None:
            done: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
            done.set_result(call())
            return done
        future = self._executor.submit(call)
        self._open.add(future)
        future.add_done_callback(self._open.discard)
        return asyncio.wrap_future(future)

    def close(self) -> None:
        """Drop what waits; what runs ends by itself."""
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)
