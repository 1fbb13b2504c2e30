"""Nodes on loopback exchange messages, whoever dials, restarts or leaves."""

import dataclasses
import time
from functools import partial

import pytest

from network.compression import Algorithm, Compression, CompressionPolicy
from network.handshake import Side
from network.transport import DialFailed, DropReason, PeerOpened, Slots
from network.transport.roster import takes_over
from primitives.ids import NodeId
from primitives.machine import Message
from tests.unit.network.transport.conftest import Loops
from tests.unit.network.transport.world import (
    CONFIG,
    Node,
    Vote,
    block,
    link_all,
    nodes,
    poll,
    run,
    seed_of,
)

A, B = NodeId(0), NodeId(1)


def is_linked(node: Node, connections: int) -> bool:
    return node.transport.connections == connections


def numbers(messages: list[tuple[NodeId, Message]]) -> list[int]:
    return [message.number for _, message in messages if isinstance(message, Vote)]


def openings(node: Node) -> int:
    return len([event for event in node.events if isinstance(event, PeerOpened)])


def test_two_nodes_exchange_messages_over_tls(loops: Loops) -> None:
    async def main() -> None:
        async with nodes(Node(0), Node(1)) as (a, b):
            a.transport.add_target(B, b.address)
            await a.until_open(1)
            await b.until_open(0)
            for number in range(1_000):
                assert a.transport.send(B, Vote(number))
            assert b.transport.send(A, block(3 << 20))
            await b.until_received(1_000)
            await a.until_received(1)
            assert b.messages == [(A, Vote(number)) for number in range(1_000)]
            assert a.messages == [(B, block(3 << 20))]
            (info,) = b.transport.peers()
            assert (info.node, info.dialled, info.queued_messages) == (A, False, 0)

    run(main(), loops)


def test_what_one_turn_sends_leaves_in_one_write(loops: Loops) -> None:
    async def main() -> None:
        async with nodes(Node(0), Node(1)) as (a, b):
            a.transport.add_target(B, b.address)
            await a.until_open(1)
            await b.until_open(0)
            before = a.transport.counters.writes
            for number in range(1_000):
                a.transport.send(B, Vote(number))
            assert a.transport.counters.writes == before
            await b.until_received(1_000)
            assert a.transport.counters.writes <= before + 3  # a ping or pong may come between

    run(main(), loops)


def test_bodies_are_compressed_as_both_ends_have_agreed(loops: Loops) -> None:
    async def main() -> None:
        made = [Compression(CompressionPolicy(prefer=(Algorithm.ZSTD,))) for _ in range(2)]
        pair = [Node(each, compression=made[each]) for each in range(2)]
        async with nodes(*pair, Node(2)) as (a, b, plain):
            a.transport.add_target(B, b.address)
            a.transport.add_target(NodeId(2), plain.address)
            await a.until_open(1, 2)
            await b.until_open(0)
            before = a.transport.counters.bytes_sent
            assert a.transport.broadcast([B, NodeId(2)], block(1 << 20)) == 2
            await b.until_received(1)
            await plain.until_received(1)
            assert b.messages == plain.messages == [(A, block(1 << 20))]
            assert a.transport.counters.bytes_sent - before < (1 << 20) + 4_096

    run(main(), loops)


def test_four_nodes_that_all_dial_one_another_keep_one_connection_for_each_pair(
    loops: Loops,
) -> None:
    async def main() -> None:
        async with nodes(*[Node(each) for each in range(4)]) as made:
            link_all(*made)
            for node in made:
                others = [other.transport.own for other in made if other is not node]
                await node.until_open(*others)
                assert node.transport.broadcast(others, Vote(node.transport.own)) == 3
            for node in made:
                await node.until_received(3)
                own = node.transport.own
                assert sorted(numbers(node.messages)) == [each for each in range(4) if each != own]
            for node in made:
                await poll(partial(is_linked, node, 3))
                assert len(node.transport.peers()) == 3

    run(main(), loops)


