"""Containers for numbers over virtual time: small while the run goes on, arrays at its end.

The stream of a large run has millions of entries, so nothing here keeps one object for each. A
`NodeCounters` holds one running integer for each node and copies the row at fixed instants; a
`SecondBins` adds into one integer for each second; an `IntColumn` is a growing array of machine
integers.
"""

from array import array

import numpy as np
from numpy.typing import NDArray

SECOND_NS = 1_000_000_000

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


class IntColumn:
    """A growing column of 64-bit integers."""

    __slots__ = ("_values", "append")

    def __init__(self) -> None:
        self._values = array("q")
        self.append = self._values.append

    def __len__(self) -> int:
        return len(self._values)

    def numpy(self) -> IntArray:
        """Return a copy as an array of shape (length,)."""
        return np.array(self._values, dtype=np.int64)


class NodeCounters:
    """One running integer for each node, sampled from time to time."""

    __slots__ = ("_rows", "live")

    def __init__(self, nodes: int) -> None:
        self.live = [0] * nodes
        self._rows: list[IntArray] = []

    def take(self, times: int) -> None:
        """Record the present row `times` times (several sample instants may have passed)."""
        row = np.array(self.live, dtype=np.int64)
        self._rows.extend([row] * times)

    def matrix(self, samples: int) -> IntArray:
        """Return shape (samples, nodes); instants before the first `take` are zero."""
        nodes = len(self.live)
        matrix = np.zeros((samples, nodes), dtype=np.int64)
        if self._rows:
            matrix[samples - len(self._rows) :] = np.stack(self._rows)
        return matrix


class NodeHistograms:
    """One histogram of integers for each node, sampled like `NodeCounters`.

    `bounds` are the inclusive upper ends of the buckets; a last bucket takes what is greater.
    """

    __slots__ = ("_rows", "bounds", "buckets", "sums")

    def __init__(self, nodes: int, bounds: tuple[int, ...]) -> None:
        self.bounds = bounds
        self.buckets = [[0] * (len(bounds) + 1) for _ in range(nodes)]
        self.sums = [0] * nodes
        self._rows: list[tuple[IntArray, IntArray]] = []

    def add(self, node: int, value: int) -> None:
        """Count one value."""
        place = 0
        for bound in self.bounds:
            if value <= bound:
                break
            place += 1
        self.buckets[node][place] += 1
        self.sums[node] += value

    def take(self, times: int) -> None:
        """Record the present state `times` times."""
        counts = np.array(self.buckets, dtype=np.int64).reshape(len(self.buckets), -1)
        row = (counts, np.array(self.sums, dtype=np.int64))
        self._rows.extend([row] * times)

    def cumulative(self) -> tuple[IntArray, IntArray]:
        """Return counts up to each bound, shape (samples, nodes, bounds + 1), and sums."""
        if not self._rows:
            shape = (0, len(self.buckets), len(self.bounds) + 1)
            return np.zeros(shape, dtype=np.int64), np.zeros(shape[:2], dtype=np.int64)
        counts = np.stack([counts for counts, _ in self._rows])
        return np.cumsum(counts, axis=2), np.stack([sums for _, sums in self._rows])


class SecondBins:
    """A sum for each second of virtual time."""

    __slots__ = ("_bins",)

    def __init__(self) -> None:
        self._bins: list[int] = []

    def add(self, at_ns: int, amount: int) -> None:
        """Add `amount` to the second that `at_ns` lies in."""
        second = at_ns // SECOND_NS
        bins = self._bins
        if second >= len(bins):
            bins.extend([0] * (second + 1 - len(bins)))
        bins[second] += amount

    def numpy(self, seconds: int) -> IntArray:
        """Return shape (seconds,), padded with zeros; what lies behind is cut off."""
        padded = np.zeros(seconds, dtype=np.int64)
        known = self._bins[:seconds]
        padded[: len(known)] = known
        return padded

    @property
    def total(self) -> int:
        """Sum over the whole run."""
        return sum(self._bins)
