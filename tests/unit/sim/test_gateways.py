"""Gateways in scenarios: their numbers, machines, regions and links, and who submits to them."""

import pytest

from node.config import Role
from node.gateway import Gateway
from node.node import Node
from sim.assembly import build_world, neighbours
from sim.founding import submitted_to
from sim.scenario import Scenario, decode_scenario, place_nodes
from sim.scenario.errors import ScenarioError
from sim.scenario.placement import chosen_nodes

TEXT = """
name = "small"
duration = "3s"
[network]
validators = 4
followers = 3
gateways = 2
topology = "random-regular"
degree = 2
nodes_per_machine = 2
regions = ["Tokyo", "London", "Mumbai"]
[workload]
rate = 20
accounts = 5
"""


def scenario(text: str = "", **overrides: str) -> Scenario:
    changes = [f"{key.replace('__', '.')}={value}" for key, value in overrides.items()]
    return decode_scenario(TEXT + text, overrides=changes)


def test_gateways_come_last_and_have_machines_of_their_own() -> None:
    plans = place_nodes(scenario().network)
    assert [plan.gateway for plan in plans] == [False] * 7 + [True] * 2
    assert [plan.machine for plan in plans] == [0, 0, 1, 1, 2, 2, 3, 4, 5]
    assert [plan.region for plan in plans[6:]] == ["Tokyo", "London", "Mumbai"]


def test_nodes_are_where_they_were_without_gateways() -> None:
    plans, without = (
        place_nodes(scenario(network__gateways=count).network) for count in ("2", "0")
    )
    assert plans[:7] == without


def test_they_can_be_chosen_by_their_role() -> None:
    network = scenario().network
    assert list(chosen_nodes("gateways", network)) == [7, 8]
    assert list(chosen_nodes("followers", network)) == [4, 5, 6]
    assert list(chosen_nodes("all", network)) == list(range(9))


def test_a_class_gives_them_a_region() -> None:
    text = '[[network.classes]]\nname = "far"\nnodes = "gateways"\nregion = "Mumbai"\n'
    plans = place_nodes(scenario(text).network)
    assert [plan.region for plan in plans[7:]] == ["Mumbai", "Mumbai"]


def test_they_do_not_gossip_and_change_no_ones_neighbours() -> None:
    small, without = scenario(), scenario(network__gateways="0")
    linked = neighbours(small, place_nodes(small.network), 1)
    assert linked[7:] == ((), ())
    assert linked[:7] == neighbours(without, place_nodes(without.network), 1)


def test_clients_submit_through_them_if_there_are_any() -> None:
    assert list(submitted_to(scenario())) == [7, 8]
    assert list(submitted_to(scenario(network__gateways="0"))) == list(range(7))


def test_they_are_machines_of_a_role_of_their_own() -> None:
    world = build_world(scenario(), 1)
    assert [type(node) for node in world.nodes] == [Node] * 7 + [Gateway] * 2
    served = [node.parts.confirmations for node in world.nodes if isinstance(node, Node)]
    assert [each is not None for each in served[:4]] == [True] * 4
    world = build_world(scenario(network__gateways="0"), 1)
    assert all(node.parts.confirmations is None for node in world.nodes if isinstance(node, Node))
    assert Role.GATEWAY.value == "gateway"


@pytest.mark.parametrize("count", ["-1", "65"])
def test_their_number_has_bounds(count: str) -> None:
    with pytest.raises(ScenarioError, match="gateways"):
        scenario(network__gateways=count)
