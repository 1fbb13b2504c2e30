"""What is attacked, and what an attacker notes."""

import asyncio
import contextlib
import math
import random
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from primitives.ids import Hash32, NodeId

HOST = "127.0.0.1"
PATIENCE_S = 15.0
"""How long an attacker waits for an answer."""
READ_BYTES = 1 << 16
CONNECTING_MAX = 200
"""Connections that are being made at once: more than the backlog of a port would be lost."""

Tally = Counter[str]
"""What became of connections or requests, each in a few words."""


@dataclass(frozen=True, slots=True)
class Target:
    """One node, as somebody on the network sees it."""

    rpc: int
    """Its port for clients."""
    p2p: int
    """Its port for other nodes."""
    genesis: Hash32
    """Hash of its chain's genesis block, which is no secret."""
    validators: Mapping[NodeId, bytes]
    """Their public keys, likewise."""


@dataclass(frozen=True, slots=True)
class Attack:
    """One kind of hostile input."""

    name: str
    port: str
    """"rpc" or "p2p"."""
    run: Callable[[Target, float], Coroutine[Any, Any, Tally]]
    """Does it, at a share of its full size or time that is given, and says what it got."""


class Wire:
    """One TCP connection of an attacker."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, port: int, source: str = "127.0.0.2") -> "Wire":
        """Connect from one of this machine's addresses."""
        return cls(*await asyncio.open_connection(HOST, port, local_addr=(source, 0)))

    def send(self, data: bytes) -> None:
        """Send, without waiting for anything."""
        if not self.writer.is_closing():
            self.writer.write(data)

    async def end(self) -> str:
        """Wait for the first line of an answer, or for how it ends without one."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                line = await self.reader.readline()
        except TimeoutError:
            return "no answer"
        except OSError:
            return "reset"
        return f"HTTP {line[9:12].decode('latin-1')}" if line.startswith(b"HTTP/") else "closed"

    def is_open(self) -> bool:
        """Tell whether the other end has not ended it."""
        return not (self.reader.at_eof() or self.writer.is_closing() or self.reader.exception())

    def stop_reading(self) -> None:
        """Take nothing of what is sent."""
        cast("asyncio.Transport", self.writer.transport).pause_reading()

    def close(self) -> None:
        """End it at once."""
        self.writer.transport.abort()


def sources(count: int, first: int = 2) -> Iterator[str]:
    """Yield so many addresses of this machine, beginning with 127.0.0.2."""
    for number in range(first, first + count):
        yield f"127.0.{number // 250}.{number % 250}"


async def crowd(port: int, count: int, addresses: int, hold_s: float) -> Tally:
    """Make connections that say nothing, hold those that live, and count what became of them."""
    loop, tally = asyncio.get_running_loop(), Tally()
    held: list[socket.socket] = []
    places = asyncio.Semaphore(CONNECTING_MAX)
    hosts = list(sources(addresses))

    async def one(number: int) -> None:
        made = socket.socket()
        made.settimeout(0.0)
        made.setsockopt(socket.SOL_IP, socket.IP_BIND_ADDRESS_NO_PORT, 1)
        async with places:
            try:
                made.bind((hosts[number % addresses], 0))
                async with asyncio.timeout(PATIENCE_S):
                    await loop.sock_connect(made, (HOST, port))
            except (OSError, TimeoutError):
                tally["not connected"] += 1
                made.close()
            else:
                held.append(made)

    await asyncio.gather(*[one(number) for number in range(count)])
    await _settled(held, hold_s)
    for each in held:
        _knock(each)
    states = await _settled(held, hold_s)
    for each in held:
        each.close()
    return tally + states


def _knock(made: socket.socket) -> None:
    """Send a byte, by which one learns of a connection that only this end believes in.

    Where more come than the system keeps until they are accepted, it answers the others as if they
    were kept, and forgets them. They cost the node nothing, and would be open here for ever.
    """
    if state_of(made) == "still open":
        with contextlib.suppress(OSError):
            made.send(b"\x16")


async def _settled(held: list[socket.socket], hold_s: float) -> Tally:
    """Count what became of connections, once no more of them end while they are held."""
    looks = max(1, math.ceil(PATIENCE_S / hold_s))
    states = Tally(map(state_of, held))
    for _ in range(looks):
        before = states
        await asyncio.sleep(hold_s)
        states = Tally(map(state_of, held))
        if states == before:
            break
    return states


def state_of(made: socket.socket) -> str:
    """Return what the other end has done with a connection that said nothing."""
    try:
        data = made.recv(READ_BYTES, socket.MSG_PEEK)
    except BlockingIOError:
        return "still open"
    except OSError:
        return "reset"
    return f"HTTP {data[9:12].decode('latin-1')}" if data.startswith(b"HTTP/") else "closed"


async def each_of(wires: list[Wire], tally: Tally, said: str = "") -> None:
    """Wait for what becomes of connections, count it, and close them."""
    for end in await asyncio.gather(*[wire.end() for wire in wires]):
        tally[f"{said}{end}"] += 1
    for wire in wires:
        wire.close()


async def drip(wires: list[Wire], seconds: float, every: float = 0.25) -> None:
    """Send a byte over each connection now and then."""
    until = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < until:
        for wire in wires:
            wire.send(b"a")
        await asyncio.sleep(every)


@contextlib.asynccontextmanager
async def opened(port: int, count: int, addresses: int = 1) -> AsyncIterator[list[Wire]]:
    """Open so many connections, and close what is left of them."""
    hosts = list(sources(addresses))
    wires = await asyncio.gather(
        *[Wire.open(port, hosts[number % addresses]) for number in range(count)]
    )
    try:
        yield wires
    finally:
        for wire in wires:
            wire.close()


def noise(count: int) -> bytes:
    """Return bytes that mean nothing."""
    return random.randbytes(count)
