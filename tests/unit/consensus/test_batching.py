"""Batching policies: which limit proposes, and that nothing waits for longer than it may."""

import dataclasses

import pytest
from hypothesis import given, strategies as st

from consensus.batching import Adaptive, BatchLimits, BatchPolicy, Fixed, Queue
from consensus.effects import RequestBlock, WorkPending
from consensus.params import ConsensusParams
from consensus.state import Timer
from primitives.errors import InvalidInput
from primitives.ids import Duration, Instant
from primitives.machine import CancelTimer, Effect, SetTimer
from tests.unit.consensus.rig import Rig, chain, delay_of, only
from tests.unit.consensus.toys import MS, PARAMS

LIMITS = BatchLimits(100, 10_000, 2_100_000)
DELAY = 80


def queue(in_flight: int = 0, *, since: int = 1_000, **changes: int) -> Queue:
    """Return a queue of one small transaction, behind a proposal at 1,000."""
    fields = {"count": 1, "byte_count": 1, "gas": 1} | changes
    return Queue(
        since=Instant(since),
        begun=Instant(max(since, 1_000)),
        in_flight=in_flight,
        depth=4,
        limits=LIMITS,
        delay=Duration(DELAY),
        **fields,
    )


FULL = [{"count": 100}, {"byte_count": 10_000}, {"gas": 2_100_000}]
NEARLY = [{"count": 99}, {"byte_count": 9_999}, {"gas": 2_099_999}]


# ---------------------------------------------------------------- fixed


@pytest.mark.parametrize("full", FULL)
def test_fixed_proposes_at_once_when_one_limit_is_reached(full: dict[str, int]) -> None:
    assert Fixed().due(queue(3, since=900, **full)) == 900


@pytest.mark.parametrize("nearly", NEARLY)
def test_fixed_waits_for_the_delay_one_below_each_limit(nearly: dict[str, int]) -> None:
    assert Fixed().due(queue(0, since=1_010, **nearly)) == 1_010 + DELAY


def test_fixed_counts_from_the_last_proposal_at_the_earliest() -> None:
    assert Fixed().due(queue(since=400)) == 1_000 + DELAY


# ---------------------------------------------------------------- adaptive


def test_adaptive_waits_for_nothing_while_nothing_is_in_flight() -> None:
    assert Adaptive().due(queue(0, since=1_010)) == 1_010


@pytest.mark.parametrize("in_flight", [1, 2, 3])
@pytest.mark.parametrize("full", FULL)
def test_adaptive_asks_for_a_share_of_a_batch_as_the_pipeline_fills(
    in_flight: int, full: dict[str, int]
) -> None:
    ((name, most),) = full.items()
    enough = most * in_flight // 4
    assert Adaptive().due(queue(in_flight, since=1_010, **{name: enough})) == 1_010
    short = queue(in_flight, since=1_010, **{name: enough - 1})
    assert Adaptive().due(short) == 1_010 + DELAY * in_flight // 4


def test_adaptive_rounds_a_share_up() -> None:
    """Three quarters of 101 are 75.75."""
    limits = BatchLimits(101)
    base = queue(3, since=1_010)
    for count, due in ((75, 1_010 + 60), (76, 1_010)):
        shape = Queue(base.since, base.begun, count, 1, 1, 3, 4, limits, base.delay)
        assert Adaptive().due(shape) == due


def test_adaptive_with_a_pipeline_of_one_is_the_papers_window() -> None:
    base = queue(since=1_010)
    one = Queue(base.since, base.begun, 1, 1, 1, 0, 1, LIMITS, base.delay)
    assert Adaptive().due(one) == 1_010


QUEUES = st.builds(
    lambda since, gap, count, size, gas, flight, depth, delay: Queue(
        Instant(since),
        Instant(since + gap),
        count,
        size,
        gas,
        min(flight, depth - 1),
        depth,
        LIMITS,
        Duration(delay),
    ),
    st.integers(0, 10**12),
    st.integers(0, 10**9),
    st.integers(1, 1_000),
    st.integers(1, 100_000),
    st.integers(1, 10**8),
    st.integers(0, 15),
    st.integers(1, 16),
    st.integers(0, 10**10),
)


