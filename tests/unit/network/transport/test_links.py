"""Connections over which messages take longer, on purpose: what comes when, and what is kept."""

import asyncio
import dataclasses
import time
from functools import partial

from network.conditions import PLAIN, Conditions
from network.transport import DropReason, outlet
from network.transport.link import Link
from primitives.ids import Duration, NodeId
from tests.unit.network.transport.conftest import Loops
from tests.unit.network.transport.world import (
    CONFIG,
    MILLISECOND,
    PATIENCE,
    SECOND,
    Node,
    Vote,
    block,
    nodes,
    poll,
    run,
)

A, B = NodeId(0), NodeId(1)
FAR = Conditions(latency_ns=120 * MILLISECOND)


def link_of(node: Node, peer: NodeId) -> Link:
    found = node.transport._roster.get(peer)
    assert found is not None
    assert found.link is not None
    return found.link


async def connected(a: Node, b: Node) -> None:
    a.transport.add_target(B, b.address)
    await a.until_open(1)
    await b.until_open(0)


def votes(node: Node) -> list[int]:
    return [message.number for _, message in node.messages if isinstance(message, Vote)]


def test_messages_take_the_latency_and_stay_in_order(loops: Loops) -> None:
    async def main() -> None:
        async with nodes(Node(0), Node(1)) as (a, b):
            await connected(a, b)
            a.transport.set_links({B: FAR})
            sent = time.monotonic_ns()
            for number in range(500):
                assert a.transport.send(B, Vote(number))
            await b.until_received(500)
            assert time.monotonic_ns() - sent >= FAR.latency_ns - outlet.TOLERANCE_NS
            assert votes(b) == list(range(500))
            # The other way is another matter.
            assert b.transport.send(A, Vote(7))
            await a.until_received(1)

    run(main(), loops)


def test_a_ping_takes_the_latency_too(loops: Loops) -> None:
    async def main() -> None:
        async with nodes(Node(0), Node(1)) as (a, b):
            await connected(a, b)
            a.transport.set_links({B: FAR})

            def round_trip() -> int:
                return link_of(a, B).health.round_trip or 0

            await poll(lambda: round_trip() >= FAR.latency_ns - outlet.TOLERANCE_NS)

    run(main(), loops)


def test_conditions_hold_for_a_connection_that_is_made_anew(loops: Loops) -> None:
    async def main() -> None:
        async with nodes(Node(0), Node(1)) as (a, b):
            a.transport.set_links({B: FAR})
            await connected(a, b)
            sent = time.monotonic_ns()
            a.transport.send(B, Vote(1))
            await b.until_received(1)
            assert time.monotonic_ns() - sent >= FAR.latency_ns - outlet.TOLERANCE_NS
            a.transport.set_links({})
            a.transport.send(B, Vote(2))
            await b.until_received(2)
            assert link_of(a, B).outlet._way is None, "costs nothing any more"

    run(main(), loops)


def test_a_clog_holds_all_back_until_its_end(loops: Loops) -> None:
    async def main() -> None:
        async with nodes(Node(0), Node(1)) as (a, b):
            await connected(a, b)
            a.transport.set_links({B: Conditions(clogged=True)})
            for number in range(3):
                a.transport.send(B, Vote(number))
            b.transport.send(A, Vote(9))
            await a.until_received(1)
            assert not b.messages
            a.transport.set_links({})
            await b.until_received(3)
            assert votes(b) == [0, 1, 2]

    run(main(), loops)


def test_all_comes_twice_where_all_is_doubled(loops: Loops) -> None:
    async def main() -> None:
        async with nodes(Node(0), Node(1)) as (a, b):
            await connected(a, b)
            a.transport.set_links({B: Conditions(duplicate=1.0, duplicate_ns=MILLISECOND)})
            for number in range(50):
                a.transport.send(B, Vote(number))
            await b.until_received(100)
            assert sorted(votes(b)) == sorted([*range(50), *range(50)])

    run(main(), loops)


def test_what_is_held_up_is_bounded_and_the_rest_waits_in_the_outbox(
    loops: Loops, monkeypatch
) -> None:
    monkeypatch.setattr(outlet, "UNDER_WAY_BYTES_MAX", 1 << 20)

    async def main() -> None:
        async with nodes(Node(0), Node(1)) as (a, b):
            await connected(a, b)
            a.transport.set_links({B: Conditions(clogged=True)})
            for _ in range(40):
                assert a.transport.send(B, block(1 << 18))
            await asyncio.sleep(0)  # The flush that the first of them has asked for.
            link = link_of(a, B)
            assert link.outbox is not None
            assert link.outlet.unsent_bytes < 2 << 20
            assert link.outbox.bytes > 8 << 20
            (info,) = a.transport.peers()
            assert info.queued_bytes > 10 << 20
            a.transport.set_links({})
            await b.until_received(40)

    run(main(), loops)


def test_a_node_that_leaves_says_first_what_is_under_way(loops: Loops) -> None:
    # However busy the machine is, the good-bye has the time to come.
    patient = dataclasses.replace(PATIENCE, drain=Duration(30 * SECOND))
    config = dataclasses.replace(CONFIG, patience=patient)

    async def main() -> None:
        async with nodes(Node(0, config), Node(1, config)) as (a, b):
            await connected(a, b)
            a.transport.set_links({B: FAR})
            b.transport.set_links({A: FAR})
            a.transport.send(B, Vote(1))
            b.transport.send(A, Vote(2))
            await asyncio.sleep(0)
            await a.transport.close()
            assert votes(a) == [2]
            await b.until(partial(votes, b))

    run(main(), loops)


def test_who_leaves_behind_a_clog_does_not_wait_for_its_end(loops: Loops) -> None:
    patience = dataclasses.replace(PATIENCE, drain=Duration(200 * MILLISECOND))
    config = dataclasses.replace(CONFIG, patience=patience)

    async def main() -> None:
        async with nodes(Node(0, config), Node(1)) as (a, b):
            await connected(a, b)
            a.transport.set_links({B: Conditions(clogged=True)})
            a.transport.send(B, Vote(1))
            await asyncio.sleep(0)
            await a.transport.close()
            assert a.closed == [(B, DropReason.DRAIN_TIMEOUT)]
            assert not a.transport.connections
            await b.until(lambda: b.closed)
            assert not b.messages

    run(main(), loops)


def test_links_that_change_while_messages_are_held_up_keep_their_order(loops: Loops) -> None:
    async def main() -> None:
        async with nodes(Node(0), Node(1)) as (a, b):
            await connected(a, b)
            for number, conditions in enumerate((FAR, Conditions(clogged=True), FAR, PLAIN)):
                a.transport.set_links({B: conditions})
                a.transport.send(B, Vote(number))
                await asyncio.sleep(0)
            a.transport.set_links({})
            a.transport.send(B, Vote(4))
            await b.until_received(5)
            assert votes(b) == [0, 1, 2, 3, 4]
            await poll(lambda: not link_of(a, B).outlet.unsent_bytes)

    run(main(), loops)
