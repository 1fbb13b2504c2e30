"""A real Prometheus server looks at a live network, and at a run in virtual time."""

import asyncio
import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from node.observe.families import World, in_world
from node.observe.panels import ROWS
from node.observe.prometheus import CONFIG, TARGETS, Target, prometheus_config, targets_file
from node.runtime.observatory import Observatory
from sim.report.metrics import write_metrics
from tests.live.prometheus_server import PATIENCE_SECONDS, Prometheus, program, serving
from tests.unit.node.observe.exposition import tool
from tests.unit.node.runtime.live_world import LiveWorld, on_loop
from tests.unit.node.transfers import raw_transfer
from tests.unit.sim.live.networks import ROOT, free_ports
from tests.unit.sim.report_runs import busy_run

NODES = 4
ACCOUNTS = 5


class Served:
    """A network whose nodes show their metrics over HTTP."""

    def __init__(self, world: LiveWorld) -> None:
        self.world = world
        self.observatories: list[Observatory] = []
        self.targets: list[Target] = []
        self._runners: list[web.AppRunner] = []

    async def start(self) -> None:
        for node in range(NODES):
            observatory = Observatory(await self.world.start(node))
            observatory.start()
            self.observatories.append(observatory)
            self.targets.append(Target(await self._serve(observatory), "validator"))

    async def close(self) -> None:
        for observatory in self.observatories:
            observatory.stop()
        for runner in self._runners:
            await runner.cleanup()

    async def _serve(self, observatory: Observatory) -> str:
        async def metrics(request: web.Request) -> web.Response:
            body, kind = observatory.text(request.headers.get("Accept", ""))
            return web.Response(body=body, headers={"Content-Type": kind})

        application = web.Application()
        application.router.add_get("/metrics", metrics)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        self._runners.append(runner)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        return f"{host}:{port}"


async def pay(world: LiveWorld, nonce: int) -> int:
    """Have each account pay once, at a node of its own; return how many did."""
    raws = [raw_transfer(sender, nonce) for sender in range(ACCOUNTS)]
    outcomes = await asyncio.gather(
        *[world.nodes[sender % NODES].submit(raw) for sender, raw in enumerate(raws)]
    )
    assert [outcome.refusal for outcome in outcomes] == [""] * ACCOUNTS
    return ACCOUNTS


EVERYBODY = [str(node) for node in range(NODES)]


