"""Four live nodes over TLS decide blocks with what clients have submitted."""

import asyncio
from pathlib import Path

import pytest

from network.transport.events import Counters
from node.rpc.backend import SubmitOutcome
from primitives.transaction import transaction_hash
from storage.rocks import Committer
from tests.unit.node.runtime.live_world import LiveWorld, Log, play
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
        await world.until(lambda: all(log.batches and log.kinds for log in world.logs))
        for number, live in world.nodes.items():
            log, counters = world.logs[number], live.transport.counters
            # What is said of a message is its plain frame; handshakes and pings come on top.
            await world.until(lambda sent=counters, told=log: told.sent_bytes <= sent.bytes_sent)  # type: ignore[misc]
            await world.until(lambda sent=counters, told=log: is_counted(sent, told))  # type: ignore[misc]
            if isinstance(live.writer, Committer):
                await world.until(lambda own=live.writer, told=log: is_told(own, told))  # type: ignore[misc]

    play(lambda: LiveWorld(tmp_path if stored else None, 4), scene)


def is_counted(counters: Counters, log: Log) -> bool:
    """Whether the hub has said of as many messages as the transport has sent."""
    return sum(log.kinds.values()) == sum(counters.messages_sent)


def is_told(committer: Committer, log: Log) -> bool:
    """Whether the hub has said of each durable batch how long it was."""
    statistics = committer.statistics()
    return (log.batches, log.stored_bytes) == (statistics.durable, statistics.bytes)
