"""Whatever the strategy, the workers and the hints: a block's execution equals the serial one."""

from collections.abc import Iterator, Sequence
from random import Random, SystemRandom

import pytest

from node.execution import BlockExecution, execute_serially
from node.executors.executor import BlockHints, ParallelExecutor, Strategy
from node.executors.inline import InlineBackend
from node.executors.processes import ProcessPool
from node.executors.threads import ThreadPool
from node.schedule.hint import ScheduleHint
from node.validation import PooledTransaction
from tests.properties.parallel_blocks import Outcome, RandomBlock, executed, hints_of, random_block

PARALLEL = [each for each in Strategy if each is not Strategy.SERIAL]
HINTS = ("right", "none", "mixed", "hostile")
BLOCKS = 240
"""Random blocks of the quick suite."""
POOLED = 60
"""Those of them that are executed by threads and by processes as well."""
SOAKED = 10_000
"""Random blocks of the soak, new ones each time."""


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


def pool_executors(pool: ThreadPool | ProcessPool) -> dict[str, ParallelExecutor]:
    kind = type(pool).__name__
    return {f"{strategy} by {kind}": ParallelExecutor(strategy, pool) for strategy in PARALLEL}


@pytest.fixture(scope="module")
def processes() -> Iterator[ProcessPool]:
    with ProcessPool(2) as pool:
        yield pool


@pytest.fixture(scope="module")
def threads() -> Iterator[ThreadPool]:
    with ThreadPool(3) as pool:
        yield pool


@pytest.mark.parametrize("part", range(3))
def test_random_blocks_give_the_same_however_they_are_executed(part: int) -> None:
    executors = inline_executors()
    for seed in range(part, BLOCKS, 3):
        check(seed, executors)


def test_random_blocks_give_the_same_by_threads_and_by_processes(
    threads: ThreadPool, processes: ProcessPool
) -> None:
    executors = pool_executors(threads) | pool_executors(processes)
    for seed in range(POOLED):
        check(seed, executors)


def test_right_hints_leave_hardly_anything_to_be_run_again() -> None:
    """And wrong ones do: the blocks have conflicts, and the hints matter."""
    rerun = dict.fromkeys(("right", "mixed"), 0)
    transactions = 0
    for seed in range(60):
        block = random_block(seed)
        expected, right = serial(block)
        if expected.refused is not None:
            continue
        transactions += len(block.transactions)
        for kind in rerun:
            executor = ParallelExecutor(Strategy.CRITICAL_PATH, InlineBackend(3))
            hints = hints_of(Random(seed), kind, block, right)
            executed(block, Hinted(executor, hints))
            rerun[kind] += executor.rerun
    assert rerun["right"] <= transactions // 50
    assert rerun["mixed"] >= transactions // 20


def test_optimism_needs_no_hints_and_leaves_nothing_to_be_run_again() -> None:
    executor = ParallelExecutor(Strategy.OPTIMISTIC, InlineBackend(4))
    for seed in range(60):
        block = random_block(seed)
        executed(block, executor)
    assert executor.rerun == 0


@pytest.mark.soak
def test_many_random_blocks_give_the_same(
    threads: ThreadPool, processes: ProcessPool, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each block in three ways here, and in one by a pool."""
    start = SystemRandom().randrange(2**48)
    inline = list(inline_executors().items())
    pooled = list((pool_executors(threads) | pool_executors(processes)).items())
    for seed in range(start, start + SOAKED):
        random = Random(seed)
        check(seed, dict([*random.sample(inline, 3), random.choice(pooled)]))
    with capsys.disabled():
        print(f"\n{SOAKED} random blocks from seed {start} on, each executed in 5 ways: all equal")
