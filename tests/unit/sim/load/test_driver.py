"""A scenario's workload over JSON-RPC."""

import asyncio
from collections.abc import Sequence

from primitives.ids import Duration, Instant, NodeId, Wei
from primitives.params import ChainParams
from sim.founding import scenario_workload
from sim.load.courier import Courier
from sim.load.driver import WorkloadDriver
from sim.load.rpc import RpcClient
from sim.load.scenario import first_nonces, live_workload
from sim.scenario import Scenario, decode_table
from tests.unit.sim.load.fake_chain import ETHER, FakeChain
from tests.unit.sim.load.fake_node import FakeNode, RpcFault, Silence
from tests.unit.sim.load.scenes import SECOND, play

PARAMS = ChainParams(chain_id=7)
PATIENCE = Duration(20 * SECOND)


def scenario(duration: str = "400ms", **load: object) -> Scenario:
    table = {"accounts": 10, "rate": 100, "spacing": "fixed"} | load
    return decode_table(
        {
            "name": "live",
            "duration": duration,
            "network": {"validators": 4, "latency": "uniform", "latency_value": "1ms"},
            "workload": table,
        }
    )


def funded(chain: FakeChain, given: Scenario) -> FakeChain:
    workload = scenario_workload(given, 1, PARAMS)
    chain.fund([address for address, _ in workload.alloc], 10**6 * ETHER)
    return chain


async def drive(given: Scenario, urls: Sequence[str], seconds: float = 0.4) -> WorkloadDriver:
    workload = await live_workload(given, 1, PARAMS, urls)
    nodes = {NodeId(at): url for at, url in enumerate(urls)}
    driver = WorkloadDriver(workload, nodes)
    await driver.run(Duration(round(seconds * SECOND)), PATIENCE)
    return driver


def test_a_workload_is_driven_in_real_time() -> None:
    async def story() -> None:
        given = scenario()
        chain = funded(FakeChain(keeps_gaps=True), given)
        async with FakeNode(chain).serve(0.05) as node:
            driver = await drive(given, [node.url] * 4)
        ledger = driver.ledger
        assert ledger.intended.total == ledger.accepted.total == ledger.included.total == 39
        assert ledger.final.total == 39
        assert driver.unconfirmed == 0
        assert not ledger.errors
        assert sum(chain.nonces.values()) == 39

    play(story)


def test_a_chain_that_goes_on_gives_the_nonces() -> None:
    async def story() -> None:
        given = scenario()
        chain = funded(FakeChain(keeps_gaps=True), given)
        async with FakeNode(chain).serve(0.05) as node:
            await drive(given, [node.url] * 4)
            addresses = [address for address, _ in scenario_workload(given, 1, PARAMS).alloc]
            nonces = await first_nonces(["http://127.0.0.1:1", node.url], addresses)
            assert sum(nonces.values()) == 39
            second = await drive(given, [node.url] * 4)
        assert second.ledger.included.total == 39
        assert not second.ledger.errors
        assert sum(chain.nonces.values()) == 78

    play(story)


def test_contracts_that_transactions_bring_are_there_before_the_load() -> None:
    async def story() -> None:
        given = scenario(kind="erc20", deploy="transaction", rate=20)
        chain = funded(FakeChain(keeps_gaps=True), given)
        async with FakeNode(chain).serve(0.05) as node:
            first = await drive(given, [node.url] * 4, 1.0)
            deployed = len(chain.code)
            second = await drive(given, [node.url] * 4, 1.0)
        assert first.ledger.included.total > 0
        assert deployed == len(chain.code) == 1
        assert second.ledger.included.total > 0
        assert not second.ledger.errors

    play(story)


def test_a_node_that_is_down_is_passed_over() -> None:
    async def story() -> None:
        given = scenario(resend_after="200ms")
        chain = funded(FakeChain(keeps_gaps=True), given)
        async with FakeNode(chain).serve(0.05) as node:
            urls = [node.url, node.url, node.url, "http://127.0.0.1:1"]
            driver = await drive(given, urls)
        # What went to the dead node first was lost with it, and is repeated elsewhere.
        # Where a block comes late, what is in it already is repeated too, and refused.
        assert {"connection"} <= set(driver.ledger.errors) <= {"connection", "nonce too low"}
        assert driver.ledger.resent.total > 0
        assert driver.ledger.included.total == driver.ledger.intended.total == 39

    play(story)


def test_a_node_that_cannot_be_reached_is_down_for_a_while() -> None:
    async def story() -> None:
        now = 0
        errors: list[object] = []
        client = RpcClient("http://127.0.0.1:1")
        courier = Courier(client, lambda digest, at, error: errors.append(error), lambda: now)
        working = asyncio.create_task(courier.work())
        assert not courier.is_down(now)
        for at in range(150):
            courier.take(b"raw", b"%d" % at, 0)
        while len(errors) < 150:
            await asyncio.sleep(0.01)
        # What waited behind the first batch is lost with it, and told so.
        assert len(errors) == 150
        assert courier.is_down(now)
        assert not courier.is_down(now + SECOND)
        working.cancel()
        await courier.close()

    play(story)


