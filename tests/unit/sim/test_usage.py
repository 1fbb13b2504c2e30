"""What nodes of virtual time take of their machines, and what a report makes of it."""

import io

import numpy as np

from network.reconcile import ReconcileCounts
from node.observe.families import network, runtime
from primitives.machine import Serial, TaskGraph, Tasks
from sim.driving import DrivenNetwork, drive_network
from sim.hosts.processors import Processors
from sim.report import LinkPicture, NetworkPicture
from sim.report.metrics import round_trips, write_metrics
from sim.usage import NodeUsage
from tests.unit.sim.report_runs import committed, feed, shape

SECOND = 1_000_000_000
MS = 1_000_000


def cost(kind: str, units: int) -> int:
    return units * {"work": 10, "more": 1}[kind]


# ---------------------------------------------------------------- cores


def test_each_shape_of_work_counts_for_who_asked() -> None:
    cores = Processors(2)
    cores.reserve(0, 3, Serial("work", 5), cost)
    assert cores.used == {3: 50}
    cores.reserve(0, 4, Tasks("work", (1, 2, 3)), cost)
    assert cores.used == {3: 50, 4: 60}
    graph = TaskGraph(
        "work", (4, 5), ((0, 1),), again=(1,), before=(("more", 7),), after=(("more", 2),)
    )
    cores.reserve(0, 4, graph, cost)
    assert cores.used == {3: 50, 4: 60 + 7 + 40 + 50 + 50 + 2}


def test_what_waits_for_a_core_does_not_count_as_use() -> None:
    cores = Processors(1)
    cores.reserve(0, 0, Serial("work", 100), cost)
    cores.reserve(0, 1, Serial("work", 1), cost)
    assert cores.used == {0: 1_000, 1: 10}


# ---------------------------------------------------------------- nodes


def used(net: DrivenNetwork, usage: NodeUsage) -> list[int]:
    net.run_for("1s")
    return usage.processor_ns()


def test_processor_time_grows_with_what_a_node_does() -> None:
    net = drive_network(validators=4, load=30.0)
    usage = NodeUsage(net.world)
    early, late = used(net, usage), used(net, usage)
    assert all(0 < before < after for before, after in zip(early, late, strict=True))
    assert max(late) < 4 * SECOND
    net.crash(3)
    dead = used(net, usage)[3]
    assert used(net, usage)[3] == dead
    assert usage.memory_bytes()[3] == 0
    assert usage.pools()[3] == (0, 0, 0)


def test_memory_is_at_least_what_the_pool_holds() -> None:
    net = drive_network(validators=4, load=100.0)
    usage = NodeUsage(net.world)
    net.run_for("2s")
    pools, memory = usage.pools(), usage.memory_bytes()
    assert any(size > 0 for _, _, size in pools)
    for (pending, queued, size), held in zip(pools, memory, strict=True):
        assert held >= size
        assert (pending + queued > 0) == (size > 0)


# ---------------------------------------------------------------- the report


class Grows:
    """Uses half a second of processor time more each time that it is asked."""

    def __init__(self) -> None:
        self.used = 0

    def processor_ns(self) -> list[int]:
        self.used += SECOND // 2
        return [self.used]

    def memory_bytes(self) -> list[int]:
        return [7_000]

    def pools(self) -> list[tuple[int, int, int]]:
        return [(3, 2, 500)]

    def rounds(self) -> list[ReconcileCounts | None]:
        return [ReconcileCounts(rounds=7, plain=2, extended=1, failed=1, flushed=4)]


def test_usage_is_sampled_with_all_else() -> None:
    run = feed(shape(nodes=1, seconds=2), Grows())
    run.event(0.5, 0, committed(1))
    run.event(1.5, 0, committed(2))
    out = io.StringIO()
    write_metrics(run.finish(2), out)
    lines = out.getvalue().splitlines()
    assert [line for line in lines if line.startswith(runtime.CPU_USAGE.name)] == [
        'blockchain_cpu_usage{node="0",shard="0"} 0.0 0',
        'blockchain_cpu_usage{node="0",shard="0"} 0.5 1',
        'blockchain_cpu_usage{node="0",shard="0"} 0.5 2',
    ]
    assert 'blockchain_memory_bytes{node="0",shard="0"} 7000 1' in lines
    assert 'txpool_transactions{node="0",shard="0",state="queued"} 2 1' in lines
    assert 'txpool_size_bytes{node="0",shard="0"} 500 2' in lines
    rounds = [line for line in lines if line.startswith("network_reconcile") and line[-1] == "2"]
    assert rounds == [
        'network_reconcile_rounds_total{node="0",shard="0",outcome="failed"} 1 2',
        'network_reconcile_rounds_total{node="0",shard="0",outcome="found"} 4 2',
        'network_reconcile_rounds_total{node="0",shard="0",outcome="plain"} 2 2',
        'network_reconcile_extended_total{node="0",shard="0"} 1 2',
        'network_reconcile_transactions_total{node="0",shard="0",what="flushed"} 4 2',
    ]


def test_round_trips_count_once_a_sample_while_both_ends_are_up() -> None:
    links = [LinkPicture(0, 1, 10 * MS), LinkPicture(1, 2, 60 * MS)]
    up = np.array([[1, 1, 1], [1, 1, 0], [0, 1, 0]])
    counts, sums = round_trips(links, up)
    assert counts[:, :, -1].tolist() == [[1, 2, 1], [2, 3, 1], [2, 3, 1]]
    assert sums.tolist() == [
        [20 * MS, 140 * MS, 120 * MS],
        [40 * MS, 160 * MS, 120 * MS],
        [40 * MS, 160 * MS, 120 * MS],
    ]
    at = network.LATENCY.bounds.index(20 * MS)
    assert counts[0, 0, at - 1] == 0
    assert counts[0, 0, at] == 1


def test_a_report_with_a_picture_shows_round_trips() -> None:
    run = feed(shape(nodes=2, seconds=1))
    picture = NetworkPicture((), (LinkPicture(0, 1, 25 * MS),), "full mesh")
    out = io.StringIO()
    write_metrics(run.finish(1), out, picture=picture)
    lines = out.getvalue().splitlines()
    name = network.LATENCY.name
    assert f'{name}_sum{{node="1",shard="0"}} 0.1 1' in lines
    assert f'{name}_bucket{{node="1",shard="0",le="0.05"}} 2 1' in lines
    assert f'{name}_bucket{{node="1",shard="0",le="0.02"}} 0 1' in lines
