"""List scheduling: whenever a core is free, the first ready task of a list starts on it.

In block order the list is the block, which is what a scheduler can do that knows nothing of costs.
With the critical path first, the task with the dearest chain behind it goes first, so that no long
chain is left over at the end when most cores have run dry. Either is at most twice as long as the
best schedule.

Reference: Graham, "Bounds on multiprocessing timing anomalies" (1969).
"""

import heapq
from collections.abc import Sequence

import msgspec

from node.schedule.graph import ORDERED
from node.schedule.scheduler import Plan, TaskNet


class BlockOrder(msgspec.Struct, frozen=True):
    """The ready transaction that stands first in the block starts first."""

    name: str = "block-order"
    kinds: int = ORDERED

    def plan(self, tasks: TaskNet, free: Sequence[int], at: int) -> Plan:
        """Return who runs when."""
        return list_schedule(tasks, range(tasks.count), free, at)


class CriticalPath(msgspec.Struct, frozen=True):
    """The ready transaction with the dearest chain behind it starts first."""

    name: str = "critical-path"
    kinds: int = ORDERED

    def plan(self, tasks: TaskNet, free: Sequence[int], at: int) -> Plan:
        """Return who runs when; of equals the first in the block is first."""
        nodes = len(tasks.after)
        keys = [node - path * nodes for node, path in enumerate(tasks.paths())]
        return list_schedule(tasks, keys, free, at)


class AllAtOnce(msgspec.Struct, frozen=True):
    """Nobody waits: each transaction starts from known values before it; the dearest goes first.

    A block access list holds what each transaction leaves behind, so all inputs are known.

    Reference: EIP-7928.
    """

    name: str = "all-at-once"
    kinds: int = 0

    def plan(self, tasks: TaskNet, free: Sequence[int], at: int) -> Plan:
        """Return who runs when; dependencies play no part."""
        return CriticalPath().plan(TaskNet(tasks.costs[: tasks.count]), free, at)


def list_schedule(tasks: TaskNet, keys: Sequence[int], free: Sequence[int], at: int) -> Plan:
    """Schedule by a list.

    Args:
        tasks: what is to be done.
        keys: the place of each task in the list, the least first; modulo the number of nodes it
            is the task's number, which saves a tuple for each entry of the heap.
        free: the instant from which on each core is free.
        at: the instant from which on tasks may start.
    """
    count, nodes = tasks.count, len(tasks.after)
    costs = tasks.costs
    waiting = tasks.before_count.copy()
    ready = [keys[task] for task in range(count) if not waiting[task]]
    heapq.heapify(ready)
    for join in range(count, nodes):
        if not tasks.before_count[join]:
            _end(tasks, join, waiting, keys, ready)
    # What happens next, as instant * stride + task; a core that others used is task `count`.
    stride = count + 1
    coming = [instant * stride + count for instant in free if instant > at]
    heapq.heapify(coming)
    idle = len(free) - len(coming)
    plan = Plan()
    started, starts, ends = plan.tasks, plan.starts, plan.ends
    pop, push = heapq.heappop, heapq.heappush
    now = at
    while True:
        while ready and idle:
            task = pop(ready) % nodes
            end = now + costs[task]
            started.append(task)
            starts.append(now)
            ends.append(end)
            if end > now:
                push(coming, end * stride + task)
                idle -= 1
            elif tasks.after[task]:
                _end(tasks, task, waiting, keys, ready)
        if not coming:
            return plan
        now = coming[0] // stride
        until = (now + 1) * stride
        while coming and coming[0] < until:
            task = pop(coming) % stride
            idle += 1
            if task < count and tasks.after[task]:
                _end(tasks, task, waiting, keys, ready)


def _end(
    tasks: TaskNet, node: int, waiting: list[int], keys: Sequence[int], ready: list[int]
) -> None:
    """Put into `ready` what waited for nothing but `node` any more."""
    count, after = tasks.count, tasks.after
    joins: list[int] = []
    followers = after[node]
    while True:
        for follower in followers:
            left = waiting[follower] - 1
            waiting[follower] = left
            if not left:
                if follower < count:
                    heapq.heappush(ready, keys[follower])
                else:
                    joins.append(follower)
        if not joins:
            return
        followers = after[joins.pop()]
