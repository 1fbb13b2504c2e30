"""All peers together have a bound, which costs no honest one anything but time."""

import dataclasses
from functools import partial

import pytest

from network.codec import HEADER_BYTES, Codec
from network.compression import Algorithm, Compression, CompressionPolicy
from network.messages import CertifiedBlocks
from network.transport import DropReason, Inbox, PeerClosed, RoomLimits, TransportConfig
from primitives.errors import InvalidInput
from primitives.ids import Duration, NodeId
from tests.unit.network.transport.conftest import Loops
from tests.unit.network.transport.stranger import Stranger, header, impatient
from tests.unit.network.transport.world import (
    CODEC_LIMITS,
    CONFIG,
    MEBIBYTE,
    SECOND,
    Node,
    Vote,
    block,
    codec,
    nodes,
    poll,
    run,
)

LONGEST = CODEC_LIMITS[CertifiedBlocks]
ROOM = 3 * LONGEST
"""Holds one message of the longest kind beside everybody's share, and no second one."""
GUESTS = 128


def limited(config: TransportConfig = CONFIG) -> TransportConfig:
    return dataclasses.replace(config, rooms=RoomLimits(ROOM, ROOM))


async def guest(node: Node, number: int) -> Stranger:
    found = await Stranger.over_tls(node.address, number)
    await found.shake_hands(number, bytes([number]) * 32)
    return found


def has_waited(node: Node, times: int) -> bool:
    return node.transport.counters.crowded >= times


def has_come(node: Node, more_than: int) -> bool:
    return node.transport.counters.bytes_received > more_than


def test_of_many_long_messages_that_never_end_only_as_many_begin_as_there_is_room_for(
    loops: Loops,
) -> None:
    async def main() -> None:
        async with nodes(Node(0, limited())) as (a,):
            hoarders = [await guest(a, 10 + number) for number in range(6)]
            for hoarder in hoarders:
                hoarder.writer.write(header(LONGEST, CertifiedBlocks) + bytes(LONGEST - 1))
            await poll(partial(has_waited, a, 5))
            await poll(partial(has_come, a, LONGEST))
            _, others = a.transport.rooms.used
            assert others == HEADER_BYTES + LONGEST
            held = sum([each.held_bytes for each in a.transport.peers()])
            assert held <= LONGEST + 6 * (256 << 10)
            # A validator has a room of its own, and a follower its share.
            async with nodes(Node(3, targets={0: a.address})) as (friend,):
                await friend.until_open(0)
                friend.transport.send(NodeId(0), block(LONGEST - 100))
                await a.until_received(1)
            small = await guest(a, 20)
            small.writer.write(codec().encode(Vote(1, bytes(ROOM // 2 // GUESTS - 100))))
            await a.until_received(2)
            for each in (small, *hoarders):
                each.abort()
            await a.until(lambda: not a.open)
            assert a.transport.rooms.used == (0, 0)

    run(main(), loops)


def test_who_waits_for_room_is_let_on_and_who_keeps_it_for_too_long_is_dropped(
    loops: Loops,
) -> None:
    async def main() -> None:
        config = limited(impatient(body=Duration(SECOND // 2)))
        async with nodes(Node(0, config)) as (a,):
            hoarder, honest = await guest(a, 10), await guest(a, 11)
            hoarder.writer.write(header(LONGEST, CertifiedBlocks) + bytes(LONGEST // 2))
            await poll(lambda: a.transport.rooms.used[1])
            honest.writer.write(codec().encode(block(LONGEST - 100, 7)))
            await a.until_received(1)
            assert a.messages == [(NodeId(11), block(LONGEST - 100, 7))]
            closed = await a.event(PeerClosed)
            assert (closed.node, closed.reason) == (10, DropReason.HOARDING)  # type: ignore[attr-defined]
            assert await hoarder.is_dropped()
            # It is no lie, so it may come back.
            again = await guest(a, 10)
            again.writer.write(codec().encode(Vote(1)))
            await a.until_received(2)
            for each in (honest, again):
                each.abort()

    run(main(), loops)


def test_who_waits_is_not_dropped_and_all_that_all_have_sent_comes(loops: Loops) -> None:
    async def main() -> None:
        config = limited(impatient(ping=Duration(SECOND // 50), pong=Duration(SECOND)))
        async with nodes(Node(0, config)) as (a,):
            inbox = Inbox(
                1_000, 1 << 30, a.transport.pause, a.transport.resume, a.transport.rooms.hold
            )
            a.take = inbox.put
            guests = [await guest(a, 10 + number) for number in range(5)]
            for number, each in enumerate(guests):
                for part in range(3):
                    each.writer.write(codec().encode(block(LONGEST // 2, 10 * number + part)))
            await poll(partial(has_waited, a, 3))
            assert inbox.bytes <= ROOM
            taken: list[int] = []
            while len(taken) < 15:
                await a.until(lambda: inbox.length)
                assert inbox.bytes <= ROOM
                arrival = inbox.take()
                assert arrival is not None
                taken.append(arrival[1].request)  # type: ignore[attr-defined]
            assert sorted(taken) == sorted(10 * n + part for n in range(5) for part in range(3))
            assert not a.closed
            for each in guests:
                each.abort()
            await a.until(lambda: not a.open)
            assert a.transport.rooms.used == (0, 0)

    run(main(), loops)


@pytest.mark.parametrize("algorithm", Algorithm)
def test_what_unpacks_to_a_thousand_times_its_length_counts_as_it_is_then(
    loops: Loops, algorithm: Algorithm
) -> None:
    async def main() -> None:
        policy = CompressionPolicy(prefer=(algorithm,))
        compression = Compression(policy)
        async with nodes(
            Node(0, limited(), compression=Compression(policy)),
            Node(1, compression=compression),
        ) as (a, b):
            inbox = Inbox(
                1_000, LONGEST, a.transport.pause, a.transport.resume, a.transport.rooms.hold
            )
            a.take = inbox.put
            b.transport.add_target(NodeId(0), a.address)
            await b.until_open(0)
            for number in range(5):
                assert b.transport.send(NodeId(0), block(LONGEST // 2, number))
            await a.until(lambda: a.transport.counters.paused)
            assert a.transport.counters.bytes_received < LONGEST
            assert LONGEST <= inbox.bytes <= 2 * LONGEST
            taken: list[int] = []
            while len(taken) < 5:
                await a.until(lambda: inbox.length)
                arrival = inbox.take()
                assert arrival is not None
                taken.append(arrival[1].request)  # type: ignore[attr-defined]
            assert taken == list(range(5))

    run(main(), loops)


@pytest.mark.parametrize(
    "bound", ["validators_room", "others_room", "validators_waiting", "others_waiting"]
)
def test_a_bound_that_holds_no_message_of_the_longest_kind_is_refused(bound: str) -> None:
    config = dataclasses.replace(CONFIG, rooms=RoomLimits(**{bound: 4 * MEBIBYTE}))
    with pytest.raises(InvalidInput, match=rf"network\.{bound}: expected at least"):
        Node(0, config)


def test_codecs_of_tests_have_the_limits_that_they_need() -> None:
    assert max([kind.limit for kind in Codec(CODEC_LIMITS, CODEC_LIMITS).kinds]) == LONGEST
