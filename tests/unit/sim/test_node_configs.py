"""`[execution]` and what a class says differently, on its way to each node."""

import pytest

from node.demand import ExecutionConfig
from sim.assembly import build_world
from sim.node_configs import node_config
from sim.run import run_shape
from sim.scenario import Scenario, decode_scenario, format_scenario, place_nodes
from tests.unit.sim.scenario_texts import MINIMAL, only_mistake

TEXT = (
    MINIMAL
    + """
[[network.classes]]
name = "lone"
nodes = [1]
scheduler = "serial"
cores = 1
[[network.classes]]
name = "builders"
nodes = [2, 3]
building = "optimistic"
[execution]
scheduler = "critical-path"
hints = false
"""
)


def configs(scenario: Scenario) -> list[ExecutionConfig]:
    return [node_config(scenario, plan).execution for plan in place_nodes(scenario.network)]


def test_a_class_differs_in_what_it_says() -> None:
    plain = ExecutionConfig("critical-path", "serial", hints=False)
    lone = ExecutionConfig("serial", "serial", hints=False)
    builder = ExecutionConfig("critical-path", "optimistic", hints=False)
    assert configs(decode_scenario(TEXT)) == [plain, lone, builder, builder]


def test_without_a_word_all_execute_in_turn() -> None:
    assert configs(decode_scenario(MINIMAL)) == [ExecutionConfig()] * 4


def test_it_reaches_the_nodes_and_the_report() -> None:
    scenario = decode_scenario(TEXT)
    world = build_world(scenario, seed=1)
    found = [world.node(node).parts.charging.config for node in range(4)]
    assert found == configs(scenario)
    setups = run_shape(scenario, world).execution
    assert [(each.scheduler, each.cores) for each in setups] == [
        ("critical-path", 4),
        ("serial", 1),
        ("critical-path", 4),
        ("critical-path", 4),
    ]


def test_it_survives_being_written() -> None:
    scenario = decode_scenario(TEXT)
    assert decode_scenario(format_scenario(scenario)) == scenario


@pytest.mark.parametrize(
    ("override", "where"),
    [
        ("execution.scheduler=all-at-once", "execution.scheduler"),
        ("network.classes[0].scheduler=all-at-once", "network.classes[0].scheduler"),
    ],
)
def test_all_at_once_needs_block_access_lists(override: str, where: str) -> None:
    message = only_mistake(TEXT, override)
    assert f"{where}: expected chain.block_access_list = true beside it" in message
    decode_scenario(TEXT, overrides=[override, "chain.block_access_list=true"])


@pytest.mark.parametrize(
    "override", ["execution.scheduler=fastest", "execution.building=level-groups"]
)
def test_a_name_that_is_none_is_refused(override: str) -> None:
    assert "expected one of" in only_mistake(TEXT, override)
