"""Latencies of millions of transactions in a fixed amount of memory, with a bounded error.

Values are sorted into buckets whose width grows with them: each power of two is cut into 1,024
equal parts, so a bucket is never wider than 1/1024 of what is in it. A quantile is told as the
middle of its bucket: within 0.05 % of the true value (and exact below 2,048 ns). Counting is an
addition; two histograms are added by adding their buckets.

Reference: G. Tene, HdrHistogram (the layout of the buckets).
"""

import math
from collections.abc import Sequence

import msgspec

from sim.report.series import IntArray

PARTS_BITS = 10
PARTS = 1 << PARTS_BITS
ERROR_BOUND = 1 / (2 * PARTS)
"""Largest relative difference between a quantile that is told and the true one."""
OPEN_SECONDS = 120
"""So many seconds back a latency may belong to be among the quantiles of its second."""


class Quantiles(msgspec.Struct, frozen=True):
    """What a report says of latencies, seconds; None without any."""

    count: int = 0
    mean: float | None = None
    p50: float | None = None
    p90: float | None = None
    p95: float | None = None
    p99: float | None = None
    p999: float | None = None
    max: float | None = None


class LatencyHistogram:
    """Counts spans of time, ns."""

    __slots__ = ("_counts", "count", "greatest", "least", "total")

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self.count = 0
        self.total = 0
        self.least = 0
        self.greatest = 0

    def add(self, value: int) -> None:
        """Count a span; one below 0 counts as 0."""
        value = max(value, 0)
        place = bucket_of(value)
        self._counts[place] = self._counts.get(place, 0) + 1
        self.least = min(self.least, value) if self.count else value
        self.count += 1
        self.total += value
        self.greatest = max(self.greatest, value)

    def merge(self, other: "LatencyHistogram") -> None:
        """Add what another has counted."""
        if not other.count:
            return
        for place, count in other._counts.items():
            self._counts[place] = self._counts.get(place, 0) + count
        self.least = min(self.least, other.least) if self.count else other.least
        self.count += other.count
        self.total += other.total
        self.greatest = max(self.greatest, other.greatest)

    def quantiles(self, shares: Sequence[float]) -> list[int]:
        """Return the values at shares of the count by nearest rank, ns. It must not be empty."""
        ranks = [max(1, math.ceil(share * self.count - 1e-9)) for share in shares]
        order = sorted(range(len(ranks)), key=ranks.__getitem__)
        found = [0] * len(ranks)
        seen, pending = 0, iter(order)
        index = next(pending, None)
        for place, count in sorted(self._counts.items()):
            seen += count
            while index is not None and ranks[index] <= seen:
                found[index] = min(max(bucket_middle(place), self.least), self.greatest)
                index = next(pending, None)
        return found

    def summary(self) -> Quantiles:
        """Return the usual quantiles, in seconds."""
        if not self.count:
            return Quantiles()
        p50, p90, p95, p99, p999 = (
            ns / 1e9 for ns in self.quantiles((0.5, 0.9, 0.95, 0.99, 0.999))
        )
        mean, most = self.total / self.count / 1e9, self.greatest / 1e9
        return Quantiles(self.count, mean, p50, p90, p95, p99, p999, most)

    def buckets(self) -> list[tuple[int, int]]:
        """Return (middle in ns, count) of all buckets that are not empty, ascending."""
        return [(bucket_middle(place), count) for place, count in sorted(self._counts.items())]


class LatencyBySecond:
    """The median and the 99th percentile of each second of a run, in little memory however long.

    A histogram is kept for the last `OPEN_SECONDS` only; what comes for an earlier second is late
    for its quantiles.
    """

    __slots__ = ("_closed", "_open")

    def __init__(self) -> None:
        self._closed: list[tuple[int, int] | None] = []
        self._open: list[LatencyHistogram] = []

    def add(self, second: int, value: int) -> None:
        """Count a span that belongs to a second."""
        place = second - len(self._closed)
        while place >= len(self._open):
            self._open.append(LatencyHistogram())
            if len(self._open) > OPEN_SECONDS:
                self._closed.append(_ends(self._open.pop(0)))
                place -= 1
        if place >= 0:
            self._open[place].add(value)

    def points(self, seconds: int) -> list[tuple[int, int] | None]:
        """Return both of each of so many seconds, ns; None for a second without any."""
        found = [*self._closed, *map(_ends, self._open)][:seconds]
        return found + [None] * (seconds - len(found))


def _ends(histogram: LatencyHistogram) -> tuple[int, int] | None:
    if not histogram.count:
        return None
    median, most = histogram.quantiles((0.5, 0.99))
    return median, most


def bucket_of(value: int) -> int:
    """Return the number of the bucket that a value of at least 0 lies in."""
    shift = max(value.bit_length() - PARTS_BITS - 1, 0)
    return (shift << PARTS_BITS) + (value >> shift)


def bucket_middle(place: int) -> int:
    """Return the middle of a bucket."""
    shift = max((place >> PARTS_BITS) - 1, 0)
    low = (place - (shift << PARTS_BITS)) << shift
    return low + ((1 << shift) >> 1)


def shares_within(histogram: LatencyHistogram, edges_ns: IntArray) -> list[int]:
    """Return how many values lie between successive edges, by the middles of their buckets."""
    counts = [0] * (len(edges_ns) - 1)
    place = 0
    for middle, count in histogram.buckets():
        while place < len(counts) - 1 and middle >= edges_ns[place + 1]:
            place += 1
        counts[place] += count
    return counts
