"""Bars for the faults above the timeline, each on a lane where it has room."""

from sim.report.page.axes import rectangle, text
from sim.report.page.markup import Markup, element
from sim.report.page.overlay import TimePlot, describe_span
from sim.report.page.units import count
from sim.report.timeline import NETWORK, FaultSpan

LANES_MAX = 6
LANE_PX = 18
_BARS_MAX = 200
_WORD_SHARE = 0.0062
"""Width of one letter as a share of the plot's width."""

_WORDS = {
    "crashed": "down",
    "partitioned": "partition",
    "slowed": "slow",
    "clogged": "clog",
    "paused": "pause",
    "lying_disk": "lying disk",
    "slow_disk": "slow disk",
    "full_disk": "full disk",
}


def bar_word(span: FaultSpan) -> str:
    """Return what stands in a fault's bar."""
    word = _WORDS.get(span.kind, span.kind)
    return word if span.node == NETWORK else f"n{span.node} {word}"


def assign_lanes(spans: list[FaultSpan], end_ns: int) -> list[tuple[int, FaultSpan]]:
    """Put each span on the first lane that is free there; lanes are 0, 1, ... without an end.

    A bar counts as at least as long as its word.
    """
    free_from: list[float] = []
    placed = []
    for span in spans:
        start = span.start_ns / max(end_ns, 1)
        wide = len(bar_word(span)) * _WORD_SHARE + 0.012
        end = max(span.end_ns / max(end_ns, 1), start + wide)
        lane = next((i for i, free in enumerate(free_from) if free <= start), len(free_from))
        if lane == len(free_from):
            free_from.append(0.0)
        free_from[lane] = end + 0.004
        placed.append((lane, span))
    return placed


def lane_count(spans: list[FaultSpan], end_ns: int) -> int:
    """Return how many lanes are drawn."""
    lanes_used = 1 + max((lane for lane, _ in assign_lanes(spans, end_ns)), default=-1)
    return min(lanes_used, LANES_MAX)


def lanes(plot: TimePlot, spans: list[FaultSpan]) -> Markup:
    """Return the bars, from the top of the drawing down to the first row."""
    parts: list[Markup] = []
    hidden = 0
    for lane, span in assign_lanes(spans, plot.collector.end_ns):
        if lane >= LANES_MAX or len(parts) >= _BARS_MAX:
            hidden += 1
            continue
        start, end = plot.pixel(span.start_ns), plot.pixel(span.end_ns)
        y = 8.0 + lane * LANE_PX
        title = describe_span(span)
        word = bar_word(span)
        inside = end - start >= 7 * len(word) + 8
        overflow = not inside and end + 7 * len(word) + 4 > plot.frame.width
        x = start + 5 if inside else (start - 4 if overflow else end + 4)
        parts.append(
            element(
                "g",
                rectangle(
                    start, y, max(end - start, 2), LANE_PX - 4, f"fault {span.kind}", title, 3
                ),
                text(word, x, y + 11, "fault-name", "end" if overflow else None, title),
            )
        )
    if hidden:
        parts.append(text(f"+{count(hidden)} faults", 2, 19, "tick"))
    elif parts:
        parts.append(text("faults", 2, 19, "label"))
    return element("g", *parts)
