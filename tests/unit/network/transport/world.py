"""Nodes on loopback: transports with short patience, whose test waits for what they say."""

import asyncio
import faulthandler
import random
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from network.codec import Codec
from network.compression import Compression, CompressionOffer
from network.handshake import HandshakeConfig
from network.handshake_messages import PeerRole
from network.messages import LIMITS, CertifiedBlock, CertifiedBlocks
from network.transport import (
    Address,
    DropReason,
    Patience,
    PeerInfo,
    Rates,
    Redial,
    Transport,
    TransportConfig,
)
from primitives.ids import Duration, Hash32, NodeId
from primitives.keys import ValidatorKey
from primitives.machine import Message, TraceEvent

MEBIBYTE = 1 << 20
MILLISECOND = 1_000_000
SECOND = 1_000_000_000
LIMIT_SECONDS = 30.0
"""After so long a test has failed; nothing that passes waits for it."""
DEADLINE_SECONDS = 60.0
"""After so long a whole test has hung: it shows its nodes and tasks, and fails."""
STDERR = 2
VALIDATORS = 4
GENESIS = Hash32(b"g" * 32)


class Vote(Message, frozen=True, gc=False):
    """Stands for what consensus says."""

    core = "voting"

    number: int
    payload: bytes = b""


CODEC_LIMITS: dict[type[Message], int] = {Vote: 1 << 20, **LIMITS}
PATIENCE = Patience(
    dial=Duration(5 * SECOND),
    handshake=Duration(5 * SECOND),
    ping=Duration(200 * MILLISECOND),
    pong=Duration(10 * SECOND),
    stall=Duration(10 * SECOND),
    hold=Duration(20 * SECOND),
    body=Duration(60 * SECOND),
    drain=Duration(5 * SECOND),
    tick=Duration(20 * MILLISECOND),
)
REDIAL = Redial(
    first=Duration(10 * MILLISECOND),
    last=Duration(100 * MILLISECOND),
    failures=5,
    rest=Duration(200 * MILLISECOND),
    stable=Duration(100 * MILLISECOND),
)
CONFIG = TransportConfig(patience=PATIENCE, redial=REDIAL, rates=Rates(connections_burst=10_000))


def seed_of(node: int) -> bytes:
    return bytes([node + 1]) * 32


def key_of(node: int) -> bytes:
    return ValidatorKey(seed_of(node)).public_key


def identity(node: int, **changes: Any) -> HandshakeConfig:
    role = PeerRole.VALIDATOR if node < VALIDATORS else PeerRole.FOLLOWER
    keys = {NodeId(each): key_of(each) for each in range(VALIDATORS)}
    return msgspec.structs.replace(HandshakeConfig(GENESIS, NodeId(node), role, keys), **changes)


def codec() -> Codec:
    return Codec(CODEC_LIMITS, CODEC_LIMITS)


def block(size: int, request: int = 0) -> CertifiedBlocks:
    return CertifiedBlocks(request, (CertifiedBlock(bytes(size), b""),))


