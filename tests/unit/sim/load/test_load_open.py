"""Open loops: what is due is sent, and latency counts from the instant when it was due."""

import asyncio

from sim.load.pacing import parse_ramp
from sim.load.session import LoadSession
from tests.unit.sim.load.fake_chain import FakeChain
from tests.unit.sim.load.scenes import DUE, MS, SECOND, Scene, play
from tests.unit.sim.load.servers import forwarding, holding


def test_everything_that_is_due_comes_into_blocks() -> None:
    async def story() -> None:
        scene = Scene()
        async with scene.nodes() as (node,):
            result = await scene.load([node.url])
        counts = (result.intended, result.sent, result.accepted, result.included, result.final)
        assert counts == (DUE,) * 5
        assert not result.errors
        assert result.unconfirmed == result.dropped == result.resent == 0
        assert result.passed
        assert not result.partial
        assert sum(scene.chain.nonces.values()) == DUE
        assert sum(result.series.included) == DUE
        assert result.inclusion_seconds.count == result.finality_seconds.count == DUE
        assert (result.looked_at, result.failed) == (DUE, 0)

    play(story)


def test_no_transaction_is_asked_for_by_itself() -> None:
    async def story() -> None:
        scene = Scene()
        async with scene.nodes() as (node,):
            result = await scene.load([node.url])
        blocks = len(scene.chain.blocks)
        assert result.included == DUE
        # One block a time, twice where it was not final at first; and the sample at the end.
        assert node.calls["eth_getBlockByNumber"] <= 2 * blocks + 3
        assert node.calls["eth_getTransactionReceipt"] == DUE

    play(story)


def test_latency_counts_from_the_instant_that_was_meant() -> None:
    async def story() -> None:
        scene = Scene(accounts=2)
        scene.set(connections=1)
        stalled = asyncio.Event()

        def stall(session: LoadSession) -> None:
            asyncio.get_running_loop().call_later(0.8, stalled.set)

        async with scene.nodes() as (node,), holding(node.url, stalled) as url:
            result = await scene.load([url], stall)
        # While the node held the first one, two accounts could send nothing: what was due then
        # has waited on this side, and its wait is told.
        assert result.included == DUE
        waited = result.acceptance_seconds
        assert waited.max is not None
        assert waited.max > 0.3
        assert waited.p50 is not None
        assert waited.p50 > 0.2

    play(story)


def test_what_nobody_takes_in_time_is_dropped_and_told() -> None:
    async def story() -> None:
        scene = Scene(chain=FakeChain(pool_limit=0))
        scene.set(patience=100 * MS)
        async with scene.nodes() as (node,):
            result = await scene.load([node.url])
        assert result.included == result.accepted == 0
        assert result.dropped == result.intended == DUE
        assert list(result.errors) == ["pool full"]
        assert not result.passed

    play(story)


def test_an_early_end_leaves_a_partial_result() -> None:
    async def story() -> None:
        scene = Scene()
        scene.set(duration=3_600 * SECOND)

        def soon(session: LoadSession) -> None:
            asyncio.get_running_loop().call_later(0.4, session.stop)

        async with scene.nodes() as (node,):
            result = await scene.load([node.url], soon)
        assert result.partial
        assert result.trouble is None
        assert 0 < result.sent < 1_000
        assert result.seconds < 60

    play(story)


def test_the_warm_up_is_left_out_of_the_figures() -> None:
    async def story() -> None:
        scene = Scene()
        scene.set(warm_up=200 * MS)
        async with scene.nodes() as (node,):
            result = await scene.load([node.url])
        assert result.included == DUE
        assert result.inclusion_seconds.count == 40
        assert result.measured_seconds == 0.2

    play(story)


def test_a_ramp_is_followed() -> None:
    async def story() -> None:
        scene = Scene()
        scene.set(rate=parse_ramp("0..200/400ms"))
        async with scene.nodes() as (node,):
            result = await scene.load([node.url])
        assert result.included == result.intended == 39
        assert result.offered == "0..200/0.4s tx/s"

    play(story)


def test_batches_carry_what_is_due_together() -> None:
    async def story() -> None:
        scene = Scene(accounts=80)
        scene.set(batch=10, connections=1, duration=100 * MS)
        async with scene.nodes() as (node,):
            result = await scene.load([node.url])
        assert result.included == result.intended

    play(story)


def test_a_load_ends_when_its_only_node_is_gone_for_good() -> None:
    async def story() -> None:
        scene = Scene()
        scene.set(duration=2 * SECOND, drain=500 * MS, patience=500 * MS)
        async with scene.nodes() as (node,), forwarding(node.url) as (url, cut):

            async def end() -> None:
                await scene.when(lambda engine: engine.ledger.included.total > 0)
                cut.set()

            ending = asyncio.create_task(end())
            result = await scene.load([url])
            ending.cancel()
        assert result.errors["connection"] > 0
        assert 0 < result.included < result.intended
        assert result.dropped > 0

    play(story)


def test_what_transactions_wait_for_on_this_side_is_told() -> None:
    async def story() -> None:
        scene = Scene(accounts=2)
        scene.set(in_flight_max=1, duration=60 * SECOND)
        async with scene.nodes(block_s=0) as (node,):
            loading = asyncio.create_task(scene.load([node.url]))
            await scene.when(lambda engine: engine.held_up.total() >= 2)
            assert scene.engine is not None
            scene.engine.stop()
            result = await loading
        assert list(result.held_up) == ["blocks"]

    play(story)


def test_a_node_that_comes_back_gets_what_was_due_meanwhile() -> None:
    async def story() -> None:
        scene = Scene()
        scene.set(duration=3_600 * SECOND, patience=3_600 * SECOND)
        async with scene.nodes() as (node,), forwarding(node.url) as (url, cut):
            loading = asyncio.create_task(scene.load([url]))
            await scene.when(lambda engine: engine.ledger.accepted.total >= 5)
            cut.set()
            await scene.when(lambda engine: "connection" in engine.ledger.error_totals())
            assert scene.engine is not None
            ledger = scene.engine.ledger
            # The schedule goes on while there is nobody to send to.
            due = ledger.intended.total + 40
            await scene.when(lambda engine: engine.ledger.intended.total >= due)
            assert ledger.accepted.total < ledger.intended.total
            cut.clear()
            await scene.when(lambda engine: engine.ledger.included.total >= due)
            scene.engine.stop()
            result = await loading
        assert set(result.errors) <= {"connection", "nonce too low"}
        assert result.included >= due

    play(story)
