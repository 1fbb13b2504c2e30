"""Which transactions blocks pass over, and what becomes of a primary that censors."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import msgspec
import pytest

from consensus.batching.policy import BatchLimits
from node.builder import HEADER_BYTES_MAX, ITEM_BYTES_MAX
from node.execution import ExecutedBlock
from node.fairness import Fairness
from node.mempool import Mempool
from node.mempool_types import MempoolLimits
from node.node import Node
from node.shared_jobs import BuildBlock
from node.validation import PooledTransaction
from primitives.ids import Duration, Gas, Instant, Wei
from primitives.machine import Compute, Effect, Event
from primitives.params import ChainParams
from tests.unit.node.harness import MILLISECOND, PARAMS, SECOND, Harness, agree, make_environment
from tests.unit.node.transfers import GWEI, account, built, chain, raw_transfer, stranger, transfer

PAUSE = 1_000
NARROW = ChainParams(base_fee_rule="fixed", base_fee_initial=Wei(GWEI), gas_limit=Gas(63_000))
"""Three transfers fill a block."""
GENESIS = chain(params=NARROW)


class Bench:
    """A pool at genesis, and the judge of the first block."""

    def __init__(
        self, *waiting: PooledTransaction, params: ChainParams = NARROW, count: int = 500
    ) -> None:
        self.pool = Mempool(params, MempoolLimits(), GENESIS.state, params.base_fee_initial)
        for transaction in waiting:
            self.pool.add(Instant(0), transaction)
        self.fairness = Fairness(self.pool, params, BatchLimits(count), Duration(PAUSE))

    def judge(self, *included: PooledTransaction, at: int = PAUSE) -> bool:
        self.fairness.judge(Instant(at), block(*included))
        return self.fairness.passed_over is not None


def block(*included: PooledTransaction) -> ExecutedBlock:
    return built(GENESIS, *included, params=NARROW)


def pay(sender: int, tip: int = GWEI, nonce: int = 0, **fields: int) -> PooledTransaction:
    return transfer(sender, nonce, tip=tip, **fields)


def test_a_block_with_room_passes_over_what_it_leaves_out() -> None:
    bench = Bench(pay(0))
    assert bench.judge(pay(1), pay(2))
    assert bench.fairness.passed_over == PAUSE


def test_a_full_block_of_tips_at_least_as_high_passes_nothing_over() -> None:
    assert not Bench(pay(0, tip=5)).judge(pay(1, tip=5), pay(2, tip=6), pay(3, tip=9))


def test_a_full_block_that_took_a_cheaper_one_passes_over() -> None:
    assert Bench(pay(0, tip=5)).judge(pay(1, tip=4), pay(2, tip=6), pay(3, tip=9))


def test_gas_is_counted_by_what_the_transaction_may_use() -> None:
    assert not Bench(pay(0, gas=42_001)).judge(pay(1))
    assert Bench(pay(0, gas=42_000)).judge(pay(1))


@pytest.mark.parametrize(
    ("limits", "passes_over"),
    [
        ({"gas": 42_000}, True),
        ({"gas": 41_999}, False),
        ({"byte_count": len(pay(0).raw) + len(pay(1).raw)}, True),
        ({"byte_count": len(pay(0).raw) + len(pay(1).raw) - 1}, False),
    ],
)
def test_a_block_is_full_when_its_batch_is(limits: dict[str, int], passes_over: bool) -> None:
    bench = Bench(pay(0))
    bench.fairness = Fairness(bench.pool, NARROW, BatchLimits(**limits), Duration(PAUSE))
    assert bench.judge(pay(1)) is passes_over


def test_what_no_batch_has_room_for_has_room_where_nothing_pays_as_much() -> None:
    bench = Bench(pay(0, tip=9))
    bench.fairness = Fairness(bench.pool, NARROW, BatchLimits(gas=20_000), Duration(PAUSE))
    assert bench.judge(pay(1, tip=8))


def test_a_block_is_full_in_number_too() -> None:
    assert not Bench(pay(0), count=1).judge(pay(1))
    assert Bench(pay(0), count=2).judge(pay(1))


def test_a_block_is_full_in_bytes_too() -> None:
    four = HEADER_BYTES_MAX + 4 * (len(pay(0).raw) + ITEM_BYTES_MAX)
    for size, expected in ((four - 1, False), (four, True)):
        params = replace(NARROW, gas_limit=Gas(84_000), max_block_bytes=size)
        assert Bench(pay(0), params=params).judge(pay(1), pay(2), pay(3)) is expected


def test_what_has_not_waited_for_half_a_timeout_is_not_passed_over() -> None:
    assert not Bench(pay(0)).judge(pay(1), at=PAUSE - 1)


def test_a_sender_of_whom_something_is_included_is_served() -> None:
    bench = Bench(pay(0), pay(0, nonce=1))
    assert not bench.judge(pay(0))
    assert bench.judge(pay(1), at=2 * PAUSE)
    bench.fairness.served(block(pay(1)))
    assert bench.fairness.passed_over == 2 * PAUSE
    bench.fairness.served(block(pay(0)))
    assert bench.fairness.passed_over is None


def test_what_cannot_be_executed_is_not_passed_over() -> None:
    gap, poor = pay(0, nonce=1), pay(1, tip=0, cap=GWEI - 1)
    assert not Bench(gap, poor).judge()


def test_a_break_begins_a_new_count_and_blocks_between_looks_count_nothing() -> None:
    bench = Bench(pay(0, tip=5))
    assert bench.judge()
    assert bench.judge(at=2 * PAUSE)
    assert bench.fairness.passed_over == PAUSE
    full = (pay(1, tip=5), pay(2, tip=6), pay(3, tip=9))
    assert bench.judge(*full, at=2 * PAUSE + 1)
    assert not bench.judge(*full, at=3 * PAUSE)
    assert bench.judge(at=4 * PAUSE)
    assert bench.fairness.passed_over == 4 * PAUSE


# ---------------------------------------------------------------- four nodes


class Censor:
    """A node that leaves one sender out of the blocks that it builds, and is honest else."""

    def __init__(self, node: Node, sender: int) -> None:
        self._node = node
        self._sender = account(sender)

    def __getattr__(self, name: str) -> object:
        return getattr(self._node, name)

    def step(self, now: Instant, event: Event) -> Sequence[Effect]:
        return [self._censored(effect) for effect in self._node.step(now, event)]

    def _censored(self, effect: Effect) -> Effect:
        if not isinstance(effect, Compute) or not isinstance(effect.job, BuildBlock):
            return effect
        kept = tuple([tx for tx in effect.job.candidates if tx.sender != self._sender])
        job = msgspec.structs.replace(effect.job, candidates=kept)
        return msgspec.structs.replace(effect, job=job)


def views(harness: Harness) -> list[int]:
    return [harness.node(index).replica.view for index in range(4)]  # type: ignore[union-attr]


def trickle(harness: Harness, seconds: int, batch: Callable[[int], list[bytes]]) -> None:
    """Every 100 ms hand new transactions to node 1, so that deliveries never pause."""
    for step in range(10 * seconds):
        harness.submit(1, *batch(step))
        harness.run(100 * MILLISECOND)


def test_a_censoring_primary_is_replaced_and_the_transaction_commits() -> None:
    harness = Harness(4)
    harness.places[0].node = Censor(harness.node(0), 0)  # type: ignore[assignment]
    harness.submit(2, raw_transfer(0, 0, stranger(7), 123))
    trickle(harness, 2, lambda step: [raw_transfer(1, step)])
    assert views(harness) == [0] * 4
    assert harness.balances(stranger(7)) == [0] * 4
    trickle(harness, 3, lambda step: [raw_transfer(1, 20 + step)])
    harness.run(SECOND)
    assert views(harness) == [1] * 4
    assert harness.balances(stranger(7)) == [123] * 4
    agree(harness, harness.heights()[0])


def test_a_censoring_primary_without_other_traffic_is_replaced_too() -> None:
    harness = Harness(4)
    harness.places[0].node = Censor(harness.node(0), 0)  # type: ignore[assignment]
    harness.submit(2, raw_transfer(0, 0, stranger(7), 123))
    harness.run(5 * SECOND)
    assert harness.balances(stranger(7)) == [123] * 4


@pytest.mark.parametrize(("tip", "replaced"), [(1, False), (2 * GWEI, True)])
def test_under_full_blocks_only_who_pays_enough_is_censored(tip: int, replaced: bool) -> None:
    """A low tip waits without a view change; a high one that the primary leaves out does not."""
    hasty = replace(
        PARAMS,
        request_timeout=Duration(300 * MILLISECOND),
        block_interval=Duration(50 * MILLISECOND),
    )
    harness = Harness(4, environment=make_environment(4, NARROW, hasty))
    if replaced:
        harness.places[0].node = Censor(harness.node(0), 0)  # type: ignore[assignment]
    harness.submit(1, *(raw_transfer(s, n, tip=GWEI) for n in range(60) for s in (1, 2, 3, 4)))
    harness.submit(2, raw_transfer(0, 0, stranger(7), 123, tip=tip))
    harness.run(2 * SECOND)
    assert harness.node(1).pool.pending_count > 10
    assert views(harness) == [int(replaced)] * 4
    assert harness.balances(stranger(7)) == [123 * replaced] * 4


@pytest.mark.parametrize("sender", [0, 3])
def test_an_honest_primary_is_not_suspected(sender: int) -> None:
    harness = Harness(4)
    trickle(harness, 5, lambda step: [raw_transfer(sender, step)])
    harness.run(SECOND)
    assert views(harness) == [0] * 4
