"""Expectations: each asks for one thing, passes or fails, and says what was found."""

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from primitives.ids import Duration, Instant, NodeId
from sim.checkers import Violation, evaluate
from sim.report.result import Expectation, Percentiles
from sim.scenario.scenario import Expect

SECOND = 1_000_000_000


class Found(msgspec.Struct, frozen=True):
    """The figures that expectations look at."""

    tps: float = 100.0
    height: int = 50
    committee_changes: int = 3
    view_changes: int = 2
    confirmation_time_seconds: Percentiles = Percentiles(0.2, 0.8, 1.5)


def rows(
    expect: Mapping[str, Any], violation: Violation | None = None, partial: bool = False
) -> tuple[Expectation, ...]:
    """What comes of expectations, each a key of `[expect]` with its decoded value."""
    found = evaluate(Expect(**expect), Found(), violation, partial)
    assert found[0].name == "safety"
    return found


def only(expect: Mapping[str, Any]) -> Expectation:
    _, row = rows(expect)
    return row


def objection(checker: str) -> Violation:
    return Violation(checker, Instant(3 * SECOND), NodeId(4), "what happened")


def test_safety_is_always_expected():
    assert rows({}) == (Expectation("safety", passed=True, detail="no checker objected"),)


@pytest.mark.parametrize("checker", ["agreement", "nonces", "somebody-elses"])
def test_safety_fails_with_any_checker(checker):
    (safety,) = rows({}, objection(checker))
    assert not safety.passed
    assert safety.detail == f"{checker} at 3 s, node 4: what happened"


@pytest.mark.parametrize(
    ("expect", "passed", "detail"),
    [
        (
            {"min_tps": 100.0},
            True,
            "expected at least 100 transactions per second, found 100 transactions per second",
        ),
        (
            {"min_tps": 100.5},
            False,
            "expected at least 100.5 transactions per second, found 100 transactions per second",
        ),
        ({"min_height": 50}, True, "expected at least 50 blocks, found 50 blocks"),
        ({"min_height": 51}, False, "expected at least 51 blocks, found 50 blocks"),
        (
            {"min_epoch": 3},
            True,
            "expected at least 3 committee changes, found 3 committee changes",
        ),
        (
            {"min_epoch": 4},
            False,
            "expected at least 4 committee changes, found 3 committee changes",
        ),
        ({"min_view_changes": 2}, True, "expected at least 2 view changes, found 2 view changes"),
        ({"min_view_changes": 3}, False, "expected at least 3 view changes, found 2 view changes"),
        ({"max_view_changes": 2}, True, "expected at most 2 view changes, found 2 view changes"),
        ({"max_view_changes": 1}, False, "expected at most 1 view change, found 2 view changes"),
        (
            {"max_p99_confirmation": Duration(3 * SECOND // 2)},
            True,
            "expected at most 1.5 s at p99, found 1.5 s",
        ),
        (
            {"max_p99_confirmation": Duration(SECOND)},
            False,
            "expected at most 1 s at p99, found 1.5 s",
        ),
    ],
)
def test_figures_are_held_against_their_limits(expect, passed, detail):
    row = only(expect)
    assert (row.name, row.passed, row.detail) == (next(iter(expect)), passed, detail)


def test_a_confirmation_time_of_nothing_fails():
    found = evaluate(
        Expect(max_p99_confirmation=Duration(SECOND)),
        Found(confirmation_time_seconds=Percentiles()),
        None,
    )
    assert not found[1].passed
    assert found[1].detail == "expected at most 1 s at p99, none seen"


@pytest.mark.parametrize(
    ("expect", "checker"),
    [
        ({"liveness_after_heal": Duration(10 * SECOND)}, "liveness-after-heal"),
        ({"agreement": True}, "final-agreement"),
    ],
)
def test_a_duty_fails_with_its_own_checker_and_leaves_safety_alone(expect, checker):
    row = only(expect)
    assert row.passed
    assert row.name == next(iter(expect))
    safety, row = rows(expect, objection(checker), partial=True)
    assert safety.passed
    assert not row.passed
    assert row.detail == f"{checker} at 3 s, node 4: what happened"


@pytest.mark.parametrize("expect", [{"liveness_after_heal": Duration(1)}, {"agreement": True}])
def test_a_duty_that_a_run_could_not_finish_is_not_fulfilled(expect):
    for violation in (None, objection("nonces")):
        row = rows(expect, violation, partial=True)[1]
        assert not row.passed
        assert row.detail.endswith("the run ended early")


def test_an_objection_at_the_end_leaves_the_duties_before_it_fulfilled():
    both = {"liveness_after_heal": Duration(SECOND), "agreement": True}
    _, liveness, agreement = rows(both, objection("final-agreement"))
    assert liveness.passed
    assert not agreement.passed
    for checker in ("liveness-after-heal", "conservation"):
        agreement = rows(both, objection(checker))[2]
        assert not agreement.passed
        assert agreement.detail.endswith(f"not judged, because {checker} objected first")


def test_an_interrupted_run_says_so():
    assert rows({}, partial=True)[0].detail == "no checker objected until the run was interrupted"


@pytest.mark.parametrize(("within", "apart"), [(0, "0 blocks"), (1, "1 block"), (3, "3 blocks")])
def test_agreement_is_asked_for_in_a_sentence(within, apart):
    expect = {"agreement": True, "agreement_within": within}
    asked = f"running nodes at most {apart} apart at the end"
    assert only(expect).detail == asked
    assert rows(expect, partial=True)[1].detail == f"expected {asked}; the run ended early"


def test_agreement_is_asked_for_by_name_only():
    assert len(rows({"agreement": False, "agreement_within": 5})) == 1


def test_rows_come_in_the_order_of_the_table():
    asked = {
        "agreement": True,
        "liveness_after_heal": Duration(1),
        "max_view_changes": 9,
        "min_epoch": 1,
        "min_height": 1,
        "max_p99_confirmation": Duration(9 * SECOND),
        "min_tps": 1.0,
    }
    found = rows(asked)
    assert [row.name for row in found] == [
        "safety",
        "min_tps",
        "max_p99_confirmation",
        "min_height",
        "min_epoch",
        "max_view_changes",
        "liveness_after_heal",
        "agreement",
    ]
    assert all(row.passed for row in found)
