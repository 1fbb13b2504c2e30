"""What the node's computations cost: the demand that goes with each `Compute`.

A node pays for what it has not done itself: it recovers the sender of each transaction once,
wherever it met it first. It never pays less because another node of the process did the work.

What executing a block takes shows only when it has been executed (`Measured`): its transactions
are then the tasks of a graph, each with its part of computing, accesses and fixed work, under the
scheduler that the node is configured with. What it is charged for, in order:

* the dependency graph, where one is built: by a schedule hint, or by what the transactions say of
  themselves; where all go at once, reading the block access list that they start from and that
  came with the block. Without it, all go optimistically;
* the transactions on the cores, as the scheduler plans them, and those again for which the graph
  was wrong;
* taking over what each did, in block order, on one core: each cell is looked at and set again. An
  optimist has looked at what each saw once more before, to find out who has to run again;
* the roots.

A block of plain transfers is executed one by one under every scheduler: to hand one over and to
take it over again costs more than to execute it.

A builder does not know what its candidates will access. It runs them one after another, or, if it
is configured so, optimistically.

A refused block is charged as if it were what its header says it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

from network.gossip_state import KnownHashes
from node.costs import (
    ACCEPT,
    ACCESS,
    BODY_ROOTS,
    CALL,
    COMPUTE_GAS,
    DECODE,
    EXECUTE,
    RECOVER,
    SCHEDULE,
    STATE_ROOT,
    STORAGE_ROOT,
    SYSTEM,
)
from node.schedule import Graph, build_graph, scheduler_named
from node.tally import Tally
from primitives.access import AccessSet
from primitives.errors import InvalidInput
from primitives.ids import Hash32
from primitives.machine import Demand, Measured, Serial, TaskGraph, Tasks

SchedulerName = Literal["serial", "level-groups", "critical-path", "optimistic", "all-at-once"]
BuildingName = Literal["serial", "optimistic"]

SERIAL: Final = "serial"
OPTIMISTIC: Final = "optimistic"
ALL_AT_ONCE: Final = "all-at-once"
GRAPH_SCHEDULERS: Final = ("level-groups", "critical-path")
"""Those that plan by a dependency graph, and so have use for a hint."""

LIST_PERCENT: Final = 160
"""What it takes to read a block access list and to make versions of it, for each access that a
block made, as a part of what `SCHEDULE` takes; measured on blocks of tokens, swaps and a mix."""

_IN_TURN = "block-order"
"""How the one task of serial execution is planned; any scheduler would do."""


@dataclass(frozen=True, slots=True)
class ExecutionConfig:
    """How one node executes blocks.

    Raises:
        InvalidInput: a name that is none.
    """

    scheduler: SchedulerName = SERIAL
    """Of blocks that others have built."""
    building: BuildingName = SERIAL
    """Of blocks that it builds."""
    hints: bool = True
    """Whether it ships a schedule hint with its blocks, if its own scheduler has use for one."""

    def __post_init__(self) -> None:
        """Refuse names that are none."""
        for key, names in (("scheduler", SchedulerName), ("building", BuildingName)):
            if getattr(self, key) not in get_args(names):
                expected = f"one of {', '.join(get_args(names))}"
                raise InvalidInput(f"execution.{key}", expected, getattr(self, key))

    @property
    def uses_hints(self) -> bool:
        """Whether its scheduler plans by a graph."""
        return self.scheduler in GRAPH_SCHEDULERS

    @property
    def ships_hints(self) -> bool:
        """Whether its blocks go out with a hint."""
        return self.hints and self.uses_hints


def transaction_demand(count: int) -> tuple[Demand, ...]:
    """Return what it takes to check `count` new transactions, each by itself."""
    ones = (1,) * count
    return (Tasks(DECODE, ones), Tasks(RECOVER, ones))


def block_demand(hashes: Sequence[Hash32], recovered: KnownHashes) -> tuple[Demand | Measured, ...]:
    """Return what it takes to validate a block, for a node that has recovered some senders."""
    younger, older = recovered.younger, recovered.older
    new = len([name for name in hashes if name not in younger and name not in older])
    return (*(transaction_demand(new) if new else ()), Measured())


def build_demand(tally: Tally, config: ExecutionConfig) -> tuple[Demand, ...]:
    """Return what it took to build a block, for what has gone into it."""
    executing = execution_demand(tally, config.building)
    if not config.ships_hints or not tally.is_planned:
        return executing
    return (*executing, Serial(SCHEDULE, tally.access_count))


def execution_demand(
    tally: Tally, scheduler: SchedulerName, thought: Sequence[AccessSet] | None = None
) -> tuple[Demand, ...]:
    """Return what it took to execute a block.

    Args:
        tally: of the block.
        scheduler: what planned it.
        thought: what the transactions were thought to access, where it plans by a graph.
    """
    count = len(tally.gas)
    framed = (Serial(SYSTEM, 1),)
    roots = (
        Serial(BODY_ROOTS, max(count, 1)),
        Serial(STATE_ROOT, tally.accounts),
        Serial(STORAGE_ROOT, tally.slots),
    )
    if not count:
        return framed + roots
    if scheduler == SERIAL or not tally.is_planned:
        return (*framed, _one_task(tally), *roots)
    if scheduler in GRAPH_SCHEDULERS:
        known = tally.accesses if thought is None else thought
        return (*framed, _planned(tally, scheduler, known), *roots)
    if scheduler == ALL_AT_ONCE:
        read = LIST_PERCENT * tally.access_count // 100
        return (*framed, _graph(tally, (), scheduler, read=read), *roots)
    edges = tuple(zip(tally.graph.sources, tally.graph.targets, strict=True))
    return (*framed, _graph(tally, edges, scheduler, looks=2), *roots)


def refused_demand(count: int, gas: int) -> tuple[Demand, ...]:
    """Return what it took to find out that a block is invalid.

    Args:
        count: its transactions.
        gas: what they use, as its header says.
    """
    return (
        Serial(SYSTEM, 1),
        Serial(EXECUTE, count),
        Serial(COMPUTE_GAS, max(0, gas - 21_000 * count)),
        Serial(BODY_ROOTS, max(count, 1)),
        Serial(STATE_ROOT, 2 * count + 1),
    )


def _one_task(tally: Tally) -> TaskGraph:
    """Return all transactions as one task: nobody else does anything meanwhile."""
    more = tuple([(kind, (sum(units),)) for kind, units in _contracts(tally)])
    return TaskGraph(EXECUTE, (len(tally.gas),), (), _IN_TURN, more)


def _graph(
    tally: Tally,
    edges: tuple[tuple[int, int], ...],
    scheduler: str,
    again: tuple[int, ...] = (),
    read: int = 0,
    looks: int = 1,
) -> TaskGraph:
    """Return the transactions as tasks.

    Args:
        tally: of the block.
        edges: who waits for whom.
        scheduler: plans them.
        again: those that were planned wrongly.
        read: accesses that the graph was built from, or what reading a list takes, as so many.
        looks: how often what each saw is compared with what is there.
    """
    ones = (1,) * len(tally.gas)
    before = ((SCHEDULE, read),) if read else ()
    after = ((ACCEPT, looks * len(ones)), (ACCESS, looks * sum(tally.cells)))
    return TaskGraph(EXECUTE, ones, edges, scheduler, _contracts(tally), again, before, after)


def _contracts(tally: Tally) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Return the work that contracts cause, by kind and transaction; none in plain transfers."""
    if not tally.is_planned:
        return ()
    return ((CALL, tally.calls), (COMPUTE_GAS, tally.computed), (ACCESS, tally.cells))


