"""Bytes on the wire by message kind: over time, and as a table."""

import numpy as np

from sim.report.collect import Collector
from sim.report.page import units
from sim.report.page.axes import (
    Frame,
    Linear,
    ceiling,
    hover_columns,
    nice_ticks,
    path,
    steps,
)
from sim.report.page.cards import card, empty, table
from sim.report.page.markup import Markup, element, join, void
from sim.report.page.overlay import TimePlot
from sim.report.page.throughput import column_edges_s, per_column
from sim.report.series import SECOND_NS, FloatArray

KINDS_MAX = 7
"""Kinds with a colour of their own; the rest is drawn together."""

REST = "other kinds"


class KindTotal:
    """What one message kind sent in the whole run."""

    __slots__ = ("bytes", "kind", "messages", "style")

    def __init__(self, kind: str, messages: int, size: int, style: str) -> None:
        self.kind = kind
        self.messages = messages
        self.bytes = size
        self.style = style


def kind_totals(collector: Collector) -> list[KindTotal]:
    """Return the kinds by falling bytes; ties by name. The greatest get colours s1 to s7."""
    totals = [
        (kind, traffic.count_by_second.total, traffic.bytes_by_second.total)
        for kind, traffic in collector.traffic_by_kind.items()
    ]
    totals.sort(key=lambda row: (-row[2], row[0]))
    return [
        KindTotal(kind, messages, size, f"s{place + 1}" if place < KINDS_MAX else "s8")
        for place, (kind, messages, size) in enumerate(totals)
    ]


def traffic_card(collector: Collector) -> Markup:
    """Return the stacked plot and the table of message kinds."""
    totals = kind_totals(collector)
    if not totals:
        nothing = empty("No message was sent in this run.")
        return card("Traffic by message kind", nothing, wide=True, name="traffic")
    return card(
        "Traffic by message kind",
        _stack(collector, totals),
        _table(totals),
        note="Bytes a second on all links together, frame headers included.",
        wide=True,
        name="traffic",
    )


def _stack(collector: Collector, totals: list[KindTotal]) -> Markup:
    plot = TimePlot(collector, Frame(1080, 310, left=80))
    seconds = max(1, -(-collector.end_ns // SECOND_NS))
    edges_s = column_edges_s(collector.end_ns)
    layers: dict[str, FloatArray] = {}
    names: dict[str, str] = {}
    for total in totals:
        by_second = collector.traffic_by_kind[total.kind].bytes_by_second.numpy(seconds)
        rates = per_column(by_second, edges_s)
        layers[total.style] = layers.get(total.style, np.zeros(len(rates))) + rates
        names[total.style] = total.kind if total.style != "s8" else REST
    floor = np.zeros(len(edges_s) - 1)
    top = ceiling(float(np.sum(list(layers.values()), axis=0).max()))
    y = Linear(0.0, top, *plot.frame.y_range)
    pixels = [plot.x(edge) for edge in edges_s]
    areas = []
    for style, rates in layers.items():
        roof = floor + rates
        areas.append(_area(pixels, y, floor.tolist(), roof.tolist(), style))
        floor = roof
    return plot.frame.svg(
        "Bytes a second by message kind",
        plot.background(),
        plot.frame.y_axis(y, nice_ticks(0, top, 6), lambda v: f"{units.size(v)}/s", "sent"),
        join(areas),
        plot.marks(),
        plot.axis(),
        hover_columns(plot.frame, pixels, _titles(edges_s, layers, names)),
    )


def _area(
    pixels: list[float], y: Linear, floor: list[float], roof: list[float], style: str
) -> Markup:
    upper = [(x, y(value)) for x, value in steps(pixels, roof)]
    lower = [(x, y(value)) for x, value in steps(pixels, floor)]
    return void("path", d=path([*upper, *reversed(lower)], close=True), class_=f"layer {style}")


def _titles(
    edges_s: list[float], layers: dict[str, FloatArray], names: dict[str, str]
) -> list[str]:
    titles = []
    for i in range(len(edges_s) - 1):
        parts = [f"{units.clock(edges_s[i])} to {units.clock(edges_s[i + 1])}"]
        rows = [(float(rates[i]), names[style]) for style, rates in layers.items()]
        parts += [f"{name} {units.size(rate)}/s" for rate, name in rows if rate > 0][:5]
        titles.append("\n".join(parts))
    return titles


def _table(totals: list[KindTotal]) -> Markup:
    everything = sum(total.bytes for total in totals)
    heads = [
        ("kind", ""),
        ("messages", "number"),
        ("bytes", "number"),
        ("mean size", "number"),
        ("share of bytes", "share"),
    ]
    rows: list[list[Markup | str]] = []
    for total in totals:
        share = total.bytes / everything if everything else 0.0
        swatch = element("i", class_=f"swatch box {total.style}")
        name = element("span", swatch, total.kind, class_="kind")
        bar = element(
            "span",
            element("b", class_=total.style, style=f"width:{share * 100:.1f}%"),
            class_="meter",
        )
        rows.append(
            [
                name,
                units.count(total.messages),
                units.size(total.bytes),
                units.size(total.bytes / total.messages if total.messages else 0),
                element("span", bar, units.percent(share), class_="metered"),
            ]
        )
    return table(heads, rows)
