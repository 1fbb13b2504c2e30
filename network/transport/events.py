"""What happens to a node's connections, for its log and its metrics; and why they end."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from network.handshake_messages import PeerRole
from network.outbox import Traffic
from primitives.ids import Duration, NodeId
from primitives.machine import TraceEvent


class DropReason(StrEnum):
    """Why a connection has ended."""

    CLOSED = "closed by the peer"
    """Without a word: its process has ended, or it has dropped this node."""
    BROKEN = "broken"
    """The network or the system says so."""
    TLS = "no TLS connection"
    """Another network, another certificate, or no TLS at all."""
    REFUSED = "refused"
    """By either end, in the handshake; the detail says which and why."""
    HANDSHAKE_TIMEOUT = "handshake too slow"
    EVICTED = "driven out before its handshake was done"
    MALFORMED = "malformed bytes"
    SILENT = "silent"
    """A ping was not answered in time."""
    SLOW = "too slow to take what is sent"
    HOARDING = "does not end what it has begun, while others wait for the room"
    FLOOD = "more messages than the limit, for too long"
    REPLACED = "replaced by a newer connection of the same peer"
    DUPLICATE = "the two have another connection"
    PEER_LEFT = "the peer has said good-bye"
    SHUTDOWN = "this node stops"
    DRAIN_TIMEOUT = "good-bye took too long"
    IDLE = "idle"
    """This node has hung up."""
    MISBEHAVED = "misbehaved"
    """The node says so; see `Transport.drop`."""
    BLOCKED = "blocked"
    """By `Transport.block`, which plays a partition."""

    @property
    def is_hostile(self) -> bool:
        """Whether a peer that is dropped for it is not let in for some time."""
        return self in (DropReason.MALFORMED, DropReason.FLOOD, DropReason.MISBEHAVED)

    @property
    def is_failure(self) -> bool:
        """Whether it says anything about whether the peer can be reached."""
        return self not in (
            DropReason.DUPLICATE,
            DropReason.REPLACED,
            DropReason.SHUTDOWN,
            DropReason.BLOCKED,
            DropReason.IDLE,
        )


class Listening(TraceEvent, frozen=True, gc=False):
    """The node can be reached."""

    name = "transport.listening"

    host: str
    port: int


class PeerOpened(TraceEvent, frozen=True, gc=False):
    """A handshake is done, and messages can flow."""

    name = "transport.peer_opened"

    node: NodeId
    role: PeerRole
    address: str
    dialled: bool
    """By this node."""


class PeerClosed(TraceEvent, frozen=True, gc=False):
    """A connection on which messages could flow has ended."""

    name = "transport.peer_closed"

    node: NodeId
    address: str
    reason: DropReason
    detail: str
    lasted_ns: Duration


class StrangerDropped(TraceEvent, frozen=True, gc=False):
    """A connection that somebody made has ended before its handshake was done."""

    name = "transport.stranger_dropped"

    address: str
    reason: DropReason
    detail: str


class DialFailed(TraceEvent, frozen=True, gc=False):
    """A peer could not be reached, or did not let this node in."""

    name = "transport.dial_failed"

    node: NodeId
    reason: DropReason
    detail: str
    wait: Duration
    """Until the next try."""
    breaker: str
    """Where the circuit breaker stands now."""


class PeerThrottled(TraceEvent, frozen=True, gc=False):
    """A peer has used up a limit; nothing is read from it for a while.

    Told once, until the limit is as if it had not been touched.
    """

    name = "transport.peer_throttled"

    node: NodeId
    limit: str
    """"bytes" or "messages"."""


class QueueOverflowed(TraceEvent, frozen=True, gc=False):
    """Something for a peer was dropped. Told once until its queues are empty again."""

    name = "transport.queue_overflowed"

    node: NodeId
    traffic: Traffic


class Observer(Protocol):
    """Takes what happens, in order."""

    def on_event(self, event: TraceEvent) -> None:
        """Note an event; must not raise and must not call back."""
        ...


@dataclass(slots=True)
class Counters:
    """What one transport has done since it was made. Whoever makes metrics of it only reads."""

    bytes_sent: int = 0
    """Before TLS."""
    bytes_received: int = 0
    messages_sent: list[int] = field(default_factory=lambda: [0] * len(Traffic))
    """By class of traffic."""
    messages_received: list[int] = field(default_factory=lambda: [0] * len(Traffic))
    messages_unreachable: int = 0
    """Given to peers that are neither connected nor dialled."""
    messages_dropped: list[int] = field(default_factory=lambda: [0] * len(Traffic))
    """That waited for a peer and were dropped by a rule, or because it was too late for them."""
    writes: int = 0
    accepted: int = 0
    turned_away: int = 0
    """Connections closed before anything was read: too many from that address, or at all."""
    exhausted: int = 0
    """Times that the system had no descriptor left for a connection."""
    evicted: int = 0
    dials: int = 0
    dials_failed: int = 0
    opened: int = 0
    throttled: int = 0
    paused: int = 0
    """Times that reading from a peer stopped because the node's inbox was full."""
    crowded: int = 0
    """Times that it stopped because there was no room beside what all peers have sent."""
    pings: int = 0
    pongs: int = 0
    dropped: dict[DropReason, int] = field(default_factory=dict)
    """Connections by why they ended."""

    def count_drop(self, reason: DropReason) -> None:
        """Note the end of a connection."""
        self.dropped[reason] = self.dropped.get(reason, 0) + 1