def _planned(tally: Tally, scheduler: str, thought: Sequence[AccessSet]) -> TaskGraph:
    """Return the transactions as planned by what they were thought to access."""
    graph = build_graph(thought, kinds=scheduler_named(scheduler).kinds)
    edges = tuple(zip(graph.sources, graph.targets, strict=True))
    is_right = thought is tally.accesses or tuple(thought) == tally.accesses
    again = () if is_right else broken(graph, tally.graph)
    read = sum([len(each.reads) + len(each.writes) + len(each.deltas) for each in thought])
    return _graph(tally, edges, scheduler, again, read)


def broken(planned: Graph, true: Graph) -> tuple[int, ...]:
    """Return the transactions that ran too early under a plan, ascending.

    A transaction is in order if all those whose writes it reads come before it in the plan and
    were in order themselves. Others may have been lucky; they count as broken too.

    Args:
        planned: what was planned by.
        true: who reads what others wrote.
    """
    count = true.transactions
    before = [0] * (count + planned.joins)
    for source, target in zip(planned.sources, planned.targets, strict=True):
        before[target] |= before[source] | (1 << source if source < count else 0)
    needed = [0] * (count + true.joins)
    for source, target in zip(true.sources, true.targets, strict=True):
        needed[target] |= needed[source] if source >= count else 1 << source
    wrong = 0
    for index in range(count):
        if needed[index] & (wrong | ~before[index]):
            wrong |= 1 << index
    return tuple([index for index in range(count) if wrong >> index & 1])
