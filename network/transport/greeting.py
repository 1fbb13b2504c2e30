"""The handshake on a stream: not one byte more is taken than it needs.

The frames that follow it belong to another table, and may stand in the same read.
"""

from collections.abc import Callable, Sequence

from network.codec import Codec
from network.frames import FrameReader
from network.handshake import (
    Channel,
    Established,
    Handshake,
    HandshakeEffect,
    Refused,
    Session,
    Side,
    Tell,
)
from network.handshake_messages import Reason
from network.transport.settings import LinkSettings
from network.transport.tls import TlsSession, identity_of
from primitives.errors import InvalidEncoding
from primitives.ids import NodeId


class Greeting:
    """One end of one handshake, fed with bytes.

    Args:
        handshake: decides.
        codec: that of the handshake's messages.
        write: sends bytes to the peer.
    """

    __slots__ = ("_codec", "_handshake", "_reader", "_write", "refused", "session")

    def __init__(
        self, handshake: Handshake, codec: Codec, write: Callable[[bytes], object]
    ) -> None:
        self._handshake = handshake
        self._codec = codec
        self._write = write
        self._reader = FrameReader(codec)
        self.session: Session | None = None
        """What was agreed on, when it is."""
        self.refused: Refused | None = None
        """Why it was not, when it was not."""

    def start(self) -> None:
        """Begin."""
        self._perform(self._handshake.start())

    def feed(self, data: bytes) -> bytes:
        """Take what has arrived; return what comes after the handshake."""
        start = 0
        while start < len(data) and not self._handshake.over:
            piece = data[start : start + self._reader.missing]
            start += len(piece)
            for frame in self._reader.feed(piece):
                try:
                    message = self._codec.decode_plain(frame.kind, frame.body)
                except InvalidEncoding as error:
                    self._perform(self._handshake.on_malformed(error))
                else:
                    self._perform(self._handshake.on_message(message))
            if self._reader.fault is not None:
                self._perform(self._handshake.on_malformed(self._reader.fault))
        return data[start:]

    def give_up(self, expected: str) -> None:
        """The peer has taken too long."""
        self._perform(self._handshake.refuse(Reason.SILENCE, expected, "nothing yet"))

    def _perform(self, effects: Sequence[HandshakeEffect]) -> None:
        for effect in effects:
            match effect:
                case Tell():
                    self._write(self._codec.encode(effect.message))
                case Established():
                    self.session = effect.session
                case Refused():
                    self.refused = effect


def greet(
    settings: LinkSettings,
    session: TlsSession,
    side: Side,
    expected: NodeId | None,
    write: Callable[[bytes], object],
) -> Greeting:
    """Return the greeting of a connection whose TLS handshake is done.

    Raises:
        CryptoError: the peer's certificate has another kind of key than Ed25519.
    """
    key, binding = identity_of(session)
    handshake = Handshake(
        settings.handshake,
        Channel(side, binding, key),
        settings.nonce(),
        settings.signer,
        settings.verifier,
        expected,
        settings.doorkeeper,
    )
    return Greeting(handshake, settings.greeting, write)
