"""Whether a peer is still there: pings, and how long to wait for the answer.

TCP does not tell: a peer whose machine has lost its power, or whose process is stopped, looks like
one that has nothing to say. Bytes alone prove little, since whoever sends one a second would
live for ever. So a ping has to be answered in time; only a peer that meanwhile gets something
large across is given more of it, because the answer stands behind that.
"""

from enum import Enum

from network.transport.config import Patience
from primitives.ids import Duration, Instant


class Finding(Enum):
    """What a look at a peer's health says."""

    WELL = "well"
    PING = "ping"
    """Send one, with `Health.number`."""
    SILENT = "silent"


class Health:
    """The pings of one connection.

    Args:
        config: intervals.
        now: when the connection was made.
    """

    __slots__ = ("_arrived", "_asked_at", "_config", "_due", "_waiting", "number", "round_trip")

    def __init__(self, config: Patience, now: Instant) -> None:
        self._config = config
        self._asked_at = now
        self._due = Instant(now + config.ping)
        """When the next ping leaves, or the answer must be there."""
        self._waiting = False
        self._arrived = 0
        self.number = 0
        """Of the last ping."""
        self.round_trip: Duration | None = None
        """Of the last one that was answered, in ns."""

    def on_pong(self, now: Instant, number: int) -> bool:
        """Take an answer; tell whether it was due."""
        if not self._waiting or number != self.number:
            return False
        self._waiting = False
        self.round_trip = Duration(now - self._asked_at)
        self._due = Instant(self._asked_at + self._config.ping)
        return True

    def on_resumed(self, now: Instant) -> None:
        """This node has not read for a while; the answer may wait in its own buffers."""
        if self._waiting:
            self._due = Instant(now + self._config.pong)

    def look(self, now: Instant, arrived: int) -> Finding:
        """Say what is to be done.

        Args:
            now: the instant.
            arrived: bytes that have come from the peer so far.
        """
        if now < self._due:
            return Finding.WELL
        if self._waiting:
            if arrived - self._arrived < self._config.progress_bytes:
                return Finding.SILENT
            self._arrived = arrived
            self._due = Instant(now + self._config.pong)
            return Finding.WELL
        self.number += 1
        self._waiting = True
        self._asked_at, self._arrived = now, arrived
        self._due = Instant(now + self._config.pong)
        return Finding.PING
