"""The choice by cost, with a clock that is made up."""

import pytest

from node.execution import BlockExecution, execute_serially
from node.executors.adaptive import AdaptiveExecutor
from node.executors.choice import Estimator, Prices
from node.executors.executor import ParallelExecutor, Strategy
from node.executors.inline import InlineBackend
from storage.outcome import fits
from tests.properties.parallel_blocks import RandomBlock, executed, random_block

CHEAP = Prices(attempt=1, block=1)
DEAR = Prices(attempt=10**12, block=10**12)


class Clock:
    """Goes on by so many nanoseconds whenever it is looked at."""

    def __init__(self, step_ns: int) -> None:
        self.now = 0
        self.step_ns = step_ns

    def __call__(self) -> int:
        self.now += self.step_ns
        return self.now


def adaptive(prices: Prices, clock: Clock | None) -> AdaptiveExecutor:
    parallel = ParallelExecutor(Strategy.OPTIMISTIC, InlineBackend(2))
    return AdaptiveExecutor(parallel, 2, clock, Estimator(prices))


def blocks() -> list[RandomBlock]:
    return [random_block(seed) for seed in range(30)]


@pytest.mark.parametrize("prices", [CHEAP, DEAR, Prices()])
@pytest.mark.parametrize("step_ns", [None, 1, 10**9])
def test_whatever_is_chosen_gives_the_same(prices: Prices, step_ns: int | None) -> None:
    executor = adaptive(prices, None if step_ns is None else Clock(step_ns))
    for block in blocks():
        assert executed(block, executor)[0] == executed(block, execute_serially)[0]


def test_prices_decide() -> None:
    shared = []
    for prices in (CHEAP, DEAR):
        executor = adaptive(prices, None)
        for block in blocks():
            executed(block, executor)
        shared.append(executor.shared)
    assert shared[0] > 15
    assert shared[1] == 0


def test_without_a_clock_no_price_moves() -> None:
    executor = adaptive(CHEAP, None)
    for block in blocks():
        executed(block, executor)
    assert executor.estimator.prices == CHEAP


def test_equal_clocks_give_equal_choices() -> None:
    found = []
    for _ in range(2):
        executor = adaptive(Prices(), Clock(10**7))
        for block in blocks():
            executed(block, executor)
        found.append((executor.shared, executor.estimator.prices))
    assert found[0] == found[1]


def test_what_fits_a_view_is_what_an_overlay_accepts() -> None:
    """Two places ask whether somebody would see the same; they must not drift apart."""
    answers = []
    for block in blocks():
        execution = BlockExecution(block.parent.state, block.parent.epoch, block.setting)
        execution.begin()
        _, whole = executed(block, execute_serially)
        for transaction, run in zip(block.transactions, whole.runs, strict=False):
            for other in whole.runs:
                state = execution.state
                answers.append(state.accepts(other.outcome))
                assert fits(other.outcome.sights, state) == answers[-1]
            assert execution.accept(transaction, run)
    assert 0.1 < answers.count(True) / len(answers) < 0.9
