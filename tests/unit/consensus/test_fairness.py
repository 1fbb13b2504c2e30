"""A primary that serves some and passes others over is replaced (DESIGN section 2, the timer)."""

from consensus.effects import WorkDone, WorkPending
from consensus.messages import ReplicaStatus, ViewChange
from consensus.state import Timer
from primitives.ids import Instant, Sequence, View
from primitives.machine import CancelTimer, Effect
from tests.unit.consensus.rig import Rig, chain, delay_of, new_view, sent, view_change, vote
from tests.unit.consensus.toys import MS

TIMEOUT = 400
PATIENCE = 2 * TIMEOUT
HALF = TIMEOUT // 2


def complain(rig: Rig, *peers: int, view: int = 0) -> None:
    for peer in peers:
        rig.receive(peer, ReplicaStatus(View(view), Sequence(0), alone=False, passed_over=True))


def pass_over(rig: Rig, since_ms: int = 0) -> list[Effect]:
    return rig.give(WorkPending(Instant(rig.now), 4, Instant(since_ms * MS)))


def complaints(effects: list[Effect]) -> list[bool]:
    return [status.passed_over for status in sent(effects, ReplicaStatus)]


def test_deliveries_do_not_calm_the_fairness_timer() -> None:
    rig = Rig()
    assert delay_of(pass_over(rig), Timer.FAIRNESS) == (PATIENCE - HALF) * MS
    for block in chain(3):
        rig.now += 150 * MS
        effects = rig.decide(block) + pass_over(rig)
        assert delay_of(effects, Timer.FAIRNESS) is None
        assert CancelTimer(Timer.FAIRNESS) not in effects
    assert rig.state.fairness.armed


def test_a_replica_complains_first_and_suspects_with_f_others() -> None:
    rig = Rig()
    pass_over(rig)
    effects = rig.fire(Timer.FAIRNESS, PATIENCE - HALF)
    assert complaints(effects) == [True]
    assert not sent(effects, ViewChange)
    complain(rig, 2)
    (asked,) = sent(rig.fire(Timer.FAIRNESS, HALF), ViewChange)
    assert asked.vote.view == 1
    assert not rig.state.fairness.armed


def test_who_is_alone_with_its_complaint_stays_and_repeats_it() -> None:
    rig = Rig(1, 7)
    pass_over(rig)
    rig.fire(Timer.FAIRNESS, PATIENCE - HALF)
    complain(rig, 2)
    for _ in range(5):
        effects = rig.fire(Timer.FAIRNESS, HALF)
        assert complaints(effects) == [True]
        assert not sent(effects, ViewChange)
        complain(rig, 2)
    complain(rig, 3)
    assert sent(rig.fire(Timer.FAIRNESS, HALF), ViewChange)


def test_complaints_of_others_alone_suspect_nobody() -> None:
    rig = Rig()
    rig.give(WorkPending(Instant(0), 4))
    complain(rig, 2, 3)
    rig.fire(Timer.FAIRNESS, PATIENCE)
    rig.fire(Timer.PROGRESS)
    assert not sent(rig.fire(Timer.PROGRESS, HALF), ViewChange)


def test_a_complaint_counts_for_one_timeout_and_in_its_view() -> None:
    rig = Rig()
    pass_over(rig)
    complain(rig, 2)
    complain(rig, 3, view=1)
    rig.fire(Timer.FAIRNESS, PATIENCE - HALF)
    assert not sent(rig.fire(Timer.FAIRNESS, HALF), ViewChange)


def test_who_has_left_the_view_complains_too() -> None:
    rig = Rig()
    pass_over(rig)
    rig.fire(Timer.FAIRNESS, PATIENCE - HALF)
    rig.receive(3, view_change(4, 3, 1))
    assert sent(rig.fire(Timer.FAIRNESS, HALF), ViewChange)


def test_nothing_passed_over_stops_the_fairness_timer() -> None:
    rig = Rig()
    pass_over(rig)
    assert CancelTimer(Timer.FAIRNESS) in rig.give(WorkPending(Instant(0), 4))
    pass_over(rig)
    assert CancelTimer(Timer.FAIRNESS) in rig.give(WorkDone())
    assert rig.fire(Timer.FAIRNESS, PATIENCE) == []


def test_a_later_transaction_that_is_passed_over_waits_its_own_time() -> None:
    rig = Rig()
    pass_over(rig)
    pass_over(rig, since_ms=500)
    effects = rig.fire(Timer.FAIRNESS, PATIENCE - HALF)
    assert complaints(effects) == []
    assert delay_of(effects, Timer.FAIRNESS) == 500 * MS


def test_a_primary_does_not_suspect_itself() -> None:
    assert delay_of(pass_over(Rig(0)), Timer.FAIRNESS) is None
    assert delay_of(pass_over(Rig(0, 1)), Timer.FAIRNESS) is None


def test_a_new_primary_has_its_own_time_and_patience_doubles() -> None:
    rig = Rig(3)
    pass_over(rig)
    rig.fire(Timer.FAIRNESS, PATIENCE - HALF)
    complain(rig, 2)
    rig.fire(Timer.FAIRNESS, HALF)
    rig.now += 1_000 * MS
    effects = rig.receive(1, new_view(4, 1, [vote(4, i, 1) for i in (0, 1, 2)]))
    assert rig.state.fairness.complaints == {}
    assert delay_of(effects, Timer.FAIRNESS) == (2 * PATIENCE - HALF) * MS
    rig.give(WorkPending(Instant(0), 4))
    assert delay_of(pass_over(rig, rig.now // MS), Timer.FAIRNESS) == (PATIENCE - HALF) * MS
