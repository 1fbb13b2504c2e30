"""What one end of a connection has to say about the connection itself, beside the node's messages.

Pings and their answers go in front of what waits, good-bye goes behind it. Of pings that have come
one after the other only the last is answered.
"""

from network.transport.control import Goodbye, Parting, Ping, Pong, parting_of
from network.transport.events import DropReason
from primitives.machine import Message


class Signalling:
    """What is due, and how far the good-bye is; whether it can be written is the link's matter."""

    __slots__ = ("_ping", "_pong", "has_left", "parting", "peer_has_left", "why")

    def __init__(self) -> None:
        self._ping: int | None = None
        self._pong: int | None = None
        self.parting = Parting.OTHER
        """What is told to the peer, or was told by it."""
        self.why = DropReason.PEER_LEFT
        """The reason, once one end is leaving."""
        self.has_left = False
        """Whether good-bye was said."""
        self.peer_has_left = False
        """Likewise by the peer, who will say no more."""

    @property
    def detail(self) -> str:
        """The parting, for people."""
        return self.parting.name.lower()

    def ask(self, number: int) -> None:
        """Let a ping be due."""
        self._ping = number

    def on_ping(self, ping: Ping) -> None:
        """Let the answer be due."""
        self._pong = ping.number

    def on_goodbye(self, goodbye: Goodbye) -> tuple[Parting, DropReason]:
        """Note that the peer has left; return for what."""
        self.peer_has_left = True
        parting = parting_of(goodbye)
        is_double = parting is Parting.DUPLICATE
        return parting, DropReason.DUPLICATE if is_double else DropReason.PEER_LEFT

    def next(self) -> Message | None:
        """Return what goes in front of all else, once; None if nothing is due."""
        if self._ping is not None:
            number, self._ping = self._ping, None
            return Ping(number)
        if self._pong is not None:
            number, self._pong = self._pong, None
            return Pong(number)
        return None

    def goodbye(self) -> Message:
        """Return what goes behind all else; nothing may follow."""
        self.has_left = True
        return Goodbye(self.parting)
