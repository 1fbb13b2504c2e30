"""Height of the chain over time: the head of the fastest, the median and the slowest node.

Liars are left out, for nobody takes down what they say of themselves, and so are gateways, which
keep no chain.
"""

import numpy as np

from sim.report.collect import Collector
from sim.report.page import units
from sim.report.page.axes import Frame, Linear, ceiling, legend, nice_ticks, path
from sim.report.page.cards import card, empty
from sim.report.page.markup import Markup, void
from sim.report.page.overlay import TimePlot
from sim.report.series import SECOND_NS, IntArray


def growth_card(collector: Collector) -> Markup:
    """Return the plot of chain growth."""
    nodes = collector.shape.judged
    heights = collector.nodes.height.matrix(len(collector.sampled_ns))[:, nodes]
    if heights.size == 0 or heights.max() == 0:
        nothing = empty("No node got beyond genesis.")
        return card("Chain growth", nothing, name="growth")
    plot = TimePlot(collector, Frame(530, 300))
    top = ceiling(float(heights.max()))
    y = Linear(0.0, top, *plot.frame.y_range)
    fastest, slowest = heights.max(axis=1), heights.min(axis=1)
    middle = np.median(heights, axis=1).astype(np.int64)
    high = _points(collector, plot, y, fastest)
    low = _points(collector, plot, y, slowest)
    drawing = plot.frame.svg(
        "Height of the chain at the nodes",
        plot.background(),
        plot.frame.y_axis(y, nice_ticks(0, top, 6), units.compact, "height"),
        plot.marks(),
        void("path", d=path([*high, *reversed(low)], close=True), class_="area s1"),
        void("path", d=path(low), class_="curve s2"),
        void("path", d=path(_points(collector, plot, y, middle)), class_="curve s1"),
        plot.axis(),
    )
    final = heights[-1]
    gap = int(final.max() - final.min())
    blocks = f"{units.count(gap)} block{'' if gap == 1 else 's'}"
    behind = f"At the end node {nodes[int(final.argmin())]} is {blocks} behind."
    everyone = "every honest node" if collector.shape.liars else "every node"
    return card(
        "Chain growth",
        legend([("line s1", "median node"), ("line s2", "slowest node"), ("box s1 pale", "range")]),
        drawing,
        note=behind if gap else f"At the end {everyone} has the same height.",
        name="growth",
    )


def _points(
    collector: Collector, plot: TimePlot, y: Linear, values: IntArray
) -> list[tuple[float, float]]:
    every = max(1, len(values) // 400)
    chosen = list(range(0, len(values), every))
    if chosen[-1] != len(values) - 1:
        chosen.append(len(values) - 1)
    return [(plot.x(collector.sampled_ns[i] / SECOND_NS), y(float(values[i]))) for i in chosen]