def test_two_that_dial_each_other_at_once_lose_nothing_of_what_they_say(loops: Loops) -> None:
    async def main() -> None:
        async with nodes(Node(0), Node(1)) as (a, b):
            link_all(a, b)
            for number in range(300):
                a.transport.send(B, Vote(number))
                b.transport.send(A, Vote(number))
                if number % 10 == 0:
                    await poll(lambda: a.transport.connections or b.transport.connections)
            await a.until_received(300)
            await b.until_received(300)
            await poll(lambda: a.transport.connections == 1 and b.transport.connections == 1)
            assert sorted(numbers(a.messages)) == sorted(numbers(b.messages)) == list(range(300))
            (seen,), (other,) = a.transport.peers(), b.transport.peers()
            assert seen.dialled is not other.dialled

    run(main(), loops)


@pytest.mark.parametrize("old", Side)
@pytest.mark.parametrize("new", Side)
def test_both_ends_keep_the_same_of_two_connections(old: Side, new: Side) -> None:
    at_a = takes_over(A, B, old, new)
    assert at_a is takes_over(B, A, old.other, new.other)
    if old is not new:
        # Whichever came first at the other end.
        assert takes_over(B, A, new.other, old.other) is not at_a
        assert at_a is (new is Side.DIALLER)
    else:
        assert at_a


@pytest.mark.parametrize("dialler", [0, 1])
def test_a_node_that_starts_anew_is_connected_again(loops: Loops, dialler: int) -> None:
    async def main() -> None:
        a, b = Node(0), Node(1)
        async with nodes(a, b):
            pair = (a, b) if dialler == 0 else (b, a)
            pair[0].transport.add_target(pair[1].transport.own, pair[1].address)
            await a.until_open(1)
            await b.until_open(0)
            await b.transport.close()
            await a.until(lambda: a.closed)
            assert a.closed == [(B, DropReason.PEER_LEFT)]
            config = dataclasses.replace(CONFIG, port=b.address.port)
            targets = {} if dialler == 0 else {0: a.address}
            async with nodes(Node(1, config, targets)) as (again,):
                await again.until_open(0)
                await a.until_open(1)
                a.transport.send(B, Vote(7))
                await again.until_received(1)

    run(main(), loops)


def test_a_node_that_died_without_a_word_is_replaced_by_its_successor(loops: Loops) -> None:
    async def main() -> None:
        async with nodes(Node(0), Node(1)) as (a, b):
            b.transport.add_target(A, a.address)
            await a.until_open(1)
            # A second process with the same key, while the first still holds its connection.
            async with nodes(Node(1, targets={0: a.address})) as (successor,):
                await successor.until_open(0)
                await a.until(lambda: a.transport.counters.dropped.get(DropReason.REPLACED))
                # Whoever it was said hello to is gone, and so is what it knew.
                assert a.closed == [(B, DropReason.REPLACED)]
                await a.until_open(1)

    run(main(), loops)


def test_followers_have_limited_slots_and_validators_need_none(loops: Loops) -> None:
    async def main() -> None:
        config = dataclasses.replace(CONFIG, slots=Slots(followers=2))
        async with nodes(Node(0, config)) as (a,):
            made = [Node(each, targets={0: a.address}) for each in (10, 11, 12, 1, 2, 3)]
            async with nodes(*made):
                await a.until_open(1, 2, 3)
                await a.until(lambda: len(a.open) == 5)
                (left,) = [node for node in made if node.transport.own not in a.open]
                failed = await left.event(DialFailed, reason=DropReason.REFUSED)
                assert "slots" in failed.detail  # type: ignore[attr-defined]

    run(main(), loops)


def test_nobody_takes_the_node_id_of_a_follower_that_is_connected(loops: Loops) -> None:
    async def main() -> None:
        async with nodes(Node(0)) as (a,), nodes(Node(9, targets={0: a.address})):
            await a.until_open(9)
            async with nodes(Node(9, targets={0: a.address}, seed=seed_of(77))) as (thief,):
                failed = await thief.event(DialFailed, reason=DropReason.REFUSED)
                assert "(key)" in failed.detail  # type: ignore[attr-defined]
                assert len(a.open) == 1

    run(main(), loops)


def test_who_closes_says_first_what_still_waits(loops: Loops) -> None:
    async def main() -> None:
        async with nodes(Node(0), Node(1)) as (a, b):
            a.transport.add_target(B, b.address)
            await a.until_open(1)
            await b.until_open(0)
            for number in range(40):
                assert a.transport.send(B, Vote(number, bytes(500_000)))
            await a.transport.close()
            assert numbers(b.messages) == list(range(40))
            await b.until(lambda: b.closed == [(A, DropReason.PEER_LEFT)])
            assert a.transport.counters.dropped == {DropReason.SHUTDOWN: 1}

    run(main(), loops)


