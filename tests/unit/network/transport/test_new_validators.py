"""A committee changes while connections stand: who is who is looked at anew."""

import dataclasses

from network.handshake_messages import PeerRole
from network.transport import DropReason, Slots
from primitives.ids import NodeId
from tests.unit.network.transport.conftest import Loops
from tests.unit.network.transport.world import (
    CONFIG,
    VALIDATORS,
    Node,
    Vote,
    key_of,
    nodes,
    poll,
    run,
    seed_of,
)

NEW = NodeId(9)
ONE_FOLLOWER = dataclasses.replace(CONFIG, slots=Slots(followers=1))


def known() -> dict[NodeId, bytes]:
    return {NodeId(each): key_of(each) for each in range(VALIDATORS)}


def role_of(node: Node, peer: NodeId) -> PeerRole | None:
    found = {each.node: each.role for each in node.transport.peers()}
    return found.get(peer)


def test_whoever_has_the_number_of_a_new_validator_and_not_its_key_has_to_go(
    loops: Loops,
) -> None:
    async def main() -> None:
        validators = known()
        async with nodes(Node(0, validators=validators)) as (a,):
            squatter = Node(9, targets={0: a.address}, seed=seed_of(100))
            async with nodes(squatter):
                await a.until_open(9)
                validators[NEW] = key_of(9)
                await a.until(lambda: a.closed == [(NEW, DropReason.REFUSED)])
                true = Node(9, targets={0: a.address}, validators=validators)
                async with nodes(true):
                    await true.until_open(0)
                    await a.until_open(9)
                    assert role_of(a, NEW) is PeerRole.VALIDATOR
                    true.transport.send(NodeId(0), Vote(1))
                    await a.until_received(1)

    run(main(), loops)


def test_a_follower_that_becomes_a_validator_is_one_without_a_new_connection(
    loops: Loops,
) -> None:
    async def main() -> None:
        validators = known()
        a, new = Node(0, ONE_FOLLOWER, validators=validators), Node(9)
        async with nodes(a, new):
            new.transport.add_target(NodeId(0), a.address)
            await a.until_open(9)
            await new.until_open(0)
            assert role_of(a, NEW) is PeerRole.FOLLOWER
            validators[NEW] = key_of(9)
            await poll(lambda: role_of(a, NEW) is PeerRole.VALIDATOR)
            # It needs no follower's slot any more, and has the room of validators.
            async with nodes(Node(10, targets={0: a.address})) as (other,):
                await other.until_open(0)
            a.take = lambda peer, message, size: a.transport.rooms.hold(peer, size)
            new.transport.send(NodeId(0), Vote(1, bytes(1_000)))
            await a.until(lambda: a.transport.rooms.used[0])
            assert not a.transport.rooms.used[1]
            a.transport.rooms.hold(NEW, -a.transport.rooms.used[0])
            assert NEW in a.open
            assert a.transport.counters.opened == 2

    run(main(), loops)
