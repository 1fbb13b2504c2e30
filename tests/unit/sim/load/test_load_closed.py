"""Closed loops: a client waits for its block before it sends again."""

import asyncio
import time

from sim.load.session import LoadSession
from tests.unit.sim.load.fake_chain import FakeChain
from tests.unit.sim.load.scenes import MS, SECOND, Scene, play


def test_no_client_ever_has_two_on_their_way() -> None:
    async def story() -> None:
        scene = Scene()
        scene.set(rate=None, clients=7, duration=1_500 * MS)
        async with scene.nodes() as (node,):
            result = await scene.load([node.url])
        assert result.loop == "closed"
        assert result.offered == "7 clients"
        assert result.included == result.sent > 7
        # Clients begin over one second, each waits for its block: no block holds more than all.
        assert max(len(block.digests) for block in scene.chain.blocks) <= 7

    play(story)


def test_clients_think_before_they_send_again() -> None:
    async def story() -> None:
        scene = Scene()
        scene.set(rate=None, clients=4, think=400 * MS, duration=1_500 * MS)
        async with scene.nodes() as (node,):
            result = await scene.load([node.url])
        # In 1.5 s at most four rounds of 0.4 s and a block, from an instant in the first second.
        assert 4 <= result.included <= 16

    play(story)


def test_more_clients_than_accounts_share_them() -> None:
    async def story() -> None:
        scene = Scene(accounts=3)
        scene.set(rate=None, clients=12, duration=2 * SECOND)
        async with scene.nodes() as (node,):
            result = await scene.load([node.url])
        assert result.included == result.sent >= 12
        assert not result.errors

    play(story)


def test_a_client_of_a_closed_loop_that_comes_late_is_told_so() -> None:
    async def story() -> None:
        scene = Scene()
        scene.set(rate=None, clients=1, think=100 * MS, duration=60 * SECOND)
        async with scene.nodes(block_s=0) as (node,):
            loading = asyncio.create_task(scene.load([node.url]))
            await scene.when(lambda engine: engine.ledger.accepted.total == 1)
            assert scene.engine is not None
            go_on = scene.engine.sender.on_home

            def stall(client: int, at_ns: int) -> None:
                # The client is due after 100 ms, but nothing of this process runs for longer.
                go_on(client, at_ns)
                time.sleep(0.5)

            scene.engine.sender.on_home = stall
            await node.tell(scene.chain.seal())
            await scene.when(lambda engine: engine.ledger.sent.total == 2)
            scene.engine.stop()
            result = await loading
        for points in (result.lag_seconds, result.lateness_seconds):
            assert points.max is not None
            assert points.max > 0.3

    play(story)


def test_a_client_whose_transaction_is_given_up_goes_on() -> None:
    async def story() -> None:
        scene = Scene(chain=FakeChain(pool_limit=0))
        scene.set(rate=None, clients=2, patience=100 * MS, duration=1_500 * MS, drain=SECOND)

        def soon(session: LoadSession) -> None:
            assert session.has_begun

        async with scene.nodes() as (node,):
            result = await scene.load([node.url], soon)
        assert result.included == 0
        assert result.dropped > 2

    play(story)


def test_a_reorganisation_makes_no_client_two() -> None:
    async def story() -> None:
        scene = Scene(accounts=5)
        scene.set(rate=None, clients=5, duration=2 * SECOND, think=10 * SECOND)
        scene.chain.final_behind = 50
        async with scene.nodes(block_s=0) as (node,):
            loading = asyncio.create_task(scene.load([node.url]))
            await scene.when(lambda engine: engine.ledger.accepted.total == 5)
            scene.chain.seal()
            await scene.when(lambda engine: engine.ledger.included.total == 5)
            scene.chain.reorganise(1)
            home: list[int] = []
            assert scene.engine is not None
            scene.engine.sender.on_home = lambda client, at_ns: home.append(client)
            scene.chain.seal_again()
            await scene.when(lambda engine: engine.ledger.included.total == 10)
            assert not home
            scene.engine.stop()
            result = await loading
        assert result.reorganised == 5

    play(story)
