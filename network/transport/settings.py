"""What all links of one transport share."""

from collections.abc import Callable
from dataclasses import dataclass, field

from network.codec import HEADER_BYTES, Codec
from network.compression import Compression
from network.draws import Draw
from network.handshake import HandshakeConfig
from network.transport.admission import Places
from network.transport.config import TransportConfig
from network.transport.control import StreamCodec
from network.transport.events import Counters
from network.transport.room import Rooms
from primitives.ids import Instant
from primitives.keys import Signer, Verifier


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """Limits, codecs, keys, and where things are counted."""

    config: TransportConfig
    handshake: HandshakeConfig
    codec: Codec
    """The network's."""
    greeting: Codec
    """The handshake's."""
    stream: StreamCodec
    """Both and control messages; for headers, and to encode the last."""
    compression: Compression
    signer: Signer
    verifier: Verifier
    doorkeeper: Places
    counters: Counters
    clock: Callable[[], int]
    draw_nonce: Callable[[int], bytes]
    draw: Draw
    """For the jitter of waits, and what is done to messages on purpose."""
    rooms: Rooms = field(init=False)
    """For what has come from all peers together."""

    def __post_init__(self) -> None:
        """Make the rooms.

        Raises:
            InvalidInput: one could never hold a message of some kind.
        """
        limits, slots = self.config.rooms, self.config.slots
        needed = HEADER_BYTES + max([kind.limit for kind in self.codec.kinds])
        limits.check(needed)
        validators = self.handshake.validators
        guests = slots.followers + slots.gateways
        rooms = Rooms(limits, lambda: len(validators), guests, self.now)
        object.__setattr__(self, "rooms", rooms)

    def now(self) -> Instant:
        """Return the instant; nanoseconds of a clock that never goes back."""
        return Instant(self.clock())

    def nonce(self) -> bytes:
        """Return fresh random bytes for one handshake."""
        return self.draw_nonce(32)
