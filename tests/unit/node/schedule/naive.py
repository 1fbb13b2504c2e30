"""Naive twins: every pair of transactions compared, every nanosecond looked at."""

from collections.abc import Iterable, Sequence

from node.schedule import RAW, WAR, WAW, Graph
from primitives.access import AccessSet

Pairs = dict[tuple[int, int], int]


def conflicts(accesses: Sequence[AccessSet]) -> Pairs:
    """Return all conflicting pairs, with the kinds of their conflicts."""
    found: Pairs = {}
    for later, b in enumerate(accesses):
        for earlier, a in enumerate(accesses[:later]):
            kinds = 0
            if set(b.reads) & (set(a.writes) | set(a.deltas)):
                kinds |= RAW
            if set(b.writes) & (set(a.writes) | set(a.deltas)) or set(b.deltas) & set(a.writes):
                kinds |= WAW
            if set(a.reads) & (set(b.writes) | set(b.deltas)):
                kinds |= WAR
            if kinds:
                found[earlier, later] = kinds
    return found


def closure(count: int, edges: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
    """Return who has to wait for whom, directly or not, among the first `count` nodes."""
    after: dict[int, set[int]] = {}
    for a, b in edges:
        after.setdefault(a, set()).add(b)
    found = set()
    for start in range(count):
        seen: set[int] = set()
        left = [start]
        while left:
            for node in after.get(left.pop(), ()):
                if node not in seen:
                    seen.add(node)
                    left.append(node)
        found |= {(start, node) for node in seen if node < count}
    return found


def order_of(graph: Graph) -> set[tuple[int, int]]:
    """Return the order that a graph imposes on its transactions."""
    return closure(graph.transactions, zip(graph.sources, graph.targets, strict=True))


class Naive:
    """A schedule by looking at every instant. Costs are small whole numbers."""

    def __init__(self, costs: Sequence[int], edges: Iterable[tuple[int, int]], free: Sequence[int]):
        self.costs, self.edges, self.free = list(costs), set(edges), list(free)

    def below(self, task: int) -> int:
        return self.costs[task] + max(
            (self.below(b) for a, b in self.edges if a == task), default=0
        )

    def level(self, task: int) -> int:
        return max((1 + self.level(a) for a, b in self.edges if b == task), default=0)

    def run(self, core: int, start: int, task: int) -> int:
        self.free[core] = max(self.free[core], start) + self.costs[task]
        return self.free[core]

    def by_list(self, at: int, key) -> dict[int, int]:
        """Return when each task ends if the least ready one by `key` always starts first."""
        ends: dict[int, int] = {}
        now = at
        while len(ends) < len(self.costs):
            while True:
                ready = [
                    t
                    for t in range(len(self.costs))
                    if t not in ends
                    and all(ends.get(a, now + 1) <= now for a, b in self.edges if b == t)
                ]
                idle = [core for core, instant in enumerate(self.free) if instant <= now]
                if not ready or not idle:
                    break
                task = min(ready, key=lambda t: (key(t), t))
                ends[task] = self.run(min(idle, key=self.free.__getitem__), now, task)
            now += 1
        return ends

    def by_level(self, at: int) -> dict[int, int]:
        ends: dict[int, int] = {}
        for depth in range(len(self.costs)):
            done = at
            for task in range(len(self.costs)):
                if self.level(task) == depth:
                    core = min(range(len(self.free)), key=self.free.__getitem__)
                    ends[task] = self.run(core, at, task)
                    done = max(done, ends[task])
            at = done
        return ends
