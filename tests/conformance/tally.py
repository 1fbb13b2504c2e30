"""Counts of public cases, collected over many tests and worker processes into a few lines."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TypeAlias, cast

Counts: TypeAlias = tuple[str, int, int, list[tuple[str, int]]]
"""Suite, cases run, cases passed, and how many were left out for each reason."""
PROPERTY = "public cases"
"""The name under which a test's report carries its counts to the summary."""


class Tally:
    """The counts of one test.

    Args:
        suite: heading under which the summary adds up what tests have counted.
    """

    def __init__(self, suite: str) -> None:
        self.suite = suite
        self.run = 0
        self.left_out: Counter[str] = Counter()
        """Reason, and how many cases it applies to."""
        self.failures: list[str] = []
        self.failed = 0

    def add(self, problems: Iterable[str]) -> None:
        """Count a case that was run, with what is wrong with its outcome."""
        found = list(problems)
        self.run += 1
        self.failed += bool(found)
        self.failures += found

    def leave_out(self, reason: str) -> None:
        """Count a case that was not run."""
        self.left_out[reason] += 1

    def report(self, record_property: Callable[[str, object], None]) -> None:
        """Hand the counts to the summary, and fail if there is a problem or nothing at all."""
        counts = (self.suite, self.run, self.run - self.failed, sorted(self.left_out.items()))
        record_property(PROPERTY, counts)
        assert self.run or self.left_out, "no case was found"
        shown = "\n".join(self.failures[:40])
        assert not self.failures, f"{self.failed} of {self.run} cases failed:\n{shown}"


def summary_lines(properties: Iterable[tuple[str, object]]) -> list[str]:
    """Return one line for each suite of the tallies among the properties of test reports."""
    runs: Counter[str] = Counter()
    passed: Counter[str] = Counter()
    left_out: dict[str, Counter[str]] = {}
    for name, value in properties:
        if name != PROPERTY:
            continue
        suite, run, right, reasons = cast("Counts", value)
        runs[suite] += run
        passed[suite] += right
        for reason, count in reasons:
            left_out.setdefault(suite, Counter())[reason] += count
    return [_line(suite, runs[suite], passed[suite], left_out.get(suite)) for suite in sorted(runs)]


def _line(suite: str, run: int, passed: int, left_out: Counter[str] | None) -> str:
    reasons = "".join(
        [f"; {count} left out: {reason}" for reason, count in sorted((left_out or {}).items())]
    )
    return f"{suite}: {run} run, {passed} passed{reasons}"
