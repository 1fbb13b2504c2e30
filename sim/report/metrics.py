"""`metrics.om`: the run as Prometheus would have scraped it, under virtual timestamps.

Instant 0 of the run is the Unix epoch unless `epoch_s` moves it: Prometheus keeps no time of its
own kind for simulations, and a common base lets two runs be laid over each other.

What a family is called and means stands in `node.observe.families`, from where live nodes take it
too.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TextIO

import numpy as np

from node.observe.families import (
    Family,
    chain,
    consensus,
    network,
    node_labels,
    runtime,
    storage,
)
from node.observe.links import PLAIN, SENT
from sim.report.collect import Collector
from sim.report.openmetrics import OpenMetricsWriter
from sim.report.picture import LinkPicture, NetworkPicture
from sim.report.series import SECOND_NS, FloatArray, IntArray, NodeCounters, NodeHistograms

_MILLISECOND_NS = 1_000_000
WRITTEN = "written"
"""The one direction in which the disks of virtual time move bytes."""


def write_metrics(
    collector: Collector, out: TextIO, epoch_s: int = 0, picture: NetworkPicture | None = None
) -> None:
    """Write every family of a finished collector to `out`.

    Args:
        collector: finished.
        out: where to.
        epoch_s: Unix time that stands for virtual time 0.
        picture: of the network; its links have the round trips that are shown.
    """
    kept = _distinct_stamps(collector.sampled_ns)
    stamps_ns = [collector.sampled_ns[i] + epoch_s * SECOND_NS for i in kept]
    writer = OpenMetricsWriter(out, stamps_ns)
    export = _Export(collector, writer, kept)
    export.chain()
    export.transactions()
    export.consensus()
    export.execution()
    export.network()
    export.round_trips(() if picture is None else picture.links)
    export.storage()
    export.usage()
    writer.end()


def _distinct_stamps(sampled_ns: list[int]) -> list[int]:
    """Return the indexes of samples whose timestamps differ when cut to milliseconds.

    Of samples in the same millisecond the last one stays: it holds the final figures.
    """
    cut = [at_ns // _MILLISECOND_NS for at_ns in sampled_ns]
    kept = [i for i, (here, after) in enumerate(pairwise(cut)) if here != after]
    return [*kept, len(cut) - 1] if cut else []


class _Export:
    """Writes the families of a collector."""

    def __init__(self, collector: Collector, writer: OpenMetricsWriter, kept: list[int]) -> None:
        self._collector = collector
        self._writer = writer
        self._kept = kept

    def chain(self) -> None:
        """Blocks, height, block times and sizes."""
        nodes = self._collector.nodes
        self._counter(chain.BLOCKS, nodes.blocks)
        self._gauge(chain.HEIGHT, nodes.height)
        self._gauge(chain.NODE_UP, nodes.up)
        self._counter(chain.GAS_USED, nodes.gas)
        self._histogram(chain.BLOCK_TIME, nodes.block_time)
        self._histogram(chain.BLOCK_SIZE, nodes.block_size)
        self._counter(chain.SYNC_RUNS, nodes.syncs)
        self._counter(chain.SYNC_SNAPSHOTS, nodes.snapshots)

    def transactions(self) -> None:
        """Committed, submitted and refused transactions; throughput; confirmation times."""
        nodes = self._collector.nodes
        self._counter(chain.TRANSACTIONS, nodes.transactions)
        self._writer.open(chain.TPS)
        committed = self._matrix(nodes.transactions)
        self._rows(chain.TPS, rates(committed, self._stamps_s()))
        self._histogram(chain.CONFIRMATION_TIME, nodes.confirmation)
        self._counter(chain.SUBMITTED, nodes.submitted)
        self._by_label(chain.REJECTED, self._collector.rejected_by_node)

    def consensus(self) -> None:
        """Views of the validators, epochs, and what proves lies."""
        nodes = self._collector.nodes
        validators = self._collector.shape.validators
        self._gauge(consensus.VIEW, nodes.view, validators)
        self._counter(consensus.VIEW_CHANGES, nodes.view_changes, validators)
        self._gauge(consensus.EPOCH, nodes.epoch)
        self._histogram(consensus.DECISION_TIME, self._collector.decisions.times)
        self._by_label(consensus.EVIDENCE, self._collector.evidence_by_node)

    def execution(self) -> None:
        """What executing blocks took, by task."""
        tasks = self._collector.execution.by_task
        for family, name in (
            (consensus.EXECUTED_BLOCKS, "blocks"),
            (consensus.EXECUTED_TRANSACTIONS, "transactions"),
            (consensus.REPEATS, "repeats"),
            (consensus.EXECUTED_GAS, "gas"),
            (consensus.CRITICAL_PATH, "critical_path"),
            (consensus.WORK, "work_ns"),
            (consensus.SPAN, "span_ns"),
        ):
            self._by_label(family, {task: getattr(tasks[task], name) for task in tasks})

    def network(self) -> None:
        """Messages and bytes sent, by kind; offences of peers; compact blocks."""
        kinds = self._collector.traffic_by_kind
        self._by_label(network.SENT_MESSAGES, {kind: kinds[kind].count_by_node for kind in kinds})
        self._by_label(network.SENT_BYTES, {kind: kinds[kind].bytes_by_node for kind in kinds})
        self._compression()
        self._by_label(network.OFFENCES, self._collector.offences_by_node)
        compact = self._collector.compact
        if any(compact.blocks.live):
            self._counter(network.COMPACT_BLOCKS, compact.blocks)
            self._by_label(network.COMPACT_TRANSACTIONS, compact.transactions)
            self._by_label(network.COMPACT_BYTES, compact.bytes)

    def _compression(self) -> None:
        """Kinds that were compressed at all, before and after."""
        kinds = self._collector.traffic_by_kind
        labelled: dict[tuple[str, ...], NodeCounters] = {}
        for name, kind in kinds.items():
            if kind.saved:
                labelled[name, PLAIN] = kind.plain_by_node
                labelled[name, SENT] = kind.made_by_node
        if labelled:
            self._by_labels(network.COMPRESSION_BYTES, labelled)

    def round_trips(self, links: Sequence[LinkPicture]) -> None:
        """Round trips over links while both ends are up, as if a ping went at each sample."""
        if not links:
            return
        self._writer.open(network.LATENCY)
        counts, sums = round_trips(links, self._matrix(self._collector.nodes.up))
        for node in np.flatnonzero(counts[-1, :, -1]).tolist():
            self._writer.histogram(
                network.LATENCY.name,
                node_labels(node),
                network.LATENCY.ends,
                counts[:, node].tolist(),
                (sums[:, node] / network.LATENCY.scale).tolist(),
            )

    def usage(self) -> None:
        """Processor, memory, pool and rounds of each node, as modelled."""
        ledger = self._collector.usage
        if not ledger.is_known:
            return
        self._writer.open(runtime.CPU_USAGE)
        used_s = self._matrix(ledger.processor_ns) / SECOND_NS
        self._rows(runtime.CPU_USAGE, rates(used_s, self._stamps_s()))
        self._gauge(runtime.MEMORY, ledger.memory_bytes)
        self._by_label(chain.POOL_TRANSACTIONS, ledger.pool_transactions)
        self._gauge(chain.POOL_BYTES, ledger.pool_bytes)
        for family, counters in ledger.rounds.items():
            self._by_labels(family, counters)

    def storage(self) -> None:
        """What nodes made durable, and how long that took."""
        ledger = self._collector.storage
        if not any(ledger.syncs.live):
            return
        self._counter(storage.SYNCS, ledger.syncs)
        self._counter(storage.WRITTEN, ledger.written)
        self._by_label(storage.DISK_IO, {WRITTEN: ledger.written})
        self._histogram(storage.SYNC_WAIT, ledger.waits)

    def _stamps_s(self) -> FloatArray:
        return np.array(self._collector.sampled_ns, dtype=np.float64)[self._kept] / SECOND_NS

    def _matrix(self, counters: NodeCounters) -> IntArray:
        return counters.matrix(len(self._collector.sampled_ns))[self._kept]

    def _rows(self, family: Family, matrix: IntArray | FloatArray) -> None:
        for node in range(matrix.shape[1]):
            self._writer.series(family.sample, node_labels(node), matrix[:, node].tolist())

    def _counter(self, family: Family, counters: NodeCounters, limit: int | None = None) -> None:
        """Write a series for each node, of those below `limit` if there is one."""
        self._writer.open(family)
        self._rows(family, self._matrix(counters)[:, :limit])

    _gauge = _counter

    def _by_label(self, family: Family, counters: Mapping[str, NodeCounters]) -> None:
        """Write a series for each (node, label) that has numbers; silent pairs are left out."""
        self._by_labels(family, {(text,): each for text, each in counters.items()})

    def _by_labels(self, family: Family, counters: Mapping[tuple[str, ...], NodeCounters]) -> None:
        """Write a counter for each node and texts of the family's own labels, likewise."""
        if not counters:
            return
        self._writer.open(family)
        for texts in sorted(counters):
            matrix = self._matrix(counters[texts])
            own = tuple(zip(family.labels, texts, strict=True))
            for node in np.flatnonzero(matrix.any(axis=0)).tolist():
                labels = (*node_labels(node), *own)
                values = matrix[:, node] if family.scale == 1 else matrix[:, node] / family.scale
                self._writer.series(family.sample, labels, values.tolist())

    def _histogram(self, family: Family, histograms: NodeHistograms) -> None:
        """Write a histogram for each node that has counted something."""
        assert histograms.bounds == family.bounds, f"{family.name} is counted by other bounds"
        self._writer.open(family)
        counts, sums = histograms.cumulative()
        counts, sums = counts[self._kept], sums[self._kept]
        for node in np.flatnonzero(counts[-1, :, -1]).tolist():
            self._writer.histogram(
                family.name,
                node_labels(node),
                family.ends,
                counts[:, node].tolist(),
                (sums[:, node] / family.scale).tolist(),
            )


