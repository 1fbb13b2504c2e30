"""The cache of a process: no sender is recovered twice, and any executor gives the same block."""

import pytest

from node.execution import ExecutedBlock
from node.executors.executor import (
    BlockExecutor,
    BlockHints,
    ParallelExecutor,
    SerialExecutor,
    Strategy,
)
from node.executors.inline import InlineBackend
from node.schedule.hint import ScheduleHint
from node.shared import ComputeCache
from primitives.access import AccessSet
from primitives.transaction import InvalidTransaction
from tests.unit.node.executors.test_batches import CountingPool
from tests.unit.node.transfers import CONTEXT, PARAMS, built, chain, raw_transfer, transfer

COUNT = 100


def block() -> ExecutedBlock:
    return built(chain(), *[transfer(index % 5, index // 5) for index in range(COUNT)])


def raws() -> tuple[bytes, ...]:
    return tuple(raw_transfer(index % 5, index // 5) for index in range(COUNT))


def test_a_block_whose_transactions_were_all_seen_recovers_none() -> None:
    pool = CountingPool()
    cache = ComputeCache(PARAMS, pool=pool)
    cache.transactions(raws())
    assert pool.recovered == COUNT
    assert isinstance(cache.execute(chain(), block().payload), ExecutedBlock)
    assert pool.recovered == COUNT


def test_a_block_that_nobody_has_seen_recovers_each_sender_once() -> None:
    pool = CountingPool()
    cache = ComputeCache(PARAMS, pool=pool)
    cache.transactions(raws()[:30])
    assert isinstance(cache.execute(chain(), block().payload), ExecutedBlock)
    assert pool.recovered + 30 == COUNT
    assert cache.transactions(raws())[0] == transfer()
    assert pool.recovered + 30 == COUNT


def test_an_encoding_that_comes_twice_is_checked_once() -> None:
    pool = CountingPool()
    cache = ComputeCache(PARAMS, pool=pool)
    results = cache.transactions((*raws(), *raws(), b""))
    assert pool.recovered == COUNT
    assert results[:COUNT] == results[COUNT:-1]
    assert isinstance(results[-1], InvalidTransaction)


@pytest.mark.parametrize(
    "executor",
    [SerialExecutor(), *[ParallelExecutor(each, InlineBackend(3)) for each in Strategy]],
)
@pytest.mark.parametrize("hinted", [False, True])
def test_any_executor_gives_the_same_block(executor: BlockExecutor, hinted: bool) -> None:
    hostile = ScheduleHint((AccessSet((), (b"x",), ()),) * COUNT, (0,) * COUNT)
    cache = ComputeCache(PARAMS, executor=executor)
    result = cache.execute(chain(), block().payload, BlockHints(hostile if hinted else None))
    assert isinstance(result, ExecutedBlock)
    assert (result.digest, result.receipts) == (block().digest, block().receipts)
    assert result.state.all_changes == block().state.all_changes
    again = cache.build(result, (transfer(0, COUNT // 5),), CONTEXT)
    assert isinstance(cache.execute(result, again.payload), ExecutedBlock)
