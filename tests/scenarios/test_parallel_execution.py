"""The comparison of schedulers and cores: what it must show, whatever the machine."""

import itertools
from pathlib import Path

import msgspec
import pytest

from sim.report.result import ExecutionFigures
from sim.run import run_scenario
from sim.scenario import Scenario, decode_table, load_scenario

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "scenarios" / "parallel-execution.toml"
SECONDS = 10**9
CORES = (1, 2, 4, 8, 16, 32)
SCHEDULERS = ("level-groups", "critical-path", "optimistic", "all-at-once")


def scenario() -> Scenario:
    return load_scenario(FILE)


def test_it_compares_every_scheduler_on_every_number_of_cores() -> None:
    network = scenario().network
    builder, *judges = network.classes
    assert builder.nodes == (0,)
    pairs = {(each.scheduler, each.cores) for each in judges}
    assert pairs == {("serial", 1), *((name, n) for name in SCHEDULERS for n in CORES)}
    assert network.validators == 1 + len(pairs)


@pytest.mark.slow
def test_more_cores_are_faster_up_to_what_dependencies_allow() -> None:
    short = msgspec.structs.replace(scenario(), duration=5 * SECONDS)
    short = msgspec.structs.replace(short, measure=type(short.measure)())
    result = run_scenario(short, seed=1)
    assert result.violation is None
    assert result.execution is not None
    found: dict[tuple[str, int], ExecutionFigures] = {
        (each.scheduler, each.cores): each.figures for each in result.execution.setups
    }
    assert len(found) == 25
    assert len({figures.gas for figures in found.values()}) == 1, "all executed the same blocks"
    serial = found["serial", 1]
    assert serial.speed_up == pytest.approx(1.0, abs=1e-3), "but for messages in between"
    for name in SCHEDULERS:
        curve = [found[name, cores] for cores in CORES]
        assert all(a.speed_up < b.speed_up for a, b in itertools.pairwise(curve)), name
        assert curve[0].speed_up < 1.0, "one core plans and takes over in vain"
        assert all(f.speed_up < cores for f, cores in zip(curve, CORES, strict=True))
        assert curve[3].gas_per_second > 2 * serial.gas_per_second
    for cores in CORES[1:]:
        levels, path, free = [
            found[name, cores].speed_up for name in ("level-groups", "critical-path", "all-at-once")
        ]
        assert levels < path
        # Reading the list that all start from takes one core longer than planning by a hint does.
        assert levels < free or cores < 8
        assert path < found["critical-path", cores].speed_up_max
        assert found["optimistic", cores].repeats > 0
        assert found["critical-path", cores].repeats == 0, "the hints are true"


def mixed(fidelity: str) -> Scenario:
    """Return a small network in which every node executes in another way."""
    classes = [
        {"name": name, "nodes": [node], "scheduler": name, "cores": 1 + node}
        for node, name in enumerate(("critical-path", "serial", "optimistic", "all-at-once"))
    ]
    table: dict[str, object] = {
        "name": "mixed",
        "duration": "4s",
        "fidelity": fidelity,
        "network": {"validators": 4, "classes": classes, "latency": "uniform"},
        "chain": {"block_access_list": True},
        "workload": {"kind": "mainnet-like", "accounts": 40, "rate": 60, "tokens": 3, "pairs": 2},
        "expect": {"agreement": True, "min_height": 5},
    }
    network = table["network"]
    assert isinstance(network, dict)
    network["latency_value"] = "5ms"
    return decode_table(table)


def test_nodes_that_share_nothing_and_execute_differently_make_the_same_run() -> None:
    shared, isolated = (run_scenario(mixed(each), seed=4) for each in ("shared", "isolated"))
    assert shared.digest == isolated.digest
    assert shared.passed
    assert isolated.passed
    assert shared.execution is not None
    assert len(shared.execution.setups) == 3, "the primary judges no block"
