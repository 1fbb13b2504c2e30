"""What two transports say to each other beside the handshake: pings, and good-bye.

These frames have `HANDSHAKE_VERSION`, as those of the handshake, so that they need no place in a
network's table of kinds and mean the same in every version of it. A node never sees them.
"""

from collections.abc import Sequence
from enum import IntEnum

from network.codec import HANDSHAKE_VERSION, HEADER_BYTES, Codec, Encoding, FrameHeader, Kind
from network.handshake_messages import HANDSHAKE_LIMITS
from network.messages import Natural
from primitives.machine import Message

_VERSION_AT = 4
_BODY_BYTES_MAX = 64


class Parting(IntEnum):
    """Why a connection ends in good order. The numbers are part of the wire format."""

    OTHER = 0
    """A reason that this version does not know."""
    SHUTDOWN = 1
    """The sender stops."""
    DUPLICATE = 2
    """The two have another connection, which stays."""
    IDLE = 3
    """The sender has no use for it."""


class Ping(Message, frozen=True, gc=False):
    """Asks whether the receiver is still there."""

    core = "transport"

    number: Natural


class Pong(Message, frozen=True, gc=False):
    """Answers the `Ping` of that number."""

    core = "transport"

    number: Natural


class Goodbye(Message, frozen=True, gc=False):
    """Nothing will follow. The receiver says what it still has to say, and the same."""

    core = "transport"

    parting: Natural


def parting_of(message: Goodbye) -> Parting:
    """Return the reason of a good-bye."""
    known = message.parting in tuple(Parting)
    return Parting(message.parting) if known else Parting.OTHER


class StreamCodec(Codec):
    """Encodes control messages, and knows the headers of these and of a network's own.

    Args:
        network: the codec of all else.
    """

    __slots__ = ("_network",)

    def __init__(self, network: Codec) -> None:
        limits: dict[type[Message], int] = {
            **HANDSHAKE_LIMITS,
            Ping: _BODY_BYTES_MAX,
            Pong: _BODY_BYTES_MAX,
            Goodbye: _BODY_BYTES_MAX,
        }
        super().__init__(limits, limits, HANDSHAKE_VERSION)
        self._network = network

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Both tables."""
        return (*super().kinds, *self._network.kinds)

    def decode_header(
        self, data: bytes | memoryview, welcome: Sequence[Encoding] = (Encoding.PLAIN,)
    ) -> FrameHeader:
        """Check a header by the table of its version; see `Codec.decode_header`."""
        if len(data) >= HEADER_BYTES and data[_VERSION_AT] == HANDSHAKE_VERSION:
            return super().decode_header(data, welcome)
        return self._network.decode_header(data, welcome)
