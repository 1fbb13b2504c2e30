"""Every connection of the server: how many there are, what they hold, and which take too long.

When all places are taken, a newcomer gets that of somebody who does nothing: first of those that
have never asked anything, of the address with most connections the oldest; then, of the address
that has more than the newcomer's, the one that has rested longest. So whoever opens connections by
the thousand drives out his own. Who is being answered is never driven out.
"""

from collections import Counter
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


_RESTING = frozenset({Phase.IDLE, Phase.HEAD, Phase.BODY, Phase.LINGERING})
"""Phases whose connections may be driven out."""
_EVICTED_AT_ONCE = 16
"""Silent connections that make room together: looking for them takes time, and a crowd is quick."""


class Lane(Protocol):
    """A connection as this module sees it."""

    @property
    def host(self) -> str:
        """Where it comes from."""
        ...

    @property
    def is_silent(self) -> bool:
        """Whether it has never asked anything."""
        ...

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

    __slots__ = ("_hosts", "_incoming_bytes", "_limits", "_seen", "dropped", "evicted", "refused")

    def __init__(self, limits: Connections) -> None:
        self._limits = limits
        self._seen: dict[Lane, tuple[Phase, int, float]] = {}
        self._hosts: Counter[str] = Counter()
        """Connections by where they come from."""
        self._incoming_bytes = 0
        self.refused = 0
        """Connections that found no place."""
        self.dropped = 0
        """Connections that took too long."""
        self.evicted = 0
        """Connections that did nothing when others needed their places."""

    def __len__(self) -> int:
        return len(self._seen)

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """All of them."""
        return tuple(self._seen)

    def enter(self, lane: Lane, now: float) -> bool:
        """Let a connection in, or say that there is no place."""
        if len(self._seen) >= self._limits.count and not self._make_room(lane.host):
            self.refused += 1
            return False
        self.take_over(lane, now)
        return True

    def take_over(self, lane: Lane, now: float) -> None:
        """Let a connection in whose place another lane of this server has just left."""
        self._seen[lane] = (lane.phase, lane.progress, now)
        self._hosts[lane.host] += 1

    def leave(self, lane: Lane) -> None:
        """Forget a connection; one that is not known is none."""
        if self._seen.pop(lane, None) is None:
            return
        self._hosts[lane.host] -= 1
        if not self._hosts[lane.host]:
            del self._hosts[lane.host]

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

    def _make_room(self, host: str) -> bool:
        """Drive out who does nothing, for a newcomer from somewhere; tell whether anybody was."""
        resting = [lane for lane in self._seen if lane.phase in _RESTING]
        silent = [lane for lane in resting if lane.is_silent]
        candidates = silent or resting
        most = max([self._hosts[lane.host] for lane in candidates], default=0)
        if not silent and most < self._hosts[host]:
            return False
        chosen = [lane for lane in candidates if self._hosts[lane.host] == most]
        chosen.sort(key=lambda lane: self._seen[lane][2])
        for lane in chosen[: _EVICTED_AT_ONCE if silent else 1]:
            self.evicted += 1
            self.leave(lane)
            lane.abort()
        return bool(chosen)

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
