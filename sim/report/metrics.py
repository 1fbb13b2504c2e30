"""`metrics.om`: the run as Prometheus would have scraped it, under virtual timestamps.

Instant 0 of the run is the Unix epoch unless `epoch_s` moves it: Prometheus keeps no time of its
own kind for simulations, and a common base lets two runs be laid over each other.
"""

from itertools import pairwise
from typing import TextIO

import numpy as np

from sim.report.collect import Collector
from sim.report.openmetrics import Labels, OpenMetricsWriter
from sim.report.series import SECOND_NS, FloatArray, IntArray, NodeCounters, NodeHistograms

_MILLISECOND_NS = 1_000_000


def write_metrics(collector: Collector, out: TextIO, epoch_s: int = 0) -> None:
    """Write every family of a finished collector to `out`."""
    kept = _distinct_stamps(collector.sampled_ns)
    stamps_ns = [collector.sampled_ns[i] + epoch_s * SECOND_NS for i in kept]
    writer = OpenMetricsWriter(out, stamps_ns)
    export = _Export(collector, writer, kept)
    export.chain()
    export.transactions()
    export.consensus()
    export.execution()
    export.network()
    export.storage()
    writer.end()


def _distinct_stamps(sampled_ns: list[int]) -> list[int]:
    """Return the indexes of samples whose timestamps differ when cut to milliseconds.

    Of samples in the same millisecond the last one stays: it holds the final figures.
    """
    cut = [at_ns // _MILLISECOND_NS for at_ns in sampled_ns]
    kept = [i for i, (here, after) in enumerate(pairwise(cut)) if here != after]
    return [*kept, len(cut) - 1] if cut else []


def node_labels(node: int) -> Labels:
    """Return the labels of a node's series."""
    return (("node", str(node)),)


class _Export:
    """Writes the families of a collector."""

    def __init__(self, collector: Collector, writer: OpenMetricsWriter, kept: list[int]) -> None:
        self._collector = collector
        self._writer = writer
        self._kept = kept

    def chain(self) -> None:
        """Blocks, height, block times and sizes."""
        nodes = self._collector.nodes
        self._counter("blockchain_blocks", "Blocks committed by this node.", nodes.blocks)
        self._gauge("blockchain_height", "Height of this node's head.", nodes.height)
        self._gauge("blockchain_node_up", "1 while the node runs, 0 while it is down.", nodes.up)
        self._counter("blockchain_gas_used", "Gas used by committed blocks.", nodes.gas)
        self._histogram(
            "blockchain_block_time_seconds",
            "Time between two commits at this node.",
            nodes.block_time,
        )
        self._histogram(
            "blockchain_block_size_bytes",
            "Size of the blocks this node committed.",
            nodes.block_size,
        )
        self._counter("sync_runs", "Times this node began to fetch blocks.", nodes.syncs)

    def transactions(self) -> None:
        """Committed, submitted and refused transactions; throughput; confirmation times."""
        nodes = self._collector.nodes
        self._counter(
            "blockchain_transactions", "Transactions in committed blocks.", nodes.transactions
        )
        self._writer.family(
            "blockchain_tps", "gauge", "Transactions committed a second since the sample before."
        )
        committed = self._matrix(nodes.transactions)
        stamps_s = np.array(self._collector.sampled_ns, dtype=np.float64)[self._kept] / SECOND_NS
        self._rows("blockchain_tps", rates(committed, stamps_s))
        self._histogram(
            "blockchain_confirmation_time_seconds",
            "From submission at this node to commit at this node.",
            nodes.confirmation,
        )
        self._counter("txpool_submitted", "Transactions clients gave this node.", nodes.submitted)
        self._by_kind(
            "txpool_rejected",
            "Transactions this node refused, by reason.",
            "code",
            self._collector.rejected_by_node,
        )

    def consensus(self) -> None:
        """Views of the validators."""
        nodes = self._collector.nodes
        validators = self._collector.shape.validators
        self._gauge("consensus_view", "View this replica works in.", nodes.view, validators)
        self._counter(
            "consensus_view_changes",
            "Times this replica gave up its view.",
            nodes.view_changes,
            limit=validators,
        )

    def execution(self) -> None:
        """What executing blocks took, by task."""
        tasks = self._collector.execution.by_task
        for name, meaning in (
            ("blocks", "Blocks with transactions that this node has executed."),
            ("transactions", "Transactions in them."),
            ("repeats", "Executions beside the first of each transaction."),
            ("gas", "Gas that they used."),
            ("critical_path", "Gas of the dearest chains of transactions that depend on others."),
        ):
            counters = {task: getattr(tasks[task], name) for task in tasks}
            self._by_kind(f"execution_{name}", meaning, "task", counters)
        for name, meaning in (
            ("work", "Time of one core for all transactions, each once."),
            ("span", "Time that the transactions took on the cores that were free."),
        ):
            counters = {task: getattr(tasks[task], f"{name}_ns") for task in tasks}
            family = f"execution_{name}_seconds"
            self._by_kind(family, meaning, "task", counters, unit="seconds", scale=SECOND_NS)

    def network(self) -> None:
        """Messages and bytes sent, by kind."""
        kinds = self._collector.traffic_by_kind
        self._by_kind(
            "network_sent_messages",
            "Messages sent, one for each recipient.",
            "kind",
            {kind: kinds[kind].count_by_node for kind in kinds},
        )
        self._by_kind(
            "network_sent_bytes",
            "Bytes sent, frame headers included.",
            "kind",
            {kind: kinds[kind].bytes_by_node for kind in kinds},
            unit="bytes",
        )

    def storage(self) -> None:
        """What nodes made durable, and how long that took."""
        ledger = self._collector.storage
        if not any(ledger.syncs.live):
            return
        self._counter("storage_syncs", "Batches that were synced.", ledger.syncs)
        written, disk_io = "storage_written_bytes", "blockchain_disk_io_bytes"
        self._counter(written, "Keys and values in them.", ledger.written, unit="bytes")
        self._counter(disk_io, "Bytes that the disk wrote.", ledger.written, unit="bytes")
        name = "storage_sync_wait_seconds"
        self._histogram(name, "From handing over a batch until it is durable.", ledger.waits)

    def _matrix(self, counters: NodeCounters) -> IntArray:
        return counters.matrix(len(self._collector.sampled_ns))[self._kept]

    def _rows(self, name: str, matrix: FloatArray) -> None:
        for node in range(matrix.shape[1]):
            self._writer.series(name, node_labels(node), matrix[:, node].tolist())

    def _counter(
        self,
        name: str,
        meaning: str,
        counters: NodeCounters,
        limit: int | None = None,
        unit: str = "",
    ) -> None:
        self._writer.family(name, "counter", meaning, unit)
        matrix = self._matrix(counters)[:, :limit]
        for node in range(matrix.shape[1]):
            self._writer.series(f"{name}_total", node_labels(node), matrix[:, node].tolist())

    def _gauge(
        self, name: str, meaning: str, counters: NodeCounters, limit: int | None = None
    ) -> None:
        self._writer.family(name, "gauge", meaning)
        matrix = self._matrix(counters)[:, :limit]
        for node in range(matrix.shape[1]):
            self._writer.series(name, node_labels(node), matrix[:, node].tolist())

    def _by_kind(
        self,
        name: str,
        meaning: str,
        label: str,
        by_kind: dict[str, NodeCounters],
        unit: str = "",
        scale: int = 1,
    ) -> None:
        """Write a counter for each (node, kind) that has one; silent pairs are left out."""
        if not by_kind:
            return
        self._writer.family(name, "counter", meaning, unit)
        for kind in sorted(by_kind):
            matrix = self._matrix(by_kind[kind])
            for node in np.flatnonzero(matrix[-1]).tolist():
                labels = (*node_labels(node), (label, kind))
                values = matrix[:, node] if scale == 1 else matrix[:, node] / scale
                self._writer.series(f"{name}_total", labels, values.tolist())

    def _histogram(self, name: str, meaning: str, histograms: NodeHistograms) -> None:
        """Write a histogram for each node that has counted something. The name ends in the unit."""
        unit = name.rpartition("_")[2]
        scale = SECOND_NS if unit == "seconds" else 1
        self._writer.family(name, "histogram", meaning, unit)
        counts, sums = histograms.cumulative()
        counts, sums = counts[self._kept], sums[self._kept]
        bounds = [bound / scale for bound in histograms.bounds]
        for node in np.flatnonzero(counts[-1, :, -1]).tolist():
            self._writer.histogram(
                name,
                node_labels(node),
                bounds,
                counts[:, node].tolist(),
                (sums[:, node] / scale).tolist(),
            )


def rates(counts: IntArray, stamps_s: FloatArray) -> FloatArray:
    """Return the increase a second since the sample before, shape (samples, nodes); first row 0."""
    result = np.zeros(counts.shape, dtype=np.float64)
    if len(counts) > 1:
        result[1:] = np.diff(counts, axis=0) / np.diff(stamps_s)[:, None]
    return result
