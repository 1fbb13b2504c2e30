"""Nodes on loopback exchange messages, whoever dials, restarts or leaves."""

import asyncio

from network.handshake import Side
from network.messages import GetStatus
from network.transport import DropReason, PeerClosed, PeerOpened
from network.transport.roster import takes_over
from primitives.ids import NodeId
from tests.unit.network.transport.conftest import Loops
from tests.unit.network.transport.world import Node, Vote, block, link_all, nodes, poll, run


def test_two_nodes_exchange_messages_over_tls(loops: Loops) -> None:
    async def main() -> None:
        async with nodes(Node(0), Node(1)) as (a, b):
            a.transport.add_target(NodeId(1), b.address)
            await a.until_open(1)
            await b.until_open(0)
            for number in range(1_000):
                assert a.transport.send(NodeId(1), Vote(number))
            assert b.transport.send(NodeId(0), block(3 << 20))
            await b.until_received(1_000)
            await a.until_received(1)
            assert b.messages == [(NodeId(0), Vote(number)) for number in range(1_000)]
            assert a.messages == [(NodeId(1), block(3 << 20))]
            assert a.transport.counters.writes < 20  # joined, but for the handshake and pings
            (info,) = b.transport.peers()
            assert (info.node, info.dialled) == (NodeId(0), False)

    run(main(), loops)


def test_four_nodes_that_all_dial_one_another_keep_one_connection_for_each_pair(
    loops: Loops,
) -> None:
    async def main() -> None:
        async with nodes(*[Node(each) for each in range(4)]) as made:
            link_all(*made)
            for node in made:
                await node.until_open(*[each for each in range(4) if each != node.transport.own])
            for node in made:
                others = [other.transport.own for other in made if other is not node]
                assert node.transport.broadcast(others, Vote(node.transport.own)) == 3
            for node in made:
                await node.until_received(3)
                told = sorted([message.number for _, message in node.messages])
                assert told == [each for each in range(4) if each != node.transport.own]
            for node in made:
                await poll(lambda node=node: node.transport.connections == 3)
                assert [peer.node for peer in node.transport.peers()] == [
                    each for each in range(4) if each != node.transport.own
                ]

    run(main(), loops)
