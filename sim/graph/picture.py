"""A block's dependency graph as an SVG file that stands for itself."""

from collections.abc import Sequence

from node.schedule import RAW, Graph
from sim.graph.analysis import Analysis
from sim.graph.layout import MARGIN, WIDTH, Layout, Place, lay_out, radius
from sim.graph.subject import Subject
from sim.report.page.axes import text
from sim.report.page.markup import Markup, element, join, number, void

TOP = 104.0
"""Height of title and legend."""
BOTTOM = 24.0
LABEL_PITCH_MIN = 24.0
"""Least distance of columns at which transactions on the critical path are numbered."""
STUB = 8.0
MILLION = 1_000_000

STYLE = """
svg{font-family:system-ui,sans-serif;background:#fff}
.title{font-size:17px;font-weight:600;fill:#1d2733}
.note,.legend{font-size:12px;fill:#4a5866}
.edge{fill:none;stroke:#8fa7bf;stroke-width:.9;stroke-opacity:.75}
.waw{stroke-dasharray:3 2}
.critical{stroke:#c8374a;stroke-width:1.8;stroke-opacity:1}
.node{fill:#3476a8;stroke:#fff;stroke-width:.6}
.alone{fill:#a9b8c6}
.dear{fill:#c8374a}
.join{fill:#fff;stroke:#5b6b7a;stroke-width:1}
.number{font-size:8.5px;fill:#8d2433;text-anchor:middle;
  paint-order:stroke;stroke:#fff;stroke-width:1.5px}
.rule{stroke:#e3e9ef;stroke-width:1}
"""


def draw(subject: Subject, graph: Graph, analysis: Analysis) -> str:
    """Return the picture of a block's graph as SVG text."""
    layout = lay_out(graph, subject.gas)
    height = TOP + layout.bottom + BOTTOM
    body = element(
        "g",
        _edges(graph, layout),
        _nodes(subject, graph, layout),
        _numbers(graph, layout),
        transform=f"translate(0 {number(TOP)})",
    )
    return element(
        "svg",
        element("style", Markup(STYLE)),
        void("rect", width=WIDTH + 2 * MARGIN, height=height, fill="#fff"),
        _heading(analysis),
        _legend(subject, analysis),
        _grid_title(layout, analysis),
        body,
        xmlns="http://www.w3.org/2000/svg",
        viewbox=f"0 0 {number(WIDTH + 2 * MARGIN)} {number(height)}",
        width=number(WIDTH + 2 * MARGIN),
        height=number(height),
        role="img",
        aria_label=f"Dependency graph of {analysis.block}",
    )


def _heading(analysis: Analysis) -> Markup:
    share = analysis.critical_path_gas / max(analysis.gas, 1)
    title = (
        f"{analysis.block}: {analysis.transactions:,} transactions, "
        f"{analysis.gas / MILLION:.2f} Mgas"
    )
    note = (
        f"{analysis.edges:,} edges under the rule \u201c{analysis.rule}\u201d; depth "
        f"{analysis.depth:,}, width {analysis.width:,}; critical path "
        f"{analysis.critical_path_gas / MILLION:.2f} Mgas, {share:.0%} of all"
    )
    return element(
        "g",
        text(title[:1].upper() + title[1:], MARGIN, 30, "title"),
        text(note, MARGIN, 52, "note"),
    )


def _legend(subject: Subject, analysis: Analysis) -> Markup:
    most = max(subject.gas, default=1)
    y, parts = 78.0, []
    x = MARGIN + 6
    entries = [("node", "waits, or is waited for"), ("node dear", "on the critical path")]
    if analysis.independent:
        entries.append(("node alone", "independent"))
    for style, words in entries:
        parts.append(void("circle", cx=x, cy=y - 4, r=5.0, class_=style))
        parts.append(text(words, x + 10, y, "legend"))
        x += 30 + 6.3 * len(words)
    if analysis.joins:
        parts.append(_diamond(x, y - 4, 4.0))
        words = "join: all on its left before any on its right"
        parts.append(text(words, x + 10, y, "legend"))
        x += 30 + 6.3 * len(words)
    parts.append(text("area: gas", x, y, "legend"))
    x += 66
    for gas in _sizes(most):
        size = radius(gas, most)
        parts.append(void("circle", cx=x + size, cy=y - 4, r=size, class_="node"))
        words = f"{gas / MILLION:g} M" if gas >= MILLION else f"{gas // 1_000} k"
        parts.append(text(words, x + 2 * size + 4, y, "legend"))
        x += 2 * size + 22 + 6.3 * len(words)
    return element("g", *parts)


