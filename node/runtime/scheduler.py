"""Who does a node's computations, and which one comes first.

A `Compute` may take long: a block of transfers tens of milliseconds. Votes must go on meanwhile.
So jobs go to a few worker threads, in the order of their class and then of their age; executing a
block comes before checking new transactions, which no quorum waits for. With no worker a job runs
on the loop, between two portions of turns, one at a time.

With several workers, new transactions are checked beside whatever else is done. Of all other jobs
one runs at a time: they execute blocks, and a virtual machine serves one thread.

Nothing is dropped here: the node waits for each answer. How much there can be is bounded by the
node itself, and `has_room` says when whoever feeds the node should hold back.
"""

import asyncio
import heapq
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from threading import Condition, Thread
from types import MappingProxyType

import msgspec

from node.runtime.errors import ordinary
from node.shared_jobs import BuildBlock, CheckTransactions, ExecuteBlock
from primitives.ids import RequestId
from primitives.machine import Job


class Priority(IntEnum):
    """Classes of jobs; the lower, the more urgent."""

    BLOCK = 0
    """A quorum waits for it."""
    CHAIN = 1
    """Fetched blocks and states, proofs for clients."""
    TRANSACTIONS = 2
    """New transactions."""


PRIORITIES: Mapping[type, Priority] = MappingProxyType(
    {
        BuildBlock: Priority.BLOCK,
        ExecuteBlock: Priority.BLOCK,
        CheckTransactions: Priority.TRANSACTIONS,
    }
)
"""The class of each kind of job; all others are of the chain."""


class Finished(msgspec.Struct, frozen=True):
    """A job has ended."""

    request: RequestId
    result: object
    error: Exception | None
    """What it has raised, in place of a result."""


class _Waiting(msgspec.Struct, frozen=True, order=True):
    priority: int
    order: int
    request: RequestId
    job: Job


@dataclass(slots=True)
class JobFigures:
    """What the jobs of one class took. Whoever makes metrics of it only reads."""

    done: int = 0
    busy_ns: int = 0
    """Processor time."""
    waited_ns: int = 0
    """From when they were asked for to when they began."""


@dataclass(slots=True)
class SchedulerFigures:
    """What a scheduler has done so far."""

    depth: int = 0
    """Jobs that wait now."""
    depth_max: int = 0
    running: int = 0
    by_priority: dict[Priority, JobFigures] = field(
        default_factory=lambda: {each: JobFigures() for each in Priority}
    )


class JobScheduler:
    """Runs jobs and hands over what they return, on the loop.

    Args:
        loop: of the node.
        finish: takes what ended, on the loop; must not raise.
        workers: threads; 0 to run jobs on the loop.
        waiting_max: jobs that wait, from which on there is no room.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        finish: Callable[[Finished], None],
        workers: int,
        waiting_max: int = 256,
    ) -> None:
        self.figures = SchedulerFigures()
        self.waiting_max = waiting_max
        self._loop = loop
        self._finish = finish
        self._order = 0
        self._chain: list[_Waiting] = []
        """Heap of the jobs that may execute, of which one runs at a time."""
        self._checks: list[_Waiting] = []
        """Heap of the others."""
        self._is_executing = False
        self._asked: dict[int, int] = {}
        self._finished: deque[Finished] = deque()
        self._closing = False
        self._arrived = Condition()
        self._threads = [
            Thread(target=self._work, name=f"job {number}", daemon=True)
            for number in range(workers)
        ]
        self._is_scheduled = False
        for thread in self._threads:
            thread.start()

    @property
    def has_room(self) -> bool:
        """Whether fewer jobs wait than the limit says."""
        return self.figures.depth < self.waiting_max

    def submit(self, request: RequestId, job: Job) -> None:
        """Let a job wait for a worker."""
        priority = PRIORITIES.get(type(job), Priority.CHAIN)
        with self._arrived:
            self._order += 1
            self._asked[self._order] = time.monotonic_ns()
            lane = self._checks if priority is Priority.TRANSACTIONS else self._chain
            heapq.heappush(lane, _Waiting(priority, self._order, request, job))
            self._note_depth()
            if self._threads:
                self._arrived.notify()
        if not self._threads:
            self._schedule()

    def close(self) -> None:
        """Forget what waits; what runs is told to nobody any more. `join` waits for it."""
        with self._arrived:
            self._closing = True
            self._chain.clear()
            self._checks.clear()
            self._finished.clear()
            self._note_depth()
            self._arrived.notify_all()

    def join(self) -> None:
        """Wait for what runs, after `close`. Not on the loop, which has to hear signals."""
        for thread in self._threads:
            thread.join()

    def _note_depth(self) -> None:
        figures = self.figures
        figures.depth = len(self._chain) + len(self._checks)
        figures.depth_max = max(figures.depth_max, figures.depth)

    def _is_ready(self) -> bool:
        """Whether something waits that may run now."""
        return bool(self._checks or (self._chain and not self._is_executing))

    def _take(self) -> _Waiting:
        if self._chain and not self._is_executing:
            self._is_executing = True
            waiting = heapq.heappop(self._chain)
        else:
            waiting = heapq.heappop(self._checks)
        self._note_depth()
        self.figures.running += 1
        asked = self._asked.pop(waiting.order)
        figures = self.figures.by_priority[Priority(waiting.priority)]
        figures.waited_ns += time.monotonic_ns() - asked
        return waiting

    def _run(self, waiting: _Waiting) -> Finished:
        begun = time.thread_time_ns()
        try:
            finished = Finished(waiting.request, waiting.job.run(), None)
        except BaseException as error:  # noqa: BLE001 - the driver decides what it means
            finished = Finished(waiting.request, None, ordinary(error))
        taken = time.thread_time_ns() - begun
        with self._arrived:
            figures = self.figures.by_priority[Priority(waiting.priority)]
            figures.done += 1
            figures.busy_ns += taken
            self.figures.running -= 1
            if waiting.priority != Priority.TRANSACTIONS:
                self._is_executing = False
                self._arrived.notify()
        return finished

    # ---------------------------------------------------------------- with threads

    def _work(self) -> None:
        while True:
            with self._arrived:
                self._arrived.wait_for(lambda: self._is_ready() or self._closing)
                if self._closing:
                    return
                waiting = self._take()
            self._tell(self._run(waiting))

    def _tell(self, finished: Finished) -> None:
        with self._arrived:
            if self._closing:
                return
            self._finished.append(finished)
            if len(self._finished) == 1:
                self._loop.call_soon_threadsafe(self._hand_over)

    def _hand_over(self) -> None:
        while True:
            with self._arrived:
                if self._closing or not self._finished:
                    return
                finished = self._finished.popleft()
            self._finish(finished)

    # ---------------------------------------------------------------- without

    def _schedule(self) -> None:
        if not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon(self._run_one)

    def _run_one(self) -> None:
        self._is_scheduled = False
        if self._closing or not self._is_ready():
            return
        self._finish(self._run(self._take()))
        if self._is_ready():
            self._schedule()
