"""The cores of one machine: who computes when.

A `Compute` runs its stages one after another; the tasks of a stage take the cores that are free
first. Tasks are not interrupted, and the choice is made when a stage becomes ready, so nodes
that share a machine contend for its cores in the order of their requests. A task graph is planned
by `node.schedule` on the cores as they are then, so on an idle machine it takes what the bound of
that scheduler says.

The protocol thread of each node (`Work`) has a core of its own and is not scheduled here.
"""

from collections.abc import Callable

from node.schedule import TaskNet, scheduler_named
from primitives.machine import UNSPENT, Demand, Serial, Spent, TaskGraph, Tasks

CostOf = Callable[[str, int], int]
"""Maps (cost kind, units) to nanoseconds on the asking node."""


class Processors:
    """`cores` identical cores with a reservation each."""

    __slots__ = ("_free", "_owner", "_since", "spent", "used")

    def __init__(self, cores: int) -> None:
        self.spent = UNSPENT
        """What the last stage took that was a task graph; of others nothing is said."""
        self.used: dict[int, int] = {}
        """Nanoseconds of cores that each node has reserved so far."""
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
        self.spent = UNSPENT
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
        self._note(node, cost)
        if self._owner[core] != node:
            self._owner[core] = node
            self._since[core] = free
        return end

    def _note(self, node: int, cost: int) -> None:
        self.used[node] = self.used.get(node, 0) + cost

    def _run_tasks(self, at: int, node: int, demand: Tasks, cost: CostOf) -> int:
        """Do for each task what `_run` does; batches of transactions make very many of them."""
        end, total = at, 0
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
            total += nanoseconds
            if ended > end:
                end = ended
        self._note(node, total)
        return end

    def _run_graph(self, at: int, node: int, graph: TaskGraph, cost: CostOf) -> int:
        """Let the scheduler plan on the cores as they are, then reserve what it planned."""
        begun, costs = at, _task_costs(graph, cost)
        if graph.before:
            at = self._run(at, node, _serial_cost(graph.before, cost))
        net = TaskNet(costs, [edge[0] for edge in graph.edges], [edge[1] for edge in graph.edges])
        plan = scheduler_named(graph.scheduler).plan(net, self._free, at)
        self._note(node, sum(plan.ends) - sum(plan.starts))
        cores, owner = self._free, self._owner
        for end in plan.ends:
            free = min(cores)
            core = cores.index(free)
            cores[core] = end
            if owner[core] != node:
                owner[core] = node
                self._since[core] = free
        end = plan.finish(at)
        if graph.again or graph.after:
            rest = sum([costs[task] for task in graph.again])
            end = self._run(end, node, rest + _serial_cost(graph.after, cost))
        repeats = len(plan.ends) - len(costs) + len(graph.again)
        self.spent = Spent(sum(costs), end - begun, repeats)
        return end


def _serial_cost(units_by_kind: tuple[tuple[str, int], ...], cost: CostOf) -> int:
    return sum([cost(kind, units) for kind, units in units_by_kind])


def _task_costs(graph: TaskGraph, cost: CostOf) -> list[int]:
    """Return what each task takes, in ns, all its kinds of work together."""
    costs = [cost(graph.kind, units) for units in graph.units]
    for kind, each in graph.more:
        costs = [sum_ + cost(kind, units) for sum_, units in zip(costs, each, strict=True)]
    return costs
