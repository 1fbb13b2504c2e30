"""Plans from a dependency graph: level by level, or the most urgent chain first.

Both trust the graph. Where it is wrong a transaction runs on a state that lacks something, which is
noticed when it is to be accepted.
"""

from collections.abc import Sequence
from heapq import heapify, heappop, heappush

from node.executors.work import End
from node.schedule.scheduler import TaskNet

SHARES = 4
"""An idle worker takes one part in so many of its share of what is left to do. Early on that is
enough to make handing over cheap, and in the end no worker waits long for another."""


class LevelPlan:
    """All transactions that depend on nothing, then all that depend on those only, and so on.

    Args:
        tasks: the block's transactions, with their costs and dependencies.
    """

    __slots__ = ("_costs", "_left", "_level", "_levels", "_running")

    def __init__(self, tasks: TaskNet) -> None:
        costs = tasks.costs
        levels: list[list[int]] = []
        for index, level in enumerate(tasks.levels()[: tasks.count]):
            while level >= len(levels):
                levels.append([])
            levels[level].append(index)
        for members in levels:
            members.reverse()
        self._levels = levels
        self._level = 0
        self._costs = costs
        self._left = sum([costs[index] for index in levels[0]]) if levels else 0
        self._running = 0

    def take(self, workers: int) -> Sequence[int]:
        """Return what an idle worker is to run next; nothing while a level is not done."""
        if self._level == len(self._levels):
            return ()
        members = self._levels[self._level]
        if not members:
            if self._running or self._level + 1 == len(self._levels):
                return ()
            self._level += 1
            members = self._levels[self._level]
            self._left = sum([self._costs[index] for index in members])
        aimed = self._left // (workers * SHARES)
        batch = [members.pop()]
        cost = self._costs[batch[0]]
        while members and cost < aimed:
            batch.append(members.pop())
            cost += self._costs[batch[-1]]
        self._left -= cost
        self._running += len(batch)
        return batch

    def ended(self, end: End) -> None:
        """Learn how an attempt ended."""
        self._running -= 1


class CriticalPathPlan:
    """Whatever is ready, the one first from which the dearest chain begins.

    What depends only on a worker's own batch goes into that batch too: so a chain stays on one
    worker, and nobody else has to be told of it before it is done.

    Args:
        tasks: the block's transactions, with their costs and dependencies.
    """

    __slots__ = ("_after", "_awaited", "_costs", "_left", "_paths", "_ready", "_taken", "_total")

    def __init__(self, tasks: TaskNet) -> None:
        self._total = tasks.count
        self._costs = tasks.costs
        self._paths = tasks.paths()
        self._after = tasks.after
        self._awaited = tasks.before_count.copy()
        self._taken = [False] * len(tasks.after)
        self._left = sum(tasks.costs)
        ready = [index for index in range(tasks.count) if not self._awaited[index]]
        self._ready = [(-self._paths[index], index) for index in ready]
        heapify(self._ready)

    def take(self, workers: int) -> Sequence[int]:
        """Return what an idle worker is to run next; nothing if all that is left has to wait."""
        aimed = self._left // (workers * SHARES)
        batch: list[int] = []
        done: dict[int, int] = {}
        cost = 0
        while self._ready and (cost < aimed or not batch):
            chain = [heappop(self._ready)[1]]
            while chain and (cost < aimed or not batch):
                index = chain.pop()
                if self._taken[index]:
                    continue
                self._taken[index] = True
                batch.append(index)
                cost += self._costs[index]
                chain += self._freed(index, done)
        self._left -= cost
        return batch

    def ended(self, end: End) -> None:
        """Learn how an attempt ended; what waited for nothing else becomes ready."""
        open_nodes = [end.index]
        while open_nodes:
            for target in self._after[open_nodes.pop()]:
                self._awaited[target] -= 1
                if self._awaited[target]:
                    continue
                if target >= self._total:
                    open_nodes.append(target)
                elif not self._taken[target]:
                    heappush(self._ready, (-self._paths[target], target))

    def _freed(self, index: int, done: dict[int, int]) -> list[int]:
        """Return what waits for nothing but this batch once `index` is in it, dearest last.

        Args:
            index: newly in the batch.
            done: for each node how many of those that it waits for are in the batch.
        """
        freed: list[int] = []
        open_nodes = [index]
        while open_nodes:
            for target in self._after[open_nodes.pop()]:
                done[target] = done.get(target, 0) + 1
                if done[target] == self._awaited[target] and not self._taken[target]:
                    (open_nodes if target >= self._total else freed).append(target)
        freed.sort(key=lambda target: (self._paths[target], -target))
        return freed
