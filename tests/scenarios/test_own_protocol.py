"""A protocol from another package: the guide's example, from the text to blocks that are final."""

import re
from pathlib import Path

import pytest

from node.plugins import BUILT_IN_ENGINES, engine_names, make_engine
from primitives.errors import InvalidInput
from primitives.ids import NodeId
from sim.assembly import build_world
from sim.run import run_scenario
from sim.scenario import Scenario, ScenarioError, decode_scenario, format_scenario

SCENARIO = """
name = "in-turns"
duration = "9s"

[network]
validators = 4
followers = 1

[consensus]
protocol = "rota"

[workload]
rate = 20
accounts = 10
"""
SECOND = 10**9


@pytest.fixture(autouse=True)
def rota(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repository: Path) -> None:
    """Install the package of the guide's example."""
    guide = (repository / "docs/guides/extending.md").read_text("utf-8")
    found = re.search(r"```python\n# my_rota/rota.py\n(.*?)```", guide, re.DOTALL)
    entry = re.search(
        r'\[project.entry-points."(orrery.consensus)"\]\n(.*?)\n```', guide, re.DOTALL
    )
    assert found is not None
    assert entry is not None
    package = tmp_path / "my_rota"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "rota.py").write_text(found[1])
    information = tmp_path / "my_rota-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: my_rota\nVersion: 1\n")
    points = entry[2].replace('"', "")
    (information / "entry_points.txt").write_text(f"[{entry[1]}]\n{points}\n")
    monkeypatch.syspath_prepend(tmp_path)


def scenario(text: str = "", *overrides: str) -> Scenario:
    return decode_scenario(SCENARIO + text, overrides=overrides)


@pytest.mark.parametrize("validators", [1, 4, 5])
def test_its_blocks_become_final_everywhere_and_no_checker_objects(validators: int) -> None:
    expect = "[expect]\nagreement = true\nmin_tps = 15\nmin_height = 20\n"
    result = run_scenario(scenario(expect, f"network.validators={validators}"), seed=1)
    assert result.violation is None
    assert all(line.passed for line in result.expectations), result.expectations
    assert result.height >= 20


def test_the_replicas_take_turns() -> None:
    world = build_world(scenario(), seed=1)
    world.run_until(4 * SECOND)
    assert world.head.number > 8
    digests = [world.certificate(NodeId(4), height).digest for height in range(1, 9)]
    payees = [world.block(digest).block.header.fee_recipient for digest in digests]
    assert payees[:4] == payees[4:]
    assert len(set(payees)) == 4


def test_the_same_seed_is_the_same_run_and_another_protocol_another() -> None:
    digests = [run_scenario(scenario(), seed=seed).digest for seed in (3, 3, 4)]
    assert digests[0] == digests[1] != digests[2]
    assert run_scenario(scenario("", "consensus.protocol=pbft"), seed=3).digest != digests[0]


def test_it_is_the_toy_that_it_says_it_is() -> None:
    text = '[[events]]\nat = "4s"\nkind = "crash"\nnode = 2\n'
    world = build_world(scenario(text), seed=1)
    world.run_until(4 * SECOND)
    before = world.head.number
    world.run_until(8 * SECOND)
    assert 0 < before <= world.head.number <= before + 4


def test_its_committee_may_change() -> None:
    """Added is a follower, and a validator gets another key; the turns go round in five then."""
    text = '[[events]]\nat = "1s"\nkind = "committee"\nadd = [4]\nrekey = [1]\n'
    world = build_world(scenario(text, "chain.checkpoint_interval=4", "duration=16s"), seed=1)
    world.run_until(16 * SECOND)
    assert world.head.epoch.number == 1
    assert world.head.number >= 20
    last = [world.certificate(NodeId(0), world.head.number - step) for step in range(1, 6)]
    assert {certificate.epoch for certificate in last} == {1}
    payees = {world.block(each.digest).block.header.fee_recipient for each in last}
    assert len(payees) == 5


def test_a_message_of_another_protocol_is_not_listened_to() -> None:
    text = '[[network.classes]]\nname = "noisy"\nnodes = [3]\nliar = "garbage"\n'
    result = run_scenario(scenario(text), seed=1)
    assert result.violation is None
    assert result.height >= 20


def test_the_name_is_known_and_another_is_refused_with_its_nearest_neighbour() -> None:
    assert engine_names() == ("pbft", "rota")
    assert make_engine("rota").name == "rota"
    with pytest.raises(InvalidInput, match=r"one of pbft, rota \(did you mean rota\?\), got rotor"):
        make_engine("rotor")
    with pytest.raises(ScenarioError, match=r"consensus\.protocol: expected .*rota.*, got .*rotor"):
        scenario("", "consensus.protocol=rotor")


def test_the_scenario_file_keeps_the_name() -> None:
    assert decode_scenario(format_scenario(scenario())) == scenario()


def test_what_ships_has_the_name_that_it_is_found_by() -> None:
    assert [(name, make().name) for name, make in BUILT_IN_ENGINES.items()] == [("pbft", "pbft")]
