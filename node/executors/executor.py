"""Executors of blocks: a strategy and somebody who does the work.

What the plans and backends come up with are suggestions: what each transaction did on the state
that they believed to be the right one. `accept_in_order` takes over what is right, and runs at its
place what is not.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, Protocol

import msgspec

from node.execution import BlockExecution, ExecutedBlock, execute_serially
from node.execution_transaction import TransactionRun
from node.executors.graph_plan import CriticalPathPlan, LevelPlan
from node.executors.optimistic_plan import OptimisticPlan
from node.executors.plan import Backend, Plan, run_plan
from node.executors.versions import MultiVersion
from node.executors.work import BlockWork
from node.schedule.graph import RAW, build_graph
from node.schedule.hint import ScheduleHint
from node.schedule.scheduler import TaskNet, graph_tasks
from node.validation import PooledTransaction
from node.validation_errors import InvalidBlockTransaction
from primitives.block_access_list import BlockAccessList
from primitives.transaction import InvalidTransaction


class BlockHints(msgspec.Struct, frozen=True):
    """What stands beside a block to speed it up. It may be missing, and it may be wrong."""

    schedule: ScheduleHint | None = None
    """What each transaction accesses, and how much gas it takes."""
    access_list: BlockAccessList | None = None
    """What each cell holds after each transaction (EIP-7928)."""


NO_HINTS: Final = BlockHints()


class Strategy(StrEnum):
    """How the order of attempts is found."""

    SERIAL = "serial"
    """No attempts at all: one after the other, at their places."""
    LEVEL_GROUPS = "level-groups"
    """By dependency graph, all of a level before the first of the next."""
    CRITICAL_PATH = "critical-path"
    """By dependency graph, the dearest chain first."""
    OPTIMISTIC = "optimistic"
    """All at once, again where that went wrong (Block-STM)."""
    ALL_AT_ONCE = "all-at-once"
    """All at once, on the values that the block's access list names (EIP-7928)."""


class BlockExecutor(Protocol):
    """Executes the transactions of one block after the other."""

    def __call__(
        self,
        execution: BlockExecution,
        transactions: Sequence[PooledTransaction],
        hints: BlockHints = NO_HINTS,
    ) -> None:
        """Execute transactions, in effect one after another, on a block that has begun.

        Raises:
            InvalidBlockTransaction: for the first that may not stand at its place.
        """
        ...

    def follow(self, block: ExecutedBlock) -> None:
        """Learn of a block that was executed or built, by whomever."""
        ...


class SerialExecutor:
    """Executes transactions one after another."""

    __slots__ = ()

    def __call__(
        self,
        execution: BlockExecution,
        transactions: Sequence[PooledTransaction],
        hints: BlockHints = NO_HINTS,
    ) -> None:
        """Execute transactions on a block that has begun.

        Raises:
            InvalidBlockTransaction: for the first that may not stand at its place.
        """
        execute_serially(execution, transactions)

    def follow(self, block: ExecutedBlock) -> None:
        """Do nothing: the state is at hand."""


class ParallelExecutor:
    """Executes blocks by one strategy; one of these serves any number of blocks in turn.

    Args:
        strategy: how the order is found; without access list `ALL_AT_ONCE` is `OPTIMISTIC`.
        backend: does the work.
    """

    __slots__ = ("_backend", "_strategy", "blocks", "rerun")

    def __init__(self, strategy: Strategy, backend: Backend) -> None:
        self._strategy = strategy
        self._backend = backend
        self.blocks = 0
        """Blocks that were shared out so far."""
        self.rerun = 0
        """Transactions that had to be run at their places so far, of all blocks."""

    def __call__(
        self,
        execution: BlockExecution,
        transactions: Sequence[PooledTransaction],
        hints: BlockHints = NO_HINTS,
    ) -> None:
        """Execute transactions, in effect one after another, on a block that has begun.

        Raises:
            InvalidBlockTransaction: for the first that may not stand at its place.
        """
        if self._strategy is Strategy.SERIAL:
            execute_serially(execution, transactions)
            return
        self.blocks += 1
        work = BlockWork(
            execution.setting,
            tuple(transactions),
            execution.state,
            execution.state.changes(),
            fitting(hints.schedule, len(transactions)),
            hints.access_list or () if self._strategy is Strategy.ALL_AT_ONCE else (),
        )
        versions = MultiVersion(work.base)
        versions.assume(work.assumed)
        plan = self._plan(work, versions)
        runs = run_plan(work, plan, versions, self._backend)
        self.rerun += accept_in_order(execution, transactions, runs)

    def follow(self, block: ExecutedBlock) -> None:
        """Let the workers learn of a block."""
        header = block.block.header
        self._backend.follow(block.digest, header.parent_hash, block.state.all_changes)

    def _plan(self, work: BlockWork, versions: MultiVersion) -> Plan:
        match self._strategy:
            case Strategy.LEVEL_GROUPS:
                return LevelPlan(_tasks(work))
            case Strategy.CRITICAL_PATH:
                return CriticalPathPlan(_tasks(work))
            case Strategy.ALL_AT_ONCE if work.assumed:
                return LevelPlan(TaskNet(work.gas_limits))
            case _:
                return OptimisticPlan(work, versions)


def fitting(hint: ScheduleHint | None, count: int) -> ScheduleHint | None:
    """Return a hint if it is one for so many transactions."""
    if hint is None or len(hint.accesses) != count or len(hint.gas) != count:
        return None
    return hint


def accept_in_order(
    execution: BlockExecution,
    transactions: Sequence[PooledTransaction],
    runs: Sequence[TransactionRun | None],
) -> int:
    """Take over what transactions did, in block order; run at its place what does not stand there.

    Args:
        execution: has begun, and is at the first of the transactions.
        transactions: in block order.
        runs: what each of them did on some state; None for nothing known.

    Returns:
        How many were run at their places.

    Raises:
        InvalidBlockTransaction: for the first that may not stand at its place.
    """
    rerun = 0
    for index, (transaction, run) in enumerate(zip(transactions, runs, strict=True)):
        try:
            if run is None or not execution.accept(transaction, run):
                rerun += 1
                execution.execute(transaction)
        except InvalidTransaction as error:
            raise InvalidBlockTransaction(index, error) from error
    return rerun


def _tasks(work: BlockWork) -> TaskNet:
    """Return the dependencies that are hinted, or those that transactions tell of themselves.

    Outcomes are applied in block order, so only those have to wait who read what others write.
    """
    hint = work.hint or work.guess()
    limits = work.gas_limits
    gas = [min(max(hinted, 1), limit) for hinted, limit in zip(hint.gas, limits, strict=True)]
    return graph_tasks(build_graph(hint.accesses, kinds=RAW), gas, RAW)
