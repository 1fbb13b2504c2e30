"""What waits for one peer: a bounded queue for each class of traffic, the most urgent first.

A peer that takes less than it is sent must not make this node remember more and more, nor slow
the others down. Each class has a bound and a rule for what happens beyond it, and all together
have one: a slow peer loses old blocks that it has asked for before it loses transactions, these
before news of blocks, and it is let go before it loses votes.

The order among the classes is strict: as long as votes wait, no block leaves. A message that is
being written is not interrupted; whoever writes takes a limited number of bytes at a time, so that
votes wait for that much at most.
"""

from collections import deque
from enum import Enum
from typing import Generic, TypeVar

from network.outbox.bounds import DropRule, OutboxConfig
from network.outbox.traffic import Traffic
from primitives.ids import Instant

Item = TypeVar("Item")


class Put(Enum):
    """What became of something that was put in."""

    KEPT = "kept"
    DISPLACED = "displaced"
    """It is kept, at the cost of what has waited longer or is less urgent."""
    DROPPED = "dropped"
    OVERFLOW = "overflow"
    """It was not kept, and the rule says that the peer has to go."""


class Outbox(Generic[Item]):
    """Queues by class.

    Args:
        config: bounds.
        dropped: where it is counted, by class, what was put in and will not come out.
    """

    __slots__ = (
        "_bounds",
        "_bytes",
        "_bytes_max",
        "_dropped",
        "_hold",
        "_queues",
        "bytes",
        "length",
        "own_bytes",
    )

    def __init__(self, config: OutboxConfig, dropped: list[int]) -> None:
        self._bounds = tuple([config.bounds[traffic] for traffic in Traffic])
        self._bytes_max = config.bytes_max
        self._hold = config.hold
        self._queues: tuple[deque[tuple[Item, int, Instant, int]], ...] = tuple(
            [deque() for _ in Traffic]
        )
        self._bytes = [0] * len(Traffic)
        self._dropped = dropped
        self.length = 0
        """Messages that wait."""
        self.bytes = 0
        """Bytes that wait."""
        self.own_bytes = 0
        """Those of them that wait for nobody else."""

    def put(
        self, traffic: Traffic, item: Item, size: int, now: Instant, *, is_own: bool = False
    ) -> Put:
        """Let something wait.

        Args:
            traffic: its class.
            item: what waits.
            size: what it is long, in bytes.
            now: since when.
            is_own: whether it waits for nobody else.
        """
        bound, queue = self._bounds[traffic], self._queues[traffic]
        outcome = Put.KEPT
        if self.bytes + size > self._bytes_max:
            if not self._can_fit(traffic, size):
                return self._refuse(traffic)
            outcome = Put.DISPLACED
        while queue and (len(queue) >= bound.messages or self._bytes[traffic] + size > bound.bytes):
            if bound.rule is not DropRule.OLDEST:
                return self._refuse(traffic)
            self._drop(traffic)
            outcome = Put.DISPLACED
        if self.bytes + size > self._bytes_max:
            self._make_room(traffic, size)
        own = size if is_own else 0
        queue.append((item, size, now, own))
        self.own_bytes += own
        self._bytes[traffic] += size
        self.bytes += size
        self.length += 1
        return outcome

    def take(self, size_max: int, now: Instant) -> list[Item]:
        """Return what goes next: the most urgent first, up to `size_max` bytes but at least one."""
        taken: list[Item] = []
        if not self.length:
            return taken
        for traffic, queue in enumerate(self._queues):
            stale = self._stale(traffic, now, linked=True)
            before, count = size_max, len(taken)
            while queue:
                item, size, since, own = queue[0]
                if stale is not None and since < stale:
                    self._drop(Traffic(traffic))
                    continue
                if (size > size_max and taken) or size_max <= 0:
                    break
                queue.popleft()
                size_max -= size
                self.own_bytes -= own
                taken.append(item)
            self._took(traffic, len(taken) - count, before - size_max)
            if queue:
                break
        return taken

    def _took(self, traffic: int, messages: int, size: int) -> None:
        self.length -= messages
        self.bytes -= size
        self._bytes[traffic] -= size

    def expire(self, now: Instant, *, linked: bool = True) -> None:
        """Drop what has waited too long.

        Args:
            now: the time.
            linked: whether the peer is connected. What has to go there or cost the peer its
                connection (`DropRule.PEER`) grows old only while it is not.
        """
        for traffic in Traffic:
            stale, queue = self._stale(traffic, now, linked=linked), self._queues[traffic]
            while stale is not None and queue and queue[0][2] < stale:
                self._drop(traffic)

    def _stale(self, traffic: int, now: Instant, *, linked: bool) -> int | None:
        """Return since when something waits too long; None if nothing ever does."""
        if linked and self._bounds[traffic].rule is DropRule.PEER:
            return None
        return now - self._hold

    def clear(self) -> None:
        """Drop all of it."""
        for traffic in Traffic:
            self._dropped[traffic] += len(self._queues[traffic])
            self._queues[traffic].clear()
            self._bytes[traffic] = 0
        self.length = self.bytes = self.own_bytes = 0

    def depth(self, traffic: Traffic) -> tuple[int, int]:
        """Return how much of a class waits: messages and bytes."""
        return len(self._queues[traffic]), self._bytes[traffic]

    def _can_fit(self, traffic: Traffic, size: int) -> bool:
        """Whether there is room among all, or would be if all that may make room did.

        That is asked first: nothing is dropped for a message that is not taken after all.
        """
        is_news = self._bounds[traffic].rule is DropRule.OLDEST
        staying = sum(self._bytes[: traffic if is_news else traffic + 1])
        return not staying or staying + size <= self._bytes_max

    def _make_room(self, traffic: Traffic, size: int) -> None:
        """Drop what is less urgent, the oldest first, and then what is as urgent."""
        for other in reversed(Traffic):
            queue = self._queues[other]
            while other >= traffic and queue and self.bytes + size > self._bytes_max:
                self._drop(other)

    def _refuse(self, traffic: Traffic) -> Put:
        self._dropped[traffic] += 1
        is_fatal = self._bounds[traffic].rule is DropRule.PEER
        return Put.OVERFLOW if is_fatal else Put.DROPPED

    def _drop(self, traffic: Traffic) -> None:
        self._pop(traffic)
        self._dropped[traffic] += 1

    def _pop(self, traffic: Traffic) -> Item:
        item, size, _, own = self._queues[traffic].popleft()
        self.own_bytes -= own
        self._bytes[traffic] -= size
        self.bytes -= size
        self.length -= 1
        return item