def test_two_that_leave_at_once_do_not_wait_for_each_other(loops: Loops) -> None:
    async def main() -> None:
        async with nodes(Node(0), Node(1)) as (a, b):
            a.transport.add_target(B, b.address)
            await a.until_open(1)
            await b.until_open(0)
            a.transport.remove_target(B)
            a.transport.hang_up(B)
            b.transport.hang_up(A)
            for node in (a, b):
                await poll(partial(is_linked, node, 0))
                assert node.transport.counters.dropped == {DropReason.IDLE: 1}

    run(main(), loops)


def test_who_hangs_up_is_not_dialled_by_the_other_unless_it_is_a_target(loops: Loops) -> None:
    async def main() -> None:
        async with nodes(Node(0), Node(1)) as (a, b):
            b.transport.add_target(A, a.address)
            await a.until_open(1)
            b.transport.remove_target(A)
            a.transport.send(B, Vote(1))
            a.transport.hang_up(B)
            await b.until(lambda: b.closed == [(A, DropReason.PEER_LEFT)])
            await a.until(lambda: a.closed == [(B, DropReason.IDLE)])
            assert numbers(b.messages) == [1]
            assert not a.transport.send(B, Vote(2))
            assert not b.transport.send(A, Vote(2))

    run(main(), loops)


def test_a_process_that_was_stopped_does_not_take_its_sleep_for_silence(loops: Loops) -> None:
    async def main() -> None:
        slept = 0
        a = Node(0, clock=lambda: time.monotonic_ns() + slept)
        async with nodes(a, Node(1)) as (_, b):
            a.transport.add_target(B, b.address)
            await a.until_open(1)
            await b.until_open(0)
            b.transport.pause(A)
            counters = a.transport.counters
            await poll(lambda: counters.pings > counters.pongs)
            slept = 3_600 * 1_000_000_000
            ticks = a.ticks
            await poll(lambda: a.ticks > ticks + 3)
            b.transport.resume(A)
            pongs = counters.pongs
            await poll(lambda: counters.pongs > pongs)
            assert not a.closed

    run(main(), loops)


def test_a_blocked_node_is_out_of_reach_until_it_is_not_blocked_any_more(loops: Loops) -> None:
    async def main() -> None:
        async with nodes(Node(0), Node(1)) as (a, b):
            link_all(a, b)
            await a.until_open(1)
            await b.until_open(0)
            opened = openings(b)
            a.transport.block([B])
            assert a.closed == [(B, DropReason.BLOCKED)]
            await b.event(DialFailed, reason=DropReason.REFUSED)
            assert not a.transport.send(B, Vote(1))
            a.transport.block([])
            await a.until_open(1)
            await b.until(lambda: openings(b) > opened)
            a.transport.send(B, Vote(2))
            await b.until_received(1)
            assert numbers(b.messages) == [2]

    run(main(), loops)


def test_a_node_that_misbehaves_is_dropped_and_stays_out(loops: Loops) -> None:
    async def main() -> None:
        async with nodes(Node(0), Node(1)) as (a, b):
            link_all(a, b)
            await a.until_open(1)
            a.transport.drop(B, "lied")
            await b.event(DialFailed, reason=DropReason.REFUSED)
            assert a.closed == [(B, DropReason.MISBEHAVED)]
            assert not a.open

    run(main(), loops)


def test_a_target_that_does_not_listen_is_dialled_less_and_less_often(loops: Loops) -> None:
    async def main() -> None:
        async with nodes(Node(0), Node(1)) as (a, b):
            address = b.address
            await b.transport.close()
            a.transport.add_target(B, address)
            await a.event(DialFailed, breaker="open", reason=DropReason.BROKEN)
            failures = [event for event in a.events if isinstance(event, DialFailed)]
            assert len(failures) == CONFIG.redial.failures
            # Still it is found when it comes back: the breaker lets one try pass.
            config = dataclasses.replace(CONFIG, port=address.port)
            async with nodes(Node(1, config)):
                await a.until_open(1)

    run(main(), loops)
