"""Several seeds of the same scenario: a dot for each run, a bar for the interval."""

from collections.abc import Sequence

from sim.report.page import units
from sim.report.page.axes import Linear, line, rectangle
from sim.report.page.cards import card, table
from sim.report.page.markup import Markup, element, number
from sim.report.result import RunResult
from sim.report.seeds import Interval, intervals

_WIDTH, _HEIGHT = 340.0, 20.0


def seeds_card(results: Sequence[RunResult]) -> Markup:
    """Return intervals and the list of runs; nothing for fewer than two runs."""
    if len(results) < 2:
        return Markup()
    rows: list[list[Markup | str]] = [
        [
            found.figure,
            units.measure(found.mean, found.unit),
            f"{units.measure(found.low, found.unit)} to {units.measure(found.high, found.unit)}",
            _strip(found),
        ]
        for found in intervals(results)
    ]
    heads = [("figure", ""), ("mean", "number"), ("95 % interval", "number"), ("runs", "strip")]
    return card(
        f"Across {len(results)} seeds",
        table(heads, rows),
        _runs(results),
        note="Student's interval of the mean. Each dot is one seed, the bar is the interval.",
        wide=True,
        name="seeds",
    )


def _strip(found: Interval) -> Markup:
    low, high = min(*found.values, found.low), max(*found.values, found.high)
    x = Linear(low, high, 8.0, _WIDTH - 8.0)
    middle = _HEIGHT / 2
    left, right = x(found.low), x(found.high)
    dots = [
        element(
            "circle",
            element("title", units.measure(value, found.unit)),
            cx=x(value),
            cy=middle,
            r=4.0,
            class_="spot s1",
        )
        for value in found.values
    ]
    return element(
        "svg",
        line(8, middle, _WIDTH - 8, middle, "grid"),
        rectangle(left, middle - 6, max(right - left, 1.5), 12, "interval", radius=3),
        line(x(found.mean), 1, x(found.mean), _HEIGHT - 1, "mean"),
        *dots,
        viewbox=f"0 0 {number(_WIDTH)} {number(_HEIGHT)}",
        class_="strip",
        role="img",
        aria_label=f"{found.figure} over the seeds",
    )


def _runs(results: Sequence[RunResult]) -> Markup:
    heads = [
        ("seed", "number"),
        ("digest", "code"),
        ("throughput", "number"),
        ("p50", "number"),
        ("p99", "number"),
        ("height", "number"),
        ("view changes", "number"),
        ("expectations", ""),
    ]
    rows: list[list[Markup | str]] = []
    for result in results:
        times = result.confirmation_time_seconds
        rows.append(
            [
                str(result.seed),
                element("code", result.digest[:16]),
                units.rate(result.tps),
                units.seconds(times.p50),
                units.seconds(times.p99),
                units.count(result.height),
                units.count(result.view_changes),
                _verdict(result),
            ]
        )
    return table(heads, rows)


def _verdict(result: RunResult) -> Markup:
    failed = sum(not expectation.passed for expectation in result.expectations)
    if result.violation is not None:
        return element("span", f"violated: {result.violation.checker}", class_="bad")
    if failed:
        return element("span", f"{failed} failed", class_="bad")
    return element("span", "passed", class_="good")
