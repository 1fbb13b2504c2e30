"""Who is known, and what waits for each; and which connection stays where there are two.

Two nodes that dial each other at the same moment get two connections. Both see both, maybe in
another order; so which one stays must follow from what both know. It is the one that the node
with the lower id has dialled. If both were dialled by the same node, it has started anew, or has
noticed before the other that the old one is dead: then the new one stays.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from network.compression import SharedMessage
from network.conditions import PLAIN, Conditions
from network.handshake import Session, Side
from network.handshake_messages import PeerRole
from network.outbox import Outbox, OutboxConfig, Put, Traffic
from network.transport.events import DropReason, Observer, QueueOverflowed
from network.transport.face import Address, PeerInfo
from network.transport.intake import Pause
from network.transport.link import Link, Outgoing
from network.transport.redial import DialPlan
from network.transport.settings import LinkSettings
from primitives.ids import Instant, NodeId
from primitives.machine import Message


@dataclass(slots=True, eq=False)
class Peer:
    """A node that is connected, or that is dialled until it is."""

    node: NodeId
    outbox: Outbox[Outgoing]
    plan: DialPlan
    address: Address | None = None
    """Where to dial it; None for one that has come by itself."""
    link: Link | None = None
    vacant: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while there is no link."""
    is_paused: bool = False
    """The node wants nothing from it for now."""
    overflow_told: bool = False


def takes_over(own: NodeId, peer: NodeId, old: Side, new: Side) -> bool:
    """Tell whether a new connection takes the place of an old one.

    Args:
        own: this node.
        peer: the other.
        old: this node's side of the old connection.
        new: this node's side of the new one.
    """
    if old is new:
        return True
    return (new is Side.DIALLER) == (own < peer)


