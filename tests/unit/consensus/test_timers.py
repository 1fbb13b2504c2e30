"""The request timer and the back-off (Castro & Liskov 1999, sections 4.4 and 4.5.2)."""

from consensus.effects import WorkDone, WorkPending
from consensus.messages import Prepare, ReplicaStatus, ViewChange
from consensus.state import Timer
from consensus.timers import SHORT_WAITS
from primitives.ids import Instant, Sequence, View
from primitives.machine import NOTHING, CancelTimer, TimerFired
from tests.unit.consensus.rig import Rig, chain, delay_of, new_view, only, sent, view_change, vote
from tests.unit.consensus.toys import MS


def test_the_timer_runs_only_while_something_waits() -> None:
    rig = Rig()
    assert delay_of(rig.effects, Timer.PROGRESS) is None
    assert delay_of(rig.work(), Timer.PROGRESS) == 200 * MS
    assert CancelTimer(Timer.PROGRESS) in rig.give(WorkDone())


def test_a_proposal_in_flight_keeps_the_timer_running() -> None:
    rig = Rig()
    assert delay_of(rig.pre_prepare(chain(1)[0]), Timer.PROGRESS) == 200 * MS
    assert CancelTimer(Timer.PROGRESS) not in rig.give(WorkDone())


def test_the_timer_counts_from_the_oldest_local_admission() -> None:
    rig = Rig()
    rig.now = 1_000 * MS
    effects = rig.give(WorkPending(Instant(950 * MS), 1))
    assert delay_of(effects, Timer.PROGRESS) == 150 * MS


def test_more_work_does_not_restart_the_timer() -> None:
    rig = Rig()
    rig.work(1)
    assert rig.work(2) == []


def test_each_delivery_restarts_the_timer() -> None:
    rig = Rig()
    rig.work()
    rig.now = 150 * MS
    effects = rig.decide(chain(1)[0])
    assert delay_of(effects, Timer.PROGRESS) == 200 * MS
    rig.give(WorkDone())
    assert not rig.state.progress_armed


def test_half_of_the_timeout_asks_and_the_rest_suspects() -> None:
    rig = Rig()
    rig.work()
    effects = rig.fire(Timer.PROGRESS, 200)
    (status,) = sent(effects, ReplicaStatus)
    assert (status.view, status.sequence) == (0, 0)
    assert delay_of(effects, Timer.PROGRESS) == 200 * MS
    rig.others_wait()
    (asked,) = sent(rig.fire(Timer.PROGRESS, 200), ViewChange)
    assert asked.vote.view == 1


def test_a_delivery_between_the_halves_begins_anew() -> None:
    rig = Rig()
    rig.work()
    rig.fire(Timer.PROGRESS, 200)
    rig.decide(chain(1)[0])
    assert not sent(rig.fire(Timer.PROGRESS, 200), ViewChange)
    rig.others_wait()
    assert sent(rig.fire(Timer.PROGRESS, 200), ViewChange)


def test_a_replica_that_waits_alone_stays_in_its_view_and_asks_again() -> None:
    """f others must wait as well, in this view and at this height, since the last delivery."""
    rig = Rig(1, 7)
    first, second = chain(2)
    rig.work()
    rig.receive(0, ReplicaStatus(View(0), Sequence(0), alone=False))
    rig.receive(2, ReplicaStatus(View(0), Sequence(0), alone=False))
    rig.decide(first)
    rig.receive(3, ReplicaStatus(View(0), Sequence(0), alone=False))
    rig.receive(3, ReplicaStatus(View(1), Sequence(1), alone=False))
    rig.receive(3, ReplicaStatus(View(0), Sequence(1), alone=True))
    rig.receive(4, ReplicaStatus(View(0), Sequence(1), alone=False))
    for _ in range(5):
        effects = rig.fire(Timer.PROGRESS, 200)
        assert sent(effects, ReplicaStatus)
        assert not sent(effects, ViewChange)
        assert delay_of(effects, Timer.PROGRESS) == 200 * MS
    assert sent(rig.decide(second), Prepare)


def test_who_has_left_the_view_waits_too() -> None:
    rig = Rig(1, 7)
    rig.work()
    rig.fire(Timer.PROGRESS, 200)
    for i in (3, 4):
        assert not sent(rig.receive(i, view_change(7, i, 1)), ViewChange)
    assert sent(rig.fire(Timer.PROGRESS, 200), ViewChange)


def test_a_late_firing_is_a_no_op() -> None:
    rig = Rig()
    for timer in (Timer.PROGRESS, Timer.VIEW_CHANGE, Timer.PROPOSE, "another core's"):
        assert rig.replica.step(Instant(0), TimerFired(timer)) is NOTHING


def test_a_single_replica_never_suspects_itself() -> None:
    rig = Rig(0, 1)
    assert delay_of(rig.work(), Timer.PROGRESS) is None


def test_the_new_view_is_timed_only_when_a_quorum_wants_it() -> None:
    rig = Rig(3)
    effects = rig.suspect()
    assert delay_of(effects, Timer.VIEW_CHANGE) is None
    assert delay_of(rig.receive(0, view_change(4, 0, 1)), Timer.VIEW_CHANGE) is None
    effects = rig.receive(2, view_change(4, 2, 1))
    assert delay_of(effects, Timer.VIEW_CHANGE) == 400 * MS