def test_the_callers_word_on_who_is_down_counts() -> None:
    async def story() -> None:
        given = scenario()
        chain = funded(FakeChain(keeps_gaps=True), given)
        async with FakeNode(chain).serve(0.05) as node:
            workload = scenario_workload(given, 1, PARAMS)
            nodes = {NodeId(0): node.url}
            nodes |= {NodeId(at): "http://127.0.0.1:1" for at in range(1, 4)}
            driver = WorkloadDriver(workload, nodes, lambda each: each == 0)
            await driver.run(Duration(400_000_000), PATIENCE)
        assert not driver.ledger.errors
        assert driver.ledger.included.total == 39

    play(story)


def test_refusals_are_counted_by_kind_and_left_to_the_workload() -> None:
    async def story() -> None:
        given = scenario(resend_after="200ms")
        chain = funded(FakeChain(keeps_gaps=True), given)
        refused = 0

        def refuse(method: str, parameters: list[object]) -> None:
            nonlocal refused
            if method == "eth_sendRawTransaction" and refused < 3:
                refused += 1
                raise RpcFault(-32000, "txpool is full")

        async with FakeNode(chain).serve(0.05) as node:
            node.meddle = refuse
            driver = await drive(given, [node.url] * 4)
        assert driver.ledger.errors["pool full"].total == 3  # type: ignore[index]
        assert driver.ledger.included.total == 39

    play(story)


def test_stopping_waits_for_nothing() -> None:
    async def story() -> None:
        given = scenario()
        chain = funded(FakeChain(keeps_gaps=True), given)
        async with FakeNode(chain).serve(0) as node:
            workload = scenario_workload(given, 1, PARAMS)
            driver = WorkloadDriver(workload, {NodeId(at): node.url for at in range(4)})
            driver.stop()
            await driver.run(Duration(3_600 * SECOND), PATIENCE)
        assert driver.ledger.included.total == 0
        assert driver.base_fee() == Wei(chain.base_fee)
        assert Instant(driver.now()) < 60 * SECOND

    play(story)


def test_a_node_that_stops_does_not_hold_up_what_the_others_get() -> None:
    async def story() -> None:
        given = scenario("3s", rate=50)
        chain = funded(FakeChain(keeps_gaps=True), given)

        def hang(method: str, parameters: list[object]) -> None:
            raise Silence

        async with FakeNode(chain).serve(0) as one, FakeNode(chain).serve(0.05) as other:
            workload = await live_workload(given, 1, PARAMS, [other.url])
            nodes = {NodeId(0): one.url} | {NodeId(at): other.url for at in range(1, 4)}
            driver = WorkloadDriver(workload, nodes, lambda node: node != 0, timeout_s=3_600)
            asyncio.get_running_loop().call_later(0.3, setattr, one, "meddle", hang)
            # Its silence would last for longer than this test may.
            await driver.run(Duration(3 * SECOND), Duration(3_600 * SECOND))
        assert driver.ledger.intended.total == 149
        assert driver.ledger.final.total == driver.ledger.included.total == 149

    play(story)


def test_a_load_waits_for_the_finality_of_its_last_blocks() -> None:
    async def story() -> None:
        given = scenario()
        chain = funded(FakeChain(keeps_gaps=True, final_behind=3), given)
        async with FakeNode(chain).serve(0.1) as node:
            driver = await drive(given, [node.url] * 4)
        assert driver.ledger.final.total == driver.ledger.included.total == 39

    play(story)


def test_it_is_noticed_when_somebody_else_sends_from_the_accounts() -> None:
    async def story() -> None:
        given = scenario("1s", resend_after="100ms")
        chain = funded(FakeChain(keeps_gaps=True), given)
        addresses = [address for address, _ in scenario_workload(given, 1, PARAMS).alloc]
        async with FakeNode(chain).serve(0.05) as node:
            workload = await live_workload(given, 1, PARAMS, [node.url])
            driver = WorkloadDriver(workload, {NodeId(at): node.url for at in range(4)})
            chain.nonces[addresses[3]] = 1_000
            running = asyncio.create_task(driver.run(Duration(SECOND), Duration(3_600 * SECOND)))
            while driver.now() < SECOND or not driver.unconfirmed == driver.overtaken > 0:
                assert not running.done()
                await asyncio.sleep(0.01)
            driver.stop()
            await running
            assert driver.overtaken == driver.unconfirmed
            assert 5 <= driver.overtaken <= 15
            alone = await drive(scenario(), [node.url] * 4)
            assert alone.overtaken == 0

    play(story)


def test_what_has_waited_too_long_is_known_at_the_end() -> None:
    async def story() -> None:
        given = scenario(resend_after="20s")
        chain = funded(FakeChain(keeps_gaps=True), given)
        async with FakeNode(chain).serve(0) as node:
            workload = scenario_workload(given, 1, PARAMS)
            driver = WorkloadDriver(workload, {NodeId(at): node.url for at in range(4)})
            await driver.run(Duration(400_000_000), Duration(0))
        assert driver.unconfirmed == 39
        assert driver.overdue(0) == 39
        waits = [driver._ended_ns - at * 10_000_000 for at in range(1, 40)]
        assert driver.overdue(waits[20]) == 20, "one is due every 10 ms"
        assert driver.overdue(waits[0]) == 0

    play(story)