class Roster:
    """The peers of one transport.

    Args:
        settings: bounds, codec, counters.
        observer: is told of queues that are full.
    """

    __slots__ = ("_dirty", "_links", "_observer", "_peers", "_settings", "_waiting")

    def __init__(self, settings: LinkSettings, observer: Observer) -> None:
        self._settings = settings
        self._links: Mapping[NodeId, Conditions] = {}
        """What holds up messages to whom, on purpose."""
        self._observer = observer
        self._waiting = [0, 0]
        """Bytes that waited for one peer each when last looked, and what came since: of validators,
        of others."""
        self._peers: dict[NodeId, Peer] = {}
        self._dirty: dict[NodeId, Peer] = {}
        """Whose outbox has got something since the last flush."""

    def get(self, node: NodeId) -> Peer | None:
        """Return a peer, if it is known."""
        return self._peers.get(node)

    def peer(self, node: NodeId) -> Peer:
        """Return a peer, known from now on."""
        peer = self._peers.get(node)
        if peer is None:
            config = self._settings.config
            dropped = self._settings.counters.messages_dropped
            limits = OutboxConfig(config.bounds, config.outbox_bytes, config.patience.hold)
            outbox = Outbox[Outgoing](limits, dropped)
            peer = Peer(node, outbox, DialPlan(config.redial, self._settings.draw))
            peer.vacant.set()
            self._peers[node] = peer
        return peer

    def forget(self, peer: Peer) -> None:
        """Drop a peer and what waits for it."""
        peer.outbox.clear()
        self._peers.pop(peer.node, None)

    def connect(self, peer: Peer, link: Link) -> None:
        """Let what waits for a peer leave by its new link."""
        if link.side is Side.LISTENER:
            peer.plan.succeeded()
        if peer.is_paused:
            link.intake.pause(Pause.INBOX)
        link.outlet.condition(self._links.get(peer.node, PLAIN))
        link.adopt(peer.outbox)

    def set_links(self, links: Mapping[NodeId, Conditions]) -> None:
        """Hold up what peers are sent as it says, and what others are sent no more."""
        self._links = dict(links)
        for peer in self.all():
            if peer.link is not None:
                peer.link.outlet.condition(links.get(peer.node, PLAIN))

    def all(self) -> Sequence[Peer]:
        """Return all of them."""
        return list(self._peers.values())

    def connected(self) -> Sequence[PeerInfo]:
        """Return who is connected, by ascending node id."""
        return [
            info_of(peer, peer.link, peer.link.session)
            for _, peer in sorted(self._peers.items())
            if peer.link is not None and peer.link.session is not None
        ]

    def put(self, nodes: Sequence[NodeId], traffic: Traffic, message: Message) -> tuple[int, int]:
        """Let a message wait for several peers; return for how many it does, and its bytes.

        It is encoded once. It leaves when the loop has done what it is doing now, together with
        all else that was put until then.

        Raises:
            InvalidEncoding: it is longer than the limit of its kind.
        """
        settings = self._settings
        shared = SharedMessage(settings.codec, settings.compression, message)
        outgoing, size, now = (traffic, shared), shared.size, settings.now()
        kept = 0
        for node in nodes:
            peer = self._peers.get(node)
            if peer is None:
                settings.counters.messages_unreachable += 1
            elif self._put(peer, outgoing, size, now, is_own=len(nodes) == 1):
                kept += 1
        return kept, size

    def expire(self, now: Instant) -> None:
        """Drop what has waited too long, who is neither connected nor dialled, or is another."""
        for peer in self.all():
            if peer.link is not None and peer.link.is_guest:
                self._review(peer, peer.link)
            peer.outbox.expire(now, linked=peer.link is not None)
            if peer.overflow_told and not peer.outbox.length:
                peer.overflow_told = False
            if peer.link is None and peer.address is None and not peer.outbox.length:
                self.forget(peer)

    def _review(self, peer: Peer, link: Link) -> None:
        """See whether a peer that was none is a validator by now, or has the number of one."""
        settings, session = self._settings, link.session
        key = settings.handshake.validators.get(peer.node)
        if key is None or session is None:
            return
        if session.key != key:
            link.end(DropReason.REFUSED, f"node {peer.node} is a validator now, with another key")
            return
        link.session = msgspec.structs.replace(session, role=PeerRole.VALIDATOR)
        settings.doorkeeper.hold(peer.node, PeerRole.VALIDATOR, key)
        link.intake.promote()

    def _put(
        self, peer: Peer, outgoing: Outgoing, size: int, now: Instant, *, is_own: bool
    ) -> bool:
        traffic = outgoing[0]
        outcome = Put.DROPPED
        if not is_own or traffic is Traffic.CONSENSUS or self._has_room(peer, size):
            outcome = peer.outbox.put(traffic, outgoing, size, now, is_own=is_own)
        else:
            self._settings.counters.messages_dropped[traffic] += 1
        if outcome is not Put.KEPT and not peer.overflow_told:
            peer.overflow_told = True
            self._observer.on_event(QueueOverflowed(peer.node, traffic))
        if outcome is Put.OVERFLOW:
            if peer.link is not None:
                peer.link.end(DropReason.SLOW, f"the queue of {traffic.name.lower()} is full")
            # A peer that comes back is better served with what is new.
            peer.outbox.clear()
            return False
        if not self._dirty:
            asyncio.get_running_loop().call_soon(self._flush)
        self._dirty[peer.node] = peer
        return outcome is not Put.DROPPED

    def _has_room(self, peer: Peer, size: int) -> bool:
        """Tell whether there is room for an answer, beside what waits for others of its kind.

        If there is none, those make it who have taken nothing for longest: first of whom more waits
        than an equal share, then the others.
        """
        if peer.link is None:
            return True
        is_guest, limits = peer.link.is_guest, self._settings.config.rooms
        limit = limits.others_waiting if is_guest else limits.validators_waiting
        self._waiting[is_guest] += size  # what has left since is seen when it seems too much
        if self._waiting[is_guest] <= limit:
            return True
        linked = [(each, each.link) for each in self._peers.values() if each.link is not None]
        alike = [(each, link) for each, link in linked if link.is_guest == is_guest]
        waiting = size + sum([each.outbox.own_bytes for each, _ in alike])
        share = limit // len(alike)
        stalled = [
            (each.outbox.own_bytes <= share, link.outlet.paused_at, each.node, each, link)
            for each, link in alike
            if link.outlet.paused_at is not None and each.outbox.own_bytes
        ]
        for *_, each, link in sorted(stalled, key=lambda found: found[:3]):
            if waiting <= limit:
                break
            waiting -= each.outbox.own_bytes
            link.end(DropReason.SLOW, "others need the room of what waits for it")
            each.outbox.clear()
        fits = waiting <= limit
        self._waiting[is_guest] = waiting if fits else waiting - size
        return fits and peer.link is not None

    def _flush(self) -> None:
        dirty, self._dirty = self._dirty, {}
        for peer in dirty.values():
            if peer.link is not None:
                peer.link.flush()


def info_of(peer: Peer, link: Link, session: Session) -> PeerInfo:
    """Return how a connected peer stands."""
    return PeerInfo(
        peer.node,
        session.role,
        link.address,
        link.side is Side.DIALLER,
        session,
        link.health.round_trip,
        peer.outbox.length,
        peer.outbox.bytes + link.unsent_bytes,
        link.intake.buffered_bytes,
    )
