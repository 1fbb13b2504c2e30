"""Errors by kind over time."""

from sim.load.page_time import LoadTime
from sim.load.result import LoadResult
from sim.report.page import units
from sim.report.page.axes import Frame, Linear, ceiling, legend, nice_ticks, rectangle
from sim.report.page.cards import card, empty, table
from sim.report.page.markup import Markup, element, join

COLOURS = ("s6", "s2", "s4", "s7", "s5", "s3", "s8", "s1")
"""Classes of the kinds, most frequent first."""


def errors_card(result: LoadResult) -> Markup:
    """Return bars of errors for each stretch of time, one colour a kind, and a table of them."""
    if not result.errors:
        nothing = empty("Every request was answered with yes.")
        return card("Errors", nothing, wide=True, name="errors")
    plot = LoadTime(result, Frame(1080, 250))
    kinds = list(result.errors)
    rates = [plot.rates(result.series.errors.get(kind, [])) for kind in kinds]
    top = ceiling(max(sum(column) for column in zip(*rates, strict=True)))
    y = Linear(0.0, top, *plot.frame.y_range)
    colours = [COLOURS[at % len(COLOURS)] for at in range(len(kinds))]
    drawing = plot.frame.svg(
        "Errors a second over time, by kind",
        plot.shades(),
        plot.frame.y_axis(y, nice_ticks(0, top, 5), units.compact, "errors a second"),
        _bars(plot, y, kinds, rates, colours),
        plot.axis(),
    )
    entries = [(f"box {colour}", kind) for kind, colour in zip(kinds, colours, strict=True)]
    total = sum(result.errors.values())
    rows: list[list[Markup | str]] = [
        [kind, units.count(count), units.percent(count / total)]
        for kind, count in result.errors.items()
    ]
    heads = [("kind", ""), ("answers", "number"), ("share", "number")]
    note = f"Means over {plot.step_words}. {units.count(result.resent)} requests were repeats."
    return card(
        "Errors", legend(entries), drawing, table(heads, rows), note=note, wide=True, name="errors"
    )


def _bars(
    plot: LoadTime, y: Linear, kinds: list[str], rates: list[list[float]], colours: list[str]
) -> Markup:
    pixels = [plot.x(edge) for edge in plot.edges_s]
    bars = []
    for column in range(len(pixels) - 1):
        below = 0.0
        for kind, values, colour in zip(kinds, rates, colours, strict=True):
            value = values[column]
            if value > 0:
                title = f"{kind}: {units.significant(value)} a second"
                start, width = pixels[column], max(pixels[column + 1] - pixels[column] - 0.5, 0.5)
                height = y(below) - y(below + value)
                bars.append(
                    rectangle(start, y(below + value), width, height, f"bar {colour}", title)
                )
                below += value
    return element("g", join(bars))
