"""The transport: keeps one authenticated connection to each peer, and carries messages over it."""

import asyncio
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from network.codec import Codec
from network.compression import Compression, CompressionPolicy
from network.conditions import Conditions
from network.draws import Draw
from network.handshake import HandshakeConfig
from network.handshake_messages import handshake_codec
from network.outbox import traffic_of
from network.transport.admission import Gate, Places
from network.transport.certificates import make_credentials
from network.transport.config import TransportConfig
from network.transport.connections import Connections
from network.transport.control import Parting, StreamCodec
from network.transport.dialler import Dialler
from network.transport.events import Counters, DropReason, Listening, Observer
from network.transport.face import Address, PeerInfo, Receiver
from network.transport.intake import Pause
from network.transport.listener import Listener
from network.transport.roster import Roster
from network.transport.settings import LinkSettings
from network.transport.tls import dialling_context, listening_context
from network.transport.watch import look_after
from primitives.ids import NodeId
from primitives.keys import Ed25519Verifier, ValidatorKey, Verifier
from primitives.machine import Message


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
        self._places = Places(config.slots, clock)
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
        self._observer = observer
        self._roster = Roster(self._settings, observer)
        gate = Gate(config.rates, config.slots)
        self._connections = Connections(self._settings, gate, self._roster, observer)
        credentials = make_credentials(seed, handshake.genesis)
        now = self._settings.now
        self._listener = Listener(
            config, listening_context(credentials), gate, self.counters, now, self._connections
        )
        self._dialler = Dialler(
            config, dialling_context(credentials), self.counters, now, self._connections
        )
        self._targets = dict(targets or {})
        self._ticking: asyncio.Task[None] | None = None

    @property
    def own(self) -> NodeId:
        """This node."""
        return self._own

    @property
    def connections(self) -> int:
        """Sockets that are open, or about to be."""
        return len(self._connections.links)

    # The face.

    async def start(self, receiver: Receiver) -> Address:
        """Listen and dial; return where the node listens.

        Raises:
            OSError: the configured address is not this machine's, or taken.
        """
        self._connections.receiver = receiver
        address = self._listener.start()
        self._observer.on_event(Listening(address.host, address.port))
        watch = look_after(self._settings, self._connections.links, self._roster)
        self._ticking = asyncio.get_running_loop().create_task(watch)
        for node, target in self._targets.items():
            self.add_target(node, target)
        return address

    def add_target(self, node: NodeId, address: Address) -> None:
        """Dial a node until it is connected, and again whenever it is not any more."""
        if node == self._own or self._connections.is_closing:
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
        self._connections.is_closing = True
        await self._listener.stop()
        await self._dialler.stop()
        await self._connections.end()
        if self._ticking is not None:
            self._ticking.cancel()
            await asyncio.gather(self._ticking, return_exceptions=True)
