"""The cores of one machine: who computes when.

A `Compute` runs its stages one after another; the tasks of a stage take the cores that are free
first. Tasks are not interrupted, and the choice is made when a stage becomes ready, so nodes
that share a machine contend for its cores in the order of their requests.

The protocol thread of each node (`Work`) has a core of its own and is not scheduled here.
"""

import heapq
from collections.abc import Callable, Sequence

from primitives.machine import Demand, Serial, TaskGraph, Tasks

CostOf = Callable[[str, int], int]
"""Maps (cost kind, units) to nanoseconds on the asking node."""


class Processors:
    """`cores` identical cores with a reservation each."""

    __slots__ = ("_free", "_owner", "_since")

    def __init__(self, cores: int) -> None:
        self._free = [0] * cores
        self._owner = [-1] * cores
        self._since = [0] * cores
        """When the owner's reservations begin: those before are other nodes'."""

    def reserve(self, at: int, node: int, demand: Demand, cost: CostOf) -> int:
        """Schedule one stage that is ready at `at` and return when it ends.

        Args:
            at: the instant, in nanoseconds, at which the stage may begin.
            node: who asks; a crash of this node frees its cores.
            demand: the shape of the work.
            cost: nanoseconds for units of a kind.
        """
        if isinstance(demand, Serial):
            return self._run(at, node, cost(demand.kind, demand.units))
        if isinstance(demand, Tasks):
            return self._run_tasks(at, node, demand, cost)
        if isinstance(demand, TaskGraph):
            return self._run_graph(at, node, demand, cost)
        raise TypeError(f"unknown demand {type(demand).__name__}")

    def release(self, at: int, node: int) -> None:
        """Give back what stands last on each core, if it is `node`'s: its process has died.

        What another node has reserved before on the same core goes on to its end.
        """
        for core, owner in enumerate(self._owner):
            if owner == node:
                self._free[core] = min(self._free[core], max(at, self._since[core]))

    def _run(self, ready: int, node: int, cost: int) -> int:
        cores = self._free
        free = min(cores)
        core = cores.index(free)
        end = max(free, ready) + cost
        cores[core] = end
        if self._owner[core] != node:
            self._owner[core] = node
            self._since[core] = free
        return end

    def _run_tasks(self, at: int, node: int, demand: Tasks, cost: CostOf) -> int:
        """Do for each task what `_run` does; batches of transactions make very many of them."""
        end = at
        kind, units, nanoseconds = demand.kind, -1, 0
        cores, owner = self._free, self._owner
        for each in demand.units:
            if each != units:
                units, nanoseconds = each, cost(kind, each)
            free = min(cores)
            core = cores.index(free)
            cores[core] = ended = max(free, at) + nanoseconds
            if owner[core] != node:
                owner[core] = node
                self._since[core] = free
            if ended > end:
                end = ended
        return end

    def _run_graph(self, at: int, node: int, graph: TaskGraph, cost: CostOf) -> int:
        costs = [cost(graph.kind, u) for u in graph.units]
        if graph.scheduler == "critical-path":
            return self._critical_path(at, node, graph.edges, costs)
        if graph.scheduler == "level-groups":
            return self._level_groups(at, node, graph.edges, costs)
        raise ValueError(f"unknown scheduler {graph.scheduler!r}")

    def _critical_path(
        self, at: int, node: int, edges: Sequence[tuple[int, int]], costs: Sequence[int]
    ) -> int:
        """List scheduling: the ready task with the longest path below it starts first."""
        after, waiting = _adjacency(len(costs), edges)
        rank = list(costs)
        for task in reversed(range(len(costs))):
            rank[task] += max((rank[t] for t in after[task]), default=0)
        ready = [(-rank[t], t) for t in range(len(costs)) if not waiting[t]]
        heapq.heapify(ready)
        running: list[tuple[int, int]] = []
        now, finish = at, at
        while ready or running:
            if running and running[0][0] <= now:
                finish, task = heapq.heappop(running)
                for successor in after[task]:
                    waiting[successor] -= 1
                    if not waiting[successor]:
                        heapq.heappush(ready, (-rank[successor], successor))
            elif ready and min(self._free) <= now:
                _, task = heapq.heappop(ready)
                heapq.heappush(running, (self._run(now, node, costs[task]), task))
            else:
                now = _next_instant(running, self._free, bool(ready))
        return finish

    def _level_groups(
        self, at: int, node: int, edges: Sequence[tuple[int, int]], costs: Sequence[int]
    ) -> int:
        """A level starts when the whole level below it has ended."""
        after, _ = _adjacency(len(costs), edges)
        level = [0] * len(costs)
        for task in range(len(costs)):
            for successor in after[task]:
                level[successor] = max(level[successor], level[task] + 1)
        for depth in range(max(level, default=-1) + 1):
            ends = [self._run(at, node, c) for c, d in zip(costs, level, strict=True) if d == depth]
            at = max(ends)
        return at


def _adjacency(count: int, edges: Sequence[tuple[int, int]]) -> tuple[list[list[int]], list[int]]:
    after: list[list[int]] = [[] for _ in range(count)]
    waiting = [0] * count
    for before, behind in edges:
        after[before].append(behind)
        waiting[behind] += 1
    return after, waiting


def _next_instant(running: list[tuple[int, int]], free: Sequence[int], ready: bool) -> int:
    """Return the next instant at which a task ends or, if some are ready, a core is free."""
    candidates = [running[0][0]] if running else []
    if ready:
        candidates.append(min(free))
    return min(candidates)
