"""Who connects to a node without being one: a client that can shake hands, and then do anything."""

import asyncio
import contextlib
import dataclasses
import ssl
from typing import cast

from network.codec import WIRE_VERSION, Encoding
from network.compression import CompressionOffer
from network.handshake import Channel, Handshake, Session, Side
from network.handshake_messages import Hello, PeerRole, handshake_codec
from network.transport import Address, TransportConfig
from network.transport.certificates import make_credentials
from network.transport.control import StreamCodec
from network.transport.greeting import Greeting
from network.transport.tls import dialling_context, identity_of
from primitives.ids import Duration, Hash32, NodeId
from primitives.keys import Ed25519Verifier, ValidatorKey
from primitives.machine import Message
from tests.unit.network.transport.world import (
    CODEC_LIMITS,
    CONFIG,
    GENESIS,
    LIMIT_SECONDS,
    MILLISECOND,
    PATIENCE,
    Node,
    Vote,
    codec,
    identity,
    nodes,
    seed_of,
)

SHORT = Duration(150 * MILLISECOND)


def impatient(**changes: Duration) -> TransportConfig:
    return dataclasses.replace(CONFIG, patience=dataclasses.replace(PATIENCE, **changes))


def control(message: Message) -> bytes:
    return StreamCodec(codec()).encode(message)


def header(length: int, kind: type[Message]) -> bytes:
    index = list(CODEC_LIMITS).index(kind)
    word = length << 32 | WIRE_VERSION << 24 | index << 16 | Encoding.PLAIN
    return word.to_bytes(8, "big")


async def serves_others(node: Node) -> None:
    """Check that a node still does what it is there for."""
    async with nodes(Node(3, targets={0: node.address})) as (friend,):
        await friend.until_open(0)
        count = len(node.messages)
        friend.transport.send(NodeId(0), Vote(1))
        await node.until(lambda: len(node.messages) > count)


def hello_of(node: int) -> Message:
    return Hello(1, 1, bytes(32), node, PeerRole.VALIDATOR, b"", bytes(32), CompressionOffer(), ())


class Stranger:
    """One connection to a node."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.sent: list[bytes] = []
        """What it has said in its handshake."""

    @classmethod
    async def connect(
        cls, address: Address, context: ssl.SSLContext | None, limit: int = 1 << 16
    ) -> "Stranger":
        reader, writer = await asyncio.open_connection(
            address.host,
            address.port,
            ssl=context,
            server_hostname="" if context else None,
            limit=limit,
        )
        return cls(reader, writer)

    @classmethod
    async def over_tls(
        cls, address: Address, node: int, genesis: Hash32 = GENESIS, limit: int = 1 << 16
    ) -> "Stranger":
        credentials = make_credentials(seed_of(node), genesis)
        return await cls.connect(address, dialling_context(credentials), limit)

    async def shake_hands(
        self, node: int, nonce: bytes = b"n" * 32, compression: CompressionOffer | None = None
    ) -> Session:
        """Do the handshake as this node, whose key it has."""
        key, binding = identity_of(self.writer.get_extra_info("ssl_object"))
        handshake = Handshake(
            identity(node, compression=compression or CompressionOffer()),
            Channel(Side.DIALLER, binding, key),
            nonce,
            ValidatorKey(seed_of(node)),
            Ed25519Verifier(),
        )

        def write(data: bytes) -> None:
            self.sent.append(data)
            self.writer.write(data)

        greeting = Greeting(handshake, handshake_codec(), write)
        greeting.start()
        while greeting.session is None:
            data = await self.reader.read(1)
            if not data or greeting.refused is not None:
                raise ConnectionError(str(greeting.refused))
            greeting.feed(data)
        return greeting.session

    async def is_dropped(self) -> bool:
        """Wait until the node closes the connection."""
        async with asyncio.timeout(LIMIT_SECONDS):
            with contextlib.suppress(OSError):
                while await self.reader.read(1 << 16):
                    pass
        await self.close()
        return True

    def abort(self) -> None:
        cast(asyncio.Transport, self.writer.transport).abort()

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()
