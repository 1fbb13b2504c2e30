"""Offered, included and final transactions over time."""

from sim.load.page_time import LoadTime
from sim.load.result import LoadResult
from sim.report.page import units
from sim.report.page.axes import (
    Frame,
    Linear,
    ceiling,
    hover_columns,
    legend,
    nice_ticks,
    path,
    steps,
)
from sim.report.page.cards import card, empty
from sim.report.page.markup import Markup, element, void


def throughput_card(result: LoadResult) -> Markup:
    """Return the plot of transactions a second."""
    plot = LoadTime(result, Frame(1080, 310))
    series = result.series
    intended = plot.rates(series.intended)
    accepted = plot.rates(series.accepted)
    included = plot.rates(series.included)
    if not any(intended):
        nothing = empty("No transaction was due.")
        return card("Throughput", nothing, wide=True, name="throughput")
    top = ceiling(max(*intended, *accepted, *included))
    y = Linear(0.0, top, *plot.frame.y_range)
    pixels = [plot.x(edge) for edge in plot.edges_s]
    curve = [(x, y(value)) for x, value in steps(pixels, included)]
    area = [(pixels[0], y(0)), *curve, (pixels[-1], y(0))]
    drawing = plot.frame.svg(
        "Transactions a second over time",
        plot.shades(),
        plot.frame.y_axis(y, nice_ticks(0, top, 6), units.compact, "transactions a second"),
        element(
            "g",
            void("path", d=path(area, close=True), class_="area s1"),
            _line(pixels, y, accepted, "curve s3"),
            _line(pixels, y, intended, "curve dash s2"),
            void("path", d=path(curve), class_="curve s1"),
        ),
        plot.axis(),
        hover_columns(plot.frame, pixels, _titles(plot, intended, accepted, included)),
    )
    entries = [
        ("line s1", "included in blocks"),
        ("line s3", "accepted by nodes"),
        ("dash s2", "intended"),
    ]
    note = f"Means over {plot.step_words}. Shaded: not in the figures."
    return card("Throughput", legend(entries), drawing, note=note, wide=True, name="throughput")


def _line(pixels: list[float], y: Linear, values: list[float], class_: str) -> Markup:
    points = [(x, y(value)) for x, value in steps(pixels, values)]
    return void("path", d=path(points), class_=class_)


def _titles(
    plot: LoadTime, intended: list[float], accepted: list[float], included: list[float]
) -> list[str]:
    edges = plot.edges_s
    return [
        f"{units.clock(edges[i])} to {units.clock(edges[i + 1])}\n"
        f"intended {units.rate(intended[i])}\naccepted {units.rate(accepted[i])}\n"
        f"included {units.rate(included[i])}"
        for i in range(len(included))
    ]
