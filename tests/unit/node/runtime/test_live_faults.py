"""Live nodes that stop, come back, are cut off, change their committee, or find no room."""

import asyncio
import dataclasses
import errno
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from network.handshake_messages import PeerRole
from network.sync_state import SyncConfig
from node.config import NodeConfig
from node.epochs import group_of
from node.rpc.backend import SubmitOutcome
from node.runtime.live import LiveNode
from node.runtime.submissions import STOPPED
from primitives.committee_change import COMMITTEE_ADDRESS, CommitteeChange, encode_changes
from primitives.ids import Duration, NodeId
from primitives.transaction import transaction_hash
from storage.rocks import Committer, StoreFull
from tests.unit.node.harness import validator_key
from tests.unit.node.runtime.live_world import LiveWorld, play
from tests.unit.node.transfers import ETHER, FIXED, account, raw_transfer, stranger

PAID = stranger(0)


async def pay(live: LiveNode, count: int, sender: int, first: int = 0) -> None:
    """Submit payments of one wei, all of which are taken."""
    raws = [raw_transfer(sender, first + number) for number in range(count)]
    outcomes = await asyncio.gather(*[live.submit(raw) for raw in raws])
    assert {outcome.refusal for outcome in outcomes} == {""}


def test_a_node_goes_on_from_its_store_and_catches_up(tmp_path: Path) -> None:
    async def scene(world: LiveWorld) -> None:
        await world.start_all()
        await pay(world.nodes[0], 5, 0)
        await world.until(lambda: set(world.balances(PAID)) == {5})
        await world.stop(3)
        await pay(world.nodes[0], 5, 1)
        await world.until(lambda: set(world.balances(PAID)) == {10})
        live = await world.start(3)
        assert live.node.ledger.tip.state.balance(PAID) >= 5, "from its store"
        await world.until(lambda: world.balances(PAID) == [10] * 4)
        await pay(world.nodes[3], 5, 2)
        await world.until(lambda: world.balances(PAID) == [15] * 4)

    play(lambda: LiveWorld(tmp_path, 4), scene)


def test_a_follower_is_told_of_blocks_and_passes_on_what_it_is_given(tmp_path: Path) -> None:
    async def scene(world: LiveWorld) -> None:
        await world.start_all()
        await world.until(lambda: len(world.nodes[4].peers()) == 4)
        roles = {peer.node: peer.role for peer in world.nodes[4].peers()}
        assert set(roles.values()) == {"validator"}
        seen = (NodeId(4), PeerRole.FOLLOWER.name.lower())
        await world.until(lambda: seen in [(p.node, p.role) for p in world.nodes[0].peers()])
        await pay(world.nodes[4], 5, 0)
        await world.until(lambda: world.balances(PAID) == [5] * 5)

    play(lambda: LiveWorld(tmp_path, 4, 1), scene)


def test_a_node_that_is_cut_off_stands_still_and_then_follows(tmp_path: Path) -> None:
    async def scene(world: LiveWorld) -> None:
        await world.start_all()
        await world.until(lambda: all(len(live.peers()) == 3 for live in world.nodes.values()))
        alone = world.nodes[3]
        alone.block_peers([NodeId(0), NodeId(1)])
        alone.block_peers([NodeId(2)])
        await world.until(lambda: not alone.peers())
        await pay(world.nodes[0], 5, 0)
        await world.until(lambda: world.balances(PAID)[:3] == [5] * 3)
        assert alone.node.ledger.height == 0
        alone.unblock_peers()
        await world.until(lambda: len(alone.peers()) == 3)
        await pay(world.nodes[0], 5, 1)
        await world.until(lambda: world.balances(PAID) == [10] * 4)

    play(lambda: LiveWorld(tmp_path, 4), scene)


class WorldThatNeverPolls(LiveWorld):
    """Whose nodes ask nobody for his height by themselves."""

    def config(self, node: int) -> NodeConfig:
        peers = tuple([NodeId(each) for each in range(self.validators) if each != node])
        reach = self.shared.consensus.reach
        sync = SyncConfig(peers=peers, follow_gap=reach, poll_interval=Duration(0))
        return dataclasses.replace(super().config(node), sync=sync)


def test_a_node_that_comes_back_one_block_behind_learns_it_from_whom_it_meets(
    tmp_path: Path,
) -> None:
    async def scene(world: LiveWorld) -> None:
        await world.start_all()
        await world.until(lambda: all(len(live.peers()) == 3 for live in world.nodes.values()))
        alone = world.nodes[3]
        alone.block_peers([NodeId(0), NodeId(1), NodeId(2)])
        await world.until(lambda: not alone.peers())
        await pay(world.nodes[0], 1, 0)
        await world.until(lambda: world.heights() == [1, 1, 1, 0])
        await world.until(lambda: not world.nodes[0].node.replica.state.progress_armed)  # type: ignore[union-attr]
        # Nothing is decided any more, so nothing tells it but the meeting.
        alone.unblock_peers()
        await world.until(lambda: world.heights() == [1] * 4)

    play(lambda: WorldThatNeverPolls(tmp_path, 4), scene)


