"""Who connects to a node without being one: a client that can shake hands, and then do anything."""

import asyncio
import contextlib
import ssl
from typing import cast

from network.handshake import Channel, Handshake, Session, Side
from network.handshake_messages import handshake_codec
from network.transport import Address
from network.transport.certificates import make_credentials
from network.transport.greeting import Greeting
from network.transport.tls import dialling_context, identity_of
from primitives.ids import Hash32
from primitives.keys import Ed25519Verifier, ValidatorKey
from tests.unit.network.transport.world import GENESIS, LIMIT_SECONDS, identity, seed_of


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

    async def shake_hands(self, node: int, nonce: bytes = b"n" * 32) -> Session:
        """Do the handshake as this node, whose key it has."""
        key, binding = identity_of(self.writer.get_extra_info("ssl_object"))
        handshake = Handshake(
            identity(node),
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