class Node:
    """A transport and all that it has said."""

    def __init__(
        self,
        node: int,
        config: TransportConfig = CONFIG,
        targets: Mapping[int, Address] | None = None,
        seed: bytes | None = None,
        clock: Callable[[], int] = time.monotonic_ns,
        compression: Compression | None = None,
        **changes: Any,
    ) -> None:
        self.events: list[TraceEvent] = []
        self.messages: list[tuple[NodeId, Message]] = []
        self.open: dict[NodeId, PeerInfo] = {}
        self.closed: list[tuple[NodeId, DropReason]] = []
        self.address = Address("", 0)
        self.take: Callable[[NodeId, Message, int], None] | None = None
        self._changed = asyncio.Event()
        self.ticks = 0
        """How often the transport has looked at the clock."""

        def look() -> int:
            self.ticks += 1
            return clock()

        self.transport = Transport(
            config,
            identity(
                node,
                compression=compression.offer if compression else CompressionOffer(),
                **changes,
            ),
            seed_of(node) if seed is None else seed,
            codec(),
            self,
            random.Random(node),
            {NodeId(each): address for each, address in (targets or {}).items()},
            compression,
            clock=look,
        )

    async def start(self) -> None:
        self.address = await self.transport.start(self)

    # Observer and Receiver.

    def on_event(self, event: TraceEvent) -> None:
        self.events.append(event)
        self._changed.set()

    def on_message(self, peer: NodeId, message: Message, size: int) -> None:
        if self.take is not None:
            self.take(peer, message, size)
        else:
            self.messages.append((peer, message))
        self._changed.set()

    def on_peer_opened(self, peer: PeerInfo) -> None:
        self.open[peer.node] = peer
        self._changed.set()

    def on_peer_closed(self, peer: NodeId, reason: DropReason) -> None:
        del self.open[peer]
        self.closed.append((peer, reason))
        self._changed.set()

    # What tests wait for.

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait until something holds that only changes when the transport says something."""
        try:
            async with asyncio.timeout(LIMIT_SECONDS):
                while not holds():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            counters = self.transport.counters
            raise AssertionError(f"never; events {self.events[-20:]}, {counters}") from None

    async def until_open(self, *nodes: int) -> None:
        await self.until(lambda: all(NodeId(node) in self.open for node in nodes))

    async def until_received(self, count: int) -> None:
        await self.until(lambda: len(self.messages) >= count)

    async def event(self, kind: type[TraceEvent], **fields: object) -> TraceEvent:
        """Wait for an event with these fields, and return it."""

        def found() -> list[TraceEvent]:
            return [
                event
                for event in self.events
                if type(event) is kind
                and all(getattr(event, name) == value for name, value in fields.items())
            ]

        await self.until(found)
        return found()[-1]


async def poll(holds: Callable[[], object]) -> None:
    """Wait for something that nobody announces."""
    async with asyncio.timeout(LIMIT_SECONDS):
        while not holds():
            await asyncio.sleep(0.002)


@asynccontextmanager
async def nodes(*made: Node) -> AsyncIterator[tuple[Node, ...]]:
    """Start nodes, and close them whatever happens."""
    alarm = asyncio.get_running_loop().call_later(DEADLINE_SECONDS - 1, show, made)
    try:
        for node in made:
            await node.start()
        yield made
    finally:
        await asyncio.gather(*[node.transport.close() for node in made])
        alarm.cancel()


def show(made: Iterable[Node]) -> None:
    """Print what nodes have to do with one another, and what waits for what."""
    for node in made:
        transport = node.transport
        print(f"node {transport.own}: {transport.counters}, dials {transport._dialler._tasks}")  # noqa: T201
        for link in transport._connections.links.values():
            print(f"  link {link.order}: {link.side}, {link.stage}, {link.address}", end=", ")  # noqa: T201
            print(f"{link._transport}, paused: {link.intake.is_paused}")  # noqa: T201
        for event in node.events[-20:]:
            print(f"  {event}")  # noqa: T201
    for task in asyncio.all_tasks():
        task.print_stack(file=sys.stdout)


def link_all(*made: Node) -> None:
    """Let every node dial every other one."""
    for one in made:
        for other in made:
            one.transport.add_target(other.transport.own, other.address)


async def within_deadline(main: Coroutine[Any, Any, None], seconds: float) -> None:
    deadline = asyncio.timeout(seconds)
    try:
        async with deadline:
            await main
    except TimeoutError:
        assert not deadline.expired(), f"not done after {seconds} s; standard output says why"
        raise


def run(
    main: Coroutine[Any, Any, None],
    loops: Callable[[], asyncio.AbstractEventLoop],
    seconds: float = DEADLINE_SECONDS,
) -> None:
    """Run a test, which fails at the deadline.

    What does not even let itself be cancelled ends the process, after twice the time.
    """
    faulthandler.dump_traceback_later(2 * seconds, exit=True, file=STDERR)
    try:
        with asyncio.Runner(loop_factory=loops) as runner:
            runner.run(within_deadline(main, seconds))
    finally:
        faulthandler.cancel_dump_traceback_later()