def _sizes(most: int) -> list[int]:
    """Return two round amounts of gas for the legend: a transfer's, and a dear one."""
    power = 10 ** (len(str(most)) - 1)
    return [21_000, most // power * power] if most >= 50_000 else [21_000]


def _grid_title(layout: Layout, analysis: Analysis) -> Markup | None:
    if not layout.independent:
        return None
    y = TOP + layout.graph_bottom + 33 if layout.bands else TOP - 8
    count = len(layout.independent)
    waits = "waits" if count == 1 else "wait"
    words = f"{count:,} {waits} for nobody, and nobody for them; dearest first"
    return element(
        "g",
        void("line", x1=MARGIN, y1=y - 17, x2=MARGIN + WIDTH, y2=y - 17, class_="rule")
        if layout.bands
        else None,
        text(words, MARGIN, y, "note"),
    )


def _edges(graph: Graph, layout: Layout) -> Markup:
    steps = set(zip(layout.path, layout.path[1:], strict=False))
    plain, critical = [], []
    for source, target, kind in zip(graph.sources, graph.targets, graph.kinds, strict=True):
        start, end = layout.places[source], layout.places[target]
        if start is None or end is None:
            continue
        data = _curve(start, end, layout)
        if (source, target) in steps:
            critical.append(void("path", d=data, class_="edge critical"))
        else:
            style = "edge" if kind & RAW else "edge waw"
            plain.append(void("path", d=data, class_=style))
    return element("g", join(plain + critical))


def _curve(start: Place, end: Place, layout: Layout) -> str:
    """Return an edge from left to right; between bands only its two ends."""
    x1, y1, x2, y2 = start.x, start.y, end.x, end.y
    if start.band != end.band:
        right, left = layout.bands[start.band][1], layout.bands[end.band][0]
        out = right if right - x1 <= layout.pitch else x1 + STUB
        back = left if x2 - left <= layout.pitch else x2 - STUB
        return f"M{number(x1)} {number(y1)}H{number(out)}M{number(back)} {number(y2)}H{number(x2)}"
    reach = (x2 - x1) / 2
    if abs(y2 - y1) < 1 and x2 - x1 > 1.5 * layout.pitch:
        lift = min(7.0 + (x2 - x1) / 24, 26.0)
        middle = f"{number(x1 + reach)} {number(y1 - lift)}"
        return f"M{number(x1)} {number(y1)}Q{middle} {number(x2)} {number(y2)}"
    return (
        f"M{number(x1)} {number(y1)}C{number(x1 + reach)} {number(y1)} "
        f"{number(x2 - reach)} {number(y2)} {number(x2)} {number(y2)}"
    )


def _nodes(subject: Subject, graph: Graph, layout: Layout) -> Markup:
    most = max(subject.gas, default=1)
    dear = set(layout.path)
    before: dict[int, list[int]] = {}
    for source, target in zip(graph.sources, graph.targets, strict=True):
        before.setdefault(target, []).append(source)
    drawn = []
    for node, place in enumerate(layout.places):
        if place is None:
            continue
        if node >= graph.transactions:
            drawn.append(_diamond(place.x, place.y, 3.5))
            continue
        style = "node dear" if node in dear else "node alone" if place.band < 0 else "node"
        drawn.append(
            element(
                "circle",
                element("title", _hover(subject, node, before.get(node, ()), layout.levels[node])),
                cx=place.x,
                cy=place.y,
                r=radius(subject.gas[node], most),
                class_=style,
            )
        )
    return element("g", join(drawn))


def _hover(subject: Subject, node: int, before: Sequence[int], level: int) -> str:
    transaction = subject.transactions[node]
    to = "a new contract" if transaction.to is None else f"0x{transaction.to.hex()}"
    shown = [str(each) for each in before if each < len(subject.gas)][:8]
    waits = f"\nwaits for {', '.join(shown)}" if shown else ""
    return (
        f"transaction {node}: {subject.gas[node]:,} gas, level {level}{waits}\n"
        f"from 0x{transaction.sender.hex()}\nto {to}"
    )


def _diamond(x: float, y: float, size: float) -> Markup:
    data = (
        f"M{number(x - size)} {number(y)}l{size:g} -{size:g} {size:g} {size:g} -{size:g} {size:g}Z"
    )
    return void("path", d=data, class_="join")


def _numbers(graph: Graph, layout: Layout) -> Markup:
    """Number the transactions of the critical path, where there is room."""
    if layout.pitch < LABEL_PITCH_MIN:
        return Markup()
    labels = []
    for node in layout.path:
        place = layout.places[node]
        if place is not None and node < graph.transactions and place.band >= 0:
            labels.append(text(str(node), place.x, place.y - 8.5, "number"))
    return element("g", join(labels))
