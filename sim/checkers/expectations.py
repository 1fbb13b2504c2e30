"""What a scenario's `[expect]` asks for, held against what a run came to."""

from collections.abc import Iterator
from typing import Protocol

from primitives.ids import Duration
from sim.checkers.checker import Violation
from sim.checkers.final_agreement import FinalAgreement
from sim.checkers.liveness import LivenessAfterHeal
from sim.checkers.recovery import Recovery
from sim.checkers.stranded import Stranded
from sim.report.result import Expectation, Percentiles

SECOND = 1_000_000_000
ASKED_FOR = (LivenessAfterHeal.name, FinalAgreement.name, Recovery.name, Stranded.name)
"""Checkers with an expectation of their own, in the order in which they are asked; all others make
up `safety`."""


class Expected(Protocol):
    """The `[expect]` table: `sim.scenario.Expect`. None and False ask for nothing."""

    @property
    def min_tps(self) -> float | None:
        """Transactions per second in the measured window."""
        ...

    @property
    def max_p99_confirmation(self) -> Duration | None:
        """99 of 100 transactions are committed within this time, ns."""
        ...

    @property
    def min_height(self) -> int | None:
        """Height that the chain reaches."""
        ...

    @property
    def min_epoch(self) -> int | None:
        """Epoch that the chain reaches."""
        ...

    @property
    def agreement(self) -> bool:
        """Live nodes end at the same head, or nearly."""
        ...

    @property
    def agreement_within(self) -> int:
        """Blocks by which they may differ."""
        ...

    @property
    def liveness_after_heal(self) -> Duration | None:
        """A new block within this time after each heal, ns."""
        ...

    @property
    def recovery_within(self) -> Duration | None:
        """A new block within this time after the last disturbance, ns."""
        ...

    @property
    def stranded_after(self) -> Duration | None:
        """Nothing admitted earlier than this before the end is left over, ns."""
        ...

    @property
    def min_view_changes(self) -> int | None:
        """Fewest views above 0."""
        ...

    @property
    def max_view_changes(self) -> int | None:
        """Most views above 0."""
        ...


class Figures(Protocol):
    """What a run came to: `sim.report.result.RunResult`."""

    @property
    def tps(self) -> float:
        """Transactions committed per second, in the measured window."""
        ...

    @property
    def height(self) -> int:
        """Greatest height committed anywhere."""
        ...

    @property
    def committee_changes(self) -> int:
        """Epochs that have begun after the first one: the number of the last."""
        ...

    @property
    def view_changes(self) -> int:
        """Views above 0 that at least one replica entered."""
        ...

    @property
    def confirmation_time_seconds(self) -> Percentiles:
        """From submission to commit."""
        ...


def evaluate(
    expect: Expected, figures: Figures, violation: Violation | None, partial: bool = False
) -> tuple[Expectation, ...]:
    """Judge every expectation; `safety` comes first and is always there.

    Args:
        expect: what the scenario asks for.
        figures: what the run came to.
        violation: the objection that stopped the run, if one did.
        partial: whether the run ended before its scenario did, for whatever reason.
    """
    return (
        _safety(violation, partial),
        *_figures(expect, figures),
        *_duties(expect, violation, partial),
    )


def _safety(violation: Violation | None, partial: bool) -> Expectation:
    if violation is not None and violation.checker not in ASKED_FOR:
        return Expectation("safety", passed=False, detail=_objection(violation))
    until = " until the run was interrupted" if partial and violation is None else ""
    return Expectation("safety", passed=True, detail=f"no checker objected{until}")


def _figures(expect: Expected, figures: Figures) -> Iterator[Expectation]:
    if expect.min_tps is not None:
        yield _at_least("min_tps", expect.min_tps, figures.tps, "transactions per second")
    if expect.max_p99_confirmation is not None:
        limit = expect.max_p99_confirmation / SECOND
        p99 = figures.confirmation_time_seconds.p99
        yield _at_most("max_p99_confirmation", limit, p99, "s", " at p99")
    if expect.min_height is not None:
        yield _at_least("min_height", expect.min_height, figures.height, "blocks")
    if expect.min_epoch is not None:
        changes = figures.committee_changes
        yield _at_least("min_epoch", expect.min_epoch, changes, "committee changes")
    if expect.min_view_changes is not None:
        low = expect.min_view_changes
        yield _at_least("min_view_changes", low, figures.view_changes, "view changes")
    if expect.max_view_changes is not None:
        high = expect.max_view_changes
        yield _at_most("max_view_changes", high, figures.view_changes, "view changes")


def _duties(expect: Expected, violation: Violation | None, partial: bool) -> Iterator[Expectation]:
    if expect.liveness_after_heal is not None:
        asked = f"a new block within {expect.liveness_after_heal / SECOND:g} s after each heal"
        yield _duty("liveness_after_heal", LivenessAfterHeal.name, asked, violation, partial)
    if expect.agreement:
        apart = _measure(expect.agreement_within, "blocks")
        asked = f"running nodes at most {apart} apart at the end"
        yield _duty("agreement", FinalAgreement.name, asked, violation, partial)
    if expect.recovery_within is not None:
        span = expect.recovery_within / SECOND
        asked = f"a new block within {span:g} s after the last event has ended"
        yield _duty("recovery_within", Recovery.name, asked, violation, partial)
    if expect.stranded_after is not None:
        span = expect.stranded_after / SECOND
        asked = f"what nodes that stayed up admitted {span:g} s before the end is committed"
        yield _duty("stranded_after", Stranded.name, asked, violation, partial)


def _duty(
    name: str, checker: str, asked: str, violation: Violation | None, partial: bool
) -> Expectation:
    if violation is not None and violation.checker == checker:
        return Expectation(name, passed=False, detail=_objection(violation))
    if partial:
        return Expectation(name, passed=False, detail=f"expected {asked}; the run ended early")
    if violation is not None and checker not in _asked_before(violation.checker):
        untold = f"expected {asked}; not judged, because {violation.checker} objected first"
        return Expectation(name, passed=False, detail=untold)
    return Expectation(name, passed=True, detail=asked)


def _asked_before(checker: str) -> tuple[str, ...]:
    """Return the duties that were judged, and fulfilled, before `checker` objected at the end."""
    return ASKED_FOR[: ASKED_FOR.index(checker)] if checker in ASKED_FOR else ()


def _at_least(name: str, low: float, found: float, unit: str) -> Expectation:
    limit, actual = _measure(low, unit), _measure(found, unit)
    return Expectation(name, found >= low, f"expected at least {limit}, found {actual}")


def _at_most(name: str, high: float, found: float | None, unit: str, of: str = "") -> Expectation:
    limit = f"at most {_measure(high, unit)}{of}"
    if found is None:
        return Expectation(name, passed=False, detail=f"expected {limit}, none seen")
    return Expectation(name, found <= high, f"expected {limit}, found {_measure(found, unit)}")


def _measure(value: float, unit: str) -> str:
    """Write a figure with its unit: "1 block", "3 view changes", "0.5 s"."""
    singular = value == 1 and len(unit) > 1
    return f"{value:g} {unit.removesuffix('s') if singular else unit}"


def _objection(violation: Violation) -> str:
    where = "" if violation.node < 0 else f", node {violation.node}"
    seconds = violation.at_ns / SECOND
    return f"{violation.checker} at {seconds:.9g} s{where}: {violation.detail}"
