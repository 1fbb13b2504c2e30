"""Blocks and transactions over a mesh and down coded trees, between live nodes."""

from functools import partial

import pytest

from network.dissemination import TreeConfig
from network.mesh import MeshConfig
from node.spread_config import DisseminationName, GossipName, SpreadConfig
from primitives.ids import Duration
from tests.unit.node.runtime.live_world import MILLISECOND, LiveWorld, play
from tests.unit.node.runtime.test_compact_live import has_more_than
from tests.unit.node.transfers import raw_transfer

TRANSFERS = 6
MESH = MeshConfig(
    degree=3, degree_low=2, degree_high=4, degree_score=2, heartbeat=Duration(50 * MILLISECOND)
)
TREE = TreeConfig(data=3, parity=3, fanout=2)


@pytest.mark.parametrize(
    ("dissemination", "gossip", "carrier"),
    [("tree", "announce", "BlockShred"), ("mesh", "mesh", "MeshPayload")],
)
def test_live_nodes_decide_what_has_spread(
    dissemination: DisseminationName, gossip: GossipName, carrier: str
) -> None:
    """Four validators and a follower; clients are at a node that does not lead."""

    async def scene(world: LiveWorld) -> None:
        await world.start_all()
        meshes = [live.node.parts.spread for live in world.nodes.values()]

        def linked() -> bool:
            """Before that the first blocks would go nowhere, and be fetched."""
            return all(
                spread is not None
                and (spread.mesh is None or min(map(len, spread.mesh.state.mesh.values())) > 1)
                for spread in meshes
            )

        await world.until(lambda: all(len(live.peers()) == 4 for live in world.nodes.values()))
        await world.until(linked)
        for count in range(TRANSFERS):
            assert (await world.nodes[1].submit(raw_transfer(0, count))).refusal == ""
            await world.until(partial(has_more_than, world, count))
        await world.until(lambda: len(set(world.heights())) == 1)
        sent = [log.kinds.get(carrier, 0) for log in world.logs]
        whole = [log.kinds.get("PrePrepare", 0) for log in world.logs]
        assert sum(sent) >= TRANSFERS
        # A slow machine may ask for some of them again; else there are none.
        assert sum(whole) < sum(sent)
        states = {live.node.ledger.tip.block.header.state_root for live in world.nodes.values()}
        assert len(states) == 1

    ways = SpreadConfig(dissemination, gossip, TREE, MESH)
    play(lambda: LiveWorld(None, validators=4, followers=1, spread=ways), scene)


def test_a_primary_that_starts_again_finds_its_mesh_again() -> None:
    """All that it knew of who wants what is gone, and its peers say it again."""

    async def scene(world: LiveWorld) -> None:
        await world.start_all()
        assert (await world.nodes[1].submit(raw_transfer(0, 0))).refusal == ""
        await world.until(partial(has_more_than, world, 0))
        await world.stop(0)
        world.logs[0].kinds.clear()
        again = await world.start(0)
        spread = again.node.parts.spread
        assert spread is not None
        assert spread.mesh is not None
        mesh = spread.mesh
        await world.until(lambda: all(len(links) > 1 for links in mesh.state.mesh.values()))
        assert (await world.nodes[1].submit(raw_transfer(0, 1))).refusal == ""
        await world.until(lambda: min(world.heights()) > 1 and len(set(world.heights())) == 1)

    ways = SpreadConfig("mesh", "mesh", TREE, MESH)
    play(lambda: LiveWorld(None, validators=4, spread=ways), scene)
