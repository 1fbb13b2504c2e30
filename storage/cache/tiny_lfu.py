"""W-TinyLFU, as far as it matters here: who comes must be asked for more than who would go.

Newcomers enter a window of one per cent, in order of use. Who leaves it stands against the entry
of the main part that would go next, and of the two the one that was asked for more often stays,
by a sketch that also remembers those who are not resident. The main part has two segments: who
is read on probation becomes protected, four fifths of it at most.

It differs from the paper in that the window has a fixed share, and no filter stands before the
sketch. Each hit writes to the sketch and relinks a list, which makes hits the dearest of the
policies here.

Reference: Einziger, Friedman, Manes, "TinyLFU: a highly efficient cache admission policy",
ACM Transactions on Storage 13(4), 2017, section 4.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Generic

import msgspec

from storage.cache.policy import Counters, Limits, V
from storage.cache.sketch import Sketch

WINDOW_PERCENT = 1
PROTECTED_PERCENT = 79
"""Of everything: four fifths of what the window leaves."""
BYTES_EXPECTED = 64
"""Least size of an entry that the sketch is made for, where bytes are the tighter bound."""


class Entry(msgspec.Struct, Generic[V], gc=False):
    """One resident."""

    value: V
    size: int
    """Bytes."""


class Segment(Generic[V]):
    """Residents in order of use, the latest last."""

    __slots__ = ("bytes", "entries", "limits")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.entries: OrderedDict[bytes, Entry[V]] = OrderedDict()
        self.bytes = 0

    def append(self, key: bytes, entry: Entry[V]) -> None:
        """Add one as the latest."""
        self.entries[key] = entry
        self.bytes += entry.size

    def remove(self, key: bytes) -> Entry[V]:
        """Take one out."""
        entry = self.entries.pop(key)
        self.bytes -= entry.size
        return entry

    def oldest(self) -> bytes:
        """Return the key that was used longest ago."""
        return next(iter(self.entries))

    def is_over(self) -> bool:
        """Tell whether it holds more than its share."""
        return self.limits.exceeded(len(self.entries), self.bytes)


class TinyLfu(Generic[V]):
    """A `Policy`: frequency decides who comes in.

    Args:
        limits: bounds.
        missing: answers reads that find nothing.
    """

    __slots__ = (
        "_admitted", "_evicted", "_hits", "_limits", "_misses", "_missing", "_probation",
        "_protected", "_sketch", "_window",
    )  # fmt: skip

    def __init__(self, limits: Limits, missing: Callable[[bytes], V]) -> None:
        self._limits = limits
        self._missing = missing
        self._sketch = Sketch(max(1, min(limits.entries, limits.bytes // BYTES_EXPECTED)))
        self._window: Segment[V] = Segment(limits.share(WINDOW_PERCENT))
        self._probation: Segment[V] = Segment(limits)
        self._protected: Segment[V] = Segment(limits.share(PROTECTED_PERCENT))
        self._hits = 0
        self._misses = 0
        self._admitted = 0
        self._evicted = 0

    def get(self, key: bytes) -> V:
        """Return the value, or what `missing(key)` returns if there is none."""
        self._sketch.add(key)
        for segment in (self._protected, self._window):
            entry = segment.entries.get(key)
            if entry is not None:
                self._hits += 1
                segment.entries.move_to_end(key)
                return entry.value
        if key in self._probation.entries:
            self._hits += 1
            return self._protect(key)
        self._misses += 1
        return self._missing(key)

    def put(self, key: bytes, value: V, size: int) -> Sequence[tuple[bytes, V]]:
        """Set a value and return what had to go; a new value under an old key is not a use."""
        home = self._home(key)
        self._admitted += home is None
        if size > self._limits.bytes:
            self.discard(key)
            self._evicted += 1
            return ((key, value),)
        if home is None:
            self._window.append(key, Entry(value, size))
        else:
            entry = home.entries[key]
            home.bytes += size - entry.size
            entry.value, entry.size = value, size
        out = self._contest()
        while self._is_over():
            segments = (self._probation, self._protected, self._window)
            first = next(segment for segment in segments if segment.entries)
            out.append(self._evict(first, first.oldest()))
        return out

    def discard(self, key: bytes) -> None:
        """Forget a key; what the sketch has seen of it stays."""
        home = self._home(key)
        if home is not None:
            home.remove(key)

    def __contains__(self, key: bytes) -> bool:
        return self._home(key) is not None

    def __len__(self) -> int:
        window, probation, protected = self._window, self._probation, self._protected
        return len(window.entries) + len(probation.entries) + len(protected.entries)

    def counters(self) -> Counters:
        """Return the counts so far."""
        return Counters(
            self._hits, self._misses, self._admitted, self._evicted, len(self), self._bytes()
        )

    def _contest(self) -> list[tuple[bytes, V]]:
        """Let those who leave the window stand against those who would go."""
        out = []
        while self._window.is_over():
            candidate = self._window.oldest()
            entry = self._window.remove(candidate)
            self._probation.append(candidate, entry)
            while self._is_over() and candidate in self._probation.entries:
                rivals = (self._probation, self._protected)
                home = next((s for s in rivals if s.entries and s.oldest() != candidate), None)
                if home is None:
                    out.append(self._evict(self._probation, candidate))
                    break
                victim = home.oldest()
                if self._sketch.count(candidate) > self._sketch.count(victim):
                    out.append(self._evict(home, victim))
                else:
                    out.append(self._evict(self._probation, candidate))
        return out

    def _protect(self, key: bytes) -> V:
        entry = self._probation.remove(key)
        self._protected.append(key, entry)
        while self._protected.is_over():
            oldest = self._protected.oldest()
            self._probation.append(oldest, self._protected.remove(oldest))
        return entry.value

    def _evict(self, segment: Segment[V], key: bytes) -> tuple[bytes, V]:
        self._evicted += 1
        return key, segment.remove(key).value

    def _home(self, key: bytes) -> Segment[V] | None:
        for segment in (self._protected, self._window, self._probation):
            if key in segment.entries:
                return segment
        return None

    def _bytes(self) -> int:
        return self._window.bytes + self._probation.bytes + self._protected.bytes

    def _is_over(self) -> bool:
        return self._limits.exceeded(len(self), self._bytes())
