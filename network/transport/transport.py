"""The transport: keeps one authenticated connection to each peer, and carries messages over it."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from network.codec import Codec
from network.compression import Compression, CompressionPolicy
from network.conditions import Conditions
from network.draws import Draw
from network.handshake import HandshakeConfig, Session, Side
from network.handshake_messages import handshake_codec
from network.outbox import traffic_of, traffic_table
from network.transport.admission import Gate, Places
from network.transport.certificates import make_credentials
from network.transport.config import SECOND, TransportConfig
from network.transport.control import Parting, StreamCodec
from network.transport.dialler import Dialler
from network.transport.events import (
    Counters,
    DialFailed,
    DropReason,
    Listening,
    Observer,
    PeerClosed,
    PeerOpened,
    PeerThrottled,
    StrangerDropped,
)
from network.transport.face import Address, PeerInfo, Receiver
from network.transport.intake import Pause
from network.transport.link import Link
from network.transport.listener import Listener
from network.transport.roster import Roster, info_of, takes_over
from network.transport.settings import LinkSettings
from network.transport.tls import dialling_context, listening_context
from network.transport.watch import look_after
from primitives.ids import Duration, NodeId
from primitives.keys import Ed25519Verifier, ValidatorKey, Verifier
from primitives.machine import Message, TraceEvent


class Transport:
    """Connections of one node; a `network.transport.face.Network`.

    All methods are called on the event loop's thread.

    Args:
        config: limits and sockets.
        handshake: who this node is and whom it knows.
        seed: of the node's Ed25519 key; that of a validator is its validator key.
        codec: the network's table of kinds.
        observer: is told what happens.
        draw: for the jitter of waits, and what `set_links` lets happen.
        targets: who is dialled until connected, and where.
        compression: the node's; none by default.
        verifier: of signatures in handshakes.
        clock: nanoseconds, never going back.
        draw_nonce: fresh random bytes, for handshakes.

    Raises:
        CryptoError: the seed has another length than 32 bytes.
    """

    def __init__(
        self,
        config: TransportConfig,
        handshake: HandshakeConfig,
        seed: bytes,
        codec: Codec,
        observer: Observer,
        draw: Draw,
        targets: Mapping[NodeId, Address] | None = None,
        compression: Compression | None = None,
        verifier: Verifier | None = None,
        clock: Callable[[], int] = time.monotonic_ns,
        draw_nonce: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self.counters = Counters()
        self.compression = compression or Compression(CompressionPolicy())
        self._config = config
        self._own = handshake.node
        self._observer = observer
        self._traffic = traffic_table(kind.type for kind in codec.kinds)
        self._places = Places(config.slots, clock)
        self._gate = Gate(config.rates, config.slots)
        self._settings = LinkSettings(
            config,
            handshake,
            codec,
            handshake_codec(),
            StreamCodec(codec),
            self.compression,
            ValidatorKey(seed),
            verifier or Ed25519Verifier(),
            self._places,
            self.counters,
            clock,
            draw_nonce,
            draw,
        )
        self.rooms = self._settings.rooms
        """Told of what the node keeps of what has come; see `Inbox`."""
        self._roster = Roster(self._settings, observer)
        credentials = make_credentials(seed, handshake.genesis)
        now = self._settings.now
        self._listener = Listener(
            config, listening_context(credentials), self._gate, self.counters, now, self
        )
        self._dialler = Dialler(config, dialling_context(credentials), self.counters, now, self)
        self._receiver: Receiver | None = None
        self._targets = dict(targets or {})
        self._links: dict[int, Link] = {}
        """Every connection whose socket may be open, by its number."""
        self._links_made = 0
        self._ticking: asyncio.Task[None] | None = None
        self._empty = asyncio.Event()
        self._closing = False

    @property
    def own(self) -> NodeId:
        """This node."""
        return self._own

    @property
    def connections(self) -> int:
        """Sockets that are open, or about to be."""
        return len(self._links)

    # The face.

    async def start(self, receiver: Receiver) -> Address:
        """Listen and dial; return where the node listens.

        Raises:
            OSError: the configured address is not this machine's, or taken.
        """
        self._receiver = receiver
        address = self._listener.start()
        self._tell(Listening(address.host, address.port))
        watch = look_after(self._settings, self._links, self._roster)
        self._ticking = asyncio.get_running_loop().create_task(watch)
        for node, target in self._targets.items():
            self.add_target(node, target)
        return address

    def add_target(self, node: NodeId, address: Address) -> None:
        """Dial a node until it is connected, and again whenever it is not any more."""
        if node == self._own or self._closing:
            return
        peer = self._roster.peer(node)
        peer.address = address
        self._dialler.keep(peer)

    def remove_target(self, node: NodeId) -> None:
        """Dial a node no more. A connection that there is stays."""
        self._dialler.forget(node)
        peer = self._roster.get(node)
        if peer is not None:
            peer.address = None
            if peer.link is None:
                self._roster.forget(peer)

    def send(self, node: NodeId, message: Message) -> bool:
        """Let a message wait for one peer; False if it was dropped at once. See `post`."""
        return self.post((node,), message)[0] == 1

    def broadcast(self, nodes: Iterable[NodeId], message: Message) -> int:
        """Let one message wait for many peers; return for how many it does. See `post`."""
        return self.post(nodes, message)[0]

    def post(self, nodes: Iterable[NodeId], message: Message) -> tuple[int, int]:
        """Let one message wait for many peers; return for how many, and the bytes of a frame.

        What is sent to a target that is not connected waits too, for `Patience.hold`. The frame
        whose bytes are returned is the plain one.

        Raises:
            InvalidEncoding: the message is longer than the limit of its kind.
        """
        reachable = [node for node in nodes if not self._places.is_blocked(node)]
        return self._roster.put(reachable, traffic_of(message), message)

    def peers(self) -> Sequence[PeerInfo]:
        """Return who is connected, by ascending node id."""
        return self._roster.connected()

    def pause(self, node: NodeId) -> None:
        """Hand over nothing more from a peer, and read nothing, until `resume`."""
        peer = self._roster.get(node)
        if peer is not None and not peer.is_paused:
            peer.is_paused = True
            self.counters.paused += 1
            if peer.link is not None:
                peer.link.intake.pause(Pause.INBOX)

    def resume(self, node: NodeId) -> None:
        """Go on with a peer."""
        peer = self._roster.get(node)
        if peer is not None and peer.is_paused:
            peer.is_paused = False
            if peer.link is not None:
                peer.link.intake.resume(Pause.INBOX)

    def drop(self, node: NodeId, detail: str) -> None:
        """End the connection to a peer that misbehaves, and do not let it in for some time."""
        peer = self._roster.get(node)
        if peer is not None and peer.link is not None:
            peer.link.end(DropReason.MISBEHAVED, detail)

    def hang_up(self, node: NodeId) -> None:
        """End the connection to a peer in good order. A target is dialled again."""
        peer = self._roster.get(node)
        if peer is not None and peer.link is not None:
            peer.link.leave(Parting.IDLE, DropReason.IDLE)

    def block(self, nodes: Iterable[NodeId]) -> None:
        """Be out of reach of exactly these nodes, until the next call: this plays a partition."""
        blocked = frozenset(nodes)
        self._places.block(blocked)
        for peer in self._roster.all():
            if peer.node in blocked:
                peer.outbox.clear()
                if peer.link is not None:
                    peer.link.end(DropReason.BLOCKED)

    def set_links(self, links: Mapping[NodeId, Conditions]) -> None:
        """Hold up what exactly these peers are sent as it says, until the next call."""
        self._roster.set_links(links)

    async def close(self) -> None:
        """Say what still waits, say good-bye, and end every connection.

        It takes `Patience.drain` at most, and then as long again for sockets that do not close.
        """
        self._closing = True
        await self._listener.stop()
        await self._dialler.stop()
        for link in list(self._links.values()):
            link.leave(Parting.SHUTDOWN, DropReason.SHUTDOWN)
            if link.session is None:
                link.end(DropReason.SHUTDOWN)
        await self._wait_until_empty()
        for link in list(self._links.values()):
            link.end(DropReason.DRAIN_TIMEOUT)
        await self._wait_until_empty()
        if self._ticking is not None:
            self._ticking.cancel()
            await asyncio.gather(self._ticking, return_exceptions=True)

    # What listener and dialler call.

    def make_link(self, side: Side, address: str, expected: NodeId | None = None) -> Link:
        """Return a link for a connection that is about to be made."""
        self._links_made += 1
        link = Link(self._settings, self, side, address, self._links_made, expected)
        self._links[link.order] = link
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
        if self._closing or not self._places.hold(node, session.role, session.key):
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
        self._tell(PeerOpened(node, session.role, link.address, link.side is Side.DIALLER))
        self.counters.opened += 1
        if self._receiver is not None and (old is None or old.side is link.side):
            if old is not None:  # It has begun anew, and knows nothing of what was before.
                self._receiver.on_peer_closed(node, DropReason.REPLACED)
            self._receiver.on_peer_opened(info_of(peer, link, session))

    def on_message(self, link: Link, message: Message, size: int) -> None:
        """Something has arrived."""
        traffic = self._traffic.get(message.__class__)
        self.counters.messages_received[traffic_of(message) if traffic is None else traffic] += 1
        session, receiver = link.session, self._receiver
        if session is not None and receiver is not None:
            receiver.on_message(session.node, message, size)

    def on_throttled(self, link: Link, limit: str) -> None:
        """A peer has used up a limit."""
        if link.session is not None:
            self._tell(PeerThrottled(link.session.node, limit))

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
        self._tell(PeerClosed(node, link.address, reason, detail, lasted))
        if reason.is_failure:
            if lasted >= self._config.redial.stable:
                peer.plan.succeeded()
            peer.plan.failed(now)
        peer.vacant.set()
        if peer.address is None and reason is not DropReason.DUPLICATE:
            # Otherwise the other connection is about to open here too.
            self._roster.forget(peer)
        if self._receiver is not None:
            self._receiver.on_peer_closed(node, reason)

    def on_lost(self, link: Link) -> None:
        """A socket is closed."""
        if self._links.pop(link.order, None) is None:
            return
        if link.side is Side.LISTENER:
            self._gate.leave(link.order, _host_of(link))
        if not self._links:
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
            self._tell(StrangerDropped(link.address, reason, detail))
        elif reason is not DropReason.SHUTDOWN:
            self.counters.dials_failed += 1
            wait = peer.plan.failed(self._settings.now())
            self._tell(DialFailed(peer.node, reason, detail, wait, peer.plan.breaker.value))

    async def _wait_until_empty(self) -> None:
        if self._links:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._config.patience.drain / SECOND):
                    await self._empty.wait()

    def _tell(self, event: TraceEvent) -> None:
        self._observer.on_event(event)


def _host_of(link: Link) -> str:
    return link.address.rpartition(":")[0]
