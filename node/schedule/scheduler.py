"""What a scheduler decides, and what it decides from.

A scheduler takes tasks with costs, who waits for whom, and cores that become free at given
instants, and says which task starts when. The answer is a model: costs are gas or nanoseconds,
nothing is executed. It serves as a bound, as virtual time's cost of a block, and as the order in
which a real executor hands out its tasks.
"""

from collections.abc import Sequence
from typing import Protocol

from node.schedule.graph import Graph


class TaskNet:
    """Tasks with their dependencies, in the form that schedulers walk over.

    Args:
        costs: of each task, at least 0.
        sources, targets: the edges' ends, in topological order (see `Graph`). Numbers from
            `len(costs)` on are joins: they end with the last of what they wait for, and need
            neither time nor a core.

    Raises:
        ValueError: the edges are in no topological order, or name more joins than there are edges.
    """

    __slots__ = ("after", "before_count", "costs", "count", "sources", "targets")

    def __init__(
        self, costs: Sequence[int], sources: Sequence[int] = (), targets: Sequence[int] = ()
    ) -> None:
        self.count = len(costs)
        nodes = max(self.count, max(targets, default=-1) + 1, max(sources, default=-1) + 1)
        if nodes > self.count + len(targets):
            raise ValueError(f"node {nodes - 1} is named, with {len(targets)} edges in all")
        self.costs = [*costs, *[0] * (nodes - self.count)]
        self.sources = sources
        self.targets = targets
        nobody: list[int] = []
        self.after: list[list[int]] = [nobody] * nodes
        """Who waits for each node, to be read only: those that nobody waits for share a list."""
        self.before_count = [0] * nodes
        after, before_count = self.after, self.before_count
        for source, target in zip(sources, targets, strict=True):
            if after[target] or source == target:
                raise ValueError(f"edge {source} -> {target} stands behind one out of {target}")
            followers = after[source]
            if followers:
                followers.append(target)
            else:
                after[source] = [target]
            before_count[target] += 1

    def paths(self) -> list[int]:
        """Return for each node the cost of the dearest chain that begins with it."""
        costs = self.costs
        path = costs.copy()
        for source, target in zip(reversed(self.sources), reversed(self.targets), strict=True):
            below = path[target] + costs[source]
            if below > path[source]:
                path[source] = below
        return path

    def levels(self) -> list[int]:
        """Return for each node how many tasks the longest chain before it has."""
        level = [0] * len(self.after)
        count = self.count
        for source, target in zip(self.sources, self.targets, strict=True):
            above = level[source] + (source < count)
            if above > level[target]:
                level[target] = above
        return level


class Plan:
    """Who runs when: one entry for each execution, in the order in which they start.

    A task that is executed again has several entries.
    """

    __slots__ = ("ends", "starts", "tasks")

    def __init__(self) -> None:
        self.tasks: list[int] = []
        self.starts: list[int] = []
        self.ends: list[int] = []

    def finish(self, at: int) -> int:
        """Return when the last one ends; `at` if there is none."""
        return max(self.ends, default=at)


class Scheduler(Protocol):
    """A way to hand tasks to cores."""

    @property
    def name(self) -> str:
        """What scenarios and demands call it."""
        ...

    @property
    def kinds(self) -> int:
        """Bits of the kinds of edges (`node.schedule.graph`) that it waits for."""
        ...

    def plan(self, tasks: TaskNet, free: Sequence[int], at: int) -> Plan:
        """Return who runs when. Its entries take the core that is free first, one after another.

        Args:
            tasks: what is to be done.
            free: the instant from which on each core is free, at least one.
            at: the instant from which on tasks may start.
        """
        ...


def graph_tasks(graph: Graph, costs: Sequence[int], kinds: int) -> TaskNet:
    """Return a block's transactions as tasks that wait for edges of some kinds.

    Args:
        graph: the block's dependencies.
        costs: of each transaction.
        kinds: bits of the kinds of edges that count. Edges into joins always do.
    """
    count = graph.transactions
    if all(kind & kinds for kind in graph.kinds):
        return TaskNet(costs, graph.sources, graph.targets)
    edges = zip(graph.sources, graph.targets, graph.kinds, strict=True)
    kept = [(s, t) for s, t, kind in edges if kind & kinds or t >= count]
    return TaskNet(costs, [s for s, _ in kept], [t for _, t in kept])
