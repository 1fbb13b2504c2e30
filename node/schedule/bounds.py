"""What a block's dependencies allow: how much faster than one core, at most.

A bound says how a schedule of the graph compares with one core that does the transactions one
after another. It leaves out whatever is not execution (recovery of senders, roots), and what a
real executor pays for being parallel.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import msgspec

from node.schedule.graph import RAW, WAR, WAW, Graph
from node.schedule.level_groups import LevelGroups, level_groups
from node.schedule.list_order import AllAtOnce, BlockOrder, CriticalPath
from node.schedule.optimistic import Optimistic
from node.schedule.scheduler import Scheduler, graph_tasks
from primitives.errors import InvalidInput

BLOCK_ORDER = BlockOrder()

SCHEDULERS: Mapping[str, Scheduler] = MappingProxyType(
    {
        scheduler.name: scheduler
        for scheduler in (
            CriticalPath(),
            BLOCK_ORDER,
            LevelGroups(),
            Optimistic(),
            AllAtOnce(),
        )
    }
)
"""By name, as scenarios and demands give it."""


def scheduler_named(name: str) -> Scheduler:
    """Return a scheduler.

    Raises:
        InvalidInput: there is none of that name.
    """
    try:
        return SCHEDULERS[name]
    except KeyError:
        raise InvalidInput("scheduler", f"one of {', '.join(SCHEDULERS)}", repr(name)) from None


def bound(
    graph: Graph, costs: Sequence[int], workers: int, scheduler: Scheduler = BLOCK_ORDER
) -> float:
    """Return the speed-up over one core; 1.0 for a block that costs nothing.

    Args:
        graph: the block's dependencies.
        costs: gas of each transaction, or nanoseconds.
        workers: cores, at least 1.
        scheduler: how tasks are handed out. The default, list scheduling in block order, is what
            published bounds use.
    """
    plan = scheduler.plan(graph_tasks(graph, costs, scheduler.kinds), [0] * workers, 0)
    finish = plan.finish(0)
    return sum(costs) / finish if finish else 1.0


class Shape(msgspec.Struct, frozen=True):
    """A graph in a few numbers."""

    width: int
    """Most transactions in one level."""
    depth: int
    """Transactions in the longest chain."""
    critical_path: int
    """Cost of the dearest chain: no number of cores is faster."""
    independent: int
    """Transactions without any edge."""


def shape(graph: Graph, costs: Sequence[int]) -> Shape:
    """Return a graph's width, depth and critical path, in the unit of `costs`."""
    tasks = graph_tasks(graph, costs, RAW | WAW | WAR)
    groups = level_groups(tasks)
    tied = {*graph.sources, *graph.targets}
    return Shape(
        width=max(map(len, groups), default=0),
        depth=len(groups),
        critical_path=max(tasks.paths(), default=0),
        independent=sum(task not in tied for task in range(graph.transactions)),
    )
