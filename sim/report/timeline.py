"""Views and faults over time, kept for the timeline of the report."""

from collections.abc import Iterator

import msgspec

from consensus.trace import EpochBegun
from primitives.machine import TraceEvent
from sim.report.series import IntColumn
from sim.trace_events import (
    ClockSet,
    Clogged,
    Crashed,
    Delayed,
    DiskFilled,
    DiskLied,
    DiskSlowed,
    Disturbed,
    Healed,
    Partitioned,
    Paused,
    Restarted,
    Settled,
    Slowed,
)

NETWORK = -1
"""Node of an observation that concerns the network as a whole."""


class EpochStart(msgspec.Struct, frozen=True):
    """The first that was heard of a new committee."""

    at_ns: int
    height: int
    """Of the block that the committee before it has closed its epoch with."""
    size: int
    """Validators in the new committee."""


class ViewLog:
    """Which replica left which view when, and entered which; and when epochs began."""

    __slots__ = ("_at_ns", "_entered", "_nodes", "_views", "epochs", "views_entered")

    def __init__(self) -> None:
        self._at_ns = IntColumn()
        self._nodes = IntColumn()
        self._views = IntColumn()
        self._entered = IntColumn()
        self.views_entered: dict[tuple[int, int], None] = {}
        """(epoch, view) for each view above 0 that was entered, in order of the first entry."""
        self.epochs: dict[int, EpochStart] = {}
        """By number, in order; the first committee's is not among them."""

    def started(self, at_ns: int, node: int, view: int) -> None:
        """`node` gave up its view and asks for `view`."""
        self._append(at_ns, node, view, entered=0)

    def entered(self, at_ns: int, node: int, view: int, epoch: int = 0) -> None:
        """`node` works in `view` of `epoch` from now on."""
        if view > 0:
            self.views_entered.setdefault((epoch, view))
        self._append(at_ns, node, view, entered=1)

    def began(self, at_ns: int, node: int, event: EpochBegun) -> None:
        """`node` has come to know of a new committee, which begins in view 0."""
        self.epochs.setdefault(event.epoch, EpochStart(at_ns, event.height, event.size))
        self.entered(at_ns, node, 0, event.epoch)

    def _append(self, at_ns: int, node: int, view: int, entered: int) -> None:
        self._at_ns.append(at_ns)
        self._nodes.append(node)
        self._views.append(view)
        self._entered.append(entered)

    def __iter__(self) -> Iterator[tuple[int, int, int, bool]]:
        """Yield (at_ns, node, view, entered) in order of time."""
        columns = (self._at_ns, self._nodes, self._views, self._entered)
        for at_ns, node, view, entered in zip(*(c.numpy().tolist() for c in columns), strict=True):
            yield at_ns, node, view, bool(entered)


class FaultMark(msgspec.Struct, frozen=True):
    """One fault, or its end."""

    at_ns: int
    node: int
    """-1 for the network."""
    name: str
    """Name of the trace event: "fault.crashed"."""
    fields: dict[str, object]
    """The event's own fields."""

    @property
    def kind(self) -> str:
        """The last word of the name."""
        return self.name.rpartition(".")[2]


class FaultSpan(msgspec.Struct, frozen=True):
    """A fault from its start to its end; `end_ns` is the run's end if it was never lifted."""

    start_ns: int
    end_ns: int
    node: int
    kind: str
    """"crashed", "paused", "partitioned", "slowed", "latency", "clogged", "clock", "lying_disk",
    "slow_disk", "full_disk"; and what a disturbance does: "duplicate", "reorder", "lose"."""
    fields: dict[str, object]


def fault_mark(at_ns: int, node: int, event: TraceEvent) -> FaultMark:
    """Return the mark of a `fault.*` event."""
    return FaultMark(at_ns, node, event.name, msgspec.structs.asdict(event))


def fault_spans(marks: list[FaultMark], end_ns: int) -> list[FaultSpan]:
    """Pair starts with ends, in order of their start.

    A fault of the same kind at the same node (or list of nodes) replaces the one before it.
    `slowed` and `slow_disk` end at 100 %, `full_disk` with the limit, `latency` at 0 ns,
    `partitioned` at `healed`, `crashed` at `restarted`, a disturbance where its number is settled,
    and a clog and a pause say when.
    """
    spans: list[FaultSpan] = []
    running: dict[tuple[object, ...], FaultMark] = {}
    for mark in marks:
        kind = _KIND_OF.get(mark.name)
        if kind is None:
            continue
        if mark.name in (Clogged.name, Paused.name):
            spans.append(_span(mark, min(mark.at_ns + int(str(mark.fields["held_ns"])), end_ns)))
            continue
        whose = (mark.fields.get(field) for field in ("nodes", "number", "node"))
        key = (kind, mark.node, *whose)
        before = running.pop(key, None)
        if before is not None:
            spans.append(_span(before, mark.at_ns))
        if not _lifts(mark):
            running[key] = mark
    spans.extend(_span(mark, end_ns) for mark in running.values())
    return sorted(spans, key=lambda span: (span.start_ns, span.node, span.kind))


def _span(mark: FaultMark, end_ns: int) -> FaultSpan:
    kind = str(mark.fields.get("what", _KIND_OF[mark.name]))
    return FaultSpan(mark.at_ns, end_ns, mark.node, kind, mark.fields)


_KIND_OF = {
    Crashed.name: "crashed",
    Restarted.name: "crashed",
    Partitioned.name: "partitioned",
    Healed.name: "partitioned",
    Slowed.name: "slowed",
    Delayed.name: "latency",
    Clogged.name: "clogged",
    Paused.name: "paused",
    Disturbed.name: "disturbed",
    Settled.name: "disturbed",
    ClockSet.name: "clock",
    DiskLied.name: "lying_disk",
    DiskSlowed.name: "slow_disk",
    DiskFilled.name: "full_disk",
}


def _lifts(mark: FaultMark) -> bool:
    match mark.name:
        case Restarted.name | Healed.name | Settled.name:
            return True
        case Slowed.name | DiskSlowed.name:
            return mark.fields.get("factor_percent") == 100
        case Delayed.name:
            return mark.fields.get("extra_ns") == 0
        case ClockSet.name:
            return not any(mark.fields.values())
        case DiskFilled.name:
            return mark.fields.get("room_bytes") == -1
        case DiskLied.name:
            return mark.fields.get("cache_ns") == 0
        case _:
            return False
