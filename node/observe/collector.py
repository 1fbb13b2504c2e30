"""Hands the numbers of a node to prometheus_client, family by family in the table's order."""

from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Protocol

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from node.observe.families import FAMILIES, Family, Labels
from node.observe.reading import Histogram, Reading


class Readable(Protocol):
    """Has numbers."""

    def readings(self) -> Iterable[Reading]:
        """Return them as they are now."""
        ...


class NodeCollector(Collector):
    """A collector of prometheus_client over readings.

    Args:
        source: of the numbers.
        labels: that every series carries.
    """

    def __init__(self, source: Readable, labels: Labels) -> None:
        self._source = source
        self._labels = dict(labels)

    def collect(self) -> Iterator[Metric]:
        """Yield each family that has numbers, in the order of the table."""
        grouped: dict[str, list[Reading]] = {}
        for reading in self._source.readings():
            grouped.setdefault(reading.family.name, []).append(reading)
        for family in FAMILIES:
            readings = grouped.get(family.name)
            if readings:
                yield self._metric(family, readings)

    def _metric(self, family: Family, readings: list[Reading]) -> Metric:
        metric = Metric(family.name, family.meaning, family.kind.value, family.unit)
        for reading in readings:
            own = dict(zip(family.labels, reading.labels, strict=True))
            labels = {**self._labels, **own}
            if isinstance(reading.value, Histogram):
                _add_buckets(metric, family, labels, reading.value)
            else:
                metric.add_sample(family.sample, labels, reading.number)
        return metric


def _add_buckets(
    metric: Metric, family: Family, labels: dict[str, str], histogram: Histogram
) -> None:
    below = list(accumulate(histogram.counts))
    for end, count in zip(family.ends, below, strict=True):
        metric.add_sample(f"{family.name}_bucket", {**labels, "le": end}, count)
    metric.add_sample(f"{family.name}_count", labels, below[-1])
    metric.add_sample(f"{family.name}_sum", labels, histogram.sum / family.scale)
