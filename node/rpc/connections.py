"""Every connection of the server: how many there are, what they hold, and which take too long."""

from enum import Enum
from typing import Protocol

from node.rpc.limits import Connections


class Phase(Enum):
    """What a connection is waiting for."""

    IDLE = "idle"
    """The next request."""
    HEAD = "head"
    """The rest of a request's headers, or the first request of all."""
    BODY = "body"
    """The rest of a body."""
    BUSY = "busy"
    """The node: calls have their own time-out."""
    WRITING = "writing"
    """The caller, to take what was written for it."""
    CLOSING = "closing"
    """Likewise, and then it ends."""
    LINGERING = "lingering"
    """The caller, to see that it was refused; what it still sends is thrown away."""


class Lane(Protocol):
    """A connection as this module sees it."""

    @property
    def phase(self) -> Phase:
        """What it is waiting for."""
        ...

    @property
    def progress(self) -> int:
        """A number that changes whenever the connection gets on within its phase."""
        ...

    @property
    def unsent_bytes(self) -> int:
        """Bytes that wait to be taken by the caller."""
        ...

    def abort(self) -> None:
        """End it at once."""
        ...


class Roster:
    """Knows them all.

    Args:
        limits: what they may hold, and for how long.
    """

    __slots__ = ("_incoming_bytes", "_limits", "_seen", "dropped", "refused")

    def __init__(self, limits: Connections) -> None:
        self._limits = limits
        self._seen: dict[Lane, tuple[Phase, int, float]] = {}
        self._incoming_bytes = 0
        self.refused = 0
        """Connections that found no place."""
        self.dropped = 0
        """Connections that took too long."""

    def __len__(self) -> int:
        return len(self._seen)

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """All of them."""
        return tuple(self._seen)

    def enter(self, lane: Lane, now: float) -> bool:
        """Let a connection in, or say that there is no place."""
        if len(self._seen) >= self._limits.count:
            self.refused += 1
            return False
        self._seen[lane] = (lane.phase, lane.progress, now)
        return True

    def leave(self, lane: Lane) -> None:
        """Forget a connection; one that is not known is none."""
        self._seen.pop(lane, None)

    def reserve(self, size: int) -> bool:
        """Make room for a body of so many bytes that is coming in, or say that there is none."""
        if self._incoming_bytes + size > self._limits.waiting_bytes:
            return False
        self._incoming_bytes += size
        return True

    def release(self, size: int) -> None:
        """Give back what was reserved."""
        self._incoming_bytes -= size

    def can_send(self, size: int) -> bool:
        """Tell whether so many bytes more may wait to be fetched."""
        unsent = sum(lane.unsent_bytes for lane in self._seen)
        return unsent + size <= self._limits.waiting_bytes

    def sweep(self, now: float) -> None:
        """End every connection that has been in one phase for too long without getting on."""
        crowded = 4 * len(self._seen) > 3 * self._limits.count
        for lane, (phase, progress, since) in list(self._seen.items()):
            if lane.phase is not phase or lane.progress != progress:
                self._seen[lane] = (lane.phase, lane.progress, now)
            elif now - since > self._patience(phase, crowded=crowded):
                self.dropped += 1
                lane.abort()

    def _patience(self, phase: Phase, *, crowded: bool) -> float:
        limits = self._limits
        match phase:
            case Phase.IDLE:
                return limits.idle_seconds / 5 if crowded else limits.idle_seconds
            case Phase.HEAD:
                return limits.head_seconds
            case Phase.BODY:
                return limits.body_seconds
            case Phase.WRITING | Phase.CLOSING:
                return limits.write_seconds
            case Phase.LINGERING:
                return limits.linger_seconds
            case Phase.BUSY:
                return float("inf")
