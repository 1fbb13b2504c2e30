"""Which messages were seen, and which can still be asked for; both bounded.

Reference: gossipsub v1.0, "Message cache" and "seen messages cache".
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from primitives.ids import Duration, Instant, NodeId


class SeenCache:
    """Ids of messages that need not be looked at again, each for a time.

    Every id lives equally long and the clock never runs back, so the order of arrival is the
    order of expiry, and forgetting looks at the front only.

    Args:
        ttl: how long an id is remembered, in ns.
        most: most ids; beyond that the oldest is forgotten early.
    """

    __slots__ = ("_expiry", "_most", "_ttl")

    def __init__(self, ttl: Duration, most: int) -> None:
        self._ttl = ttl
        self._most = most
        self._expiry: dict[bytes, int] = {}

    def add(self, now: Instant, identity: bytes) -> bool:
        """Remember an id. False when it was known; its time is not prolonged then."""
        self.expire(now)
        if identity in self._expiry:
            return False
        if len(self._expiry) >= self._most:
            del self._expiry[next(iter(self._expiry))]
        self._expiry[identity] = now + self._ttl
        return True

    def expire(self, now: Instant) -> None:
        """Forget what is too old."""
        expired = []
        for identity, until in self._expiry.items():
            if until > now:
                break
            expired.append(identity)
        for identity in expired:
            del self._expiry[identity]

    def __contains__(self, identity: bytes) -> bool:
        return identity in self._expiry

    def __len__(self) -> int:
        return len(self._expiry)


@dataclass(slots=True)
class CachedMessage:
    """A message that peers may ask for."""

    topic: bytes
    payload: bytes
    served: dict[NodeId, int] = field(default_factory=dict)
    """How often each peer has got it on demand."""

    @property
    def most_served(self) -> int:
        """How often the peer has got it that has got it most often."""
        return max(self.served.values(), default=0)


class MessageCache:
    """Messages of the latest heartbeats, in windows that are shifted at each of them.

    Args:
        windows: how many heartbeats a message is kept.
        bytes_max: most bytes of payloads; beyond that the oldest message goes early.
    """

    __slots__ = ("_bytes_max", "_held", "_windows", "bytes_held")

    def __init__(self, windows: int, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._held: dict[bytes, CachedMessage] = {}
        self._windows: deque[list[bytes]] = deque(([] for _ in range(windows)), windows)
        self.bytes_held = 0

    def put(self, identity: bytes, topic: bytes, payload: bytes) -> None:
        """Keep a message in the youngest window, unless it is kept already or larger than all."""
        if identity in self._held or len(payload) > self._bytes_max:
            return
        while self._held and self.bytes_held + len(payload) > self._bytes_max:
            self._drop(next(iter(self._held)))
        self._held[identity] = CachedMessage(topic, payload)
        self._windows[0].append(identity)
        self.bytes_held += len(payload)

    def get(self, identity: bytes) -> CachedMessage | None:
        """Return a message, or None when it is not kept any more."""
        return self._held.get(identity)

    def held(self) -> Iterable[CachedMessage]:
        """Return all messages, oldest first."""
        return self._held.values()

    def recent(self, topic: bytes, windows: int) -> list[bytes]:
        """Return the ids of a topic in the youngest windows, the youngest window first."""
        return [
            identity
            for window in list(self._windows)[:windows]
            for identity in window
            if (held := self._held.get(identity)) is not None and held.topic == topic
        ]

    def shift(self) -> None:
        """Open a new window and forget the oldest."""
        for identity in self._windows[-1]:
            self._drop(identity)
        self._windows.appendleft([])

    def _drop(self, identity: bytes) -> None:
        held = self._held.pop(identity, None)
        if held is not None:
            self.bytes_held -= len(held.payload)

    def __len__(self) -> int:
        return len(self._held)
