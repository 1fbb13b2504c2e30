"""What a peer may do that has shaken hands: each costs bounded memory, and has its own reason."""

import asyncio
import contextlib
import dataclasses
import time
import tracemalloc

import pytest
import zstandard

from network.codec import Encoding, frame_of
from network.compression import Algorithm, Compression, CompressionPolicy
from network.handshake_messages import handshake_codec
from network.messages import LIMITS, CertifiedBlocks
from network.transport import (
    DropReason,
    PeerClosed,
    PeerThrottled,
    Rates,
)
from network.transport.control import Goodbye, Ping, Pong
from primitives.ids import NodeId
from tests.unit.network.transport.conftest import Loops
from tests.unit.network.transport.stranger import (
    SHORT,
    Stranger,
    control,
    header,
    hello_of,
    impatient,
    serves_others,
)
from tests.unit.network.transport.world import (
    CONFIG,
    SECOND,
    Node,
    Vote,
    codec,
    nodes,
    poll,
    run,
)

GUEST = 9
"""No validator."""


@pytest.mark.parametrize(
    ("said", "detail"),
    [
        (b"\xff" * 64, "frame.version"),
        (header(LIMITS[CertifiedBlocks] + 1, CertifiedBlocks), "CertifiedBlocks.body"),
        (header((1 << 32) - 1, CertifiedBlocks), "CertifiedBlocks.body"),
        (header(5, Vote) + b"\xc1" * 5, "Vote"),
        (handshake_codec().encode(hello_of(1)), "no Hello after the handshake"),
    ],
    ids=["garbage", "a length over the limit", "a huge length", "a body", "a second handshake"],
)
def test_malformed_bytes_end_the_connection_and_shut_the_peer_out(
    loops: Loops, said: bytes, detail: str
) -> None:
    async def main() -> None:
        async with nodes(Node(0)) as (a,):
            liar = await Stranger.over_tls(a.address, 1)
            await liar.shake_hands(1)
            await a.until_open(1)
            liar.writer.write(codec().encode(Vote(1)) + said)
            assert await liar.is_dropped()
            closed = await a.event(PeerClosed, reason=DropReason.MALFORMED)
            assert detail in closed.detail  # type: ignore[attr-defined]
            assert a.messages == [(NodeId(1), Vote(1))]  # what came before is good
            again = await Stranger.over_tls(a.address, 1)
            with pytest.raises(ConnectionError, match="banned"):
                await again.shake_hands(1, b"m" * 32)
            await again.close()
            await serves_others(a)

    run(main(), loops)


def test_a_claimed_length_costs_nothing_until_its_bytes_come(loops: Loops) -> None:
    async def main() -> None:
        async with nodes(Node(0)) as (a,):
            liar = await Stranger.over_tls(a.address, 1)
            await liar.shake_hands(1)
            liar.writer.write(header(12 << 20, CertifiedBlocks) + bytes(1_000))
            await poll(lambda: a.transport.peers() and a.transport.peers()[0].held_bytes)
            assert a.transport.peers()[0].held_bytes < 4_096
            liar.abort()

    run(main(), loops)


def test_bodies_that_unpack_to_more_than_their_limit_are_not_unpacked(loops: Loops) -> None:
    async def main() -> None:
        policy = CompressionPolicy(prefer=(Algorithm.ZSTD,))
        async with nodes(Node(0, compression=Compression(policy))) as (a,):
            bomber = await Stranger.over_tls(a.address, 1)
            await bomber.shake_hands(1, compression=Compression(policy).offer)
            await a.until_open(1)
            body = zstandard.ZstdCompressor().compress(bytes(200 << 20))
            kind = next(kind for kind in codec().kinds if kind.type is CertifiedBlocks)
            tracemalloc.start()
            bomber.writer.write(frame_of(kind, Encoding.ZSTD, body))
            assert await bomber.is_dropped()
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            closed = await a.event(PeerClosed, reason=DropReason.MALFORMED)
            assert "when plain" in closed.detail  # type: ignore[attr-defined]
            assert peak < 1 << 20

    run(main(), loops)


