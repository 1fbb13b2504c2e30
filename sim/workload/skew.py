"""Hot accounts: who is drawn how often."""

from collections.abc import Iterator, Sequence
from itertools import accumulate

import numpy as np

DRAWS_AT_ONCE = 1_024


class ZipfDraw:
    """Draws indexes 0..size-1 with probability proportional to 1 / (index + 1) ** exponent.

    Exponent 0 is uniform; 1 is Zipf's law proper. Mainnet's transfers lie near 1.

    Args:
        size: how many indexes there are, at least 1.
        exponent: the skew, >= 0.
        order: a permutation of the indexes that says which one is hottest; identity when None.
    """

    __slots__ = ("_cumulative", "_order", "_total", "size")

    def __init__(self, size: int, exponent: float, order: np.ndarray | None = None) -> None:
        self.size = size
        # Python's pow and a running sum: the same bits whatever vector unit numpy would pick.
        weights = accumulate(rank**-exponent for rank in range(1, size + 1))
        self._cumulative = np.fromiter(weights, dtype=np.float64, count=size)
        self._total = float(self._cumulative[-1])
        self._order = order

    def draw(self, generator: np.random.Generator, count: int) -> np.ndarray:
        """Return `count` indexes, shape (count,), dtype int64."""
        points = generator.random(count) * self._total
        ranks = np.searchsorted(self._cumulative, points, side="right")
        # A point that rounds up to the total would fall off the end.
        ranks = np.minimum(ranks, self.size - 1)
        return ranks if self._order is None else self._order[ranks]

    def stream(self, generator: np.random.Generator) -> Iterator[int]:
        """Yield indexes for ever, drawn many at once."""
        while True:
            yield from self.draw(generator, DRAWS_AT_ONCE).tolist()


def uniform_stream(generator: np.random.Generator, low: int, high: int) -> Iterator[int]:
    """Yield integers from [low, high] for ever, drawn many at once. Bounds fit in 63 bits."""
    while True:
        yield from generator.integers(low, high, size=DRAWS_AT_ONCE, endpoint=True).tolist()


def weighted_stream(generator: np.random.Generator, weights: Sequence[float]) -> Iterator[int]:
    """Yield indexes for ever, each as often as its weight says; at least one is above 0."""
    cumulative = np.fromiter(accumulate(weights), dtype=np.float64, count=len(weights))
    last = max(index for index, weight in enumerate(weights) if weight)
    while True:
        points = generator.random(DRAWS_AT_ONCE) * cumulative[-1]
        indexes = np.searchsorted(cumulative, points, side="right")
        # A point that rounds up to the total would fall off the end.
        yield from np.minimum(indexes, last).tolist()
