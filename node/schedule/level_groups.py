"""Level groups: a group of transactions that are free of one another, then the next group.

The plain form of a dependency graph. A level is whatever has a chain of equal length before it; it
starts when all of the level below has ended, so one dear transaction holds up everybody.
"""

import heapq
from collections.abc import Sequence

import msgspec

from node.schedule.graph import ORDERED
from node.schedule.scheduler import Plan, TaskNet


class LevelGroups(msgspec.Struct, frozen=True):
    """Level by level, each in block order."""

    name: str = "level-groups"
    kinds: int = ORDERED

    def plan(self, tasks: TaskNet, free: Sequence[int], at: int) -> Plan:
        """Return who runs when."""
        plan = Plan()
        cores = list(free)
        heapq.heapify(cores)
        for group in level_groups(tasks):
            ended = at
            for task in group:
                start = max(cores[0], at)
                end = start + tasks.costs[task]
                heapq.heapreplace(cores, end)
                plan.tasks.append(task)
                plan.starts.append(start)
                plan.ends.append(end)
                ended = max(ended, end)
            at = ended
        return plan


def level_groups(tasks: TaskNet) -> list[list[int]]:
    """Return the tasks of each level, in block order."""
    levels = tasks.levels()[: tasks.count]
    groups: list[list[int]] = [[] for _ in range(max(levels, default=-1) + 1)]
    for task, level in enumerate(levels):
        groups[level].append(task)
    return groups
