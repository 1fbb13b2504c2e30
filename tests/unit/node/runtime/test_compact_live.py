"""Compact blocks between live nodes, some of which do not understand them."""

import asyncio
from dataclasses import replace
from functools import partial

from network.compact.trace import CompactRebuilt
from primitives.ids import Duration, NodeId
from tests.unit.node.runtime.live_world import PARAMS, PATIENCE_SECONDS, LiveWorld, Log, play
from tests.unit.node.transfers import raw_transfer

LONG = Duration(3_600_000_000_000)
NEVER_AGAIN = replace(PARAMS, request_timeout=LONG, view_change_timeout=LONG, repair_interval=LONG)
"""However slow the machine is, nobody repeats a proposal, nor does another node lead."""


def rebuilt(log: Log) -> set[bytes]:
    return {event.digest for event in log.events if isinstance(event, CompactRebuilt)}


def has_more_than(world: LiveWorld, count: int) -> bool:
    """Tell whether every node has more than so many transactions in its chain."""
    return min(sum(block.transactions for block in log.blocks()) for log in world.logs) > count


def test_each_node_gets_blocks_as_its_handshake_says() -> None:
    """Validator 3 and follower 5 do not understand compact blocks, the others do."""

    async def scene(world: LiveWorld) -> None:
        await world.start_all()
        able = {0, 1, 2, 4}
        relays = {n: world.nodes[n].node.parts.relay for n in able}

        def acquainted() -> bool:
            return all(
                relay is not None and set(relay.core.modes.able) == able - {node}
                for node, relay in relays.items()
            )

        await world.until(acquainted)
        await world.until(lambda: all(len(live.peers()) == 5 for live in world.nodes.values()))

        def has_rebuilt(node: int) -> bool:
            decided = {block.digest for block in world.logs[0].blocks()}
            return bool(rebuilt(world.logs[node]) & decided)

        count = 0
        async with asyncio.timeout(PATIENCE_SECONDS):
            # Follower 4 takes a block from whoever tells of it first: from 3 or 5 it is whole.
            while count < 12 or not has_rebuilt(4):
                assert (await world.nodes[1].submit(raw_transfer(0, count))).refusal == ""
                await world.until(partial(has_more_than, world, count))
                count += 1
        await world.until(lambda: len(set(world.heights())) == 1)
        assert has_rebuilt(1)
        assert has_rebuilt(2)
        # Node 0 leads: it has its blocks, and sends each as it is understood.
        assert world.logs[0].kinds["CompactProposal"] == 2 * world.logs[0].kinds["PrePrepare"]
        assert not rebuilt(world.logs[3])
        assert not rebuilt(world.logs[5])
        await world.stop(2)
        await world.until(lambda: relays[0] is not None and not relays[0].is_able(NodeId(2)))

    play(
        lambda: LiveWorld(
            None, validators=4, followers=2, consensus=NEVER_AGAIN, compact=(0, 1, 2, 4)
        ),
        scene,
    )
