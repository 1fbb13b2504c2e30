"""When the primary proposes: batches, pipeline, interval."""

import dataclasses

import msgspec
import pytest

from consensus.effects import BlockBuilt, RequestBlock, WorkDone, WorkPending
from consensus.messages import PrePrepare
from consensus.params import ConsensusParams
from consensus.state import Timer
from primitives.errors import InvalidInput
from primitives.ids import Duration, Instant
from tests.unit.consensus.harness import Network
from tests.unit.consensus.rig import Rig, chain, delay_of, new_view, only, sent, vote
from tests.unit.consensus.toys import GENESIS, MS, PARAMS

INTERVAL = ConsensusParams(
    request_timeout=Duration(400 * MS),
    block_interval=Duration(50 * MS),
    empty_blocks=True,
    pipeline_depth=2,
)


def test_a_full_batch_is_asked_for_at_once() -> None:
    rig = Rig(0)
    (request,) = only(rig.work(4), RequestBlock)
    assert (request.view, request.sequence, request.parent) == (0, 1, GENESIS)


def test_a_smaller_batch_waits_for_the_batch_delay() -> None:
    rig = Rig(0)
    effects = rig.work(3)
    assert not only(effects, RequestBlock)
    assert delay_of(effects, Timer.PROPOSE) == 5 * MS
    assert only(rig.fire(Timer.PROPOSE, 5), RequestBlock)


def test_the_batch_delay_counts_from_the_oldest_transaction() -> None:
    rig = Rig(0)
    rig.now = 100 * MS
    effects = rig.give(WorkPending(Instant(98 * MS), 1))
    assert delay_of(effects, Timer.PROPOSE) == 3 * MS
    assert only(rig.give(WorkPending(Instant(95 * MS), 2)), RequestBlock)


def test_a_backup_asks_for_no_block() -> None:
    assert not only(Rig(1).work(99), RequestBlock)


def test_one_block_is_asked_for_at_a_time() -> None:
    rig = Rig(0)
    assert only(rig.work(), RequestBlock)
    assert not only(rig.work(8), RequestBlock)


def test_after_a_block_the_primary_waits_for_news() -> None:
    """It cannot know what the block has taken out of the pool."""
    rig = Rig(0)
    rig.work()
    assert not only(rig.build(chain(1)[0]), RequestBlock)
    assert only(rig.work(), RequestBlock)


def test_no_more_than_pipeline_depth_sequences_are_in_flight() -> None:
    rig = Rig(0)
    blocks = chain(4)
    for block in blocks[:3]:
        assert only(rig.work(), RequestBlock)
        rig.build(block)
    assert not only(rig.work(), RequestBlock)
    rig.prepare(blocks[0], [1, 2])
    (request,) = only(rig.commit(blocks[0], [1, 2]), RequestBlock)
    assert (request.sequence, request.parent) == (4, blocks[2].digest)


def test_a_block_of_a_past_view_or_another_parent_is_dropped() -> None:
    rig = Rig(0)
    rig.work()
    built = BlockBuilt(rig.replica.view, 1, b"d" * 32, b"p" * 32, b"")  # type: ignore[arg-type]
    effects = rig.give(built)
    assert not sent(effects, PrePrepare)
    assert only(effects, RequestBlock)
    stale = msgspec.structs.replace(built, view=5, parent=GENESIS)
    assert not sent(rig.give(stale), PrePrepare)


def test_a_block_that_was_not_asked_for_is_dropped() -> None:
    assert not sent(Rig(0).build(chain(1)[0]), PrePrepare)


def test_a_new_primary_proposes_the_waiting_work() -> None:
    rig = Rig(1)
    rig.work()
    effects = rig.receive(1, new_view(4, 1, [vote(4, i, 1) for i in (0, 2, 3)]))
    (request,) = only(effects, RequestBlock)
    assert (request.view, request.sequence) == (1, 1)


def test_a_primary_that_asked_for_another_view_proposes_nothing() -> None:
    rig = Rig(0)
    rig.suspect()
    assert not sent(rig.build(chain(1)[0]), PrePrepare)
    assert not only(rig.work(), RequestBlock)


def test_empty_blocks_keep_the_interval() -> None:
    rig = Rig(0, params=INTERVAL)
    (effect,) = [e for e in rig.effects if getattr(e, "timer", None) is Timer.PROPOSE]
    assert effect.delay_ns == 50 * MS  # type: ignore[attr-defined]
    blocks = chain(2)
    assert only(rig.fire(Timer.PROPOSE, 50), RequestBlock)
    effects = rig.build(blocks[0])
    assert delay_of(effects, Timer.PROPOSE) == 50 * MS
    assert only(rig.fire(Timer.PROPOSE, 50), RequestBlock)


def test_the_interval_holds_back_full_batches_too() -> None:
    rig = Rig(0, params=dataclasses.replace(INTERVAL, empty_blocks=False))
    rig.now = 100 * MS
    assert only(rig.work(500), RequestBlock)
    rig.build(chain(1)[0])
    effects = rig.work(500)
    assert not only(effects, RequestBlock)
    assert delay_of(effects, Timer.PROPOSE) == 50 * MS


def test_an_idle_network_stays_idle_without_empty_blocks() -> None:
    net = Network(4)
    net.run(20_000)
    assert net.heights() == [0] * 4
    assert not net.sent


def test_an_idle_network_grows_with_empty_blocks() -> None:
    net = Network(4, params=INTERVAL)
    net.run(1_020)
    assert min(net.heights()) >= 18
    assert set(net.views()) == {0}


def test_work_that_is_done_needs_no_block() -> None:
    rig = Rig(0)
    rig.work(1)
    rig.give(WorkDone())
    assert not only(rig.fire(Timer.PROPOSE, 5), RequestBlock)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("pipeline_depth", 0, "consensus.pipeline_depth: expected at least 1, got 0"),
        ("window", 5, "consensus.window: expected at least 2 * pipeline_depth, got 5"),
        ("batch_size", 0, "consensus.batch_size: expected at least 1, got 0"),
        ("request_timeout", 1, "consensus.request_timeout: expected at least 2 ns, got 1"),
        ("repair_interval", 0, "consensus.repair_interval: expected at least 1 ns, got 0"),
        ("empty_blocks", True, "consensus.block_interval: expected more than 0 with empty_blocks"),
    ],
)
def test_impossible_parameters_are_refused(field: str, value: object, message: str) -> None:
    with pytest.raises(InvalidInput, match=message.replace("*", r"\*")):
        dataclasses.replace(PARAMS, **{field: value})  # type: ignore[arg-type]