def round_trips(links: Sequence[LinkPicture], up: IntArray) -> tuple[IntArray, IntArray]:
    """Return the counts up to each bucket's end and the sums in ns of round trips, at each sample.

    Args:
        links: each of both its ends.
        up: 1 where a node is up, shape (samples, nodes).

    Returns:
        Shapes (samples, nodes, buckets) and (samples, nodes).
    """
    bounds = network.LATENCY.bounds
    buckets, nodes = len(bounds) + 1, up.shape[1]
    ends = np.array([(link.a, link.b) for link in links] + [(link.b, link.a) for link in links])
    one, other = ends[:, 0], ends[:, 1]
    taken_ns = 2 * np.array([link.latency_ns for link in links] * 2)
    places = one * buckets + np.searchsorted(bounds, taken_ns)
    counts = np.zeros((len(up), nodes * buckets), dtype=np.int64)
    sums = np.zeros(up.shape, dtype=np.int64)
    for sample, row in enumerate(up):
        both = row[one] * row[other] > 0
        counts[sample] = np.bincount(places[both], minlength=nodes * buckets)
        np.add.at(sums[sample], one[both], taken_ns[both])
    below = counts.reshape(len(up), nodes, buckets).cumsum(axis=2)
    return below.cumsum(axis=0), sums.cumsum(axis=0)


def rates(counts: IntArray | FloatArray, stamps_s: FloatArray) -> FloatArray:
    """Return the increase a second since the sample before, shape (samples, nodes); first row 0."""
    result = np.zeros(counts.shape, dtype=np.float64)
    if len(counts) > 1:
        result[1:] = np.diff(counts, axis=0) / np.diff(stamps_s)[:, None]
    return result
