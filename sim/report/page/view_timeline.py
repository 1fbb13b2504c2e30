"""The view of each node over time, with the faults drawn in.

A storm of view changes on many nodes has far more segments than the page has pixels. So each row
is cut at `COLUMNS` instants and neighbours of equal state are joined: the drawing's size depends
on what can be seen, not on what happened.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from sim.report.collect import Collector
from sim.report.page import units
from sim.report.page.axes import Frame, legend, line, rectangle, text
from sim.report.page.cards import card, empty
from sim.report.page.lanes import lane_count, lanes
from sim.report.page.markup import Markup, element, join
from sim.report.page.overlay import TimePlot
from sim.report.series import SECOND_NS, IntArray
from sim.report.timeline import NETWORK, FaultSpan, fault_spans

COLUMNS = 500
ROWS_MAX = 128
"""Most nodes drawn; beyond it those with faults come first, then an even choice."""

LIAR = -3
DOWN = -2
CHANGING = -1
"""States of a row beside the number of its view."""

EPOCHS_MAX = 12
"""Most committee changes that are told."""

_LANE_PX = 18
_BOXES_MAX = 40
_VIEW_STYLES = 6


def view_timeline_card(collector: Collector) -> Markup:
    """Return the timeline of views and faults."""
    rows = chosen_nodes(collector)
    spans = fault_spans(collector.faults, collector.end_ns)
    if not rows or collector.end_ns == 0:
        nothing = empty("The run ended at its start, so there are no views to draw.")
        return card("Views and faults", nothing, wide=True, name="views")
    row_px = min(22.0, max(4.5, 420 / len(rows)))
    used = lane_count(spans, collector.end_ns)
    top = 14.0 + used * _LANE_PX
    frame = Frame(1080, top + row_px * len(rows) + 44, left=62, top=top)
    plot = TimePlot(collector, frame)
    states = view_states(collector, rows)
    drawing = frame.svg(
        "View of each node over virtual time, with faults",
        lanes(plot, spans),
        join([_row(plot, states[i], node, i, row_px) for i, node in enumerate(rows)]),
        _slow_stripes(plot, spans, rows, row_px),
        _partition_boxes(plot, spans, rows, row_px),
        _edges(plot),
        plot.axis(),
    )
    return card(
        "Views and faults",
        _legend(states, spans, epochs=bool(collector.views.epochs)),
        drawing,
        note=_note(collector, rows),
        wide=True,
        name="views",
    )


def chosen_nodes(collector: Collector) -> list[int]:
    """Return the nodes to draw, ascending: validators, and followers that had a fault.

    Where the committee changes, any node with a chain may have been a validator.
    """
    shape = collector.shape
    faulty = {mark.node: None for mark in collector.faults if 0 <= mark.node < shape.nodes}
    validators = shape.nodes - shape.gateways if collector.views.epochs else shape.validators
    everyone = sorted(dict.fromkeys([*range(validators), *faulty]))
    if len(everyone) <= ROWS_MAX:
        return everyone
    chosen = dict.fromkeys(sorted(faulty)[: ROWS_MAX // 2])
    rest = [node for node in everyone if node not in chosen]
    places = np.linspace(0, len(rest) - 1, ROWS_MAX - len(chosen)).astype(np.int64)
    return sorted([*chosen, *(rest[place] for place in places.tolist())])


def view_states(collector: Collector, rows: Sequence[int]) -> IntArray:
    """Return the state of each row at each column, shape (rows, COLUMNS): a view or one of above.

    What lasts less than a column but is out of the ordinary still takes the column it falls in.
    """
    states = np.zeros((len(rows), COLUMNS), dtype=np.int64)
    row_of = {node: i for i, node in enumerate(rows)}
    end_ns = max(collector.end_ns, 1)

    def column(at_ns: int) -> int:
        return min(at_ns * COLUMNS // end_ns, COLUMNS - 1)

    for at_ns, node, view, entered in collector.views:
        row = row_of.get(node)
        if row is not None:
            states[row, column(at_ns) + (1 if entered else 0) :] = view if entered else CHANGING
    for span in fault_spans(collector.faults, collector.end_ns):
        row = row_of.get(span.node)
        if span.kind == "crashed" and row is not None:
            first, last = column(span.start_ns), column(span.end_ns)
            lifted = span.end_ns < collector.end_ns
            states[row, first : max(first + 1, last if lifted else COLUMNS)] = DOWN
    for liar in collector.shape.liars:
        if liar in row_of:
            row_states = states[row_of[liar]]
            row_states[row_states != DOWN] = LIAR
    return states


def _row(plot: TimePlot, states: IntArray, node: int, place: int, row_px: float) -> Markup:
    top = plot.frame.top + place * row_px
    start, end = plot.frame.x_range
    width = (end - start) / COLUMNS
    cuts = [0, *(np.flatnonzero(np.diff(states)) + 1).tolist(), COLUMNS]
    gap = 1.0 if row_px >= 6 else 0.5
    parts = []
    for first, last in pairwise(cuts):
        state = int(states[first])
        x, long = start + first * width, (last - first) * width
        title = f"node {node}: {state_name(state)}\n{_span_text(plot, first, last)}"
        parts.append(rectangle(x, top, long, row_px - gap, f"row {_style(state)}", title))
        if (state >= 0 or state == LIAR) and row_px >= 12 and long >= 40:
            word = state_name(state)
            parts.append(text(word, x + 5, top + row_px / 2 + 3.5, f"in-row {_style(state)}"))
    every = max(1, round(14 / row_px))
    if place % every == 0:
        label = text(f"n{node}", start - 8, top + row_px / 2 + 4, "tick", anchor="end")
        parts.append(label)
    return element("g", *parts)


def state_name(state: int) -> str:
    """Return a row's state in words."""
    match state:
        case -3:
            return "liar"
        case -2:
            return "down"
        case -1:
            return "changing view"
        case _:
            return f"view {state}"


