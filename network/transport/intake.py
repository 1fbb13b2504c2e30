"""What has come from one peer, between the socket and the node; and when to read no more.

A read may hold thousands of frames. They are handed over one by one, until a rate is used up, the
node wants no more, or all peers together have sent as much as there is room for (`room`). Then
nothing is read either, the system's buffers fill, and TCP makes the peer wait: that is how
back-pressure gets to the other end. What is kept here is one read at most, and the frame that has
begun, for which there is room.

While nothing is read, asyncio does not say that a peer has closed the connection in good order;
that shows when reading goes on, or when the peer comes back by another connection.
"""

import asyncio
from collections import deque
from enum import IntFlag
from typing import Protocol

from network.codec import Encoding
from network.compression import LinkCodec
from network.frames import Frame, FrameReader
from network.outbox import Traffic, traffic_of_kind
from network.transport.bucket import TokenBucket
from network.transport.config import Rates
from network.transport.room import Claim
from network.transport.settings import LinkSettings
from primitives.errors import InvalidEncoding
from primitives.ids import Duration, Instant, NodeId

_SECOND = 1_000_000_000
_WITHIN = Duration(_SECOND)
"""Who keeps to the rate for so long after a burst is over it no more."""
_SLICE = 64
"""Messages that are handed over between two looks at their rate."""


class Pause(IntFlag):
    """Why nothing is read from a peer; several reasons may hold at once."""

    BYTES = 1
    """It has used up its bytes."""
    MESSAGES = 2
    """It has used up its messages."""
    INBOX = 4
    """The node has as much of it as it wants to keep."""
    ROOM = 8
    """There is no room for more of it, beside what all others have sent."""


_NO_DELIVERY = int(Pause.MESSAGES | Pause.INBOX | Pause.ROOM)
"""With one of these, what has been read already is not handed over either."""


class IntakeOwner(Protocol):
    """The link."""

    def on_frame(self, frame: Frame) -> None:
        """Take the next frame."""
        ...

    def on_paused(self) -> None:
        """Read no more."""
        ...

    def on_resumed(self) -> None:
        """Read on."""
        ...

    def on_limit(self, limit: str) -> None:
        """The peer has used up a limit."""
        ...


