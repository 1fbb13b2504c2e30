"""What waits for one peer: a bounded queue for each class of traffic.

A peer that takes less than it is sent must not make this node remember more and more. Each class
has a bound and a rule for what happens beyond it; a slow peer loses transactions before it loses
blocks, and is let go before it loses votes.
"""

from collections import deque
from collections.abc import Mapping
from enum import Enum
from typing import Generic, TypeVar

from network.transport.config import Bound, DropRule
from network.transport.traffic import Traffic
from primitives.ids import Duration, Instant

Item = TypeVar("Item")


class Put(Enum):
    """What became of something that was put in."""

    KEPT = "kept"
    DROPPED = "dropped"
    """It, or what it took the place of."""
    OVERFLOW = "overflow"
    """It was not kept, and the rule says that the peer has to go."""


class Outbox(Generic[Item]):
    """Queues by class.

    Args:
        bounds: for every class.
        hold: what has waited longer is dropped instead of taken.
        dropped: where it is counted, by class, what was put in and will not come out.
    """

    __slots__ = ("_bounds", "_bytes", "_dropped", "_hold", "_queues", "length")

    def __init__(self, bounds: Mapping[Traffic, Bound], hold: Duration, dropped: list[int]) -> None:
        self._bounds = tuple([bounds[traffic] for traffic in Traffic])
        self._hold = hold
        self._queues: tuple[deque[tuple[Item, int, Instant]], ...] = tuple(
            [deque() for _ in Traffic]
        )
        self._bytes = [0] * len(Traffic)
        self.length = 0
        """Messages that wait."""
        self._dropped = dropped

    @property
    def bytes(self) -> int:
        """Bytes that wait."""
        return sum(self._bytes)

    def put(self, traffic: Traffic, item: Item, size: int, now: Instant) -> Put:
        """Let something wait; `size` is what it is long, in bytes."""
        bound, queue = self._bounds[traffic], self._queues[traffic]
        outcome = Put.KEPT
        while queue and (len(queue) >= bound.messages or self._bytes[traffic] + size > bound.bytes):
            if bound.rule is not DropRule.OLDEST:
                self._dropped[traffic] += 1
                return Put.OVERFLOW if bound.rule is DropRule.PEER else Put.DROPPED
            self._pop(traffic)
            self._dropped[traffic] += 1
            outcome = Put.DROPPED
        queue.append((item, size, now))
        self._bytes[traffic] += size
        self.length += 1
        return outcome

    def take(self, size_max: int, now: Instant) -> list[Item]:
        """Return what goes next: the most urgent first, up to `size_max` bytes but at least one."""
        taken: list[Item] = []
        if not self.length:
            return taken
        stale = now - self._hold
        for traffic in Traffic:
            queue = self._queues[traffic]
            while queue:
                _, size, since = queue[0]
                if since < stale:
                    self._pop(traffic)
                    self._dropped[traffic] += 1
                    continue
                if size > size_max and taken:
                    return taken
                size_max -= size
                taken.append(self._pop(traffic))
                if size_max <= 0:
                    return taken
        return taken

    def expire(self, now: Instant) -> None:
        """Drop what has waited too long."""
        stale = now - self._hold
        for traffic in Traffic:
            queue = self._queues[traffic]
            while queue and queue[0][2] < stale:
                self._pop(traffic)
                self._dropped[traffic] += 1

    def clear(self) -> None:
        """Drop all of it."""
        for traffic in Traffic:
            self._dropped[traffic] += len(self._queues[traffic])
            self._queues[traffic].clear()
            self._bytes[traffic] = 0
        self.length = 0

    def _pop(self, traffic: Traffic) -> Item:
        item, size, _ = self._queues[traffic].popleft()
        self._bytes[traffic] -= size
        self.length -= 1
        return item