def _style(state: int) -> str:
    match state:
        case -3:
            return "liar"
        case -2:
            return "down"
        case -1:
            return "changing"
        case 0:
            return "v0"
        case _:
            return f"v{(state - 1) % _VIEW_STYLES + 1}"


def _span_text(plot: TimePlot, first: int, last: int) -> str:
    start, end = first / COLUMNS * plot.end_s, last / COLUMNS * plot.end_s
    return f"{units.clock(start)} to {units.clock(end)}"


def _slow_stripes(
    plot: TimePlot, spans: list[FaultSpan], rows: Sequence[int], row_px: float
) -> Markup:
    row_of = {node: i for i, node in enumerate(rows)}
    stripes = []
    for span in spans:
        start, end = plot.pixel(span.start_ns), plot.pixel(span.end_ns)
        for node in _slowed_nodes(span):
            if node in row_of:
                y = plot.frame.top + (row_of[node] + 1) * row_px - 1
                height = row_px / 4
                stripes.append(
                    rectangle(start, y - height, max(end - start, 1), height, "slow-stripe")
                )
    return element("g", join(stripes))


def _slowed_nodes(span: FaultSpan) -> Sequence[int]:
    nodes = span.fields.get("nodes")
    if span.kind == "latency" and isinstance(nodes, tuple):
        return nodes
    return (span.node,) if span.kind in ("slowed", "latency") else ()


def _partition_boxes(
    plot: TimePlot, spans: list[FaultSpan], rows: Sequence[int], row_px: float
) -> Markup:
    """Return a dashed box around each run of rows that stayed connected in a partition."""
    boxes = []
    for span in spans:
        groups = span.fields.get("groups")
        if span.kind != "partitioned" or not isinstance(groups, tuple | list) or not groups:
            continue
        bridge = span.fields.get("bridge")
        if isinstance(bridge, tuple | list) and bridge:
            groups = (*groups, bridge)
        start, end = plot.pixel(span.start_ns), plot.pixel(span.end_ns)
        for first, last in _runs(rows, groups):
            top = plot.frame.top + first * row_px
            height = (last - first + 1) * row_px - 1
            boxes.append(rectangle(start, top, end - start, height, "partition-box", radius=3))
    return element("g", join(boxes[:_BOXES_MAX]))


def _runs(rows: Sequence[int], groups: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    group_of = {node: number for number, group in enumerate(groups) for node in group}
    unnamed = len(groups)
    runs: list[tuple[int, int]] = []
    before: int | None = None
    for place, node in enumerate(rows):
        group = group_of.get(node, unnamed)
        if group == before:
            runs[-1] = (runs[-1][0], place)
        else:
            runs.append((place, place))
        before = group
    return runs


def _edges(plot: TimePlot) -> Markup:
    bottom, top = plot.frame.y_range
    lines = []
    for mark in plot.collector.faults[:60]:
        if mark.node == NETWORK:
            x = plot.pixel(mark.at_ns)
            lines.append(line(x, top, x, bottom, "fault-line"))
    for epoch in list(plot.collector.views.epochs.values())[:60]:
        x = plot.pixel(epoch.at_ns)
        lines.append(line(x, top, x, bottom, "epoch-line"))
    return element("g", join(lines))


def _legend(states: IntArray, spans: list[FaultSpan], *, epochs: bool) -> Markup:
    present = sorted(int(state) for state in np.unique(states))
    entries = [(f"box {_style(state)}", state_name(state)) for state in present if state >= 0][:8]
    if CHANGING in present:
        entries.append(("box changing", "changing view"))
    if LIAR in present:
        entries.append(("box liar", "liar: its own words are not taken down"))
    if DOWN in present:
        entries.append(("box down", "down"))
    kinds = {span.kind: None for span in spans}
    if epochs:
        entries.append(("dash epoch-line", "new committee"))
    if "partitioned" in kinds:
        entries.append(("box partition-box", "kept together by a partition"))
    if any(_slowed_nodes(span) for span in spans):
        entries.append(("box slow-stripe", "slowed, or with slow links"))
    return legend(entries)


def _note(collector: Collector, rows: Sequence[int]) -> str:
    changes = len(collector.views.views_entered)
    epochs = collector.views.epochs.values()
    words = "no view change" if changes == 0 else f"{changes} view change" + "s" * (changes > 1)
    of = collector.shape.validators
    shown = "" if len(rows) >= of else f" {len(rows)} of {units.count(of)} nodes are drawn."
    primary = f" In view v the primary is validator v mod {of}."
    if epochs:
        primary = " In view v the primary is the validator at place v mod n of the n of its epoch."
    handed = "".join(
        f" Block {epoch.height} handed over to {epoch.size} validators "
        f"at {units.clock(epoch.at_ns / SECOND_NS)}."
        for epoch in list(epochs)[:EPOCHS_MAX]
    )
    if len(epochs) > EPOCHS_MAX:
        handed += f" {units.count(len(epochs) - EPOCHS_MAX)} more committees followed."
    return f"{words[0].upper()}{words[1:]}.{primary}{handed}{shown}"
