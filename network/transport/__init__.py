"""Transport: authenticated connections between nodes, over TCP with TLS 1.3.

`Transport` is what a node uses, as the `Network` of `face`; `Inbox` stands between it and a node
that handles one message at a time, and `Pool` keeps connections for who asks and is answered. An
edge: nothing in `network` imports it.
"""

from network.transport.config import (
    Patience,
    Rates,
    Redial,
    RoomLimits,
    Slots,
    SocketOptions,
    TransportConfig,
)
from network.transport.events import (
    Counters,
    DialFailed,
    DropReason,
    Listening,
    Observer,
    PeerClosed,
    PeerOpened,
    PeerThrottled,
    QueueOverflowed,
    StrangerDropped,
)
from network.transport.face import Address, Network, PeerInfo, Receiver
from network.transport.inbox import Inbox
from network.transport.pool import Pool, PoolConfig, PoolCounters, PooledConnection
from network.transport.sockets import new_event_loop
from network.transport.transport import Transport

__all__ = [
    "Address",
    "Counters",
    "DialFailed",
    "DropReason",
    "Inbox",
    "Listening",
    "Network",
    "Observer",
    "Patience",
    "PeerClosed",
    "PeerInfo",
    "PeerOpened",
    "PeerThrottled",
    "Pool",
    "PoolConfig",
    "PoolCounters",
    "PooledConnection",
    "QueueOverflowed",
    "Rates",
    "Receiver",
    "RoomLimits",
    "Redial",
    "Slots",
    "SocketOptions",
    "StrangerDropped",
    "Transport",
    "TransportConfig",
    "new_event_loop",
]
