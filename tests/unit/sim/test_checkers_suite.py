"""The suite hands events to those that want them, and stops at the first objection."""

import pytest

from primitives.errors import OrreryError
from primitives.ids import Duration, Instant, NodeId
from sim.checkers import (
    CheckedWorld,
    CheckerSuite,
    Observed,
    Violation,
    ViolationFound,
    expected_checkers,
    safety_checkers,
)
from tests.unit.sim.checker_histories import History, build, chain, check_context


class Recorder:
    """Wants crashes only, and objects to the given one."""

    def __init__(self, name: str, objects_to: int = 0) -> None:
        self.name = name
        self.events = ("fault.crashed",)
        self.seen: list[str] = []
        self.finished = 0
        self._objects_to = objects_to

    def observe(self, observation: Observed, world: CheckedWorld) -> Violation | None:
        self.seen.append(observation.event.name)
        if len(self.seen) != self._objects_to:
            return None
        return Violation(self.name, Instant(observation.at_ns), NodeId(observation.node), "no")

    def finish(self, world: CheckedWorld) -> Violation | None:
        self.finished += 1
        return None


def crashes() -> History:
    history = History()
    history.commit(0, 1)
    history.crash(1)
    history.restart(1)
    history.crash(2)
    return history


def test_a_checker_sees_the_events_it_wants_and_the_end():
    recorder = Recorder("recorder")
    assert crashes().judge(recorder) is None
    assert recorder.seen == ["fault.crashed"] * 2
    assert recorder.finished == 1


def test_the_first_objection_counts_and_stops_the_rest():
    first, second = Recorder("first", objects_to=2), Recorder("second", objects_to=1)
    violation = crashes().judge(first, second)
    assert violation is not None
    assert (violation.checker, violation.node, violation.at_ns) == ("second", 1, 2_000_000)
    assert len(first.seen) == 1


def test_every_run_has_the_safety_checkers_in_this_order():
    assert CheckerSuite(safety_checkers(check_context())).names == (
        "agreement",
        "certificates",
        "prefix",
        "prepared",
        "accusations",
        "confirmation",
        "nonces",
        "conservation",
        "single-execution",
    )


def test_duties_are_checked_only_where_they_are_expected():
    context = check_context()
    assert expected_checkers(context) == []
    both = expected_checkers(context, Duration(1), 3)
    assert [checker.name for checker in both] == ["liveness-after-heal", "final-agreement"]
    assert [c.name for c in expected_checkers(context, agreement_within=0)] == ["final-agreement"]


def test_a_consumer_of_the_trace_raises_at_the_objection():
    history = History()
    history.commit_all([0, 1], [1])
    history.commit(2, 1, build(chain()[0], [], fork=1))
    consume = CheckerSuite(safety_checkers(check_context())).consumer(history.world)
    for observation in history.observations[:2]:
        consume(observation)
    with pytest.raises(ViolationFound, match=r"agreement: node 2 at 0\.003000000 s: ") as caught:
        consume(history.observations[2])
    assert isinstance(caught.value, OrreryError)
    assert caught.value.violation.node == 2


def test_the_message_of_a_violation_without_a_node_names_the_network():
    violation = Violation("liveness-after-heal", Instant(1), NodeId(-1), "late")
    assert "the network at 0.000000001 s: late" in str(ViolationFound(violation))
