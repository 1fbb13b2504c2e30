"""What agreement and execution at a live node come to."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from consensus.trace import (
    Committed,
    EpochBegun,
    EvidenceFound,
    PrePrepared,
    ViewChangeStarted,
    ViewEntered,
)
from node.observe.decisions import Decisions
from node.observe.families import consensus
from node.observe.families.consensus import BUILDING, TASKS, VALIDATION
from node.observe.reading import Histogram, Reading, by_label
from node.trace import BlockExecutedTraced
from primitives.machine import TraceEvent

_EXECUTION = (
    (consensus.EXECUTED_BLOCKS, "blocks"),
    (consensus.EXECUTED_TRANSACTIONS, "transactions"),
    (consensus.EXECUTED_GAS, "gas"),
)


class TaskSums:
    """Sums over the blocks executed for one task."""

    __slots__ = ("blocks", "gas", "transactions")

    def __init__(self) -> None:
        self.blocks = 0
        self.transactions = 0
        self.gas = 0

    def add(self, event: BlockExecutedTraced) -> None:
        """Take in one block."""
        self.blocks += 1
        self.transactions += event.transactions
        self.gas += event.gas_used


class ConsensusSource:
    """Counts views, epochs, evidence and executed blocks."""

    def __init__(self) -> None:
        self.view = 0
        self.view_changes = 0
        self.epoch = 0
        self.decisions = Decisions()
        self.decision_time = Histogram(consensus.DECISION_TIME.bounds)
        self.evidence: dict[str, int] = {}
        self.by_task = {task: TaskSums() for task in TASKS}

    def handlers(self) -> Mapping[type[TraceEvent], Callable[[int, Any], None]]:
        """Return what to call for each kind of event."""
        return {
            PrePrepared: self.on_pre_prepared,
            Committed: self.on_committed,
            ViewChangeStarted: self.on_view_change_started,
            ViewEntered: self.on_view_entered,
            EpochBegun: self.on_epoch_begun,
            EvidenceFound: self.on_evidence,
            BlockExecutedTraced: self.on_executed,
        }

    def readings(self) -> Iterator[Reading]:
        """Yield the present numbers."""
        yield Reading(consensus.VIEW, self.view)
        yield Reading(consensus.VIEW_CHANGES, self.view_changes)
        yield Reading(consensus.EPOCH, self.epoch)
        yield Reading(consensus.DECISION_TIME, self.decision_time)
        yield from by_label(consensus.EVIDENCE, sorted(self.evidence.items()))
        for family, field in _EXECUTION:
            sums = ((task, getattr(self.by_task[task], field)) for task in TASKS)
            yield from by_label(family, sums)

    def on_pre_prepared(self, at_ns: int, event: PrePrepared) -> None:
        """Wait for the commit of a proposal."""
        self.decisions.accepted(at_ns, event.sequence)

    def on_committed(self, at_ns: int, event: Committed) -> None:
        """Count how long a decision took."""
        taken_ns = self.decisions.committed(at_ns, event.sequence)
        if taken_ns is not None:
            self.decision_time.add(taken_ns)

    def on_view_change_started(self, at_ns: int, event: ViewChangeStarted) -> None:
        """Count a view given up."""
        self.view_changes += 1

    def on_view_entered(self, at_ns: int, event: ViewEntered) -> None:
        """Note the view."""
        self.view = event.view

    def on_epoch_begun(self, at_ns: int, event: EpochBegun) -> None:
        """Note the epoch, which begins with view 0."""
        self.epoch = event.epoch
        self.view = 0

    def on_evidence(self, at_ns: int, event: EvidenceFound) -> None:
        """Count a proof of a lie."""
        self.evidence[event.kind] = self.evidence.get(event.kind, 0) + 1

    def on_executed(self, at_ns: int, event: BlockExecutedTraced) -> None:
        """Count an executed block."""
        self.by_task[BUILDING if event.built else VALIDATION].add(event)
