"""Distribution of confirmation times: histogram, cumulative curve, percentiles."""

import numpy as np

from sim.report.collect import Collector
from sim.report.figures import confirmation_times_ns, percentiles
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
    path,
    rectangle,
    text,
)
from sim.report.page.cards import card, empty
from sim.report.page.markup import Markup, element, join, void
from sim.report.series import SECOND_NS, FloatArray

_BUCKETS = 36
_LOG_FROM_RATIO = 12.0
"""Greatest over smallest value from which the axis is logarithmic."""


def latency_card(collector: Collector) -> Markup:
    """Return the plot of confirmation times of the measured window."""
    times_ns = confirmation_times_ns(collector)
    if len(times_ns) == 0:
        nothing = empty("No transaction submitted in the measured window was confirmed.")
        return card("Confirmation time", nothing, name="latency")
    times_s = times_ns / SECOND_NS
    frame = Frame(530, 320, right=52, top=62)
    edges = bucket_edges(times_s)
    counts = np.histogram(times_s, bins=edges)[0].tolist()
    wide = edges[-1] / edges[0] >= _LOG_FROM_RATIO if edges[0] > 0 else False
    scale = Log if wide else Linear
    x = scale(float(edges[0]), float(edges[-1]), *frame.x_range)
    ticks = (log_ticks if wide else nice_ticks)(float(edges[0]), float(edges[-1]), 7)
    top = ceiling(max(counts))
    y = Linear(0.0, top, *frame.y_range)
    marks = percentiles(times_ns)
    named = [("p50", marks.p50), ("p95", marks.p95), ("p99", marks.p99)]
    drawing = frame.svg(
        "Histogram and cumulative distribution of confirmation times",
        frame.y_axis(y, nice_ticks(0, top, 6), units.compact, "transactions"),
        _bars(x, y, edges.tolist(), counts),
        _cumulative(frame, x, times_s),
        _percentile_marks(frame, x, [(name, value) for name, value in named if value is not None]),
        frame.x_axis(x, ticks, units.seconds, "confirmation time" + (", log" if wide else "")),
    )
    return card(
        "Confirmation time",
        legend([("box s1", "transactions"), ("line s2", "share confirmed (right axis)")]),
        drawing,
        note=f"{units.count(len(times_ns))} transactions, from submission at a node to commit "
        "at that node.",
        name="latency",
    )


def bucket_edges(times_s: FloatArray) -> FloatArray:
    """Return the edges of the histogram: equal ratios for a wide range, else equal steps.

    A few outliers must not squeeze the body into one bar, which is why the choice looks at the
    ratio of greatest to smallest.
    """
    low, high = float(times_s[0]), float(times_s[-1])
    if low <= 0 or high / low < _LOG_FROM_RATIO:
        low = 0.0 if low < high / 4 else low
        if high <= low:
            low, high = low * 0.95, high * 1.05 or 1.0
        return np.linspace(low, high, _BUCKETS + 1)
    edges = np.geomspace(low, high, _BUCKETS + 1)
    edges[0], edges[-1] = low, high
    return edges


def _bars(x: Linear | Log, y: Linear, edges: list[float], counts: list[int]) -> Markup:
    base = y(0)
    bars = []
    for i, count in enumerate(counts):
        if count == 0:
            continue
        start, end, top = x(edges[i]), x(edges[i + 1]), y(count)
        title = (
            f"{units.seconds(edges[i])} to {units.seconds(edges[i + 1])}: "
            f"{units.count(count)} transactions"
        )
        bars.append(
            rectangle(start + 0.5, top, max(end - start - 1, 1), base - top, "bar s1", title)
        )
    return element("g", join(bars))


def _cumulative(frame: Frame, x: Linear | Log, times_s: FloatArray) -> Markup:
    share = Linear(0.0, 1.0, *frame.y_range)
    count = len(times_s)
    ranks = np.unique(np.linspace(0, count - 1, min(count, 200)).astype(np.int64))
    points = [(x(float(times_s[0])), share(0))]
    points += [(x(float(times_s[rank])), share((int(rank) + 1) / count)) for rank in ranks]
    right = frame.x_range[1]
    ticks = [
        text(units.percent(tick), right + 6, share(tick) + 4, "tick")
        for tick in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]
    return element("g", void("path", d=path(points), class_="curve s2"), *ticks)


def _percentile_marks(frame: Frame, x: Linear | Log, named: list[tuple[str, float]]) -> Markup:
    """Draw a line for each percentile, labels on rows of their own so that they never collide."""
    bottom, top = frame.y_range
    parts = []
    for row, (name, value) in enumerate(named):
        at = x(value)
        label = f"{name} {units.seconds(value)}"
        height = top - 40 + row * 14
        left = at + 7 * len(label) > frame.width
        parts.append(line(at, height - 8, at, bottom, "percentile"))
        parts.append(
            text(label, at - 4 if left else at + 4, height, "mark", anchor="end" if left else None)
        )
    return element("g", *parts)