def test_a_peer_that_does_not_answer_pings_is_silent(loops: Loops) -> None:
    async def main() -> None:
        async with nodes(Node(0, impatient(ping=SHORT, pong=SHORT))) as (a,):
            mute = await Stranger.over_tls(a.address, 1)
            await mute.shake_hands(1)
            assert await mute.is_dropped()
            await a.event(PeerClosed, reason=DropReason.SILENT)

    run(main(), loops)


def test_a_byte_now_and_then_does_not_keep_a_peer_alive(loops: Loops) -> None:
    async def main() -> None:
        async with nodes(Node(0, impatient(ping=SHORT, pong=SHORT))) as (a,):
            slow = await Stranger.over_tls(a.address, 1)
            await slow.shake_hands(1)
            slow.writer.write(header(1 << 20, CertifiedBlocks))

            async def drip() -> None:
                while not slow.writer.is_closing():
                    slow.writer.write(b"\x00")
                    await asyncio.sleep(0.01)

            task = asyncio.ensure_future(drip())
            await a.event(PeerClosed, reason=DropReason.SILENT)
            task.cancel()
            slow.abort()

    run(main(), loops)


def test_a_false_pong_is_no_answer(loops: Loops) -> None:
    async def main() -> None:
        async with nodes(Node(0, impatient(ping=SHORT, pong=SHORT))) as (a,):
            liar = await Stranger.over_tls(a.address, 1)
            await liar.shake_hands(1)
            liar.writer.write(b"".join([control(Pong(number)) for number in range(100, 200)]))
            assert await liar.is_dropped()
            await a.event(PeerClosed, reason=DropReason.SILENT)
            assert a.transport.counters.pongs == 0

    run(main(), loops)


@pytest.mark.parametrize(
    ("said", "node"),
    [(codec().encode(Vote(1)), 1), (control(Ping(1)), 1), (codec().encode(Vote(1)), GUEST)],
    ids=["messages", "pings", "messages of a follower"],
)
def test_a_flood_is_slowed_down_then_dropped(loops: Loops, said: bytes, node: int) -> None:
    async def main() -> None:
        rates = Rates(messages_per_second=2_000, messages_burst=200, flood=SHORT)
        if node == GUEST:
            rates = Rates(guest_messages_per_second=2_000, guest_messages_burst=200, flood=SHORT)
        async with nodes(Node(0, dataclasses.replace(CONFIG, rates=rates))) as (a,):
            flooder = await Stranger.over_tls(a.address, node)
            await flooder.shake_hands(node)
            await a.until_open(node)
            begun = time.monotonic_ns()

            async def flood() -> int:
                held = 0
                with contextlib.suppress(ConnectionError):
                    while a.transport.peers():
                        held = max(held, a.transport.peers()[0].held_bytes)
                        flooder.writer.write(said * 2_000)
                        await flooder.writer.drain()
                return held

            task = asyncio.ensure_future(flood())
            await a.event(PeerClosed, reason=DropReason.FLOOD)
            flooder.abort()
            held = await task
            counters = a.transport.counters
            assert counters.throttled
            assert len([e for e in a.events if isinstance(e, PeerThrottled)]) == 1
            seconds = (time.monotonic_ns() - begun) / SECOND
            assert sum(counters.messages_received) < 200 + 2_000 * (5 + seconds)
            assert counters.writes < 1_000
            assert held <= 1 << 20

    run(main(), loops)


def test_a_goodbye_of_unknown_sense_is_a_goodbye(loops: Loops) -> None:
    async def main() -> None:
        async with nodes(Node(0)) as (a,):
            leaver = await Stranger.over_tls(a.address, 1)
            await leaver.shake_hands(1)
            leaver.writer.write(control(Goodbye(250)))
            assert await leaver.is_dropped()
            await a.event(PeerClosed, reason=DropReason.PEER_LEFT)

    run(main(), loops)
