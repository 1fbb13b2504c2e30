"""Both worlds: a virtual run and the registry of a live node show the same families and numbers.

A run in virtual time is told to the collector of reports, as always, and beside it to the metrics
that a live node has, one for each node. What both end with must be equal, series for series.
"""

import io
from collections.abc import Iterator

import pytest

from node.observe.families import (
    BY_NAME,
    FAMILIES,
    World,
    chain,
    in_world,
    network,
    runtime,
    storage,
)
from node.observe.metrics import NodeMetrics
from primitives.ids import Instant
from sim.assembly import build_world
from sim.pictures import network_picture
from sim.report import Collector
from sim.report.metrics import write_metrics
from sim.run import run_shape
from sim.scenario import decode_table
from sim.trace import Observation, Stored, Traffic
from sim.usage import NodeUsage
from tests.unit.node.observe.exposition import Sample, families_of, last_samples

SECOND = 1_000_000_000
NODES = 6
OPEN_METRICS = "application/openmetrics-text; version=1.0.0"
TABLE: dict[str, object] = {
    "name": "both-worlds",
    "duration": "12s",
    "network": {"validators": 4, "followers": 2},
    "consensus": {"request_timeout": "400ms", "view_change_timeout": "400ms"},
    "workload": {"clients": 40, "accounts": 40},
    "events": [
        {"kind": "crash", "at": "3s", "node": 0, "for": "2s"},
        {"kind": "partition", "at": "7s", "groups": [[5]], "for": "1s"},
    ],
}


ASKED = {
    chain.POOL_TRANSACTIONS.name,
    chain.POOL_BYTES.name,
    network.LATENCY.name,
    runtime.CPU_USAGE.name,
    runtime.MEMORY.name,
    storage.DISK_IO.name,
}
"""What no event tells: a live node asks its system for it, a virtual run models it."""


class Worlds:
    """One run, seen by both."""

    def __init__(self) -> None:
        scenario = decode_table(TABLE, "both-worlds")
        with build_world(scenario, 5) as world:
            usage = NodeUsage(world)
            self.collector = Collector(run_shape(scenario, world), world.blocks, usage)
            self.live = [NodeMetrics(node, world.blocks) for node in range(NODES)]
            world.subscribe(self.collector.observe, self.collector.traffic, None, None)
            world.subscribe(storage=self.collector.stored)
            world.subscribe(self._event, self._sent, None, self._stored)
            world.run_until(12 * SECOND)
            self.collector.finish(world.now)
            self.used_ns = usage.processor_ns()
            picture = network_picture(scenario, world.topology)
        out = io.StringIO()
        write_metrics(self.collector, out, picture=picture)
        self.virtual_text = out.getvalue()

    def _event(self, observation: Observation) -> None:
        if observation.node >= 0:
            self.live[observation.node].event(Instant(observation.at_ns), observation.event)

    def _sent(self, sent: Traffic) -> None:
        self.live[sent.node].sent(Instant(sent.at_ns), sent.kind, sent.count, sent.bytes)

    def _stored(self, stored: Stored) -> None:
        self.live[stored.node].stored(Instant(stored.at_ns), stored.bytes, stored.wait_ns)


@pytest.fixture(scope="module")
def worlds() -> Worlds:
    return Worlds()


def live_texts(worlds: Worlds) -> Iterator[str]:
    for metrics in worlds.live:
        body, content_type = metrics.text(OPEN_METRICS)
        assert content_type.startswith("application/openmetrics-text")
        yield body.decode()


def test_a_virtual_run_shows_families_of_the_table_and_no_others(worlds: Worlds) -> None:
    for name, shown in families_of(worlds.virtual_text).items():
        family = BY_NAME[name]
        assert World.VIRTUAL in family.worlds, name
        assert (shown.kind, shown.unit, shown.meaning) == (
            family.kind,
            family.unit,
            family.meaning,
        )


def test_names_kinds_units_and_help_are_equal_in_both_worlds(worlds: Worlds) -> None:
    virtual = families_of(worlds.virtual_text)
    for text in live_texts(worlds):
        live = families_of(text)
        shared = virtual.keys() & live.keys()
        assert len(shared) > 20
        assert {name: virtual[name] for name in shared} == {name: live[name] for name in shared}


def test_every_shared_family_of_protocol_events_is_in_both(worlds: Worlds) -> None:
    """What the run has no occasion for (lies, compact blocks, rounds) a live node may show as 0."""
    occasions = {
        "consensus_evidence",
        network.COMPRESSION_BYTES.name,
        network.COMPACT_BLOCKS.name,
        network.COMPACT_TRANSACTIONS.name,
        network.COMPACT_BYTES.name,
        network.RECONCILE_ROUNDS.name,
        network.RECONCILE_EXTENDED.name,
        network.RECONCILE_TRANSACTIONS.name,
        network.OFFENCES.name,
        chain.REJECTED.name,
    }
    shared = {f.name for f in FAMILIES if set(f.worlds) == {World.VIRTUAL, World.LIVE}}
    live = set().union(*(families_of(text) for text in live_texts(worlds)))
    assert shared - occasions <= families_of(worlds.virtual_text).keys()
    assert shared - occasions - ASKED <= live


def test_every_series_ends_with_the_same_number(worlds: Worlds) -> None:
    """But what one world keeps where the other starts anew: throughput is as of its own sample."""
    virtual = last_samples(worlds.virtual_text)
    modelled = [f.name for f in FAMILIES if World.LIVE not in f.worlds]
    live: dict[Sample, float] = {}
    for text in live_texts(worlds):
        live |= last_samples(text)
    compared = 0
    for sample, value in virtual.items():
        if sample.name == chain.TPS.name or sample.name.startswith((*ASKED, *modelled)):
            continue
        assert live[sample] == pytest.approx(value, rel=1e-9), sample
        compared += 1
    assert compared > 500


def test_processor_time_is_modelled_for_every_node(worlds: Worlds) -> None:
    """Each sample is what was used since the one before it; what the first one saw is lost."""
    used = dict.fromkeys(range(NODES), 0.0)
    before = dict.fromkeys(range(NODES), 0.0)
    for line in worlds.virtual_text.splitlines():
        if line.startswith(runtime.CPU_USAGE.name + "{"):
            series, value, stamp = line.rsplit(" ", 2)
            node = int(series.split('"')[1])
            used[node] += float(value) * (float(stamp) - before[node])
            before[node] = float(stamp)
    assert all(spent > 0 for spent in used.values())
    assert [used[node] for node in range(NODES)] == pytest.approx(
        [spent_ns / SECOND for spent_ns in worlds.used_ns], rel=1e-3
    )


def test_throughput_is_the_increase_since_the_sample_before_in_both() -> None:
    metrics = NodeMetrics(0)
    metrics.sample(SECOND)
    metrics.chain.transactions = 30
    metrics.sample(3 * SECOND)
    (tps,) = [each for each in metrics.readings() if each.family is chain.TPS]
    assert tps.number == 15


def test_series_that_a_live_node_alone_has_are_empty_in_the_virtual_run(worlds: Worlds) -> None:
    live = last_samples("".join(text.removesuffix("# EOF\n") for text in live_texts(worlds)))
    virtual = last_samples(worlds.virtual_text)
    shared = {family.name for family in in_world(World.VIRTUAL)}
    for sample, value in live.items():
        name = sample.name.removesuffix("_total")
        if name in shared and sample not in virtual:
            assert value == 0, sample
