"""Back-pressure from one end to the other, and what a slow peer costs: measured, not supposed."""

import asyncio
import dataclasses
import gc
import tracemalloc
from functools import partial
from types import MappingProxyType

from network.outbox import BOUNDS, Bound, DropRule, Traffic
from network.transport import (
    DropReason,
    Inbox,
    PeerClosed,
    PeerThrottled,
    QueueOverflowed,
    Rates,
    RoomLimits,
    TransportConfig,
)
from network.transport.link import Link
from primitives.ids import Duration, Instant, NodeId
from tests.unit.network.transport.conftest import Loops
from tests.unit.network.transport.stranger import Stranger
from tests.unit.network.transport.world import (
    CONFIG,
    MILLISECOND,
    PATIENCE,
    SECOND,
    Node,
    Vote,
    block,
    codec,
    nodes,
    poll,
    run,
)

A, B = NodeId(0), NodeId(1)
MEBIBYTE = 1 << 20
BLOCK = 64 * 1024


def is_paused_anew(node: Node, connections: int) -> bool:
    """Tell whether a node that has had so many connections does not read from the last one."""
    peer = node.transport._roster.get(B)
    opened = node.transport.counters.opened == connections
    return opened and peer is not None and peer.link is not None and peer.link.intake.is_paused


def has_sent(node: Node, more_than: int) -> bool:
    return node.transport.counters.bytes_sent > more_than


def bounded(traffic: Traffic, bound: Bound) -> TransportConfig:
    return dataclasses.replace(CONFIG, bounds=MappingProxyType({**BOUNDS, traffic: bound}))


def test_a_full_inbox_makes_the_sender_wait_and_nobody_keep_more(loops: Loops) -> None:
    async def main() -> None:
        config = bounded(Traffic.SYNC, Bound(1_000, 2 * MEBIBYTE, DropRule.NEWEST))
        async with nodes(Node(0, config), Node(1)) as (a, b):
            inbox = Inbox(1_000, MEBIBYTE, b.transport.pause, b.transport.resume)
            b.take = inbox.put
            a.transport.add_target(B, b.address)
            await a.until_open(1)
            await b.until_open(0)
            gc.collect()
            tracemalloc.start()
            sent = kept = 0
            while sent < 128 * MEBIBYTE:
                before = a.transport.counters.bytes_sent
                kept += a.transport.send(B, block(BLOCK, kept))
                sent += BLOCK
                if a.transport.peers()[0].queued_messages > 8 and not inbox.length:
                    await poll(partial(has_sent, a, before))
            await b.until(lambda: b.transport.counters.paused)
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            # Sockets apart, no more than the inbox, the outbox and a few reads and writes.
            assert peak < 8 * MEBIBYTE
            assert inbox.bytes < 2 * MEBIBYTE
            assert a.transport.counters.messages_dropped[Traffic.SYNC] == sent // BLOCK - kept
            await a.event(QueueOverflowed, traffic=Traffic.SYNC)
            # All that was kept comes through, in order, when the node goes on.
            numbers: list[int] = []
            while len(numbers) < kept:
                await b.until(lambda: inbox.length)
                while (arrival := inbox.take()) is not None:
                    numbers.append(arrival[1].request)  # type: ignore[attr-defined]
            assert numbers == list(range(kept))

    run(main(), loops)


def test_a_new_connection_is_no_way_into_a_full_inbox(loops: Loops) -> None:
    async def main() -> None:
        async with nodes(Node(0)) as (a,):
            inbox = Inbox(100, 64 * MEBIBYTE, a.transport.pause, a.transport.resume)
            a.take = inbox.put
            for number in range(5):
                pusher = await Stranger.over_tls(a.address, 1)
                await pusher.shake_hands(1, bytes([number]) * 32)
                pusher.writer.write(codec().encode(Vote(1)) * 1_000)
                await poll(partial(is_paused_anew, a, number + 1))
                assert 100 <= inbox.length <= 100 + number
                pusher.abort()
            while inbox.take() is not None:
                pass

    run(main(), loops)


def test_a_peer_that_is_paused_stays_so_when_it_comes_back(loops: Loops) -> None:
    async def main() -> None:
        async with nodes(Node(0), Node(1)) as (a, b):
            b.transport.add_target(A, a.address)
            await a.until_open(1)
            a.transport.pause(B)
            async with nodes(Node(1, targets={0: a.address})) as (successor,):
                await a.until(lambda: a.transport.counters.dropped.get(DropReason.REPLACED))
                await successor.until_open(0)
                successor.transport.send(A, Vote(1))
                a.transport.send(B, Vote(2))
                await successor.until_received(1)
                assert is_paused_anew(a, 2)
                assert not a.messages
                a.transport.resume(B)
                await a.until_received(1)

    run(main(), loops)


