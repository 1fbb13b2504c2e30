"""What every replacement policy is: a bounded map that decides by itself what it lets go.

A policy holds the values, and not only their order, so that a hit is one lookup in one function.
Reads that fail are answered by `missing`, as `dict.__missing__` does it: whoever stacks levels
hands in the way down, and the way down costs a hit nothing.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import msgspec

from primitives.errors import InvalidInput

V = TypeVar("V")


class Limits(msgspec.Struct, frozen=True):
    """How much a map may hold; both bounds hold at all times between two calls."""

    entries: int
    """Number of entries; at least 1."""
    bytes: int
    """Sum of the sizes that `put` was told; at least 1."""

    def __post_init__(self) -> None:
        for name, value in (("entries", self.entries), ("bytes", self.bytes)):
            if value < 1:
                raise InvalidInput(f"cache.limits.{name}", "at least 1", value)

    def exceeded(self, entries: int, size_bytes: int) -> bool:
        """Tell whether so much is too much."""
        return entries > self.entries or size_bytes > self.bytes

    def share(self, percent: int) -> "Limits":
        """Return a part of both bounds, rounded down, but never less than 1."""
        return Limits(max(1, self.entries * percent // 100), max(1, self.bytes * percent // 100))


class Counters(msgspec.Struct, frozen=True):
    """What has happened to one map, and what is in it now."""

    hits: int = 0
    """Reads that found their key."""
    misses: int = 0
    """Reads that did not."""
    admitted: int = 0
    """Keys that were put and were not there before."""
    evicted: int = 0
    """Entries that had to go for want of room, newcomers that were refused among them."""
    entries: int = 0
    """Entries now."""
    bytes: int = 0
    """Sum of their sizes now."""

    @property
    def hit_rate(self) -> float:
        """The part of all reads that found their key; 0 before the first."""
        reads = self.hits + self.misses
        return self.hits / reads if reads else 0.0


class Policy(Protocol[V]):
    """A bounded map from keys to values."""

    def get(self, key: bytes) -> V:
        """Return the value, or what `missing(key)` returns if there is none. Counted."""
        ...

    def put(self, key: bytes, value: V, size: int) -> Sequence[tuple[bytes, V]]:
        """Set a value and return what had to go, oldest decision first.

        The newcomer itself may be among them: a policy may refuse it, and one that is larger
        than the whole map never fits.

        Args:
            key: a resident keeps its place and its history under a new value.
            value: kept by reference.
            size: bytes charged for the entry, its key and its administration.
        """
        ...

    def discard(self, key: bytes) -> None:
        """Forget a key, with no trace of it in what is resident; nothing happens if absent."""
        ...

    def __contains__(self, key: bytes) -> bool:
        """Tell whether a key is resident. Not a read: nothing is counted."""
        ...

    def __len__(self) -> int:
        """Return the number of entries."""
        ...

    def counters(self) -> Counters:
        """Return the counts so far; may look at every entry."""
        ...


class PolicyMaker(Protocol):
    """Makes an empty map: what a policy's class is."""

    def __call__(self, limits: Limits, missing: Callable[[bytes], V]) -> Policy[V]:
        """Return an empty map with these bounds and this way down."""
        ...
