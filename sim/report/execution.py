"""What executing blocks took: counted for each node, apart for building and for judging."""

from collections.abc import Iterator, Sequence

from node.observe.families.consensus import BUILDING, TASKS, VALIDATION
from node.trace import BlockExecutedTraced
from sim.report.result import Execution, ExecutionFigures, ExecutionSetup
from sim.report.series import SECOND_NS, NodeCounters
from sim.report.stream import NodeExecution


class TaskCounters:
    """Sums over the blocks that each node has executed for one task."""

    __slots__ = ("blocks", "critical_path", "gas", "repeats", "span_ns", "transactions", "work_ns")

    def __init__(self, nodes: int) -> None:
        self.blocks = NodeCounters(nodes)
        self.transactions = NodeCounters(nodes)
        self.repeats = NodeCounters(nodes)
        self.gas = NodeCounters(nodes)
        self.critical_path = NodeCounters(nodes)
        self.work_ns = NodeCounters(nodes)
        self.span_ns = NodeCounters(nodes)

    def add(self, node: int, event: BlockExecutedTraced) -> None:
        """Take in one block."""
        self.blocks.live[node] += 1
        self.transactions.live[node] += event.transactions
        self.repeats.live[node] += event.repeats
        self.gas.live[node] += event.gas_used
        self.critical_path.live[node] += event.critical_path
        self.work_ns.live[node] += event.work_ns
        self.span_ns.live[node] += event.span_ns

    def take(self, times: int) -> None:
        """Sample everything."""
        for name in self.__slots__:
            getattr(self, name).take(times)

    def figures(self, nodes: Sequence[int] | None = None) -> ExecutionFigures:
        """Return what they come to for some nodes together, or all."""

        def total(counters: NodeCounters) -> int:
            return sum(counters.live if nodes is None else [counters.live[node] for node in nodes])

        gas, span_ns = total(self.gas), total(self.span_ns)
        path = total(self.critical_path)
        return ExecutionFigures(
            blocks=total(self.blocks),
            transactions=total(self.transactions),
            repeats=total(self.repeats),
            gas=gas,
            gas_per_second=gas * SECOND_NS / span_ns if span_ns else 0.0,
            speed_up=total(self.work_ns) / span_ns if span_ns else 1.0,
            speed_up_max=gas / path if path else 1.0,
        )


class ExecutionLedger:
    """Blocks executed, by task."""

    __slots__ = ("by_task",)

    def __init__(self, nodes: int) -> None:
        self.by_task = {task: TaskCounters(nodes) for task in TASKS}

    def on_executed(self, node: int, event: BlockExecutedTraced) -> None:
        """Take in one block that a node has executed."""
        self.by_task[BUILDING if event.built else VALIDATION].add(node, event)

    def take(self, times: int) -> None:
        """Sample everything."""
        for counters in self.by_task.values():
            counters.take(times)

    def result(self, setups: Sequence[NodeExecution] = ()) -> Execution | None:
        """Return the figures; None where no block with transactions was executed.

        Args:
            setups: how each node executes, if that is known.
        """
        building, validation = [self.by_task[task].figures() for task in TASKS]
        if not building.blocks and not validation.blocks:
            return None
        return Execution(
            building=building, validation=validation, setups=tuple(self._setups(setups))
        )

    def _setups(self, setups: Sequence[NodeExecution]) -> Iterator[ExecutionSetup]:
        """Yield what validating took the nodes of each setup, if there are several."""
        counters = self.by_task[VALIDATION]
        members: dict[NodeExecution, list[int]] = {}
        for node, setup in enumerate(setups):
            if counters.blocks.live[node]:
                members.setdefault(setup, []).append(node)
        if len(members) < 2:
            return
        for setup, nodes in sorted(members.items()):
            yield ExecutionSetup(
                scheduler=setup.scheduler,
                cores=setup.cores,
                nodes=len(nodes),
                figures=counters.figures(nodes),
            )
