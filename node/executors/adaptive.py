"""The executor that chooses by cost: in turn, or shared out.

In real time it is given a clock, and learns what things cost. In virtual time nothing may depend on
one: there it goes by the prices that it was given, such as those of a profile.
"""

from collections.abc import Callable, Sequence

from node.execution import BlockExecution, ExecutedBlock, execute_serially
from node.execution_transaction import TransactionRun
from node.executors.choice import Estimator, Load, pays
from node.executors.executor import NO_HINTS, BlockHints, ParallelExecutor
from node.validation import PooledTransaction

Weigh = Callable[[PooledTransaction, TransactionRun], int]


def gas_of_code(transaction: PooledTransaction, run: TransactionRun) -> int:
    """Return the gas of a transaction beyond what it costs in any case."""
    return max(0, run.result.gas_used - transaction.gas_minimum)


class AdaptiveExecutor:
    """Executes each block in the way that has promised to be faster, and learns from it.

    Args:
        parallel: shares blocks out.
        workers: to how many.
        clock: returns nanoseconds that never go back; None to learn nothing from time.
        estimator: knows what things cost.
        weigh: returns how much code a transaction has run, in gas of code that computes.
    """

    __slots__ = ("_clock", "_parallel", "_weigh", "_workers", "estimator", "shared")

    def __init__(
        self,
        parallel: ParallelExecutor,
        workers: int,
        clock: Callable[[], int] | None = None,
        estimator: Estimator | None = None,
        weigh: Weigh = gas_of_code,
    ) -> None:
        self._parallel = parallel
        self._workers = workers
        self._clock = clock
        self._weigh = weigh
        self.estimator = estimator or Estimator()
        self.shared = 0
        """Blocks that were shared out so far."""

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
        estimator, workers = self.estimator, self._workers
        start = 0 if self._clock is None else self._clock()
        if not estimator.may_pay(transactions, workers):
            execute_serially(execution, transactions)
            if self._clock is not None:
                estimator.learn_serial(Load(len(transactions), 0), self._clock() - start)
            return
        is_shared = pays(estimator.prices, estimator.load(transactions), workers)
        if is_shared:
            self.shared += 1
            self._parallel(execution, transactions, hints)
        else:
            execute_serially(execution, transactions)
        runs = execution.runs[-len(transactions) :]
        load = estimator.learn_gas(transactions, list(map(self._weigh, transactions, runs)))
        if self._clock is None:
            return
        taken = self._clock() - start
        if is_shared:
            estimator.learn_shared(load, taken, workers)
        else:
            estimator.learn_serial(load, taken)

    def follow(self, block: ExecutedBlock) -> None:
        """Let the workers learn of a block."""
        self._parallel.follow(block)