def test_a_node_that_was_deaf_learns_what_it_has_missed(tmp_path: Path) -> None:
    async def scene(world: LiveWorld) -> None:
        await world.start_all()
        await world.until(lambda: all(len(live.peers()) == 3 for live in world.nodes.values()))
        deaf = world.nodes[3]
        deaf.ignore_peers([NodeId(0), NodeId(1), NodeId(2)])
        await pay(world.nodes[0], 1, 0)
        await world.until(lambda: world.heights() == [1, 1, 1, 0])
        await world.until(lambda: not world.nodes[0].node.replica.state.progress_armed)  # type: ignore[union-attr]
        deaf.unblock_peers()
        await world.until(lambda: world.heights() == [1] * 4)

    play(lambda: WorldThatNeverPolls(tmp_path, 4), scene)


def test_a_node_that_hears_nobody_stays_connected_and_stands_still(tmp_path: Path) -> None:
    async def scene(world: LiveWorld) -> None:
        await world.start_all()
        await world.until(lambda: all(len(live.peers()) == 3 for live in world.nodes.values()))
        deaf = world.nodes[3]
        deaf.ignore_peers([NodeId(0), NodeId(1), NodeId(2)])
        await pay(world.nodes[0], 5, 0)
        await world.until(lambda: world.balances(PAID)[:3] == [5] * 3)
        assert len(deaf.peers()) == 3
        assert deaf.node.ledger.height == 0
        deaf.unblock_peers()
        await pay(world.nodes[0], 5, 1)
        await world.until(lambda: world.balances(PAID) == [10] * 4)

    play(lambda: LiveWorld(tmp_path, 4), scene)


def test_a_client_learns_the_exact_refusal(tmp_path: Path) -> None:
    async def scene(world: LiveWorld) -> None:
        live = await world.start(0)
        await pay(live, 1, 0)
        await world.until(lambda: world.balances(PAID) == [1])
        cases = {
            raw_transfer(0, 0, value=2): "nonce_too_low",
            raw_transfer(0, 1, value=11 * ETHER): "insufficient_funds",
            raw_transfer(1, 0, gas=20_999): "intrinsic_gas_too_low",
            raw_transfer(1, 0, chain_id=7): "wrong_chain_id",
            raw_transfer(1, 0)[:-1]: "malformed",
            bytes(200_000): "too_large_for_pool",
        }
        outcomes = await asyncio.gather(*[live.submit(raw) for raw in cases])
        assert outcomes == [
            SubmitOutcome(transaction_hash(raw), code) for raw, code in cases.items()
        ]
        raw = raw_transfer(2, 1)
        assert not (await live.submit(raw)).refusal, "it waits for the nonce before"
        assert (await live.submit(raw)).refusal == "already_known"
        await live.close()
        assert (await live.submit(raw)).refusal == STOPPED

    play(lambda: LiveWorld(tmp_path, 1), scene)


def test_a_full_disk_ends_the_node_with_that_reason_and_loses_nothing(tmp_path: Path) -> None:
    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    async def scene(world: LiveWorld) -> None:
        live = await world.start(0)
        await pay(live, 3, 0)
        await world.until(lambda: world.balances(PAID) == [3])
        writer: Any = live.writer
        assert isinstance(live.writer, Committer)
        assert live.writer.drain()
        writer._logs = SimpleNamespace(sync=full, close=writer._logs.close)
        waiting = live.submit(raw_transfer(1, 0))
        await until_failed(world)
        assert isinstance(world.failures.pop(0), StoreFull)
        assert (await waiting).refusal in ("", STOPPED)
        assert (await live.submit(raw_transfer(1, 1))).refusal == STOPPED
        await world.stop(0)
        again = await world.start(0)
        assert world.balances(PAID) in ([3], [4])
        await pay(again, 1, 2)
        await world.until(lambda: world.balances(PAID)[0] >= 4)

    play(lambda: LiveWorld(tmp_path, 1), scene)


async def until_failed(world: LiveWorld) -> None:
    async with asyncio.timeout(60):
        while not world.failures:
            await asyncio.sleep(0.01)


def test_a_committee_that_changes_is_spoken_to_and_pinned(tmp_path: Path) -> None:
    params = dataclasses.replace(FIXED, checkpoint_interval=2, governance=account(4))
    changes = (
        CommitteeChange("add", NodeId(4), validator_key(4).public_key),
        CommitteeChange("remove", NodeId(0)),
    )
    change = raw_transfer(
        4, 0, COMMITTEE_ADDRESS, value=0, data=encode_changes(changes), gas=100_000
    )

    async def scene(world: LiveWorld) -> None:
        await world.start_all()
        await world.until(lambda: len(world.nodes[4].peers()) == 4)
        assert not (await world.nodes[1].submit(change)).refusal
        # A block for the change, and one more for the checkpoint that ends the epoch.
        for sent in (1, 2, 3):
            await pay(world.nodes[1], 1, 1, sent - 1)
            await world.until(lambda paid=sent: set(world.balances(PAID)) == {paid})  # type: ignore[misc]
        assert all(live.node.parts.epochs.epoch.number == 1 for live in world.nodes.values())
        joined = world.nodes[4]
        assert joined.node.replica is not None
        assert joined.links.members(group_of(1)) == (1, 2, 3)
        assert joined.config.index in world.nodes[2]._validators
        await world.stop(4)
        await world.start(4)
        seen = (NodeId(4), PeerRole.VALIDATOR.name.lower())
        await world.until(lambda: seen in [(p.node, p.role) for p in world.nodes[2].peers()])
        await world.stop(3)
        await pay(world.nodes[2], 2, 2)
        await world.until(lambda: set(world.balances(PAID)) == {5})

    play(lambda: LiveWorld(tmp_path, 4, 1, params=params), scene)