class Intake:
    """Frames of one peer on their way to the node.

    Args:
        settings: limits and clock.
        owner: takes the frames.
    """

    __slots__ = (
        "_byte_rate", "_claim", "_codec", "_held", "_held_bytes", "_message_rate", "_over_since",
        "_over_until", "_owner", "_pauses", "_reader", "_settings", "_timers", "_told",
    )  # fmt: skip

    def __init__(self, settings: LinkSettings, owner: IntakeOwner) -> None:
        rates: Rates = settings.config.rates
        now = settings.now()
        self._settings = settings
        self._owner = owner
        self._reader: FrameReader | None = None
        self._codec: LinkCodec | None = None
        self._claim: Claim | None = None
        self._held: deque[Frame] = deque()
        self._held_bytes = 0
        self._byte_rate = TokenBucket(rates.bytes_per_second, rates.bytes_burst, now)
        self._message_rate = TokenBucket(rates.messages_per_second, rates.messages_burst, now)
        self._over_since: Instant | None = None
        self._over_until = Instant(0)
        """When what was sent beyond the rate of messages is paid for."""
        self._pauses = 0
        self._told = 0
        """Limits of which the owner knows that they were used up."""
        self._timers: dict[Pause, asyncio.TimerHandle] = {}

    @property
    def is_paused(self) -> bool:
        """Whether nothing is read."""
        return bool(self._pauses)

    @property
    def buffered_bytes(self) -> int:
        """What has come and was not handed over."""
        return self._held_bytes + (self._reader.buffered if self._reader else 0)

    @property
    def fault(self) -> InvalidEncoding | None:
        """What the peer has sent that is no frame, if anything."""
        return self._reader.fault if self._reader else None

    def open(self, reader: FrameReader, codec: LinkCodec, node: NodeId, *, is_guest: bool) -> None:
        """Cut what comes from now on into frames.

        Args:
            reader: cuts them.
            codec: knows how long compressed ones are.
            node: the peer.
            is_guest: whether it is no validator.
        """
        self._reader = reader
        self._codec = codec
        self._claim = self._settings.rooms.enter(node, self._on_room, is_guest=is_guest)
        rates = self._settings.config.rates
        if is_guest:
            rate = min(rates.guest_messages_per_second, rates.messages_per_second)
            burst = min(rates.guest_messages_burst, rates.messages_burst)
            self._message_rate = TokenBucket(rate, burst, self._settings.now())

    def promote(self) -> None:
        """The peer has become a validator, and may send as much as those."""
        rates = self._settings.config.rates
        rate, burst = rates.messages_per_second, rates.messages_burst
        self._message_rate = TokenBucket(rate, burst, self._settings.now())
        if self._claim is not None:
            self._settings.rooms.promote(self._claim)

    def feed(self, data: bytes) -> None:
        """Take what has arrived."""
        if self._reader is None:
            return
        self._held.extend(self._reader.feed(data))
        self._held_bytes += len(data)
        debt = self._byte_rate.take(self._settings.now(), len(data))
        if debt:
            self._throttle(Pause.BYTES, debt)
        self._deliver()

    def pause(self, why: Pause) -> None:
        """Read no more, for this reason too."""
        paused = self._pauses
        self._pauses |= why
        if not paused:
            self._owner.on_paused()

    def resume(self, why: Pause) -> None:
        """Take a reason back; go on if there is none left."""
        self._timers.pop(why, None)
        if not self._pauses & why:
            return
        self._pauses &= ~why
        self._deliver()
        if not self._pauses:
            if self._claim is not None:
                self._settings.rooms.forgive(self._claim)
            self._owner.on_resumed()

    def close(self) -> None:
        """Forget all of it."""
        self._held.clear()
        self._held_bytes = 0
        self._reader = None
        if self._claim is not None:
            self._settings.rooms.leave(self._claim)
            self._claim = None
        self._pauses = 0
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def is_flooding(self, now: Instant) -> bool:
        """Tell whether the peer has been over the rate of messages for too long."""
        if self._told & Pause.BYTES and self._byte_rate.is_full(now):
            self._told &= ~Pause.BYTES
        if self._over_since is None:
            return False
        if self._message_rate.is_full(now):
            self._told &= ~Pause.MESSAGES
        if not self._told & Pause.MESSAGES or now - self._over_until >= _WITHIN:
            self._over_since = None
            return False
        return now - self._over_since >= self._settings.config.rates.flood

    def is_hoarding(self, now: Instant) -> bool:
        """Tell whether others wait because the peer does not end what it has begun."""
        claim, patience = self._claim, self._settings.config.patience.body
        if claim is None or self._pauses:
            return False
        return self._settings.rooms.is_hoarding(claim, now, patience)

    def _deliver(self) -> None:
        held = self._held
        while held and not self._pauses & _NO_DELIVERY:
            last = held[0]
            count = 0
            while held and count < _SLICE and not self._pauses & _NO_DELIVERY:
                last = held[0]
                if last.encoding is not Encoding.PLAIN and not self._unpacks(last):
                    break
                held.popleft()
                count += 1
                self._owner.on_frame(last)
                if self._claim is not None and self._claim.granted:
                    self._settings.rooms.settle(self._claim)
            debt = self._message_rate.take(self._settings.now(), count)
            if debt and self._reader is not None:
                self._throttle(Pause.MESSAGES, debt)
            self._find_room(0, traffic_of_kind(last.kind.type))
        if not held:
            self._held_bytes = 0
            self._make_room()

    def _unpacks(self, frame: Frame) -> bool:
        """Tell whether there is room for what a compressed frame becomes, and count its bytes."""
        size = 0 if self._codec is None else self._codec.size_of(frame)
        if not self._find_room(size, traffic_of_kind(frame.kind.type)):
            return False
        debt = self._byte_rate.take(self._settings.now(), max(0, size - len(frame.body)))
        if debt:
            self._throttle(Pause.BYTES, debt)
        return True

    def _make_room(self) -> None:
        """See to it that there is room for the frame that has begun, before more of it comes."""
        begun = self._reader.begun if self._reader is not None else None
        if begun is not None:
            front, size = begun
            if front.encoding is not Encoding.PLAIN and self._codec is not None:
                size = self._codec.size_ahead(front, size)
            if size:
                self._find_room(size, traffic_of_kind(front.kind.type))

    def _find_room(self, size: int, traffic: Traffic) -> bool:
        claim = self._claim
        if claim is None or self._settings.rooms.ask(claim, size, traffic):
            return True
        self._settings.counters.crowded += not self._pauses & Pause.ROOM
        self.pause(Pause.ROOM)
        return False

    def _on_room(self) -> None:
        asyncio.get_running_loop().call_soon(self.resume, Pause.ROOM)

    def _throttle(self, why: Pause, debt: Duration) -> None:
        self._settings.counters.throttled += 1
        if why is Pause.MESSAGES:
            now = self._settings.now()
            self._over_until = Instant(now + debt)
            if self._over_since is None:
                self._over_since = now
        if why in self._timers:
            return
        loop = asyncio.get_running_loop()
        self._timers[why] = loop.call_later(debt / _SECOND, self.resume, why)
        self.pause(why)
        if not self._told & why:
            self._told |= why
            self._owner.on_limit("bytes" if why is Pause.BYTES else "messages")
