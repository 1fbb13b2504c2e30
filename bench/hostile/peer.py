"""Somebody who connects to the port for nodes, can shake hands as a follower, and may then lie."""

import asyncio
import itertools
import secrets
import ssl

from bench.hostile.target import HOST, PATIENCE_S, Target, Wire
from network.codec import Codec
from network.compression import Compression, CompressionPolicy, LinkCodec
from network.handshake import Channel, Handshake, HandshakeConfig, Session, Side
from network.handshake_messages import PeerRole, handshake_codec
from network.transport.certificates import Credentials, make_credentials
from network.transport.greeting import Greeting
from network.transport.tls import dialling_context, identity_of
from node.plugins import make_engine
from node.wire import node_codec
from primitives.ids import Hash32, NodeId
from primitives.keys import Ed25519Verifier, ValidatorKey
from primitives.machine import Message

FOLLOWERS_FIRST = 1_000
"""Numbers of followers; far from those of the network's own nodes."""

_numbers = itertools.count(FOLLOWERS_FIRST)


class Refused(ConnectionError):
    """The node did not let it in."""


class Peer:
    """One connection over TLS.

    Args:
        target: whom it connects to.
        node: the number that it says it has; a follower's that nobody else has if None.
        seed: of its key; a new one if empty.
    """

    def __init__(self, target: Target, node: int | None = None, seed: bytes = b"") -> None:
        self._target = target
        self.node = next(_numbers) if node is None else node
        self.seed = seed or secrets.token_bytes(32)
        self.wire: Wire | None = None
        self.said: list[bytes] = []
        """What it has said in its handshake."""
        self._compression = Compression(CompressionPolicy())
        self._table: Codec = node_codec(make_engine("pbft"))
        self.codec: LinkCodec | None = None

    @property
    def table(self) -> Codec:
        """The kinds of messages."""
        return self._table

    async def connect(
        self,
        source: str = "127.0.0.2",
        genesis: Hash32 | None = None,
        context: ssl.SSLContext | None = None,
    ) -> Wire:
        """Do the TLS handshake.

        Args:
            source: the address that it comes from.
            genesis: whose network's certificate it shows; the target's if None.
            context: shown instead of that.

        Raises:
            OSError: there is no connection.
        """
        if context is None:
            context = dialling_context(self.credentials(genesis))
        async with asyncio.timeout(PATIENCE_S):
            made = await asyncio.open_connection(
                HOST, self._target.p2p, ssl=context, server_hostname="", local_addr=(source, 0)
            )
        self.wire = Wire(*made)
        return self.wire

    def credentials(self, genesis: Hash32 | None = None) -> Credentials:
        """Return a certificate of its key."""
        return make_credentials(self.seed, genesis or self._target.genesis)

    async def shake_hands(
        self,
        *,
        role: PeerRole = PeerRole.FOLLOWER,
        genesis: Hash32 | None = None,
        signer: bytes = b"",
        key: bytes = b"",
    ) -> Session:
        """Do the handshake of nodes, truthfully but for what the keywords say.

        Raises:
            Refused: it was not let in; the message says why.
        """
        wire = self.wire
        assert wire is not None
        own, binding = identity_of(wire.writer.get_extra_info("ssl_object"))
        handshake = Handshake(
            HandshakeConfig(
                genesis=genesis or self._target.genesis,
                node=NodeId(self.node),
                role=role,
                validators=self._target.validators,
                compression=self._compression.offer,
            ),
            Channel(Side.DIALLER, binding, key or own),
            secrets.token_bytes(32),
            ValidatorKey(signer or self.seed),
            Ed25519Verifier(),
        )
        greeting = Greeting(handshake, handshake_codec(), self._say)
        greeting.start()
        while greeting.session is None:
            async with asyncio.timeout(PATIENCE_S):
                data = await wire.reader.read(1)
            if not data or greeting.refused is not None:
                raise Refused(str(greeting.refused))
            greeting.feed(data)
        session = greeting.session
        self.codec = LinkCodec(self._table, self._compression, session.outgoing, session.incoming)
        return session

    def send(self, *messages: Message) -> None:
        """Send messages plainly."""
        assert self.wire is not None
        self.wire.send(self._table.encode_joined(messages))

    def _say(self, data: bytes) -> None:
        assert self.wire is not None
        self.said.append(data)
        self.wire.send(data)


async def follower(target: Target, source: str = "127.0.0.2") -> Peer:
    """Return a follower that was let in.

    Raises:
        Refused: it was not.
        OSError: it could not even connect.
    """
    peer = Peer(target)
    await peer.connect(source)
    await peer.shake_hands()
    return peer