def test_a_replica_that_is_alone_does_not_run_through_the_views() -> None:
    rig = Rig(3)
    rig.suspect()
    for _ in range(20):
        rig.fire(Timer.REPAIR, 100)
    assert rig.state.changing.target == 1


def test_the_timeout_doubles_with_each_view_that_does_not_begin() -> None:
    rig = Rig(3)
    rig.suspect()
    delays = []
    for view in range(1, 6):
        for i in (0, 1, 2):
            effects = rig.receive(i, view_change(4, i, view))
            delays.append(delay_of(effects, Timer.VIEW_CHANGE))
            if delays[-1] is not None:
                break
        if view == 3:  # the view that this replica would lead itself
            break
        assert sent(rig.fire(Timer.VIEW_CHANGE, 400), ViewChange)
    assert [delay // MS for delay in delays if delay] == [400, 800, 1600]


def test_the_timeout_of_a_new_view_is_doubled_until_it_delivers() -> None:
    rig = Rig(3)
    rig.suspect()
    rig.receive(0, view_change(4, 0, 1))
    rig.receive(2, view_change(4, 2, 1))
    rig.fire(Timer.VIEW_CHANGE, 400)
    effects = rig.receive(2, new_view(4, 2, [vote(4, i, 2) for i in (0, 1, 2)]))
    assert delay_of(effects, Timer.PROGRESS) == 400 * MS
    blocks = chain(2 * SHORT_WAITS)
    for block in blocks[:SHORT_WAITS]:
        assert rig.state.changing.attempts == 2
        effects = rig.decide(block, view=2)
    assert delay_of(effects, Timer.PROGRESS) == 200 * MS
    assert rig.state.changing.attempts == 1
    for block in blocks[SHORT_WAITS:]:
        rig.decide(block, view=2)
    assert rig.state.changing.attempts == 0


def test_the_timeout_falls_back_by_one_step_with_some_short_waits_in_a_row() -> None:
    rig = Rig()
    rig.work()
    rig.state.changing.attempts = 4
    delays = [delay_of(rig.decide(block), Timer.PROGRESS) for block in chain(4 * SHORT_WAITS)]
    assert [(delay or 0) // MS for delay in delays[SHORT_WAITS - 1 :: SHORT_WAITS]] == [
        800, 400, 200, 200
    ]  # fmt: skip
    assert rig.state.changing.attempts == 0


def test_a_doubled_timeout_that_a_delivery_needed_is_kept() -> None:
    """Of 800 ms each fourth wait takes 500: with 400 the view would change for each of them."""
    rig = Rig()
    rig.state.changing.attempts = 2
    rig.work()
    *blocks, last = chain(5 * SHORT_WAITS + 1)
    for block in blocks:
        rig.now = Instant(rig.now + (500 if block.sequence % SHORT_WAITS == 1 else 100) * MS)
        assert delay_of(rig.decide(block), Timer.PROGRESS) == 400 * MS
    assert rig.state.changing.attempts == 2
    rig.now = Instant(rig.now + 100 * MS)
    rig.decide(last)
    assert rig.state.changing.attempts == 1


def test_a_pipeline_that_is_delivered_at_once_is_one_wait() -> None:
    """What waited 500 ms together has not needed 0: with 400 the view would have changed."""
    rig = Rig()
    rig.state.changing.attempts = 2
    blocks = chain(12)
    for first in (0, 4, 8):
        pipeline = blocks[first : first + 4]
        for block in pipeline:
            rig.pre_prepare(block)
        rig.now = Instant(rig.now + 500 * MS)
        for block in pipeline:
            rig.decide(block)
    assert (rig.state.delivered, rig.state.changing.attempts) == (12, 2)


def test_in_a_full_pipeline_a_wait_is_as_long_as_a_block_takes() -> None:
    """Blocks come every 200 ms, each 600 ms after its proposal."""
    rig = Rig()
    rig.state.changing.attempts = 2
    blocks = chain(16)
    for block, proposed in zip(blocks, [None, None, *blocks], strict=False):
        rig.pre_prepare(block)
        rig.now = Instant(rig.now + 200 * MS)
        if proposed is not None:
            rig.decide(proposed)
    assert (rig.state.delivered, rig.state.changing.attempts) == (14, 2)


def test_what_is_delivered_after_leaving_a_view_takes_nothing_back() -> None:
    rig = Rig(3)
    rig.state.changing.attempts = 2
    blocks = chain(SHORT_WAITS)
    for block in blocks:
        rig.pre_prepare(block)
    rig.fire(Timer.PROGRESS, 400)
    rig.others_wait()
    assert sent(rig.fire(Timer.PROGRESS, 400), ViewChange)
    for block in blocks:
        rig.commit(block, (0, 1, 2))
    assert (rig.state.delivered, rig.state.changing.attempts) == (SHORT_WAITS, 3)


def test_doubling_has_an_end() -> None:
    rig = Rig(3)
    rig.state.changing.attempts = 500
    effects = rig.receive(1, new_view(4, 1, [vote(4, i, 1) for i in (0, 1, 2)]))
    assert not only(effects, CancelTimer)
    assert delay_of(rig.work(), Timer.PROGRESS) == 200 * 2**8 * MS
