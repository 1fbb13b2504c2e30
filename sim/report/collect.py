"""Turns the stream of a run into series and counters while the run goes on.

The collector is a consumer of the trace: it sees every protocol event and every broadcast once, in
order of time, and keeps numbers only. Its memory grows with blocks, confirmations and sample
instants, never with messages.

Sampling: counters of each node are copied every `sample_ns`, which is one second unless a long run
of many nodes would make the metrics file unreasonably large (`SAMPLES_MAX`).
"""

from collections.abc import Callable
from typing import Any

from consensus.trace import (
    Committed,
    EpochBegun,
    EvidenceFound,
    PrePrepared,
    ViewChangeStarted,
    ViewEntered,
)
from network.compact.trace import CompactRebuilt
from network.trace import SnapshotAdopted
from node.gateway_trace import (
    Accepted,
    FastConfirmed,
    Finalised,
    Refused,
    StillPending,
    ValidatorLied,
)
from node.observe.families import chain
from node.trace import (
    BlockCommitted,
    BlockExecutedTraced,
    PeerScored,
    TransactionRejected,
    TransactionSubmitted,
)
from primitives.machine import TraceEvent
from sim.report.compact import CompactLedger
from sim.report.confirmation import ConfirmationLedger
from sim.report.decisions import DecisionLedger
from sim.report.evidence import EvidenceLedger
from sim.report.execution import ExecutionLedger
from sim.report.gateways import GatewayLedger
from sim.report.series import SECOND_NS, IntColumn, NodeCounters, NodeHistograms, SecondBins
from sim.report.storage import StorageLedger
from sim.report.stream import BlockTransactions, RunShape, Usage
from sim.report.timeline import FaultMark, ViewLog, fault_mark
from sim.report.usage import UsageLedger
from sim.trace import Observation, Stored, Traffic
from sim.trace_events import Crashed, Restarted

SAMPLES_MAX = 5_000
"""Most (node, sample instant) pairs; each becomes some fifty lines of metrics."""

SYNC_STARTED = "sync.started"

_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600)


