"""Four live nodes over TLS decide blocks with what clients have submitted."""

import asyncio
from pathlib import Path

import pytest

from node.rpc.backend import SubmitOutcome
from primitives.transaction import transaction_hash
from tests.unit.node.runtime.live_world import LiveWorld, play
from tests.unit.node.transfers import raw_transfer, stranger


@pytest.mark.parametrize("stored", [True, False], ids=["rocksdb", "memory"])
def test_four_nodes_decide_what_clients_submit(tmp_path: Path, *, stored: bool) -> None:
    raws = [raw_transfer(sender, nonce) for nonce in range(10) for sender in range(4)]

    async def scene(world: LiveWorld) -> None:
        await world.start_all()
        outcomes = await asyncio.gather(*[world.nodes[0].submit(raw) for raw in raws])
        assert outcomes == [SubmitOutcome(transaction_hash(raw)) for raw in raws]
        lives = world.nodes.values()
        paid = stranger(0)
        await world.until(
            lambda: all(each.node.ledger.tip.state.balance(paid) == len(raws) for each in lives)
        )
        assert len({each.blocks()[-1].digest for each in world.logs}) == 1
        assert all(log.batches and log.kinds for log in world.logs)

    play(lambda: LiveWorld(tmp_path if stored else None, 4), scene)
