"""Latency to inclusion: its distribution, and how it went over time."""

import numpy as np

from sim.load.histogram import LatencyHistogram, shares_within
from sim.load.page_time import LoadTime
from sim.load.result import LoadResult
from sim.report.page import units
from sim.report.page.axes import (
    Frame,
    Linear,
    Log,
    ceiling,
    hover_columns,
    legend,
    line,
    log_ticks,
    nice_ticks,
    path,
    rectangle,
    steps,
    text,
)
from sim.report.page.cards import card, empty
from sim.report.page.latency import bucket_edges
from sim.report.page.markup import Markup, element, join, void
from sim.report.series import SECOND_NS, FloatArray

LOG_FROM_RATIO = 12.0


def latency_card(result: LoadResult, inclusion: LatencyHistogram) -> Markup:
    """Return the plot of latencies to inclusion."""
    title = "Latency to inclusion"
    if not inclusion.count:
        return card(title, empty("No transaction was included."), name="latency")
    frame = Frame(530, 320, right=52, top=62)
    low, high = inclusion.least / SECOND_NS, inclusion.greatest / SECOND_NS
    edges = bucket_edges(np.array([low, high]))
    counts = shares_within(inclusion, (edges * SECOND_NS).astype(np.int64))
    wide = bool(edges[0] > 0 and edges[-1] / edges[0] >= LOG_FROM_RATIO)
    scale = Log if wide else Linear
    x = scale(float(edges[0]), float(edges[-1]), *frame.x_range)
    ticks = (log_ticks if wide else nice_ticks)(float(edges[0]), float(edges[-1]), 7)
    top = ceiling(max(counts))
    y = Linear(0.0, top, *frame.y_range)
    drawing = frame.svg(
        "Histogram and cumulative distribution of latencies to inclusion",
        frame.y_axis(y, nice_ticks(0, top, 6), units.compact, "transactions"),
        _bars(x, y, edges, counts),
        _cumulative(frame, x, edges, counts),
        _marks(frame, x, result),
        frame.x_axis(x, ticks, units.seconds, "latency" + (", log" if wide else "")),
    )
    entries = [("box s1", "transactions"), ("line s2", "share included (right axis)")]
    note = f"{units.count(inclusion.count)} transactions, from the intended instant to the block."
    return card(title, legend(entries), drawing, note=note, name="latency")


def _bars(x: Linear | Log, y: Linear, edges: FloatArray, counts: list[int]) -> Markup:
    bars = []
    for i, count in enumerate(counts):
        if count:
            start, end = x(float(edges[i])), x(float(edges[i + 1]))
            span = f"{units.seconds(float(edges[i]))} to {units.seconds(float(edges[i + 1]))}"
            title = f"{span}: {units.count(count)} transactions"
            width, height = max(end - start - 1, 1), y(0) - y(count)
            bars.append(rectangle(start + 0.5, y(count), width, height, "bar s1", title))
    return element("g", join(bars))


def _cumulative(frame: Frame, x: Linear | Log, edges: FloatArray, counts: list[int]) -> Markup:
    share = Linear(0.0, 1.0, *frame.y_range)
    sums = np.concatenate(([0], np.cumsum(counts))) / sum(counts)
    points = [(x(float(edge)), share(float(at))) for edge, at in zip(edges, sums, strict=True)]
    right = frame.x_range[1]
    ticks = [
        text(units.percent(tick), right + 6, share(tick) + 4, "tick")
        for tick in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]
    return element("g", void("path", d=path(points), class_="curve s2"), *ticks)


def _marks(frame: Frame, x: Linear | Log, result: LoadResult) -> Markup:
    """Draw a line for each percentile, labels on rows of their own so that they never collide."""
    bottom, top = frame.y_range
    points = result.inclusion_seconds
    parts = []
    for row, (name, value) in enumerate(
        (("p50", points.p50), ("p95", points.p95), ("p99", points.p99))
    ):
        if value is None:
            continue
        at, label = x(value), f"{name} {units.seconds(value)}"
        height = top - 40 + row * 14
        left = at + 7 * len(label) > frame.width
        parts.append(line(at, height - 8, at, bottom, "percentile"))
        place = at - 4 if left else at + 4
        parts.append(text(label, place, height, "mark", anchor="end" if left else None))
    return element("g", *parts)


def latency_over_time_card(result: LoadResult) -> Markup:
    """Return the plot of median and 99th percentile by the second of the intended instant."""
    title = "Latency over time"
    series = result.series
    p50, p99 = series.inclusion_p50, series.inclusion_p99
    known = [value for value in p99 if value is not None]
    if not known:
        return card(title, empty("No transaction was included."), name="latency-time")
    plot = LoadTime(result, Frame(530, 320))
    top = ceiling(max(known))
    y = Linear(0.0, top, *plot.frame.y_range)
    edges = [float(second) for second in range(len(p99) + 1)]
    pixels = [min(plot.x(edge), plot.frame.x_range[1]) for edge in edges]
    drawing = plot.frame.svg(
        "Latency to inclusion over time",
        plot.shades(),
        plot.frame.y_axis(y, nice_ticks(0, top, 6), units.seconds, "latency to inclusion"),
        *_pieces(pixels, y, p99, "curve s6"),
        *_pieces(pixels, y, p50, "curve s1"),
        plot.axis(),
        hover_columns(plot.frame, pixels, _titles(p50, p99)),
    )
    entries = [("line s1", "median"), ("line s6", "99th percentile")]
    note = "Of the transactions that were due in each second, whenever they came home."
    return card(title, legend(entries), drawing, note=note, name="latency-time")


def _pieces(
    pixels: list[float], y: Linear, values: list[float | None], class_: str
) -> list[Markup]:
    """Return step lines through the seconds that have a value; gaps stay gaps."""
    pieces: list[Markup] = []
    start = 0
    while start < len(values):
        end = start
        run: list[float] = []
        while end < len(values) and (value := values[end]) is not None:
            run.append(value)
            end += 1
        if run:
            points = [(x, y(value)) for x, value in steps(pixels[start : end + 1], run)]
            pieces.append(void("path", d=path(points), class_=class_))
        start = end + 1
    return pieces


def _titles(p50: list[float | None], p99: list[float | None]) -> list[str]:
    return [
        f"due in second {second}\nmedian {units.seconds(p50[second])}\n"
        f"p99 {units.seconds(p99[second])}"
        for second in range(len(p99))
    ]
