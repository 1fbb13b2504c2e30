"""What somebody may do before a node knows who it is: it costs little, and ends by itself."""

import asyncio
import contextlib
import dataclasses
import resource
import socket
import ssl

import pytest

from network.frames import FrameReader
from network.handshake_messages import handshake_codec
from network.transport import (
    DialFailed,
    DropReason,
    Rates,
    Slots,
    StrangerDropped,
)
from network.transport.control import Ping
from primitives.ids import Duration, Hash32, NodeId
from tests.unit.network.transport.conftest import Loops
from tests.unit.network.transport.stranger import (
    Stranger,
    control,
    hello_of,
    impatient,
    serves_others,
)
from tests.unit.network.transport.world import (
    CONFIG,
    MILLISECOND,
    Node,
    Vote,
    nodes,
    poll,
    run,
    seed_of,
)

HANDSHAKE = Duration(2_000 * MILLISECOND)
"""Long enough for TLS on a machine that is very busy."""
OTHER_GENESIS = Hash32(b"o" * 32)


def test_bytes_that_are_no_tls_end_at_once(loops: Loops) -> None:
    async def main() -> None:
        async with nodes(Node(0)) as (a,):
            stranger = await Stranger.connect(a.address, None)
            stranger.writer.write(b"GET / HTTP/1.1\r\n\r\n" * 100)
            assert await stranger.is_dropped()
            await a.event(StrangerDropped, reason=DropReason.TLS)
            await serves_others(a)

    run(main(), loops)


def test_a_certificate_of_another_network_is_refused_by_both_ends(loops: Loops) -> None:
    async def main() -> None:
        async with nodes(Node(0), Node(1, genesis=OTHER_GENESIS)) as (a, b):
            b.transport.add_target(NodeId(0), a.address)
            failed = await b.event(DialFailed, reason=DropReason.TLS)
            assert "certificate verify failed" in failed.detail  # type: ignore[attr-defined]
            await a.event(StrangerDropped, reason=DropReason.TLS)
            await serves_others(a)

    run(main(), loops)


def test_a_client_without_a_certificate_is_refused(loops: Loops) -> None:
    async def main() -> None:
        async with nodes(Node(0)) as (a,):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            # In TLS 1.3 the client is done before the server has seen that nothing came.
            stranger = await Stranger.connect(a.address, context)
            assert await stranger.is_dropped()
            await a.event(StrangerDropped, reason=DropReason.TLS)

    run(main(), loops)


def test_tls_before_1_3_is_refused(loops: Loops) -> None:
    async def main() -> None:
        async with nodes(Node(0)) as (a,):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            with pytest.raises(OSError):  # noqa: PT011
                await Stranger.connect(a.address, context)
            dropped = await a.event(StrangerDropped, reason=DropReason.TLS)
            assert "UNSUPPORTED_PROTOCOL" in dropped.detail  # type: ignore[attr-defined]

    run(main(), loops)


def test_a_validator_with_another_key_is_refused(loops: Loops) -> None:
    async def main() -> None:
        async with nodes(Node(0), Node(1, seed=seed_of(99))) as (a, liar):
            liar.transport.add_target(NodeId(0), a.address)
            failed = await liar.event(DialFailed, reason=DropReason.REFUSED)
            assert "(key)" in failed.detail  # type: ignore[attr-defined]
            dropped = await a.event(StrangerDropped, reason=DropReason.REFUSED)
            assert "(key)" in dropped.detail  # type: ignore[attr-defined]
            assert not a.open

    run(main(), loops)


def test_who_is_dialled_must_be_who_was_meant(loops: Loops) -> None:
    async def main() -> None:
        async with nodes(Node(0), Node(2)) as (a, other):
            a.transport.add_target(NodeId(1), other.address)
            failed = await a.event(DialFailed, reason=DropReason.REFUSED)
            assert "(node)" in failed.detail  # type: ignore[attr-defined]
            assert not a.open
            assert not other.open

    run(main(), loops)


@pytest.mark.parametrize(
    "said",
    [b"\xff" * 64, (1 << 30).to_bytes(4, "big") + bytes(4), control(Ping(1))],
    ids=["garbage", "huge length", "another message"],
)
def test_what_is_no_handshake_is_refused_and_the_peer_is_told(loops: Loops, said: bytes) -> None:
    async def main() -> None:
        async with nodes(Node(0)) as (a,):
            stranger = await Stranger.over_tls(a.address, 1)
            stranger.writer.write(said)
            reader = FrameReader(handshake_codec())
            while not (frames := reader.feed(await stranger.reader.read(1 << 16))):
                pass
            assert frames[0].kind.type.__name__ == "Refusal"
            assert await stranger.is_dropped()
            await a.event(StrangerDropped, reason=DropReason.REFUSED)

    run(main(), loops)


