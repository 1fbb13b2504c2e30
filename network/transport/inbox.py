"""What has come from all peers and waits for the node: bounded for each, and fair.

A node that handles one message at a time may get more than it can handle. Then the peers that
have filled their share are paused, the others are not; and what is urgent is taken first, whoever
it comes from. But not for ever: were votes always first, a follower who sends false ones without
an end would keep a primary from every transaction, and so stop its blocks.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from network.outbox import Traffic, traffic_of
from primitives.ids import NodeId
from primitives.machine import Message

Arrival = tuple[NodeId, Message, int]

_URGENT_MAX = 8
"""Messages that are taken in a row as urgency wants it; then one of a class that had to wait."""

_TOLD_BYTES = 64 << 10
"""Changes that are told: small messages are not worth it one by one."""


@dataclass(slots=True)
class _Share:
    messages: int = 0
    bytes: int = 0
    is_paused: bool = False
    told: int = 0
    """Bytes that it is known to hold."""
    queues: tuple[deque[Arrival], ...] = field(
        default_factory=lambda: tuple([deque() for _ in Traffic])
    )


class Inbox:
    """Queues by class and peer.

    Args:
        messages_max: of one peer; with so many it is paused.
        bytes_max: of one peer.
        pause: `Transport.pause`, which may be called again.
        resume: `Transport.resume`, called when half of what pauses a peer is taken.
        hold: `Transport.rooms.hold`, told what is kept of whom, and what no more.
    """

    __slots__ = (
        "_bytes_max", "_hold", "_messages_max", "_passed_over", "_pause", "_resume", "_shares",
        "_turns", "_urgent", "bytes", "length",
    )  # fmt: skip

    def __init__(
        self,
        messages_max: int,
        bytes_max: int,
        pause: Callable[[NodeId], None],
        resume: Callable[[NodeId], None],
        hold: Callable[[NodeId, int], None] | None = None,
    ) -> None:
        self._hold = hold
        self._messages_max = messages_max
        self._bytes_max = bytes_max
        self._pause = pause
        self._resume = resume
        self._shares: dict[NodeId, _Share] = {}
        self._turns: tuple[deque[NodeId], ...] = tuple([deque() for _ in Traffic])
        """By class, whose turn it is; each peer that has something is in it once."""
        self._urgent = 0
        """Messages taken in a row as urgency wants it."""
        self._passed_over = deque(Traffic)
        """In which order classes are looked at out of turn; each is the first in turn."""
        self.length = 0
        self.bytes = 0

    def put(self, peer: NodeId, message: Message, size: int) -> None:
        """Let a message wait. It is never refused: what was read before the pause counts too."""
        share = self._shares.setdefault(peer, _Share())
        traffic = traffic_of(message)
        queue = share.queues[traffic]
        if not queue:
            self._turns[traffic].append(peer)
        queue.append((peer, message, size))
        share.messages += 1
        share.bytes += size
        self.length += 1
        self.bytes += size
        if share.bytes - share.told >= _TOLD_BYTES and self._hold is not None:
            self._tell(peer, share, self._hold)
        full = share.messages >= self._messages_max or share.bytes >= self._bytes_max
        if full:
            # Said again, too: a peer that comes back by a new connection is not paused there.
            share.is_paused = True
            self._pause(peer)

    def take(self) -> Arrival | None:
        """Return what the node should handle next."""
        self._urgent += 1
        order: Iterable[Traffic] = Traffic
        if self._urgent > _URGENT_MAX:
            self._urgent = 0
            self._passed_over.rotate(-1)
            order = self._passed_over
        for traffic in order:
            turns = self._turns[traffic]
            if turns:
                return self._take(traffic, turns)
        return None

    def _take(self, traffic: Traffic, turns: deque[NodeId]) -> Arrival:
        peer = turns.popleft()
        share = self._shares[peer]
        queue = share.queues[traffic]
        arrival = queue.popleft()
        if queue:
            turns.append(peer)
        size = arrival[2]
        share.messages -= 1
        share.bytes -= size
        self.length -= 1
        self.bytes -= size
        low = 2 * share.messages <= self._messages_max and 2 * share.bytes <= self._bytes_max
        if share.is_paused and low:
            share.is_paused = False
            self._resume(peer)
        if share.told and (not share.messages or share.told - share.bytes >= _TOLD_BYTES):
            assert self._hold is not None
            self._tell(peer, share, self._hold)
        if not share.messages:
            self._shares.pop(peer, None)
        return arrival

    def _tell(self, peer: NodeId, share: _Share, hold: Callable[[NodeId, int], None]) -> None:
        change = share.bytes - share.told
        share.told = share.bytes
        hold(peer, change)
