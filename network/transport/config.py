"""What one node lets its connections cost, and how it sets up their sockets: one frozen value."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from network.outbox import BOUNDS, Bound, Traffic
from primitives.errors import InvalidInput
from primitives.ids import Duration

KIBIBYTE = 1 << 10
MEBIBYTE = 1 << 20
MILLISECOND = 1_000_000
SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class SocketOptions:
    """How each TCP socket is set up."""

    nodelay: bool = True
    """Small frames leave at once; joining them is `Link`'s business, which knows when."""
    keepalive: bool = True
    keepalive_idle_seconds: int = 30
    keepalive_interval_seconds: int = 10
    keepalive_probes: int = 3
    receive_bytes: int = 256 * KIBIBYTE
    """SO_RCVBUF; 0 leaves it to the system."""
    send_bytes: int = 256 * KIBIBYTE
    """SO_SNDBUF; 0 leaves it to the system."""
    backlog: int = 128
    """Connections that the system keeps before they are accepted."""


@dataclass(frozen=True, slots=True)
class Rates:
    """What one peer, or one address, may make this node do, on average and at once."""

    bytes_per_second: int = 64 * MEBIBYTE
    bytes_burst: int = 64 * MEBIBYTE
    messages_per_second: int = 50_000
    messages_burst: int = 100_000
    guest_messages_per_second: int = 5_000
    """The same of a peer that is no validator: whoever has a key can be one, and many at once."""
    guest_messages_burst: int = 10_000
    flood: Duration = Duration(10 * SECOND)
    """A peer that is over the rate of messages without a pause for so long is dropped."""
    connections_per_second: int = 20
    """New connections from one address."""
    connections_burst: int = 200


@dataclass(frozen=True, slots=True)
class Slots:
    """How many peers and strangers there may be."""

    followers: int = 64
    gateways: int = 64
    """Validators need no slot: the keys of those are known."""
    pending: int = 128
    """Connections whose handshake is not done. One more drives out the oldest of its kind."""
    pending_per_address: int = 32
    per_address: int = 512
    """Connections from one address, whatever their state."""
    addresses: int = 4_096
    """Addresses of which something is remembered."""


@dataclass(frozen=True, slots=True)
class RoomLimits:
    """What may be kept of all peers together, in bytes; see `network.transport.room`.

    Three eighths of each room must hold a message of any kind, or it could never come. One read of
    each connection comes on top, 256 KiB.
    """

    validators_room: int = 192 * MEBIBYTE
    """What has come from validators, and the node has not taken."""
    others_room: int = 96 * MEBIBYTE
    """What has come from followers and gateways."""
    validators_waiting: int = 256 * MEBIBYTE
    """What may wait for all validators together. What several are sent counts for none of them."""
    others_waiting: int = 128 * MEBIBYTE
    """The same for followers and gateways."""

    def check(self, message_bytes_max: int) -> None:
        """Make sure that messages of all kinds can come.

        Args:
            message_bytes_max: the longest of them, with its header.

        Raises:
            InvalidInput: one of the longest kind could not.
        """
        in_room = -(-8 * message_bytes_max // 3)
        bounds = {
            "validators_room": (self.validators_room, in_room),
            "others_room": (self.others_room, in_room),
            "validators_waiting": (self.validators_waiting, message_bytes_max),
            "others_waiting": (self.others_waiting, message_bytes_max),
        }
        for name, (limit, least) in bounds.items():
            if limit < least:
                raise InvalidInput(f"network.{name}", f"at least {least} bytes", limit)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long what may take."""

    dial: Duration = Duration(5 * SECOND)
    """From the first packet to the end of the handshake, for who dials."""
    handshake: Duration = Duration(5 * SECOND)
    """The same for who is dialled: TLS and then what follows, each."""
    ping: Duration = Duration(5 * SECOND)
    """Between two pings."""
    pong: Duration = Duration(10 * SECOND)
    """Until the answer is there, or `progress_bytes` of something else."""
    progress_bytes: int = 64 * KIBIBYTE
    stall: Duration = Duration(15 * SECOND)
    """A peer that takes nothing for so long, while something waits for it, is dropped."""
    hold: Duration = Duration(10 * SECOND)
    """What has waited longer is not worth sending."""
    body: Duration = Duration(6 * SECOND)
    """For a message that has begun to come, while others wait for the room that it takes. Who waits
    for as long as `pong` thinks that this node is dead."""
    drain: Duration = Duration(3 * SECOND)
    """For both ends to say what they still have to say, when a connection ends in good order."""
    tick: Duration = Duration(250 * MILLISECOND)
    """Between two looks at all this."""


@dataclass(frozen=True, slots=True)
class Redial:
    """When a peer is dialled again."""

    first: Duration = Duration(100 * MILLISECOND)
    last: Duration = Duration(5 * SECOND)
    """Waits double from the first to the last; then half of each is drawn."""
    failures: int = 8
    """So many in a row open the breaker."""
    rest: Duration = Duration(15 * SECOND)
    """How long it is open before one more try."""
    stable: Duration = Duration(2 * SECOND)
    """A connection that lasts so long is no failure."""


@dataclass(frozen=True, slots=True)
class TransportConfig:
    """All of it."""

    host: str = "127.0.0.1"
    port: int = 0
    """0 takes a free one."""
    sockets: SocketOptions = SocketOptions()
    rates: Rates = Rates()
    slots: Slots = Slots()
    rooms: RoomLimits = RoomLimits()
    patience: Patience = Patience()
    redial: Redial = Redial()
    bounds: Mapping[Traffic, Bound] = field(default_factory=lambda: BOUNDS)
    """What may wait for one peer, by class of traffic."""
    outbox_bytes: int = 64 * MEBIBYTE
    """What may wait for one peer of all classes together."""
    write_bytes: int = 256 * KIBIBYTE
    """Frames are joined up to so many bytes for one write, and as much may wait below."""
    ban: Duration = Duration(60 * SECOND)
    """How long a peer that was dropped for a lie or a flood is not let in."""
