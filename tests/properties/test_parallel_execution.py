"""Whatever the strategy, the workers and the hints: a block's execution equals the serial one."""

from collections.abc import Sequence
from random import Random

import pytest

from node.execution import BlockExecution, execute_serially
from node.executors.executor import BlockHints, ParallelExecutor, Strategy
from node.executors.inline import InlineBackend
from node.schedule.hint import ScheduleHint
from node.validation import PooledTransaction
from tests.properties.parallel_blocks import Outcome, RandomBlock, executed, hints_of, random_block

PARALLEL = [each for each in Strategy if each is not Strategy.SERIAL]
HINTS = ("right", "none", "mixed", "hostile")
BLOCKS = 150
"""Random blocks of the quick suite."""


class Hinted:
    """An executor that is given hints with each block."""

    def __init__(self, executor: ParallelExecutor, hints: BlockHints) -> None:
        self.executor = executor
        self.hints = hints

    def __call__(
        self, execution: BlockExecution, transactions: Sequence[PooledTransaction]
    ) -> None:
        self.executor(execution, transactions, self.hints)


def serial(block: RandomBlock) -> tuple[Outcome, BlockHints]:
    """Execute a block serially; return the outcome, and the hints that follow from it."""
    outcome, execution = executed(block, execute_serially)
    accesses = tuple(run.outcome.accesses for run in execution.runs)
    gas = tuple(run.result.gas_used for run in execution.runs)
    return outcome, BlockHints(ScheduleHint(accesses, gas), outcome.access_list)


def check(seed: int, executors: dict[str, ParallelExecutor]) -> None:
    """Execute the block of a seed in every way, each with one kind of hints."""
    block = random_block(seed)
    expected, right = serial(block)
    random = Random(seed)
    for name, executor in executors.items():
        kind = random.choice(HINTS)
        found, _ = executed(block, Hinted(executor, hints_of(random, kind, block, right)))
        assert found == expected, f"seed {seed}, {name}, {kind} hints"


def inline_executors() -> dict[str, ParallelExecutor]:
    return {
        f"{strategy} on {workers}": ParallelExecutor(strategy, InlineBackend(workers))
        for strategy in PARALLEL
        for workers in (1, 2, 5)
    }


@pytest.mark.parametrize("part", range(3))
def test_random_blocks_give_the_same_however_they_are_executed(part: int) -> None:
    executors = inline_executors()
    for seed in range(part, BLOCKS, 3):
        check(seed, executors)