def test_a_handshake_that_somebody_else_has_made_is_refused(loops: Loops) -> None:
    async def main() -> None:
        async with nodes(Node(0)) as (a,):
            # Validator 1 has spoken, and everything it has said was recorded.
            spoken = await Stranger.over_tls(a.address, 1)
            await spoken.shake_hands(1)
            await a.until_open(1)
            spoken.abort()
            await a.until(lambda: not a.open)
            # By another key, it does not even begin.
            thief = await Stranger.over_tls(a.address, 2)
            thief.writer.write(b"".join(spoken.sent))
            assert await thief.is_dropped()
            dropped = await a.event(StrangerDropped, reason=DropReason.REFUSED)
            assert "its certificate's" in dropped.detail  # type: ignore[attr-defined]
            # With the same key, its old proof proves nothing on a new channel.
            again = await Stranger.over_tls(a.address, 1)
            again.writer.write(b"".join(spoken.sent))
            assert await again.is_dropped()
            await a.until(
                lambda: [
                    event
                    for event in a.events
                    if isinstance(event, StrangerDropped) and "(channel)" in event.detail
                ]
            )
            assert not a.open

    run(main(), loops)


def test_tls_that_was_recorded_is_worth_nothing(loops: Loops) -> None:
    async def main() -> None:
        async with nodes(Node(0)) as (a,):
            recorded = bytearray()

            async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                real = await Stranger.connect(a.address, None)

                async def back() -> None:
                    while data := await real.reader.read(1 << 16):
                        writer.write(data)

                task = asyncio.ensure_future(back())
                while data := await reader.read(1 << 16):
                    recorded.extend(data)
                    real.writer.write(data)
                task.cancel()
                await real.close()
                writer.close()

            server = await asyncio.start_server(relay, "127.0.0.1", 0)
            host, port = server.sockets[0].getsockname()
            b = Node(1)
            async with nodes(b):
                b.transport.add_target(NodeId(0), type(a.address)(host, port))
                await a.until_open(1)  # whoever passes on what is said changes nothing
                b.transport.send(NodeId(0), Vote(5))
                await a.until_received(1)
            replay = await Stranger.connect(a.address, None)
            replay.writer.write(bytes(recorded))
            assert await replay.is_dropped()
            await a.event(StrangerDropped, reason=DropReason.TLS)
            assert len(a.messages) == 1
            server.close()
            await server.wait_closed()

    run(main(), loops)


@pytest.mark.parametrize("tls", [False, True], ids=["before TLS", "after TLS"])
def test_who_says_nothing_is_dropped_before_long(loops: Loops, tls: bool) -> None:
    async def main() -> None:
        async with nodes(Node(0, impatient(handshake=HANDSHAKE))) as (a,):
            if tls:
                stranger = await Stranger.over_tls(a.address, 1)
                stranger.writer.write(handshake_codec().encode(hello_of(1))[:20])
            else:
                stranger = await Stranger.connect(a.address, None)
            assert await stranger.is_dropped()
            await a.event(StrangerDropped, reason=DropReason.HANDSHAKE_TIMEOUT)
            await poll(lambda: a.transport.connections == 0)

    run(main(), loops)


def test_connections_that_say_nothing_drive_out_one_another_and_nobody_else(loops: Loops) -> None:
    async def main() -> None:
        slots = Slots(pending=16, pending_per_address=8, per_address=10_000)
        patient = impatient(handshake=Duration(60_000 * MILLISECOND))
        async with nodes(Node(0, dataclasses.replace(patient, slots=slots))) as (a,):
            idle = [await Stranger.connect(a.address, None) for _ in range(100)]
            await poll(lambda: a.transport.counters.evicted == 92)
            assert a.transport.connections == 8
            await serves_others(a)
            for stranger in idle:
                await stranger.close()
            await poll(lambda: a.transport.connections == 0)

    run(main(), loops)


def test_a_node_without_descriptors_accepts_again_when_it_has_some(loops: Loops) -> None:
    async def main() -> None:
        async with nodes(Node(0)) as (a,):
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            with socket.socket() as client:
                client.setblocking(False)
                try:
                    resource.setrlimit(resource.RLIMIT_NOFILE, (client.fileno() + 1, hard))
                    with contextlib.suppress(BlockingIOError):
                        client.connect((a.address.host, a.address.port))
                    await poll(lambda: a.transport.counters.exhausted)
                    assert a.transport.counters.accepted == 0
                finally:
                    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
                await poll(lambda: a.transport.counters.accepted)
            await serves_others(a)

    run(main(), loops)


def test_who_connects_too_often_is_turned_away(loops: Loops) -> None:
    async def main() -> None:
        rates = Rates(connections_per_second=1, connections_burst=5)
        config = dataclasses.replace(CONFIG, rates=rates)
        async with nodes(Node(0, config, clock=lambda: 0)) as (a,):
            made = [await Stranger.connect(a.address, None) for _ in range(50)]
            await poll(lambda: a.transport.counters.turned_away == 45)
            assert a.transport.counters.accepted == 5, "no time has passed"
            for stranger in made:
                await stranger.close()

    run(main(), loops)
