"""Queues of what waits for one peer: bounded by messages and bytes, the most urgent first.

A slow peer must cost bounded memory and must not slow the others down. So each peer has queues of
its own, one for each class, and what finds no room goes by the class's rule. The order among the
classes is strict: as long as votes wait, no block leaves. A message that is being written is not
interrupted; whoever writes takes a limited number of bytes at a time, so that votes wait for that
much at most.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

import msgspec

from network.outbox.priorities import CLASS_LIMITS, ClassLimits, DropRule, Priority
from primitives.errors import InvalidInput
from primitives.ids import NodeId

Item = TypeVar("Item")

MEBIBYTE = 1 << 20


class OutboxConfig(msgspec.Struct, frozen=True):
    """Limits for one peer."""

    classes: Mapping[Priority, ClassLimits] = CLASS_LIMITS
    bytes_max: int = 64 * MEBIBYTE
    """Of all classes together; then those that are less urgent make room."""

    def __post_init__(self) -> None:
        """Refuse to leave a class without limits.

        Raises:
            InvalidInput: a class is missing.
        """
        missing = [priority.name for priority in Priority if priority not in self.classes]
        if missing:
            raise InvalidInput("network.outbox.classes", "limits of every class", missing)


class Drop(StrEnum):
    """What became of a message that was to be queued."""

    NO = "queued"
    """Maybe at the cost of others."""
    MESSAGE = "dropped"
    PEER = "the peer is to be dropped"
    """The message is not queued either."""


@dataclass(slots=True)
class QueueStatistics:
    """Counts of one class since the start."""

    queued: int = 0
    dropped: int = 0
    dropped_bytes: int = 0


@dataclass(slots=True)
class _Lane(Generic[Item]):
    """What waits of one class, oldest first, with sizes in bytes."""

    limits: ClassLimits
    items: deque[tuple[Item, int]] = field(default_factory=deque)
    bytes_held: int = 0
    statistics: QueueStatistics = field(default_factory=QueueStatistics)

    def has_room(self, size: int) -> bool:
        """Whether a message of this size fits beside what is held."""
        limits = self.limits
        return len(self.items) < limits.messages_max and self.bytes_held + size <= limits.bytes_max

    def take(self) -> tuple[Item, int]:
        """Remove the oldest."""
        item, size = self.items.popleft()
        self.bytes_held -= size
        return item, size

    def drop(self, size: int) -> None:
        """Count a message that was not to be sent."""
        self.statistics.dropped += 1
        self.statistics.dropped_bytes += size


class PeerQueue(Generic[Item]):
    """All that waits for one peer.

    Args:
        config: limits.
    """

    __slots__ = ("_bytes_max", "_lanes", "bytes_held")

    def __init__(self, config: OutboxConfig) -> None:
        self._bytes_max = config.bytes_max
        self._lanes = [_Lane[Item](config.classes[priority]) for priority in Priority]
        self.bytes_held = 0

    def push(self, priority: Priority, item: Item, size: int) -> Drop:
        """Queue a message, if there is or can be made room.

        Args:
            priority: its class.
            item: the message, in whatever form it leaves.
            size: in bytes, as it counts.
        """
        lane = self._lanes[priority]
        if not self._can_fit(priority, size):
            lane.drop(size)
            return Drop.PEER if lane.limits.rule is DropRule.DISCONNECT else Drop.MESSAGE
        while not lane.has_room(size):
            self._drop_oldest(lane)
        for other in reversed(self._lanes[priority:]):
            while other.items and self.bytes_held + size > self._bytes_max:
                self._drop_oldest(other)
        lane.items.append((item, size))
        lane.bytes_held += size
        lane.statistics.queued += 1
        self.bytes_held += size
        return Drop.NO

    def _can_fit(self, priority: Priority, size: int) -> bool:
        """Whether there is room, or would be if all that may be dropped were.

        That is asked first: nothing is dropped for a message that is not taken after all.
        """
        own = self._lanes[priority]
        staying = sum(lane.bytes_held for lane in self._lanes[:priority])
        if own.limits.rule is not DropRule.OLDEST:
            if not own.has_room(size):
                return False
            staying += own.bytes_held
        return size <= own.limits.bytes_max and staying + size <= self._bytes_max

    def _drop_oldest(self, lane: _Lane[Item]) -> None:
        _, size = lane.take()
        self.bytes_held -= size
        lane.drop(size)

    def take(self, bytes_max: int) -> list[Item]:
        """Remove and return the most urgent messages, oldest first within a class.

        Args:
            bytes_max: stop before this is exceeded; the first message comes whatever its size.
        """
        taken: list[Item] = []
        room = bytes_max
        for lane in self._lanes:
            while lane.items:
                if taken and lane.items[0][1] > room:
                    return taken
                item, size = lane.take()
                self.bytes_held -= size
                room -= size
                taken.append(item)
        return taken

    def depth(self, priority: Priority) -> tuple[int, int]:
        """Return how much of a class waits: messages and bytes."""
        lane = self._lanes[priority]
        return len(lane.items), lane.bytes_held

    def statistics(self, priority: Priority) -> QueueStatistics:
        """Return the counts of a class."""
        return self._lanes[priority].statistics

    def __len__(self) -> int:
        return sum(len(lane.items) for lane in self._lanes)


class Outbox(Generic[Item]):
    """The queues of all peers.

    Args:
        config: limits for each peer.
    """

    __slots__ = ("_config", "_queues")

    def __init__(self, config: OutboxConfig) -> None:
        self._config = config
        self._queues: dict[NodeId, PeerQueue[Item]] = {}

    def connected(self, peer: NodeId) -> None:
        """Open a peer's queues, empty."""
        self._queues[peer] = PeerQueue(self._config)

    def disconnected(self, peer: NodeId) -> None:
        """Forget what waits for a peer."""
        self._queues.pop(peer, None)

    def push(self, peer: NodeId, priority: Priority, item: Item, size: int) -> Drop:
        """Queue a message for a peer; for one that is not connected it is dropped."""
        queue = self._queues.get(peer)
        return Drop.MESSAGE if queue is None else queue.push(priority, item, size)

    def take(self, peer: NodeId, bytes_max: int) -> list[Item]:
        """Remove and return what leaves for a peer next."""
        queue = self._queues.get(peer)
        return [] if queue is None else queue.take(bytes_max)

    def queue(self, peer: NodeId) -> PeerQueue[Item] | None:
        """Return a peer's queues, for their figures."""
        return self._queues.get(peer)
