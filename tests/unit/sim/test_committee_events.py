"""Committee changes on a scenario's timeline: what may be asked, who hands it in, who may sign."""

import pytest

from node.node import Node
from primitives.ids import NodeId
from primitives.machine import TraceEvent
from sim.assembly import build_world
from sim.electorate import Electorate
from sim.governance import governance_account
from sim.registry import liar_names
from sim.scenario import Scenario, ScenarioError, decode_scenario
from sim.world import World

SECOND = 1_000_000_000
SCENARIO = """
name = "changing"
duration = "60s"

[network]
validators = 5
followers = 2
latency = "uniform"
latency_value = "5ms"

[consensus]
empty_blocks = true
block_interval = "500ms"

[chain]
checkpoint_interval = 8

[workload]
rate = 5
accounts = 10
"""
FIRST = """
[[events]]
kind = "committee"
at = "1s"
add = [5]
remove = [0]
"""
SECOND_CHANGE = """
[[events]]
kind = "committee"
at = "10s"
add = [0]
rekey = [1]
"""


def scenario(events: str = FIRST) -> Scenario:
    return decode_scenario(SCENARIO + events)


def world(events: str = FIRST, run_s: float = 8) -> World:
    built = build_world(scenario(events), seed=1)
    built.run_until(round(run_s * SECOND))
    return built


# ---------------------------------------------------------------- what may be asked


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("", "expected nodes to add, remove or rekey, got none"),
        ("add = [3]", "add.*expected a node that is no validator by then, got node 3"),
        ("remove = [5]", "remove.*expected a node that is a validator by then, got node 5"),
        ("rekey = [6]", "rekey.*expected a node that is a validator by then, got node 6"),
        ("add = [7]", "add.*expected a node number from 0 to 6, got 7"),
        ("remove = [1, 2]", "remove.*expected at least 4 validators after it, got 3"),
        ("promote = [1]", "promote"),
        ("remove = [1, 1]", r"remove\[1\]: expected each node once, got node 1 again"),
        ("add = [5, 6, 5]", r"add\[2\]: expected each node once, got node 5 again"),
        ("rekey = [0, 0]", r"rekey\[1\]: expected each node once, got node 0 again"),
        ("remove = [1]\nrekey = [1]", "rekey.*expected a node that stays a validator, got node 1"),
    ],
)
def test_impossible_changes_are_found_before_the_run(fields: str, message: str) -> None:
    text = f'\n[[events]]\nkind = "committee"\nat = "1s"\n{fields}\n'
    with pytest.raises(ScenarioError, match=message):
        scenario(text)


def test_a_change_is_judged_by_the_committee_of_its_time() -> None:
    """In order of time, whatever the order in the file."""
    scenario(SECOND_CHANGE + FIRST)
    with pytest.raises(ScenarioError, match="a node that is no validator by then, got node 0"):
        scenario(SECOND_CHANGE)


# ---------------------------------------------------------------- keys


def test_each_node_has_the_keys_that_the_timeline_gives_it() -> None:
    electorate = Electorate(scenario(FIRST + SECOND_CHANGE), 1)
    (_, first), (_, second) = electorate.changes
    assert [(change.kind, change.node) for change in first] == [("remove", 0), ("add", 5)]
    assert [(change.kind, change.node) for change in second] == [("add", 0), ("rekey", 1)]
    keys = {node: electorate.spare_keys(node) for node in range(7)}
    assert {node: len(spare) for node, spare in keys.items() if spare} == {5: 1, 1: 1}
    assert keys[5][0].signer.public_key == first[1].public_key
    assert keys[1][0].signer.public_key == second[1].public_key


def test_a_run_without_changes_has_no_governance_account() -> None:
    built = world("", run_s=0)
    assert built.environment.genesis.params.governance == bytes(20)
    changing = world(run_s=0)
    assert changing.environment.genesis.params.governance == governance_account(1).address


# ---------------------------------------------------------------- the run


def test_committee_group_and_primary_follow_the_epoch() -> None:
    built = world()
    assert built.head.epoch.number == 1
    assert built.committee.nodes == (1, 2, 3, 4, 5)
    assert (built.view, built.primary()) == (0, 1)
    assert [built.node(node).replica is None for node in range(7)] == [True] + [False] * 5 + [True]
    built.crash(built.primary())
    built.run_for(20 * SECOND)
    assert built.view >= 1
    assert built.primary() == built.committee.members[built.view % 5].node


def test_a_change_is_handed_to_another_validator_when_the_first_one_fails() -> None:
    text = (
        FIRST.replace("remove = [0]", "")
        + '\n[[events]]\nkind = "crash"\nat = "1050ms"\nnode = 0\n'
    )
    built = world(text, run_s=25)
    assert built.head.epoch.number == 1
    assert 5 in built.committee.nodes


def test_every_node_tells_once_that_an_epoch_has_begun() -> None:
    built = build_world(scenario(FIRST + SECOND_CHANGE), seed=1)
    begun: list[tuple[int, TraceEvent]] = []
    built.subscribe(
        events=lambda seen: (
            begun.append((seen.node, seen.event))
            if seen.event.name == "consensus.epoch_begun"
            else None
        )
    )
    built.run_until(25 * SECOND)
    for epoch, size in ((1, 5), (2, 6)):
        told = [(node, e.size) for node, e in begun if e.epoch == epoch]  # type: ignore[attr-defined]
        assert sorted(told) == [(node, size) for node in range(7)]


def test_a_rekeyed_validator_restarts_with_its_new_key() -> None:
    built = world(FIRST + SECOND_CHANGE, run_s=25)
    assert built.head.epoch.number == 2
    built.crash(1)
    built.run_for(SECOND)
    built.restart(1)
    built.run_for(5 * SECOND)
    node = built.nodes[1]
    assert isinstance(node, Node)
    assert node.replica is not None
    assert node.parts.epochs.epoch.number == 2
    height = node.ledger.height
    certificate = built.certificate(NodeId(2), height)
    assert certificate.epoch == 2


def test_the_same_seed_gives_the_same_run() -> None:
    assert world(run_s=6).trace.digest() == world(run_s=6).trace.digest()


@pytest.mark.parametrize("liar", liar_names())
def test_liars_of_every_kind_do_not_keep_a_committee_from_changing(liar: str) -> None:
    """Some speak to the next committee before anybody else has come to it."""
    text = f'\n[[network.classes]]\nname = "liars"\nnodes = [3]\nliar = "{liar}"\n'
    built = world(text + FIRST, run_s=15)
    assert built.head.epoch.number == 1
    assert built.head.number > 8
