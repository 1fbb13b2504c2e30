"""Replacement policies written for the eye: lists, searched from end to end at every step."""

from typing import Any, Protocol

from storage.cache.policy import Limits
from storage.cache.sketch import MULTIPLIERS, Sketch

Rows = list[tuple[bytes, Any]]
Item = list[Any]
"""[key, value, size, uses]"""


class Naive(Protocol):
    hits: int

    def get(self, key: bytes) -> Any: ...
    def put(self, key: bytes, value: Any, size: int) -> Rows: ...
    def discard(self, key: bytes) -> None: ...
    def items(self) -> list[Item]: ...


def over(limits: Limits, items: list[Item]) -> bool:
    return len(items) > limits.entries or sum(item[2] for item in items) > limits.bytes


def find(items: list[Item], key: bytes) -> Item | None:
    return next((item for item in items if item[0] == key), None)


class NaiveLru:
    """One list, the oldest use first."""

    def __init__(self, limits: Limits) -> None:
        self.limits, self.hits, self.order = limits, 0, list[Item]()

    def get(self, key: bytes) -> Any:
        item = find(self.order, key)
        if item is None:
            return None
        self.hits += 1
        self.order.remove(item)
        self.order.append(item)
        return item[1]

    def put(self, key: bytes, value: Any, size: int) -> Rows:
        self.discard(key)
        if size > self.limits.bytes:
            return [(key, value)]
        self.order.append([key, value, size, 0])
        out = []
        while over(self.limits, self.order):
            gone = self.order.pop(0)
            out.append((gone[0], gone[1]))
        return out

    def discard(self, key: bytes) -> None:
        self.order = [item for item in self.order if item[0] != key]

    def items(self) -> list[Item]:
        return self.order


class NaiveS3Fifo:
    """Algorithm 1 of the paper, uses cut to three at each hit; heads of queues stand last."""

    def __init__(self, limits: Limits) -> None:
        self.limits, self.hits = limits, 0
        self.small, self.main, self.ghosts = list[Item](), list[Item](), list[bytes]()

    def items(self) -> list[Item]:
        return self.small + self.main

    def get(self, key: bytes) -> Any:
        item = find(self.items(), key)
        if item is None:
            return None
        self.hits += 1
        item[3] = min(item[3] + 1, 3)
        return item[1]

    def put(self, key: bytes, value: Any, size: int) -> Rows:
        out: Rows = []
        if size > self.limits.bytes:
            self.discard(key)
            return [(key, value)]
        old = find(self.items(), key)
        if old is not None:
            old[1:3] = [value, size]
            while over(self.limits, self.items()):
                out += self.evict()
            return out
        new = [key, value, size, 0]
        while over(self.limits, [*self.items(), new]):
            out += self.evict()
        if key in self.ghosts:
            self.ghosts.remove(key)
            self.main.append(new)
        else:
            self.small.append(new)
        return out

    def evict(self) -> Rows:
        entries = len(self.small) >= max(1, self.limits.entries // 10)
        size = sum(item[2] for item in self.small) >= max(1, self.limits.bytes // 10)
        if entries or size:
            return self.evict_small() or self.evict_main()
        return self.evict_main() or self.evict_small()

    def evict_small(self) -> Rows:
        while self.small:
            item = self.small.pop(0)
            if item[3] < 2:
                self.ghosts.append(item[0])
                self.ghosts = self.ghosts[-max(1, (len(self.items()) + 1) * 90 // 100) :]
                return [(item[0], item[1])]
            item[3] = 0
            self.main.append(item)
        return []

    def evict_main(self) -> Rows:
        while self.main:
            item = self.main.pop(0)
            if item[3] == 0:
                return [(item[0], item[1])]
            item[3] -= 1
            self.main.append(item)
        return []

    def discard(self, key: bytes) -> None:
        self.small = [item for item in self.small if item[0] != key]
        self.main = [item for item in self.main if item[0] != key]


class NaiveSketch:
    """A dictionary of counters for each row, halved one by one."""

    def __init__(self, keys: int) -> None:
        self.keys = max(keys, 64)
        self.places = Sketch(keys).places
        self.counts: list[dict[int, int]] = [{} for _ in MULTIPLIERS]
        self.additions = 0

    def add(self, key: bytes, requests: int) -> None:
        for row, place in zip(self.counts, self.places(key), strict=True):
            row[place] = min(15, row.get(place, 0) + requests)
        self.additions += requests
        if self.additions >= 10 * self.keys:
            self.counts = [{at: n // 2 for at, n in row.items()} for row in self.counts]
            self.additions //= 2

    def count(self, key: bytes) -> int:
        rows = zip(self.counts, self.places(key), strict=True)
        return min(row.get(place, 0) for row, place in rows)


class NaiveTinyLfu:
    """Three lists, the earliest entry first, and counters in dictionaries."""

    def __init__(self, limits: Limits) -> None:
        self.limits, self.hits = limits, 0
        self.window, self.probation, self.protected = list[Item](), list[Item](), list[Item]()
        self.sketch = NaiveSketch(max(1, min(limits.entries, limits.bytes // 64)))

    def items(self) -> list[Item]:
        return self.window + self.probation + self.protected

    def part(self, percent: int) -> Limits:
        entries, size = self.limits.entries * percent, self.limits.bytes * percent
        return Limits(max(1, entries // 100), max(1, size // 100))

    def get(self, key: bytes) -> Any:
        item = find(self.items(), key)
        if item is None:
            self.sketch.add(key, 1)
            return None
        self.hits += 1
        item[3] += 1
        return item[1]

    def put(self, key: bytes, value: Any, size: int) -> Rows:
        if size > self.limits.bytes:
            self.discard(key)
            return [(key, value)]
        item = find(self.items(), key)
        if item is None:
            self.window.append([key, value, size, 0])
        else:
            item[1:3] = [value, size]
        out: list[Item] = []
        while over(self.part(1), self.window):
            if not self.second_chance(self.window):
                out += self.contest(self.window.pop(0))
        while over(self.limits, self.items()):
            out.append((self.probation or self.protected or self.window).pop(0))
        return [(gone[0], gone[1]) for gone in out]

    def second_chance(self, segment: list[Item]) -> bool:
        """Move the first entry to the end, if it was read since it was looked at."""
        first = segment[0]
        if first[3] == 0:
            return False
        self.sketch.add(first[0], first[3])
        first[3] = 0
        segment.append(segment.pop(0))
        return True

    def contest(self, candidate: Item) -> list[Item]:
        out: list[Item] = []
        while over(self.limits, [*self.items(), candidate]):
            self.promote()
            while not self.probation and self.protected and self.second_chance(self.protected):
                pass
            home = self.probation or self.protected
            if not home or self.sketch.count(candidate[0]) <= self.sketch.count(home[0][0]):
                return [*out, candidate]
            out.append(home.pop(0))
        self.probation.append(candidate)
        return out

    def promote(self) -> None:
        """Protect those at the end of probation who were read."""
        while self.probation and self.second_chance(self.probation):
            self.protected.append(self.probation.pop())
            while over(self.part(79), self.protected):
                if not self.second_chance(self.protected):
                    self.probation.append(self.protected.pop(0))

    def discard(self, key: bytes) -> None:
        for home in (self.window, self.probation, self.protected):
            home[:] = [item for item in home if item[0] != key]