@pytest.mark.parametrize("policy", [Fixed(), Adaptive()])
@given(given_queue=QUEUES)
def test_no_policy_lets_anything_wait_beyond_the_delay(
    policy: BatchPolicy, given_queue: Queue
) -> None:
    due = policy.due(given_queue)
    assert given_queue.since <= due <= given_queue.begun + given_queue.delay
    assert isinstance(due, int)


@given(given_queue=QUEUES)
def test_adaptive_is_never_later_than_fixed(given_queue: Queue) -> None:
    assert Adaptive().due(given_queue) <= Fixed().due(given_queue)


# ---------------------------------------------------------------- in a replica

ADAPTIVE = dataclasses.replace(PARAMS, batching=Adaptive(), batch_size=9)


def waiting(rig: Rig, count: int = 1, byte_count: int = 0, gas: int = 0) -> list[Effect]:
    news = WorkPending(Instant(rig.now), count, None, byte_count, gas)
    return rig.give(news)


@pytest.mark.parametrize(
    ("limit", "enough", "short"),
    [
        ({"batch_size": 3}, (3, 0, 0), (2, 9, 9)),
        ({"batch_bytes": 500}, (1, 500, 0), (3, 499, 9)),
        ({"batch_gas": 42_000}, (2, 0, 42_000), (3, 9, 41_999)),
    ],
)
def test_each_limit_proposes_and_goes_with_the_request(
    limit: dict[str, int], enough: tuple[int, int, int], short: tuple[int, int, int]
) -> None:
    params = dataclasses.replace(PARAMS, **limit)  # type: ignore[arg-type]
    rig = Rig(0, params=params)
    assert not only(waiting(rig, *short), RequestBlock)
    (request,) = only(waiting(rig, *enough), RequestBlock)
    assert request.limits == params.batch_limits


def test_an_idle_primary_that_adapts_asks_at_once_and_then_gathers() -> None:
    rig = Rig(0, params=ADAPTIVE)
    one, two = chain(2)
    assert only(waiting(rig), RequestBlock)
    rig.build(one)
    effects = waiting(rig, 2)
    assert not only(effects, RequestBlock)
    assert delay_of(effects, Timer.PROPOSE) == 5 * MS // 3
    assert only(waiting(rig, 3), RequestBlock)
    rig.build(two)
    assert not only(waiting(rig, 5), RequestBlock)
    assert only(waiting(rig, 6), RequestBlock)


def test_a_delivery_makes_what_waits_due_earlier() -> None:
    rig = Rig(0, params=ADAPTIVE)
    (block,) = chain(1)
    waiting(rig)
    rig.build(block)
    rig.prepare(block, [1, 2])
    assert not only(waiting(rig, 2), RequestBlock)
    effects = rig.commit(block, [1, 2])
    assert only(effects, RequestBlock)
    assert CancelTimer(Timer.PROPOSE) in effects


class Never:
    """A policy that would let everything wait."""

    def due(self, queue: Queue) -> Instant:
        return Instant(2**62)


def test_a_policy_cannot_starve_what_waits() -> None:
    rig = Rig(0, params=dataclasses.replace(PARAMS, batching=Never()))
    effects = waiting(rig, 99)
    (timer,) = [e for e in effects if isinstance(e, SetTimer) and e.timer is Timer.PROPOSE]
    assert timer.delay_ns == PARAMS.batch_delay
    assert only(rig.fire(Timer.PROPOSE, 5), RequestBlock)


@pytest.mark.parametrize("field", ["batch_bytes", "batch_gas"])
def test_an_impossible_limit_is_refused(field: str) -> None:
    with pytest.raises(InvalidInput, match=f"consensus.{field}: expected at least 1, got 0"):
        dataclasses.replace(PARAMS, **{field: 0})  # type: ignore[arg-type]


def test_a_limit_that_is_not_given_limits_nothing() -> None:
    limits = ConsensusParams(batch_size=7).batch_limits
    assert limits == BatchLimits(7)
    assert min(limits.byte_count, limits.gas) > 10**18
