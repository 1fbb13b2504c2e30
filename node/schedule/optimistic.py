"""Optimistic scheduling (Block-STM): run in block order without asking, repair what was wrong.

Cores take the first transaction of the block that is not running or done. A transaction that ran
before one it depends on had ended has read an old value. That shows when the other ends: its new
values are not those that were read, so the reader is *aborted* and runs again. What an aborted
transaction has written stays in place as an *estimate*: whoever comes by knows that it will be
written anew, and waits for it instead of reading in vain. Without estimates, a chain of n
transactions would take some n^2/2 executions; with them each runs a few times at most.

This is the model of it, deterministic: who reads whom comes from the graph's read-after-write
edges, which is what the versions in a real store would show. Comparing versions is taken to cost
nothing beside running a contract; whoever wants to charge it adds it to the costs.

Reference: Gelashvili et al., "Block-STM" (arXiv 2203.06871), sections 3 and 4.
"""

import heapq
from collections.abc import Sequence
from enum import IntEnum

import msgspec

from node.schedule.graph import RAW
from node.schedule.scheduler import Plan, TaskNet


class Optimistic(msgspec.Struct, frozen=True):
    """First in block order, whether it is ready or not; re-executions are part of the plan."""

    name: str = "optimistic"
    kinds: int = RAW

    def plan(self, tasks: TaskNet, free: Sequence[int], at: int) -> Plan:
        """Return who runs when, and runs again."""
        plan = Plan()
        book = Incarnations(tasks)
        stride = tasks.count + 1
        coming = [instant * stride + tasks.count for instant in free if instant > at]
        heapq.heapify(coming)
        idle = len(free) - len(coming)
        now = at
        while True:
            while idle and (task := book.take()) is not None:
                end = now + tasks.costs[task]
                plan.tasks.append(task)
                plan.starts.append(now)
                plan.ends.append(end)
                if end == now:
                    book.end(task)
                else:
                    heapq.heappush(coming, end * stride + task)
                    idle -= 1
            if not coming:
                return plan
            now = coming[0] // stride
            while coming and coming[0] < (now + 1) * stride:
                task = heapq.heappop(coming) % stride
                idle += 1
                if task < tasks.count:
                    book.end(task)


class _State(IntEnum):
    """Where a transaction stands."""

    WAITING = 0
    """To be executed, or to be executed again."""
    RUNNING = 1
    DONE = 2
    """Executed, and valid as far as is known."""


class Incarnations:
    """The bookkeeping: which transaction is next, and whom the end of one undoes.

    A driver of virtual or of real cores asks `take` for a transaction, executes it, and says so
    with `end`, until none is left.
    """

    __slots__ = (
        "_awaiting", "_before", "_doomed", "_estimate", "_pending", "_ready", "_state", "_tasks",
    )  # fmt: skip

    def __init__(self, tasks: TaskNet) -> None:
        self._tasks = tasks
        nodes = len(tasks.after)
        self._before: list[list[int]] = [[] for _ in range(tasks.count)]
        for source, target in zip(tasks.sources, tasks.targets, strict=True):
            if target < tasks.count:
                self._before[target].append(source)
        self._state = [_State.WAITING] * tasks.count
        self._doomed = [False] * tasks.count
        """Running transactions that have read what is out of date by now."""
        self._estimate = [False] * nodes
        """Whether what a node has written is known to be written again."""
        self._pending = tasks.before_count.copy()
        """For each join, how many of those before it are not done."""
        self._awaiting: dict[int, list[int]] = {}
        """Transactions that met an estimate of a node and wait for its end."""
        self._ready = list(range(tasks.count))
        for join in range(tasks.count, nodes):
            if not tasks.before_count[join]:
                self._settle(join)

    def take(self) -> int | None:
        """Return the first transaction in block order that may start, which counts as started."""
        estimate = self._estimate
        while self._ready:
            task = heapq.heappop(self._ready)
            for node in self._before[task]:
                if estimate[node]:
                    self._awaiting.setdefault(node, []).append(task)
                    break
            else:
                self._state[task] = _State.RUNNING
                return task
        return None

    def end(self, task: int) -> None:
        """Note that a transaction has been executed; it may turn out to have been in vain."""
        followers = self._tasks.after[task]
        self._undo(followers)
        if self._doomed[task]:
            self._doomed[task] = False
            self._repeat(task)
            return
        self._state[task] = _State.DONE
        self._wake(task)
        count = self._tasks.count
        for follower in followers:
            if follower >= count:
                self._settle(follower)

    def _settle(self, join: int) -> None:
        """One more node before a join is done; with the last one its readers' values are new."""
        ended = [join]
        count, pending = self._tasks.count, self._pending
        while ended:
            node = ended.pop()
            pending[node] -= pending[node] > 0
            if not pending[node]:
                self._wake(node)
                followers = self._tasks.after[node]
                self._undo(followers)
                ended += [follower for follower in followers if follower >= count]

    def _wake(self, node: int) -> None:
        self._estimate[node] = False
        for task in self._awaiting.pop(node, ()):
            heapq.heappush(self._ready, task)

    def _repeat(self, task: int) -> None:
        self._state[task] = _State.WAITING
        self._estimate[task] = True
        heapq.heappush(self._ready, task)

    def _undo(self, readers: Sequence[int]) -> None:
        """Abort the transactions that have read what is no longer so, and their readers."""
        count, state = self._tasks.count, self._state
        stale = [reader for reader in readers if reader < count]
        while stale:
            reader = stale.pop()
            if reader >= count:
                self._pending[reader] += 1
                if self._pending[reader] == 1:
                    self._estimate[reader] = True
                    stale += self._tasks.after[reader]
            elif state[reader] is _State.RUNNING:
                self._doomed[reader] = True
            elif state[reader] is _State.DONE:
                self._repeat(reader)
                stale += self._tasks.after[reader]
