"""What executing blocks took: counted for each node, apart for building and for judging."""

from node.trace import BlockExecutedTraced
from sim.report.result import Execution, ExecutionFigures
from sim.report.series import SECOND_NS, NodeCounters

BUILDING, VALIDATION = "building", "validation"
TASKS = (BUILDING, VALIDATION)


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

    def figures(self) -> ExecutionFigures:
        """Return what they come to, all nodes together."""
        gas, span_ns = sum(self.gas.live), sum(self.span_ns.live)
        path = sum(self.critical_path.live)
        return ExecutionFigures(
            blocks=sum(self.blocks.live),
            transactions=sum(self.transactions.live),
            repeats=sum(self.repeats.live),
            gas=gas,
            gas_per_second=gas * SECOND_NS / span_ns if span_ns else 0.0,
            speed_up=sum(self.work_ns.live) / span_ns if span_ns else 1.0,
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

    def result(self) -> Execution | None:
        """Return the figures; None where no block with transactions was executed."""
        building, validation = [self.by_task[task].figures() for task in TASKS]
        if not building.blocks and not validation.blocks:
            return None
        return Execution(building=building, validation=validation)
