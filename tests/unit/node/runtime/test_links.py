"""Groups of a live node, and what finds no way out."""

from collections.abc import Iterable, Sequence

import msgspec
import pytest

from network.transport import Address, PeerInfo, Receiver
from node.runtime.links import COMMITTEES_KEPT, Links
from primitives.committee import Committee, Member
from primitives.epoch import Epoch, first_epoch
from primitives.errors import InvalidEncoding
from primitives.ids import NodeId
from primitives.machine import Broadcast, Message, Send
from tests.unit.node.harness import validator_key
from tests.unit.sim.kernel_worlds import Ping


class Network:
    """Takes what it is given, but for node 9, which it knows nothing of."""

    def __init__(self) -> None:
        self.posted: list[tuple[tuple[int, ...], Message]] = []
        self.is_strict = False

    async def start(self, receiver: Receiver) -> Address:
        raise NotImplementedError

    def send(self, node: NodeId, message: Message) -> bool:
        raise NotImplementedError

    def broadcast(self, nodes: Iterable[NodeId], message: Message) -> int:
        raise NotImplementedError

    def post(self, nodes: Iterable[NodeId], message: Message) -> tuple[int, int]:
        if self.is_strict:
            raise InvalidEncoding("frame.length", "less", "more")
        reached = tuple([int(node) for node in nodes if node != 9])
        self.posted.append((reached, message))
        return len(reached), 100

    def peers(self) -> Sequence[PeerInfo]:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError


def epoch_of(number: int, *nodes: int) -> Epoch:
    members = [Member(NodeId(node), validator_key(node).public_key) for node in nodes]
    return msgspec.structs.replace(first_epoch(Committee(tuple(members))), number=number)


class World:
    def __init__(self) -> None:
        self.network = Network()
        self.epoch = epoch_of(0, 0, 1, 2, 3)
        self.sent: list[tuple[str, int, int]] = []
        neighbours = [NodeId(node) for node in (1, 2, 9)]
        self.links = Links(
            NodeId(2),
            self.network,
            lambda: self.epoch,
            neighbours,
            lambda *what: self.sent.append(what),
        )


def test_each_group_has_its_nodes_and_never_the_node_itself() -> None:
    world = World()
    world.links.broadcast(Broadcast("committee", Ping(1)))
    world.links.broadcast(Broadcast("neighbours", Ping(2)))
    world.links.send(Send(NodeId(7), Ping(3)))
    assert [nodes for nodes, _ in world.network.posted] == [(0, 1, 3), (1,), (7,)]
    assert world.sent == [("Ping", 3, 300), ("Ping", 1, 100), ("Ping", 1, 100)]


def test_what_reaches_nobody_was_not_sent() -> None:
    world = World()
    world.links.send(Send(NodeId(9), Ping(1)))
    assert world.sent == []


def test_the_committee_of_an_epoch_is_known_as_long_as_it_may_be_spoken_to() -> None:
    world = World()
    world.links.broadcast(Broadcast("committee", Ping(1)))
    world.epoch = epoch_of(1, 2, 5)
    assert world.links.members("committee/1") == (5,)
    assert world.links.members("committee") == (0, 1, 3), "a retired replica's last words"
    with pytest.raises(KeyError, match="committee/2"):
        world.links.members("committee/2")
    for number in range(2, 2 + COMMITTEES_KEPT):
        world.epoch = epoch_of(number, 2, 6)
        world.links.members(f"committee/{number}")
    with pytest.raises(KeyError, match="'committee'"):
        world.links.members("committee")


def test_a_node_does_not_send_to_itself() -> None:
    with pytest.raises(ValueError, match="use Loopback"):
        World().links.send(Send(NodeId(2), Ping(1)))


def test_a_message_beyond_its_limit_is_counted_and_dropped() -> None:
    world = World()
    world.network.is_strict = True
    world.links.send(Send(NodeId(1), Ping(1)))
    assert (world.links.oversized, world.sent) == (1, [])