def test_the_urgent_overtakes_what_waits(loops: Loops) -> None:
    async def main() -> None:
        async with nodes(Node(0), Node(1)) as (a, b):
            a.transport.add_target(B, b.address)
            await a.until_open(1)
            await b.until_open(0)
            b.transport.pause(A)
            for number in range(200):
                a.transport.send(B, block(BLOCK, number))
            await poll(lambda: a.transport.counters.bytes_sent > MEBIBYTE)
            a.transport.send(B, Vote(1))
            b.transport.resume(A)
            await b.until_received(201)
            place = [type(message) for _, message in b.messages].index(Vote)
            assert place < 150
            b.messages.pop(place)
            assert [message.request for _, message in b.messages] == list(range(200))  # type: ignore[attr-defined]

    run(main(), loops)


def test_whoever_always_has_more_to_say_still_asks_and_answers(loops: Loops) -> None:
    async def main() -> None:
        patience = dataclasses.replace(
            PATIENCE, ping=Duration(10 * MILLISECOND), tick=Duration(5 * MILLISECOND)
        )
        config = dataclasses.replace(CONFIG, patience=patience)
        async with nodes(Node(0, config), Node(1, config)) as (a, b):
            b.take = lambda peer, message, size: None
            a.transport.add_target(B, b.address)
            await a.until_open(1)
            await b.until_open(0)

            def talks() -> bool:
                while a.open and a.transport.peers()[0].queued_messages < 50:
                    a.transport.send(B, block(BLOCK))
                return a.transport.counters.pongs >= 3 and b.transport.counters.pongs >= 3

            await poll(talks)
            assert not a.closed

    run(main(), loops)


def test_a_peer_that_reads_nothing_is_slow(loops: Loops) -> None:
    async def main() -> None:
        stall = Duration(200 * MILLISECOND)
        config = dataclasses.replace(CONFIG, patience=dataclasses.replace(PATIENCE, stall=stall))
        async with nodes(Node(0, config)) as (a,):
            lazy = await Stranger.over_tls(a.address, 1)
            await lazy.shake_hands(1)
            lazy.writer.transport.pause_reading()  # type: ignore[attr-defined]
            await a.until_open(1)
            for number in range(200):
                a.transport.send(B, block(BLOCK, number))
            closed = await a.event(PeerClosed, reason=DropReason.SLOW)
            assert "nothing was taken" in closed.detail  # type: ignore[attr-defined]
            lazy.abort()

    run(main(), loops)


def test_a_peer_that_would_miss_votes_is_let_go(loops: Loops) -> None:
    async def main() -> None:
        config = bounded(Traffic.CONSENSUS, Bound(1_000, MEBIBYTE, DropRule.PEER))
        async with nodes(Node(0, config)) as (a,):
            lazy = await Stranger.over_tls(a.address, 1)
            await lazy.shake_hands(1)
            lazy.writer.transport.pause_reading()  # type: ignore[attr-defined]
            await a.until_open(1)
            gc.collect()
            tracemalloc.start()
            number = 0
            while a.open:
                number += 1
                a.transport.send(B, Vote(number, bytes(10_000)))
                if number % 50 == 0:
                    before = a.transport.counters.writes
                    written = number

                    def moved(before: int = before, written: int = written) -> bool:
                        waiting = a.transport.peers()[0].queued_messages if a.open else 0
                        return a.transport.counters.writes > before or waiting < written

                    await poll(moved)
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert peak < 4 * MEBIBYTE
            assert a.closed == [(B, DropReason.SLOW)]
            assert not a.transport.peers()
            lazy.abort()

    run(main(), loops)


