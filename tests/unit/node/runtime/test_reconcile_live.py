"""Transactions announced by reconciling, between live nodes."""

from functools import partial

from network.reconcile import ReconcileConfig
from node.spread_config import SpreadConfig
from primitives.ids import Duration, Hash32, NodeId
from primitives.transaction import transaction_hash
from tests.unit.node.runtime.live_world import MILLISECOND, LiveWorld, play
from tests.unit.node.runtime.test_compact_live import has_more_than
from tests.unit.node.transfers import raw_transfer

WAYS = SpreadConfig(
    gossip="reconcile",
    reconcile=ReconcileConfig(
        fanout=1, interval=Duration(20 * MILLISECOND), rest=Duration(5 * MILLISECOND)
    ),
)


def reconciling(world: LiveWorld, node: int) -> set[NodeId]:
    """Return the peers that a node holds rounds with."""
    spread = world.nodes[node].node.parts.spread
    assert spread is not None
    assert spread.announcer is not None
    return set(spread.announcer.core.state.links)


def knows(world: LiveWorld, name: Hash32) -> bool:
    """Tell whether every node has got a transaction."""
    return all(name in live.node.parts.gossip.state.known for live in world.nodes.values())


def test_live_nodes_decide_what_was_reconciled_with_one_among_them_that_cannot() -> None:
    """Node 3 knows announcements only, and says so in its handshakes: all tell it plainly."""

    async def scene(world: LiveWorld) -> None:
        await world.start_all()
        await world.until(lambda: all(len(live.peers()) == 4 for live in world.nodes.values()))
        for node in (0, 1, 2, 4):
            others = {NodeId(peer) for peer in (0, 1, 2, 4) if peer != node}
            await world.until(lambda node=node, others=others: reconciling(world, node) == others)  # type: ignore[misc]
        for count in range(6):
            raw = raw_transfer(0, count)
            assert (await world.nodes[(1, 3)[count % 2]].submit(raw)).refusal == ""
            await world.until(partial(has_more_than, world, count))
            await world.until(partial(knows, world, transaction_hash(raw)))
        await world.until(lambda: len(set(world.heights())) == 1)
        kinds = [log.kinds for log in world.logs]
        await world.until(lambda: all(kinds[node].get("AskSketch") for node in (0, 1, 2, 4)))
        assert "AskSketch" not in kinds[3]
        assert "SketchOf" not in kinds[3]

    def world() -> LiveWorld:
        return LiveWorld(None, validators=4, followers=1, spread=WAYS, announcing=(3,))

    play(world, scene)


def test_a_peer_that_goes_and_comes_again_is_reconciled_with_again() -> None:
    async def scene(world: LiveWorld) -> None:
        await world.start_all()
        await world.until(lambda: len(reconciling(world, 0)) == 3)
        await world.stop(2)
        await world.until(lambda: NodeId(2) not in reconciling(world, 0))
        first, second = raw_transfer(0, 0), raw_transfer(0, 1)
        assert (await world.nodes[1].submit(first)).refusal == ""
        await world.until(lambda: min(world.heights()) > 0)
        await world.start(2)
        await world.until(lambda: NodeId(2) in reconciling(world, 0))
        await world.until(lambda: len(reconciling(world, 2)) == 3)
        assert (await world.nodes[1].submit(second)).refusal == ""
        await world.until(partial(knows, world, transaction_hash(second)))
        await world.until(lambda: min(world.heights()) > 1 and len(set(world.heights())) == 1)

    play(lambda: LiveWorld(None, validators=4, spread=WAYS), scene)
