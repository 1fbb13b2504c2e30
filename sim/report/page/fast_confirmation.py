"""Fast confirmation beside final commit: two cumulative curves, and what was told how often."""

import numpy as np

from sim.report.collect import Collector
from sim.report.figures import measured_window
from sim.report.page import units
from sim.report.page.axes import Frame, Linear, ceiling, legend, nice_ticks, path
from sim.report.page.cards import card, empty
from sim.report.page.markup import Markup, void
from sim.report.result import FastConfirmation
from sim.report.series import SECOND_NS, FloatArray

POINTS = 240
"""Points of a curve at most."""


def fast_confirmation_card(result: FastConfirmation | None, collector: Collector) -> Markup | None:
    """Return the plot of both answers; None where no gateway took part."""
    if result is None:
        return None
    window = measured_window(collector)
    first_ns, final_ns = collector.gateways.times_ns(window.start_ns, window.end_ns)
    title = "Fast confirmation"
    if len(final_ns) == 0:
        nothing = empty("No transaction submitted in the measured window was answered.")
        return card(title, nothing, note=_counts(result), name="fast-confirmation")
    first, final = first_ns / SECOND_NS, final_ns / SECOND_NS
    frame = Frame(530, 320, right=24, top=40)
    end = ceiling(float(np.quantile(final, 0.995)))
    x, y = Linear(0.0, end, *frame.x_range), Linear(0.0, 1.0, *frame.y_range)
    drawing = frame.svg(
        "Cumulative distributions of the time to the first answer and to the final commit",
        frame.y_axis(y, (0.0, 0.25, 0.5, 0.75, 1.0), units.percent, "share answered"),
        _curve(x, y, final, end, "s2"),
        _curve(x, y, first, end, "s1"),
        frame.x_axis(x, nice_ticks(0, end, 7), units.seconds, "time since submission"),
    )
    return card(
        title,
        legend([("line s1", "first answer"), ("line s2", "final commit")]),
        drawing,
        note=f"{units.count(len(final))} transactions, timed at their gateway. {_counts(result)}",
        name="fast-confirmation",
    )


def _curve(x: Linear, y: Linear, times_s: FloatArray, end: float, style: str) -> Markup:
    count = len(times_s)
    shown = int(np.searchsorted(times_s, end, side="right"))
    ranks = np.unique(np.linspace(0, shown - 1, min(shown, POINTS)).astype(np.int64))
    points = [(x(float(times_s[0])), y(0))]
    points += [(x(float(times_s[rank])), y((int(rank) + 1) / count)) for rank in ranks]
    return void("path", d=path(points), class_=f"curve {style}")


def _counts(result: FastConfirmation) -> str:
    first, final = result.first_answer_seconds, result.final_commit_seconds
    parts = [
        f"{name} {units.seconds(a)} against {units.seconds(b)}"
        for name, a, b in (
            ("p50", first.p50, final.p50),
            ("p90", first.p90, final.p90),
            ("p99", first.p99, final.p99),
        )
        if a is not None and b is not None
    ]
    told = (
        f"{units.count(result.confirmed)} confirmed by signatures, "
        f"{units.count(result.final)} final, {units.count(result.rejected)} rejected, "
        f"{units.count(result.pending)} called pending, {units.count(result.lies)} lies noticed."
    )
    return (", ".join(parts) + ". " if parts else "") + told
