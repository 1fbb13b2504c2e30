"""What every plot over time shows behind its data: measured window and faults."""

from dataclasses import dataclass

from sim.report.collect import Collector
from sim.report.figures import measured_window
from sim.report.page import units
from sim.report.page.axes import Frame, Linear, line, rectangle, text, time_ticks
from sim.report.page.markup import Markup, element, join
from sim.report.series import SECOND_NS
from sim.report.timeline import NETWORK, FaultMark, FaultSpan, fault_spans

_MARKS_MAX = 60
_LABEL_WIDTH_PX = 7.0


@dataclass(frozen=True, slots=True)
class TimePlot:
    """A frame whose x axis is the run's virtual time."""

    collector: Collector
    frame: Frame

    @property
    def end_s(self) -> float:
        """The run's length in seconds, positive."""
        return max(self.collector.end_ns / SECOND_NS, 1e-3)

    @property
    def x(self) -> Linear:
        """Scale from seconds to pixels."""
        return Linear(0.0, self.end_s, *self.frame.x_range)

    def pixel(self, at_ns: int) -> float:
        """Return the pixel of an instant."""
        return self.x(at_ns / SECOND_NS)

    def axis(self) -> Markup:
        """Return the time axis."""
        ticks = time_ticks(self.end_s, 13 if self.frame.width > 700 else 7)
        form = units.clock if self.end_s < 120 else units.minutes_clock
        return self.frame.x_axis(self.x, ticks, form, "virtual time")

    def background(self) -> Markup:
        """Return the shade over what is not measured, and the faults of the whole network."""
        return element("g", self._outside(), *(self._band(span) for span in self.network_spans()))

    def network_spans(self) -> list[FaultSpan]:
        """Return partitions and latency of the whole network."""
        spans = fault_spans(self.collector.faults, self.collector.end_ns)
        return [span for span in spans if span.node == NETWORK]

    def _outside(self) -> Markup:
        window = measured_window(self.collector)
        parts = []
        if window.start_ns > 0:
            parts.append(self._shade(0, window.start_ns, "outside", "warm-up: not measured"))
        if window.end_ns < self.collector.end_ns:
            end_ns = self.collector.end_ns
            parts.append(self._shade(window.end_ns, end_ns, "outside", "cool-down: not measured"))
        return join(parts)

    def _band(self, span: FaultSpan) -> Markup:
        return self._shade(span.start_ns, span.end_ns, f"band {span.kind}", describe_span(span))

    def _shade(self, start_ns: int, end_ns: int, class_: str, title: str) -> Markup:
        bottom, top = self.frame.y_range
        start, end = self.pixel(start_ns), self.pixel(end_ns)
        return rectangle(start, top, max(end - start, 1.0), bottom - top, class_, title)

    def marks(self) -> Markup:
        """Return a dashed line with a word for each fault, as far as there is room for words."""
        bottom, top = self.frame.y_range
        parts = []
        free_from = 0.0
        for mark in self.collector.faults[:_MARKS_MAX]:
            x = self.pixel(mark.at_ns)
            parts.append(line(x, top, x, bottom, "fault-line"))
            word = mark_word(mark)
            width = _LABEL_WIDTH_PX * len(word)
            anchor = "end" if x + width > self.frame.width else None
            begin = x - width if anchor else x
            if begin >= free_from:
                title = f"{units.seconds(mark.at_ns / SECOND_NS)}: {describe_mark(mark)}"
                parts.append(text(word, x, top - 6, "fault-word", anchor=anchor, title=title))
                free_from = begin + width + 6
        return element("g", *parts)


def mark_word(mark: FaultMark) -> str:
    """Return a fault in a word or two: "crash n3", "heal"."""
    word = {
        "crashed": "crash",
        "restarted": "restart",
        "partitioned": "partition",
        "healed": "heal",
        "slowed": "slow",
        "clogged": "clog",
        "paused": "pause",
        "disturbed": str(mark.fields.get("what")),
        "lying_disk": "lying disk",
        "slow_disk": "slow disk",
        "full_disk": "disk fills",
        "disk_full": "disk full",
        "torn_write": "torn write",
        "bit_rot": "bit rot",
        "damaged_store": "damaged store",
        "writes_kept": "writes kept",
        "writes_lost": "writes lost",
    }.get(mark.kind, mark.kind)
    return word if mark.node == NETWORK else f"{word} n{mark.node}"


def describe_mark(mark: FaultMark) -> str:
    """Return a fault in a sentence, with its numbers."""
    where = "" if mark.node == NETWORK else f"node {mark.node} "
    return f"{where}{mark.kind}{_details(mark.fields)}"


def describe_span(span: FaultSpan) -> str:
    """Return a fault with its numbers and its time."""
    start, end = span.start_ns / SECOND_NS, span.end_ns / SECOND_NS
    where = "" if span.node == NETWORK else f"node {span.node} "
    lasting = f"{units.clock(start)} to {units.clock(end)} ({units.seconds(end - start)})"
    return f"{where}{span.kind}{_details(span.fields)}, {lasting}"


_UNUSUAL = ("bridge", "direction", "ring", "one_way", "delay_ns", "offset_ns", "drift_ppm")
"""Fields that are not worth a word at their usual values."""


def _quantity(name: str, value: int) -> str:
    """Return a duration or a share with its name: "held 2 s", "chance 25 %"."""
    word, _, unit = name.rpartition("_")
    if unit == "ppm":
        return f"{word} {value / 10_000:g} %"
    sign = "-" if value < 0 else ""
    return f"{word} {sign}{units.seconds(abs(value) / SECOND_NS)}"


def _details(fields: dict[str, object]) -> str:
    parts = []
    for name, value in fields.items():
        match name:
            case "what" | "number":
                pass
            case _ if name in _UNUSUAL and value in ((), [], "both", 0):
                pass
            case "groups" if isinstance(value, tuple | list):
                parts += [" | ".join(_group(group) for group in value)] if value else []
            case "sources" | "targets" | "bridge":
                word = {"sources": "from", "targets": "to"}.get(name, "across")
                parts.append(f"{word} {_group(value)}")
            case "one_way":
                parts.append("one way")
            case "factor_percent":
                parts.append(f"everything takes {value} % of its time")
            case "extra_ns" if isinstance(value, int):
                parts.append(f"+{units.seconds(value / SECOND_NS)}")
            case "nodes":
                parts.append(f"at nodes {_group(value)}")
            case _ if isinstance(value, int) and name.endswith(("_ns", "_ppm")):
                parts.append(_quantity(name, value))
            case _:
                parts.append(f"{name} {value}")
    return ": " + ", ".join(parts) if parts else ""


def _group(group: object) -> str:
    if not isinstance(group, tuple | list):
        return str(group)
    return "{" + units.index_ranges([int(node) for node in group]) + "}"
