"""Time between blocks over virtual time."""

from itertools import pairwise

import numpy as np

from sim.report.collect import Collector
from sim.report.page import units
from sim.report.page.axes import (
    Frame,
    Linear,
    Log,
    ceiling,
    legend,
    line,
    log_ticks,
    nice_ticks,
    text,
)
from sim.report.page.cards import card, empty
from sim.report.page.markup import Markup, element, join
from sim.report.page.overlay import TimePlot
from sim.report.series import SECOND_NS, FloatArray, IntArray

DOTS_MAX = 700
"""Above this many blocks, columns of several blocks show their longest only."""

_LOG_FROM_RATIO = 20.0


def block_time_card(collector: Collector) -> Markup:
    """Return the plot of block times: a dot for each block, at its commit."""
    at_ns = collector.blocks.at_ns.numpy()
    if len(at_ns) < 2:
        nothing = empty("Fewer than two blocks were committed, so there is no interval to draw.")
        return card("Block time", nothing, name="blocks")
    gaps_s: FloatArray = np.maximum(np.diff(at_ns) / SECOND_NS, 1e-6)
    median = float(np.median(gaps_s))
    shown = chosen_blocks(gaps_s)
    plot = TimePlot(collector, Frame(530, 320))
    y, ticks = _scale(plot.frame, gaps_s, median)
    drawing = plot.frame.svg(
        "Time between successive blocks",
        plot.background(),
        plot.frame.y_axis(y, ticks, units.seconds, "time since the block before"),
        plot.marks(),
        _dots(collector, plot, y, gaps_s, shown),
        line(plot.frame.x_range[0], y(median), plot.frame.x_range[1], y(median), "mean"),
        text(
            f"median {units.seconds(median)}",
            plot.frame.x_range[1] - 4,
            y(median) - 7,
            "mark",
            anchor="end",
        ),
        plot.axis(),
    )
    dropped = len(gaps_s) - len(shown)
    note = f"{units.count(len(gaps_s) + 1)} blocks by their first commit anywhere."
    if dropped:
        note += f" {units.count(len(shown))} are drawn: the longest of each stretch."
    return card(
        "Block time",
        legend([("dot s1", "view 0"), ("dot s6", "a later view")]),
        drawing,
        note=note,
        name="blocks",
    )


def chosen_blocks(gaps_s: FloatArray) -> IntArray:
    """Return which gaps to draw: all, or the greatest of each of `DOTS_MAX` stretches."""
    count = len(gaps_s)
    if count <= DOTS_MAX:
        return np.arange(count)
    edges = np.linspace(0, count, DOTS_MAX + 1).astype(np.int64)
    return np.array([a + int(np.argmax(gaps_s[a:b])) for a, b in pairwise(edges.tolist())])


def _scale(frame: Frame, gaps_s: FloatArray, median: float) -> tuple[Linear | Log, list[float]]:
    low, high = float(gaps_s.min()), float(gaps_s.max())
    if high / median >= _LOG_FROM_RATIO:
        bottom = max(low, median / 10) * 0.8
        return Log(bottom, high * 1.25, *frame.y_range), log_ticks(bottom, high * 1.25, 8)
    top = ceiling(high)
    return Linear(0.0, top, *frame.y_range), nice_ticks(0, top, 6)


def _dots(
    collector: Collector, plot: TimePlot, y: Linear | Log, gaps_s: FloatArray, shown: IntArray
) -> Markup:
    blocks = collector.blocks
    at_ns, height, view = blocks.at_ns.numpy(), blocks.height.numpy(), blocks.view.numpy()
    transactions, size = blocks.transactions.numpy(), blocks.bytes.numpy()
    dots = []
    for i in shown.tolist():
        row = i + 1
        title = (
            f"block {height[row]}, view {view[row]}\n{units.seconds(float(gaps_s[i]))}, "
            f"{units.count(int(transactions[row]))} transactions, {units.size(int(size[row]))}"
        )
        dots.append(
            element(
                "circle",
                element("title", title),
                cx=plot.pixel(int(at_ns[row])),
                cy=y(float(gaps_s[i])),
                r=2.6,
                class_="spot s1" if view[row] == 0 else "spot s6",
            )
        )
    return element("g", join(dots))