def choose_sample_ns(shape: RunShape) -> int:
    """Return the distance of sample instants in ns: a whole number of seconds."""
    seconds = max(1, -(-shape.duration_ns // SECOND_NS))
    for step in _STEPS_S:
        if shape.nodes * (seconds / step) <= SAMPLES_MAX:
            return step * SECOND_NS
    return _STEPS_S[-1] * SECOND_NS


class BlockLog:
    """Committed blocks, one row for each height, at its first commit anywhere."""

    __slots__ = ("at_ns", "bytes", "gas_used", "height", "heights", "transactions", "view")

    def __init__(self) -> None:
        self.heights: dict[int, None] = {}
        self.at_ns = IntColumn()
        self.height = IntColumn()
        self.transactions = IntColumn()
        self.gas_used = IntColumn()
        self.bytes = IntColumn()
        self.view = IntColumn()

    def add(self, at_ns: int, event: BlockCommitted) -> None:
        """Take the block in unless its height is known."""
        if event.height in self.heights:
            return
        self.heights[event.height] = None
        self.at_ns.append(at_ns)
        self.height.append(event.height)
        self.transactions.append(event.transactions)
        self.gas_used.append(event.gas_used)
        self.bytes.append(event.bytes)
        self.view.append(event.view)


class NodeLedger:
    """The running counters of all nodes."""

    __slots__ = (
        "block_size",
        "block_time",
        "blocks",
        "committed_ns",
        "confirmation",
        "epoch",
        "gas",
        "height",
        "snapshots",
        "submitted",
        "syncs",
        "transactions",
        "up",
        "view",
        "view_changes",
    )

    def __init__(self, nodes: int) -> None:
        self.height = NodeCounters(nodes)
        self.blocks = NodeCounters(nodes)
        self.transactions = NodeCounters(nodes)
        self.gas = NodeCounters(nodes)
        self.block_size = NodeHistograms(nodes, chain.BLOCK_SIZE.bounds)
        self.submitted = NodeCounters(nodes)
        self.view = NodeCounters(nodes)
        self.view_changes = NodeCounters(nodes)
        self.epoch = NodeCounters(nodes)
        self.syncs = NodeCounters(nodes)
        self.snapshots = NodeCounters(nodes)
        self.up = NodeCounters(nodes)
        self.up.live[:] = [1] * nodes
        self.block_time = NodeHistograms(nodes, chain.BLOCK_TIME.bounds)
        self.confirmation = NodeHistograms(nodes, chain.CONFIRMATION_TIME.bounds)
        self.committed_ns = [-1] * nodes
        """Instant of each node's latest commit; -1 before the first."""

    def take(self, times: int) -> None:
        """Sample everything."""
        for name in self.__slots__:
            if name != "committed_ns":
                getattr(self, name).take(times)


class KindTraffic:
    """Messages and bytes of one message kind: by sender (sampled) and by second."""

    __slots__ = (
        "bytes_by_node",
        "bytes_by_second",
        "count_by_node",
        "count_by_second",
        "made_by_node",
        "plain_by_node",
        "saved",
    )

    def __init__(self, nodes: int) -> None:
        self.count_by_node = NodeCounters(nodes)
        self.bytes_by_node = NodeCounters(nodes)
        self.made_by_node = NodeCounters(nodes)
        """Bytes of frames, each once for however many recipients."""
        self.plain_by_node = NodeCounters(nodes)
        """The same without compression."""
        self.saved = 0
        """Bytes by which compression made all copies shorter."""
        self.count_by_second = SecondBins()
        self.bytes_by_second = SecondBins()


class Collector:
    """Consumer of the trace that keeps what a report needs.

    Args:
        shape: of the run.
        blocks: looks up the transactions of committed blocks.
        usage: tells what nodes take of their machines, where anybody knows.
    """

    def __init__(
        self, shape: RunShape, blocks: BlockTransactions, usage: Usage | None = None
    ) -> None:
        self.shape = shape
        self.sample_ns = choose_sample_ns(shape)
        self.sampled_ns: list[int] = []
        """Instants at which the counters were sampled, ascending; the last is the run's end."""
        self.end_ns = 0
        """Virtual instant of the latest entry, then of the run's end."""
        self.blocks = BlockLog()
        self.nodes = NodeLedger(shape.nodes)
        self.confirmations = ConfirmationLedger(blocks)
        self.gateways = GatewayLedger()
        self.evidence = EvidenceLedger()
        self.execution = ExecutionLedger(shape.nodes)
        self.storage = StorageLedger(shape.nodes)
        self.compact = CompactLedger(shape.nodes)
        self.usage = UsageLedger(shape.nodes, usage)
        self.decisions = DecisionLedger(shape.nodes)
        self.submitted_by_second = SecondBins()
        self.views = ViewLog()
        self.faults: list[FaultMark] = []
        self.traffic_by_kind: dict[str, KindTraffic] = {}
        self.rejected: dict[str, int] = {}
        self.rejected_by_node: dict[str, NodeCounters] = {}
        self.evidence_by_node: dict[str, NodeCounters] = {}
        """By what the proven liars said; counted at who found it out."""
        self.offences_by_node: dict[str, NodeCounters] = {}
        """By what peers did; counted at who saw it."""
        self._edge_ns = 0
        self._handlers: dict[str, Callable[[int, int, Any], None]] = {
            TransactionSubmitted.name: self._on_submitted,
            TransactionRejected.name: self._on_rejected,
            BlockCommitted.name: self._on_committed,
            PrePrepared.name: self.decisions.on_accepted,
            Committed.name: self.decisions.on_committed,
            ViewChangeStarted.name: self._on_view_change_started,
            ViewEntered.name: self._on_view_entered,
            EpochBegun.name: self._on_epoch_begun,
            EvidenceFound.name: self._on_evidence,
            PeerScored.name: self._on_scored,
            CompactRebuilt.name: lambda _, node, event: self.compact.on_rebuilt(node, event),
            BlockExecutedTraced.name: lambda _, node, event: self.execution.on_executed(
                node, event
            ),
            SYNC_STARTED: self._on_sync_started,
            SnapshotAdopted.name: self._on_snapshot_adopted,
            Accepted.name: self._on_accepted,
            FastConfirmed.name: lambda at_ns, node, event: self.gateways.on_confirmed(node, event),
            Finalised.name: self._on_final,
            Refused.name: self._on_refused,
            StillPending.name: lambda at_ns, node, event: self.gateways.on_pending(node, event),
            ValidatorLied.name: lambda at_ns, node, event: self.gateways.on_lie(node, event),
            Crashed.name: self._on_crashed,
            Restarted.name: self._on_restarted,
        }

    def observe(self, observation: Observation) -> None:
        """Take in one protocol event."""
        at_ns = observation.at_ns
        if at_ns > self._edge_ns:
            self._sample_before(at_ns)
        event = observation.event
        handler = self._handlers.get(event.name)
        if handler is not None:
            handler(at_ns, observation.node, event)
        if event.name.startswith("fault."):
            self.faults.append(fault_mark(at_ns, observation.node, event))
        self.end_ns = at_ns

    def traffic(self, sent: Traffic) -> None:
        """Take in one broadcast or send."""
        at_ns = sent.at_ns
        if at_ns > self._edge_ns:
            self._sample_before(at_ns)
        kind = self.traffic_by_kind.get(sent.kind)
        if kind is None:
            kind = self.traffic_by_kind[sent.kind] = KindTraffic(self.shape.nodes)
        count, size, node = sent.count, sent.bytes, sent.node
        kind.count_by_node.live[node] += count
        kind.bytes_by_node.live[node] += size
        kind.saved += sent.saved
        if count:
            kind.made_by_node.live[node] += size // count
            kind.plain_by_node.live[node] += (size + sent.saved) // count
        kind.count_by_second.add(at_ns, count)
        kind.bytes_by_second.add(at_ns, size)
        self.end_ns = at_ns

    def stored(self, stored: Stored) -> None:
        """Take in one batch that a disk has synced."""
        if stored.at_ns > self._edge_ns:
            self._sample_before(stored.at_ns)
        self.storage.on_stored(stored)

    def finish(self, at_ns: int) -> None:
        """The run is over at `at_ns`. Call it once, after the last entry."""
        self._sample_before(at_ns)
        self._take([at_ns])
        self.end_ns = at_ns

    def _sample_before(self, at_ns: int) -> None:
        """Sample each instant before `at_ns`: what happens at the very instant belongs to it."""
        passed = (at_ns - 1 - self._edge_ns) // self.sample_ns + 1
        if passed > 0:
            self._take([self._edge_ns + i * self.sample_ns for i in range(passed)])
            self._edge_ns += passed * self.sample_ns

    def _take(self, instants: list[int]) -> None:
        self.sampled_ns.extend(instants)
        times = len(instants)
        self.nodes.take(times)
        self.execution.take(times)
        self.storage.take(times)
        self.compact.take(times)
        self.usage.take(times)
        self.decisions.take(times)
        for kind in self.traffic_by_kind.values():
            kind.count_by_node.take(times)
            kind.bytes_by_node.take(times)
            kind.made_by_node.take(times)
            kind.plain_by_node.take(times)
        for group in (self.rejected_by_node, self.evidence_by_node, self.offences_by_node):
            for counters in group.values():
                counters.take(times)

    def _on_submitted(self, at_ns: int, node: int, event: TransactionSubmitted) -> None:
        self.nodes.submitted.live[node] += 1
        self.submitted_by_second.add(at_ns, 1)
        self.confirmations.submitted(at_ns, node, event.hash)

    def _on_accepted(self, at_ns: int, node: int, event: Accepted) -> None:
        self.nodes.submitted.live[node] += 1
        self.submitted_by_second.add(at_ns, 1)
        self.gateways.accepted(at_ns, node, event)

    def _on_final(self, at_ns: int, node: int, event: Finalised) -> None:
        submitted = self.gateways.on_final(node, event)
        if submitted is not None:
            self.confirmations.add(submitted, event.latency_ns)
            self.nodes.confirmation.add(node, event.latency_ns)

    def _on_refused(self, at_ns: int, node: int, event: Refused) -> None:
        self.gateways.on_rejected(node, event)
        self._count_rejected(node, event.code)

    def _on_rejected(self, at_ns: int, node: int, event: TransactionRejected) -> None:
        self._count_rejected(node, event.code)
        self.confirmations.rejected(node, event.hash)

    def _count_rejected(self, node: int, code: str) -> None:
        self.rejected[code] = self.rejected.get(code, 0) + 1
        self._count(self.rejected_by_node, code, node)

    def _count(self, group: dict[str, NodeCounters], name: str, node: int) -> None:
        counters = group.get(name)
        if counters is None:
            counters = group[name] = NodeCounters(self.shape.nodes)
        counters.live[node] += 1

    def _on_evidence(self, at_ns: int, node: int, event: EvidenceFound) -> None:
        self.evidence.on_evidence(node, event)
        self._count(self.evidence_by_node, event.kind, node)

    def _on_scored(self, at_ns: int, node: int, event: PeerScored) -> None:
        self.evidence.on_scored(node, event)
        self._count(self.offences_by_node, event.reason, node)

    def _on_committed(self, at_ns: int, node: int, event: BlockCommitted) -> None:
        self.blocks.add(at_ns, event)
        nodes = self.nodes
        nodes.blocks.live[node] += 1
        nodes.transactions.live[node] += event.transactions
        nodes.gas.live[node] += event.gas_used
        nodes.block_size.add(node, event.bytes)
        if event.height > nodes.height.live[node]:
            nodes.height.live[node] = event.height
        before_ns = nodes.committed_ns[node]
        if before_ns >= 0:
            nodes.block_time.add(node, at_ns - before_ns)
        nodes.committed_ns[node] = at_ns
        for latency_ns in self.confirmations.committed(at_ns, node, event.digest):
            nodes.confirmation.add(node, latency_ns)

    def _on_view_change_started(self, at_ns: int, node: int, event: ViewChangeStarted) -> None:
        self.nodes.view_changes.live[node] += 1
        self.views.started(at_ns, node, event.view)

    def _on_view_entered(self, at_ns: int, node: int, event: ViewEntered) -> None:
        self.nodes.view.live[node] = event.view
        self.views.entered(at_ns, node, event.view, event.epoch)

    def _on_epoch_begun(self, at_ns: int, node: int, event: EpochBegun) -> None:
        self.nodes.view.live[node] = 0
        self.nodes.epoch.live[node] = event.epoch
        self.views.began(at_ns, node, event)

    def _on_sync_started(self, at_ns: int, node: int, event: TraceEvent) -> None:
        self.nodes.syncs.live[node] += 1

    def _on_snapshot_adopted(self, at_ns: int, node: int, event: SnapshotAdopted) -> None:
        self.nodes.snapshots.live[node] += 1
        self.nodes.height.live[node] = max(event.height, self.nodes.height.live[node])

    def _on_crashed(self, at_ns: int, node: int, event: Crashed) -> None:
        self.nodes.up.live[node] = 0

    def _on_restarted(self, at_ns: int, node: int, event: Restarted) -> None:
        self.nodes.up.live[node] = 1
