"""Draws in the words of a schedule. Python integers only: they end up in a scenario file."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")

MILLISECOND = 1_000_000


class Chance:
    """One generator with the few kinds of draws that the search needs.

    Args:
        generator: of one concern of one run.
    """

    def __init__(self, generator: np.random.Generator) -> None:
        self._generator = generator

    def between(self, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`, both included."""
        return int(self._generator.integers(low, high + 1))

    def hit(self, percent: int) -> bool:
        """Return True in so many cases of a hundred."""
        return self.between(1, 100) <= percent

    def pick(self, items: Sequence[T]) -> T:
        """Return one of the items."""
        return items[self.between(0, len(items) - 1)]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """Return the items in another order."""
        return [items[int(index)] for index in self._generator.permutation(len(items))]

    def span(self, low_ms: int, high_ms: int) -> int:
        """Return a duration in whole milliseconds, given as ns."""
        return self.between(low_ms, max(low_ms, high_ms)) * MILLISECOND
