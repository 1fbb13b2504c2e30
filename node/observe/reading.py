"""Numbers on their way from whoever keeps them to whoever asks for them."""

from bisect import bisect_left
from collections.abc import Iterable
from typing import Protocol

import msgspec

from node.observe.families import Family, Kind


class Histogram:
    """Counts integers into the buckets of a family. Not safe against two threads that add."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: tuple[int, ...]) -> None:
        self.bounds = bounds
        """Inclusive upper ends, ascending, in ns or bytes; a last bucket takes what is greater."""
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0

    def add(self, value: int) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value


class Reading(msgspec.Struct, frozen=True):
    """What one series of a family shows now."""

    family: Family
    value: int | float | Histogram
    """A histogram for families of that kind. Families in seconds or bytes may be counted in
    whole ns or bytes: an `int` of a family in seconds is one of ns, a `float` one of seconds."""
    labels: tuple[str, ...] = ()
    """Values of the family's own labels, in its order."""

    @property
    def number(self) -> int | float:
        """Return the value of a counter or gauge in the family's unit."""
        assert not isinstance(self.value, Histogram), "a histogram is not one number"
        if isinstance(self.value, int) and self.family.scale != 1:
            return self.value / self.family.scale
        return self.value


class Source(Protocol):
    """Keeps numbers for one node. Asked on the node's thread whenever metrics are read."""

    def readings(self) -> Iterable[Reading]:
        """Return the present numbers; of a family either always some label values or none."""
        ...


class Sampled(Protocol):
    """A source that looks at the world once in a while (`NodeMetrics.sample`)."""

    def sample(self, at_ns: int) -> None:
        """Take a look. `at_ns` is on the monotonic clock."""
        ...


def by_label(family: Family, values: Iterable[tuple[str, int | float]]) -> list[Reading]:
    """Return readings of a family that has one label of its own."""
    assert family.kind is not Kind.HISTOGRAM, family.name
    return [Reading(family, value, (label,)) for label, value in values]