async def watch(served: Served, server: Prometheus) -> None:
    """Pay until the server has seen all nodes commit, then look at what it knows."""
    paid = 0
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            paid += await pay(served.world, paid // ACCOUNTS)
            tps = await server.query("max_over_time(blockchain_tps[1m]) > 0")
            if tps.keys() == set(EVERYBODY):
                break
            await asyncio.sleep(0.2)
    await server.until("blockchain_transactions_total", dict.fromkeys(EVERYBODY, paid))
    await server.until("network_peers", dict.fromkeys(EVERYBODY, NODES - 1))
    await server.until("sum(blockchain_confirmation_time_seconds_count)", {"": paid})
    assert (await server.query("blockchain_tps")).keys() == set(EVERYBODY)
    await look_at_the_dashboard(served.world, server, paid)
    await look_at_the_metadata(server)


async def look_at_the_dashboard(world: LiveWorld, server: Prometheus, paid: int) -> None:
    """Every query of the dashboard is answered; those of what happens here have numbers.

    A rate has one when the server has looked twice within a minute, so payments go on meanwhile.
    """
    expected = {"Submitted and refused", "Lies and offences", "Operations"}
    expected |= {"Calls", "Errors", "Connections"}  # these nodes have no RPC server
    expected |= {"Speed-up"}  # which only virtual time knows
    empty: set[str] = set()
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while empty := set(await empty_panels(server)) - expected:
                paid += await pay(world, paid // ACCOUNTS)
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise AssertionError(f"the server has no numbers for {empty}") from None


async def empty_panels(server: Prometheus) -> list[str]:
    """Return the panels with a query to which the server has no numbers."""
    empty = []
    for row in ROWS:
        for panel in row.panels:
            for query in panel.queries:
                filled = query.expression.replace("$__rate_interval", "1m")
                filled = filled.replace("$network", ".*").replace("$node", ".*")
                if not (await server.ask("query", query=filled))["result"]:
                    empty.append(panel.title)
    return empty


async def look_at_the_metadata(server: Prometheus) -> None:
    """The server knows each family by the table's kind and meaning."""
    known = await server.ask("metadata")
    for family in in_world(World.LIVE):
        # A counter goes by its own name in OpenMetrics, by that of its samples in the old format.
        found = known.get(family.name) or known.get(family.sample)
        if found is not None:
            assert found[0]["type"] == family.kind.value
            assert found[0]["help"] == family.meaning
    assert len(known) > 60


def test_prometheus_scrapes_a_live_network(tmp_path: Path) -> None:
    program()

    async def scene() -> None:
        world = LiveWorld(tmp_path / "stores", NODES, accounts=ACCOUNTS)
        served = Served(world)
        try:
            await served.start()
            (tmp_path / CONFIG).write_text(prometheus_config(interval_seconds=1))
            (tmp_path / TARGETS).write_text(targets_file("test", served.targets))
            async with serving(tmp_path / CONFIG, tmp_path / "samples") as server:
                await watch(served, server)
        finally:
            await served.close()
            await world.close()

    on_loop(scene())


def test_prometheus_answers_for_a_virtual_run(tmp_path: Path) -> None:
    """As the guide does it: promtool makes blocks of metrics.om, a server takes them."""
    program()
    run = busy_run(nodes=4, seconds=20, rate=40)
    metrics, samples = tmp_path / "metrics.om", tmp_path / "samples"
    with metrics.open("w") as out:
        write_metrics(run, out)
    command = [tool("promtool"), "tsdb", "create-blocks-from", "openmetrics"]
    command += [str(metrics), str(samples)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    config = tmp_path / CONFIG
    config.write_text(prometheus_config())

    async def scene() -> None:
        async with serving(config, samples) as server:
            found = await server.ask(
                "query_range", query="blockchain_tps", start="0", end="20", step="1"
            )
            assert {row["metric"]["node"] for row in found["result"]} == {"0", "1", "2", "3"}
            last = await server.ask("query", query="blockchain_transactions_total", time="20")
            totals = {row["metric"]["node"]: int(row["value"][1]) for row in last["result"]}
            assert totals == {
                str(node): count for node, count in enumerate(run.nodes.transactions.live)
            }
            late = "histogram_quantile(0.5, sum by (le) (blockchain_block_time_seconds_bucket))"
            (row,) = (await server.ask("query", query=late, time="20"))["result"]
            assert float(row["value"][1]) == pytest.approx(0.6, abs=0.5)

    asyncio.run(scene())


# ---------------------------------------------------------------- processes

NETWORK = """
name = "watched"
duration = "300s"
[network]
validators = 4
[workload]
kind = "transfers"
accounts = 20
rate = 20
"""


@contextlib.contextmanager
def live_network(directory: Path) -> Iterator[None]:
    """Let `orrery up` run a network of processes until the end of the block."""
    scenario = directory / "scenario.toml"
    scenario.write_text(NETWORK)
    first = free_ports(20)
    command = [sys.executable, "-c", "import sys; from sim.cli.entry import main; sys.exit(main())"]
    command += ["up", str(scenario), "--dir", str(directory / "net"), "--json"]
    command += ["--rpc-port", str(first), "--p2p-port", str(first + 10)]
    with (directory / "up.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(120) == 0, (directory / "up.log").read_text()


async def until_written(file: Path) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not file.exists():
            await asyncio.sleep(0.1)


@pytest.mark.slow
def test_prometheus_scrapes_what_orrery_up_starts(tmp_path: Path) -> None:
    """With the very files that `orrery up` writes."""
    program()

    async def scene() -> None:
        with live_network(tmp_path):
            written = tmp_path / "net"
            await until_written(written / TARGETS)
            async with serving(written / CONFIG, tmp_path / "samples") as server:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    tps = "max_over_time(blockchain_tps[5m]) > 0"
                    while (await server.query(tps)).keys() != set("0123"):
                        await asyncio.sleep(0.5)
                labels = 'blockchain_memory_bytes{network="watched", role="validator"}'
                memory = await server.query(labels)
                assert memory.keys() == set("0123")
                assert all(10 << 20 < size < 1 << 30 for size in memory.values())
                calls = 'sum(rpc_calls_total{method="eth_sendRawTransaction"}) > bool 0'
                await server.until(calls, {"": 1})
                await server.until("sum(up)", {"": 4})

    asyncio.run(scene())
