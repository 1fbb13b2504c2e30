"""What each node of a scenario is: region, machine, and what its classes override."""

from collections import Counter
from collections.abc import Mapping

import pytest
from hypothesis import given, strategies as st

from sim.scenario import NodePlan, Scenario, decode_table, partition_groups, place_nodes
from sim.scenario.placement import DISKS, apportion


def scenario_of(**network: object) -> Scenario:
    table: Mapping[str, object] = {"name": "x", "duration": "1s", "network": network}
    return decode_table(dict(table))


def plans_of(**network: object) -> tuple[NodePlan, ...]:
    return place_nodes(scenario_of(**network).network)


def test_regions_are_filled_in_turn() -> None:
    plans = plans_of(validators=3, followers=2, regions=["Tokyo", "London"])
    assert [plan.region for plan in plans] == ["Tokyo", "London", "Tokyo", "London", "Tokyo"]
    assert [plan.validator for plan in plans] == [True, True, True, False, False]
    assert [plan.node for plan in plans] == [0, 1, 2, 3, 4]


def test_all_regions_of_the_table_are_the_default() -> None:
    regions = [plan.region for plan in plans_of(validators=7, latency="simblock-6-2015")]
    assert len(set(regions)) == 6
    assert regions[6] == regions[0]


def test_a_uniform_network_needs_no_regions() -> None:
    assert {p.region for p in plans_of(validators=2, latency="uniform", latency_value="1ms")} == {
        "anywhere"
    }


def test_nodes_of_one_machine_stand_in_one_region() -> None:
    plans = plans_of(validators=5, nodes_per_machine=2, regions=["Tokyo", "London", "Seoul"])
    assert [plan.machine for plan in plans] == [0, 0, 1, 1, 2]
    assert [plan.region for plan in plans] == ["Tokyo", "Tokyo", "London", "London", "Seoul"]


def test_later_classes_win_key_by_key() -> None:
    plans = plans_of(
        validators=3,
        cores=8,
        classes=[
            {"name": "a", "nodes": "all", "cores": 2, "disk": "hdd", "bandwidth_up": "1Mbit"},
            {"name": "b", "nodes": [1], "cores": 1, "region": "Tokyo", "mempool_bytes": "1kB"},
        ],
    )
    assert [plan.cores for plan in plans] == [2, 1, 2]
    assert [plan.bandwidth_up for plan in plans] == [1_000_000] * 3
    assert plans[1].disk == DISKS["hdd"]
    assert plans[1].region == "Tokyo"
    assert [plan.mempool_bytes for plan in plans] == [64 * 2**20, 1_000, 64 * 2**20]
    assert [plan.classes for plan in plans] == [("a",), ("a", "b"), ("a",)]


def test_a_disk_by_its_figures() -> None:
    figures = {"latency": "1us", "fsync": "2us", "throughput": "3B"}
    disk = plans_of(validators=1, disk=figures)[0].disk
    assert (disk.latency, disk.fsync, disk.throughput) == (1_000, 2_000, 3)


def test_shares_are_kept_by_every_prefix() -> None:
    assert apportion({"a": 0.5, "b": 0.25, "c": 0.25}, 4) == ("a", "b", "c", "a")
    assert Counter(apportion({"a": 0.9, "b": 0.1}, 100)) == {"a": 90, "b": 10}
    assert apportion({"a": 0.0, "b": 1.0}, 3) == ("b", "b", "b")


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=6).filter(any),
    st.integers(1, 60),
)
def test_apportionment_stays_close_to_what_is_due(weights: list[int], count: int) -> None:
    shares = {f"r{index}": float(weight) for index, weight in enumerate(weights)}
    given_ = Counter(apportion(shares, count))
    for name, weight in shares.items():
        due = weight * count / sum(weights)
        # The quota is met from below by less than the number of regions, never grossly exceeded.
        assert abs(given_[name] - due) < len(weights)
    assert given_.total() == count


def test_groups_may_name_regions_and_nodes() -> None:
    network = scenario_of(validators=6, regions=["Tokyo", "London", "Seoul"]).network
    assert partition_groups((("Tokyo", 4), (1,)), network) == ((0, 3, 4), (1,))


@pytest.mark.parametrize(("nodes", "expected"), [("validators", [0, 1]), ("followers", [2, 3])])
def test_a_class_may_name_a_role(nodes: str, expected: list[int]) -> None:
    plans = plans_of(
        validators=2, followers=2, classes=[{"name": "a", "nodes": nodes, "loss": 0.5}]
    )
    assert [plan.node for plan in plans if plan.loss == 0.5] == expected
