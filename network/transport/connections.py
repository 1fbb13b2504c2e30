"""All connections of one transport: which of two to the same peer stays, and who is told.

Links say here what happens to them. What follows from it for the peer, its place, its next dial
and the node, is decided here and nowhere else.
"""

import asyncio
import contextlib

from network.handshake import Session, Side
from network.outbox import traffic_of, traffic_table
from network.transport.admission import Gate
from network.transport.config import SECOND
from network.transport.control import Parting
from network.transport.events import (
    DialFailed,
    DropReason,
    Observer,
    PeerClosed,
    PeerOpened,
    PeerThrottled,
    StrangerDropped,
)
from network.transport.face import Receiver
from network.transport.link import Link
from network.transport.roster import Roster, info_of, takes_over
from network.transport.settings import LinkSettings
from primitives.ids import Duration, NodeId
from primitives.machine import Message


class Connections:
    """Makes links, and keeps them until their sockets are closed.

    Args:
        settings: of the transport.
        gate: counts strangers.
        roster: the peers.
        observer: is told what happens.
    """

    __slots__ = (
        "_config", "_empty", "_gate", "_made", "_observer", "_own", "_places", "_roster",
        "_settings", "_traffic", "counters", "is_closing", "links", "receiver",
    )  # fmt: skip

    def __init__(
        self, settings: LinkSettings, gate: Gate, roster: Roster, observer: Observer
    ) -> None:
        self._settings = settings
        self._config = settings.config
        self._own = settings.handshake.node
        self._places = settings.doorkeeper
        self._gate = gate
        self._roster = roster
        self._observer = observer
        self._traffic = traffic_table(kind.type for kind in settings.codec.kinds)
        self._made = 0
        self._empty = asyncio.Event()
        self.counters = settings.counters
        self.links: dict[int, Link] = {}
        """Every connection whose socket may be open, by its number."""
        self.receiver: Receiver | None = None
        """The node, once it has started."""
        self.is_closing = False
        """Whether no peer is let in any more."""

    async def end(self) -> None:
        """Say what still waits, say good-bye, and end all of them.

        It takes `Patience.drain` at most, and then as long again for sockets that do not close.
        """
        for link in list(self.links.values()):
            link.leave(Parting.SHUTDOWN, DropReason.SHUTDOWN)
            if link.session is None:
                link.end(DropReason.SHUTDOWN)
        await self._wait_until_empty()
        for link in list(self.links.values()):
            link.end(DropReason.DRAIN_TIMEOUT)
        await self._wait_until_empty()

    # What listener and dialler call.

    def make_link(self, side: Side, address: str, expected: NodeId | None = None) -> Link:
        """Return a link for a connection that is about to be made."""
        self._made += 1
        link = Link(self._settings, self, side, address, self._made, expected)
        self.links[link.order] = link
        self._empty.clear()
        return link

    def abandon(self, link: Link, reason: DropReason, detail: str) -> None:
        """There will be no connection for that link, or none any more."""
        link.end(reason, detail)
        if link.is_unborn:
            self.on_lost(link)

    def may_dial(self, node: NodeId) -> bool:
        """Tell whether nothing speaks against dialling this node now."""
        key = self._settings.handshake.validators.get(node)
        return not self._places.is_blocked(node) and not (key and self._places.is_banned(key))

    # What links call.

    def on_open(self, link: Link, session: Session) -> None:
        """A peer has proven who it is: decide which connection to it stays."""
        node = session.node
        self._gate.settle(link.order, _host_of(link))
        if self.is_closing or not self._places.hold(node, session.role, session.key):
            link.end(DropReason.REFUSED, "it was shut out, or somebody was faster")
            return
        peer = self._roster.peer(node)
        old = peer.link
        if old is not None and not takes_over(self._own, node, old.side, link.side):
            old.probe()
            link.leave(Parting.DUPLICATE, DropReason.DUPLICATE)
            return
        peer.link = link
        peer.vacant.clear()
        if old is not None:
            self._retire(old, link)
        self._roster.connect(peer, link)
        self._observer.on_event(
            PeerOpened(node, session.role, link.address, link.side is Side.DIALLER)
        )
        self.counters.opened += 1
        if self.receiver is not None and (old is None or old.side is link.side):
            if old is not None:  # It has begun anew, and knows nothing of what was before.
                self.receiver.on_peer_closed(node, DropReason.REPLACED)
            self.receiver.on_peer_opened(info_of(peer, link, session))

    def on_message(self, link: Link, message: Message, size: int) -> None:
        """Something has arrived."""
        traffic = self._traffic.get(message.__class__)
        self.counters.messages_received[traffic_of(message) if traffic is None else traffic] += 1
        session, receiver = link.session, self.receiver
        if session is not None and receiver is not None:
            receiver.on_message(session.node, message, size)

    def on_throttled(self, link: Link, limit: str) -> None:
        """A peer has used up a limit."""
        if link.session is not None:
            self._observer.on_event(PeerThrottled(link.session.node, limit))

    def on_ended(self, link: Link, reason: DropReason, detail: str) -> None:
        """A connection has ended, or was never made."""
        self.counters.count_drop(reason)
        self._gate.settle(link.order, _host_of(link))
        session = link.session
        if session is None:
            self._on_stranger(link, reason, detail)
            return
        node, now = session.node, self._settings.now()
        peer = self._roster.get(node)
        if reason.is_hostile:
            self._places.ban(session.key, self._config.ban)
        if peer is None or peer.link is not link:
            if peer is not None and peer.link is None:
                peer.plan.failed(now)
            return
        lasted = Duration(now - link.opened_at)
        peer.link = None
        self._places.free(node)
        self._observer.on_event(PeerClosed(node, link.address, reason, detail, lasted))
        if reason.is_failure:
            if lasted >= self._config.redial.stable:
                peer.plan.succeeded()
            peer.plan.failed(now)
        peer.vacant.set()
        if peer.address is None and reason is not DropReason.DUPLICATE:
            # Otherwise the other connection is about to open here too.
            self._roster.forget(peer)
        if self.receiver is not None:
            self.receiver.on_peer_closed(node, reason)

    def on_lost(self, link: Link) -> None:
        """A socket is closed."""
        if self.links.pop(link.order, None) is None:
            return
        if link.side is Side.LISTENER:
            self._gate.leave(link.order, _host_of(link))
        if not self.links:
            self._empty.set()

    # Within.

    def _retire(self, old: Link, new: Link) -> None:
        """End a connection whose place another one has taken."""
        old.outbox = None
        if old.side is new.side:
            old.end(DropReason.REPLACED)
        else:
            old.leave(Parting.DUPLICATE, DropReason.DUPLICATE)

    def _on_stranger(self, link: Link, reason: DropReason, detail: str) -> None:
        """A connection has ended before its handshake was done."""
        peer = None if link.expected is None else self._roster.get(link.expected)
        if peer is None or peer.link is not None:
            self._observer.on_event(StrangerDropped(link.address, reason, detail))
        elif reason is not DropReason.SHUTDOWN:
            self.counters.dials_failed += 1
            wait = peer.plan.failed(self._settings.now())
            self._observer.on_event(
                DialFailed(peer.node, reason, detail, wait, peer.plan.breaker.value)
            )

    async def _wait_until_empty(self) -> None:
        if self.links:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._config.patience.drain / SECOND):
                    await self._empty.wait()


def _host_of(link: Link) -> str:
    return link.address.rpartition(":")[0]