def test_bytes_over_the_rate_are_read_later_and_all_of_them(loops: Loops) -> None:
    async def main() -> None:
        rates = Rates(bytes_per_second=MEBIBYTE, bytes_burst=MEBIBYTE // 4)
        async with nodes(Node(0), Node(1, dataclasses.replace(CONFIG, rates=rates))) as (a, b):
            a.transport.add_target(B, b.address)
            await a.until_open(1)
            await b.until_open(0)
            for number in range(20):
                a.transport.send(B, block(BLOCK, number))
            await b.until_received(20)
            throttled = await b.event(PeerThrottled, limit="bytes")
            assert throttled.node == A  # type: ignore[attr-defined]
            assert not b.closed

    run(main(), loops)


def test_what_waits_for_a_peer_that_is_gone_is_sent_when_it_comes_back_soon(loops: Loops) -> None:
    async def main() -> None:
        async with nodes(Node(0), Node(1)) as (a, b):
            address = b.address
            a.transport.add_target(B, address)
            await a.until_open(1)
            await b.transport.close()
            await a.until(lambda: not a.open)
            assert a.transport.send(B, Vote(9))
            config = dataclasses.replace(CONFIG, port=address.port)
            async with nodes(Node(1, config)) as (again,):
                await again.until_received(1)
                assert again.messages == [(A, Vote(9))]

    run(main(), loops)


def test_what_has_waited_too_long_is_not_sent_any_more(loops: Loops) -> None:
    async def main() -> None:
        hold = Duration(50 * MILLISECOND)
        config = dataclasses.replace(CONFIG, patience=dataclasses.replace(PATIENCE, hold=hold))
        async with nodes(Node(0, config), Node(1)) as (a, b):
            address = b.address
            await b.transport.close()
            a.transport.add_target(B, address)
            assert a.transport.send(B, Vote(9))
            await poll(lambda: a.transport.counters.messages_dropped[Traffic.CONSENSUS] == 1)
            assert a.transport.peers() == []

    run(main(), loops)


def test_whoever_is_unknown_is_sent_nothing(loops: Loops) -> None:
    async def main() -> None:
        async with nodes(Node(0)) as (a,):
            assert not a.transport.send(NodeId(77), Vote(1))
            assert a.transport.counters.messages_unreachable == 1

    run(main(), loops)


def test_answers_that_nobody_takes_have_a_bound_for_all_that_ask(loops: Loops) -> None:
    async def main() -> None:
        rooms = RoomLimits(others_waiting=16 * MEBIBYTE)
        async with nodes(Node(0, dataclasses.replace(CONFIG, rooms=rooms))) as (a,):
            lazy = [await Stranger.over_tls(a.address, 10 + number) for number in range(12)]
            for number, each in enumerate(lazy):
                await each.shake_hands(10 + number, bytes([number]) * 32)
                each.writer.transport.pause_reading()  # type: ignore[attr-defined]
            await a.until(lambda: len(a.open) == 12)
            honest = Node(30, targets={0: a.address})
            async with nodes(honest):
                await honest.until_open(0)
                for number in range(12):
                    for part in range(200):
                        a.transport.send(NodeId(10 + number), block(BLOCK, part))
                    # What is there after it has been written is what waits.
                    await poll(partial(is_stalled, a, 10 + number))
                    waiting = [each.queued_bytes for each in a.transport.peers()]
                    assert sum(waiting) <= 16 * MEBIBYTE + 12 * 2 * CONFIG.write_bytes
                for part in range(50):
                    await poll(partial(a.transport.send, NodeId(30), block(BLOCK, part)))
                await honest.until_received(50)
                # A broadcast is kept once, whoever it waits for.
                reached = a.transport.broadcast(list(a.open), block(3 * MEBIBYTE))
                assert reached == len(a.open)
            assert {reason for _, reason in a.closed} <= {DropReason.SLOW, DropReason.PEER_LEFT}
            assert a.transport.counters.dropped[DropReason.SLOW]
            for each in lazy:
                each.abort()

    run(main(), loops)


def test_for_the_room_of_answers_those_go_first_who_have_more_than_their_share(
    loops: Loops,
) -> None:
    async def main() -> None:
        rooms = RoomLimits(others_waiting=16 * MEBIBYTE)
        patience = dataclasses.replace(PATIENCE, stall=Duration(3_600 * SECOND))
        config = dataclasses.replace(CONFIG, rooms=rooms, patience=patience)
        async with nodes(Node(0, config)) as (a,):
            slow, *greedy = [await Stranger.over_tls(a.address, 10 + each) for each in range(3)]
            for number, each in enumerate((slow, *greedy)):
                await each.shake_hands(10 + number, bytes([number]) * 32)
                each.writer.transport.pause_reading()  # type: ignore[attr-defined]
            await a.until(lambda: len(a.open) == 3)
            while moving := [each for each in (10, 11, 12) if not is_stalled(a, each)]:
                for number in moving:
                    assert a.transport.send(NodeId(number), block(BLOCK))
                await asyncio.sleep(0)
            # From here on nothing can be taken, for the loop does nothing else.
            link_of(a, 10).outlet.paused_at = Instant(0)
            a.transport.send(NodeId(10), block(BLOCK))
            for number in (11, 12):
                for part in range(150):
                    a.transport.send(NodeId(number), block(BLOCK, part))
            ((gone, reason),) = a.closed
            assert gone in (11, 12)
            assert reason is DropReason.SLOW
            for each in (slow, *greedy):
                each.abort()

    run(main(), loops)


def link_of(node: Node, peer: int) -> Link:
    found = node.transport._roster.get(NodeId(peer))
    assert found is not None
    assert found.link is not None
    return found.link


def is_stalled(node: Node, peer: int) -> bool:
    found = node.transport._roster.get(NodeId(peer))
    return found is None or found.link is None or found.link.outlet.paused_at is not None
