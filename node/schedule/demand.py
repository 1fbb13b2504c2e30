"""What executing a block costs in virtual time: its dependency graph, under a scheduler."""

from collections.abc import Sequence

from node.schedule.bounds import scheduler_named
from node.schedule.graph import build_graph
from primitives.access import AccessSet
from primitives.machine import TaskGraph


def graph_demand(
    kind: str, accesses: Sequence[AccessSet], units: Sequence[int], scheduler: str
) -> TaskGraph:
    """Return the demand of a block that has been executed.

    Args:
        kind: the cost kind of `units`.
        accesses: what each transaction accessed.
        units: what each took, such as its gas.
        scheduler: by name; only edges that it waits for are in the demand.

    Raises:
        InvalidInput: there is no such scheduler.
    """
    kinds = scheduler_named(scheduler).kinds
    if not kinds:
        return TaskGraph(kind, tuple(units), (), scheduler)
    graph = build_graph(accesses, kinds=kinds)
    edges = tuple(zip(graph.sources, graph.targets, strict=True))
    return TaskGraph(kind, tuple(units), edges, scheduler)
