"""Several seeds of one scenario: what may be said about a figure, and how sure that is.

One run under one seed is one draw. The interval here is Student's, for the mean, at 95 %: with a
handful of seeds the normal quantile (1.96) would promise far too much, e.g. 4.30 is right for
three.

Reference: R. Jain, The Art of Computer Systems Performance Analysis (1991), section 13.2.
"""

import math
from collections.abc import Callable, Sequence

import msgspec

from sim.report.result import RunResult

# fmt: off
_STUDENT_975 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
    2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)
# fmt: on
"""Quantiles t(0.975, df) for df = 1..30; tabulated, so that no statistics package is needed."""


class Interval(msgspec.Struct, frozen=True):
    """One figure over several seeds."""

    figure: str
    unit: str
    """"s", "tx/s", "B", "messages", "blocks", "" (a plain count)."""
    values: tuple[float, ...]
    """One value for each seed that has one, in the order of the runs."""
    mean: float
    low: float
    """Lower end of the 95 % interval of the mean; equals `mean` with a single value."""
    high: float


_FIGURES: tuple[tuple[str, str, Callable[[RunResult], float | None]], ...] = (
    ("throughput", "tx/s", lambda r: r.tps),
    ("confirmation p50", "s", lambda r: r.confirmation_time_seconds.p50),
    ("confirmation p95", "s", lambda r: r.confirmation_time_seconds.p95),
    ("confirmation p99", "s", lambda r: r.confirmation_time_seconds.p99),
    ("height", "blocks", lambda r: float(r.height)),
    ("transactions", "", lambda r: float(r.transactions)),
    ("messages", "", lambda r: float(r.messages)),
    ("traffic", "B", lambda r: float(r.bytes)),
    ("view changes", "", lambda r: float(r.view_changes)),
)


def student_quantile(samples: int) -> float:
    """Return t(0.975) for `samples` values (df = samples - 1); infinite below two."""
    freedom = samples - 1
    if freedom < 1:
        return math.inf
    if freedom <= len(_STUDENT_975):
        return _STUDENT_975[freedom - 1]
    # Cornish-Fisher around the normal quantile; within 0.001 of the exact value from 31 on.
    z = 1.959964
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)


def interval(figure: str, unit: str, values: Sequence[float]) -> Interval:
    """Return mean and 95 % interval of at least one value."""
    count = len(values)
    mean = math.fsum(values) / count
    if count == 1:
        return Interval(figure, unit, tuple(values), mean, mean, mean)
    variance = math.fsum((value - mean) ** 2 for value in values) / (count - 1)
    half = student_quantile(count) * math.sqrt(variance / count)
    return Interval(figure, unit, tuple(values), mean, mean - half, mean + half)


def intervals(results: Sequence[RunResult]) -> tuple[Interval, ...]:
    """Return an interval for each figure that at least one of the runs has."""
    found = []
    for figure, unit, read in _FIGURES:
        values = [value for result in results if (value := read(result)) is not None]
        if values:
            found.append(interval(figure, unit, values))
    return tuple(found)
