"""Committed and submitted transactions over time."""

import numpy as np

from sim.report.collect import Collector
from sim.report.figures import measured_window, throughput
from sim.report.page import units
from sim.report.page.axes import (
    Frame,
    Linear,
    ceiling,
    hover_columns,
    legend,
    line,
    nice_ticks,
    path,
    steps,
)
from sim.report.page.cards import card, empty
from sim.report.page.markup import Markup, element, void
from sim.report.page.overlay import TimePlot
from sim.report.series import SECOND_NS, FloatArray, IntArray

COLUMNS_MAX = 240
"""Most columns of a plot over time; longer runs put several seconds into one."""


def column_seconds(end_ns: int) -> int:
    """Return how many seconds one column of a plot over time stands for."""
    return max(1, -(-end_ns // (COLUMNS_MAX * SECOND_NS)))


def column_edges_s(end_ns: int) -> list[float]:
    """Return the edges of the columns in seconds; the last one is the run's end."""
    step = column_seconds(end_ns)
    end_s = end_ns / SECOND_NS
    edges = [float(s) for s in range(0, max(1, -(-end_ns // SECOND_NS)), step)]
    return [*edges, max(end_s, edges[-1] + 1e-3)]


def per_column(by_second: IntArray, edges_s: list[float]) -> FloatArray:
    """Return mean rates a second for each column from sums for each second."""
    starts = np.array(edges_s[:-1], dtype=np.int64)
    sums = np.add.reduceat(by_second, starts)
    return sums / np.diff(np.array(edges_s))


def committed_by_second(collector: Collector, seconds: int) -> IntArray:
    """Return the transactions first committed in each second, shape (seconds,)."""
    second = np.minimum(collector.blocks.at_ns.numpy() // SECOND_NS, seconds - 1)
    weights = collector.blocks.transactions.numpy()
    return np.bincount(second, weights=weights, minlength=seconds).astype(np.int64)


def throughput_card(collector: Collector) -> Markup:
    """Return the plot of transactions a second."""
    end_ns = collector.end_ns
    seconds = max(1, -(-end_ns // SECOND_NS))
    edges_s = column_edges_s(end_ns)
    committed = per_column(committed_by_second(collector, seconds), edges_s).tolist()
    submitted = per_column(collector.submitted_by_second.numpy(seconds), edges_s).tolist()
    if not any(committed) and not any(submitted):
        nothing = empty("No transaction was submitted or committed in this run.")
        return card("Throughput", nothing, wide=True, name="throughput")
    plot = TimePlot(collector, Frame(1080, 310))
    top = ceiling(max(*committed, *submitted))
    y = Linear(0.0, top, *plot.frame.y_range)
    ticks = nice_ticks(0, top, 6)
    pixels = [plot.x(edge) for edge in edges_s]
    drawing = plot.frame.svg(
        "Transactions a second over virtual time",
        plot.background(),
        plot.frame.y_axis(y, ticks, units.compact, "transactions a second"),
        _curves(pixels, y, committed, submitted),
        plot.marks(),
        _mean(collector, plot, y),
        plot.axis(),
        hover_columns(plot.frame, pixels, _titles(edges_s, committed, submitted)),
    )
    step = column_seconds(end_ns)
    return card(
        "Throughput",
        legend(_entries(throughput(collector), collector)),
        drawing,
        note=f"Means over {'each second' if step == 1 else f'{step} s'}. "
        "Shaded: not in the figures.",
        wide=True,
        name="throughput",
    )


def _curves(
    pixels: list[float], y: Linear, committed: list[float], submitted: list[float]
) -> Markup:
    curve = [(x, y(value)) for x, value in steps(pixels, committed)]
    area = [(pixels[0], y(0)), *curve, (pixels[-1], y(0))]
    wanted = [(x, y(value)) for x, value in steps(pixels, submitted)]
    return element(
        "g",
        void("path", d=path(area, close=True), class_="area s1"),
        void("path", d=path(wanted), class_="curve dash s2"),
        void("path", d=path(curve), class_="curve s1"),
    )


def _entries(mean: float, collector: Collector) -> list[tuple[str, str]]:
    """Return the legend. The mean is told here: in the plot, the curves run along its line."""
    submitted = "submitted to honest nodes" if collector.shape.liars else "submitted"
    entries = [("line s1", "committed (first commit anywhere)"), ("dash s2", submitted)]
    if mean > 0:
        entries.append(("dots", f"mean committed, {units.rate(mean)}"))
    return entries


def _mean(collector: Collector, plot: TimePlot, y: Linear) -> Markup:
    mean = throughput(collector)
    window = measured_window(collector)
    if mean <= 0:
        return Markup()
    start, end = plot.pixel(window.start_ns), plot.pixel(window.end_ns)
    return line(start, y(mean), end, y(mean), "mean")


def _titles(edges_s: list[float], committed: list[float], submitted: list[float]) -> list[str]:
    return [
        f"{units.clock(edges_s[i])} to {units.clock(edges_s[i + 1])}\n"
        f"committed {units.rate(committed[i])}\nsubmitted {units.rate(submitted[i])}"
        for i in range(len(committed))
    ]
