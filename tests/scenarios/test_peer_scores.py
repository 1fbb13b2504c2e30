"""How liars come to stand with honest nodes, and that these never hold a proof against another."""

from pathlib import Path

import pytest

from node.peer_scores import ACCIDENTS_MAX, FULL, proves
from primitives.ids import NodeId
from sim.assembly import build_world
from sim.run import run_scenario
from sim.scenario import Scenario, load_scenario

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "scenarios" / "liars").glob("*.toml"))
SECONDS = 10**9
SEEDS = (1, 2)


def by_name(path: Path) -> str:
    return path.stem


def shipped(name: str) -> Scenario:
    return load_scenario(ROOT / "scenarios" / "liars" / f"{name}.toml")


def liars_of(scenario: Scenario) -> list[int]:
    return [int(n) for group in scenario.network.classes if group.liar for n in group.nodes]


@pytest.mark.parametrize("file", FILES, ids=by_name)
@pytest.mark.parametrize("seed", SEEDS)
def test_nobody_honest_is_scored_for_a_proof(file: Path, seed: int) -> None:
    scenario = load_scenario(file)
    result = run_scenario(scenario, seed=seed)
    assert result.violation is None
    for standing in result.peer_scores:
        proven = [reason for reason in standing.offences if proves(reason)]
        assert not proven or standing.peer in liars_of(scenario)
        if not proven:
            assert standing.score >= FULL - ACCIDENTS_MAX


@pytest.mark.parametrize(
    "name",
    ["equivocating-primary", "flooding", "garbage", "invalid-state-root", "twins", "wrong-hint"],
)
@pytest.mark.parametrize("seed", SEEDS)
def test_the_liars_score_falls_at_every_honest_node(name: str, seed: int) -> None:
    scenario = shipped(name)
    (liar,) = liars_of(scenario)
    world = build_world(scenario, seed)
    world.run_until(scenario.duration)
    honest = [node for node in range(len(world.nodes)) if node != liar]
    for node in honest:
        scores = world.node(NodeId(node)).parts.scores
        assert scores.score(world.now, NodeId(liar)) < FULL - ACCIDENTS_MAX, f"node {node}"
        for other in honest:
            assert scores.score(world.now, NodeId(other)) >= FULL - ACCIDENTS_MAX


def test_a_server_of_false_states_stands_low_where_it_was_asked() -> None:
    (first, second) = run_scenario(shipped("lying-server"), seed=1).peer_scores
    assert (first.peer, second.peer) == (1, 2)
    assert max(first.score, second.score) < FULL - ACCIDENTS_MAX


def test_evidence_outlives_a_crash_and_a_bad_name_with_it() -> None:
    scenario = shipped("equivocating-primary")
    world = build_world(scenario, seed=1)
    world.run_until(10 * SECONDS)
    world.crash(NodeId(1))
    world.run_until(11 * SECONDS)
    world.restart(NodeId(1))
    node = world.node(NodeId(1))
    assert node.parts.scores.score(world.now, NodeId(0)) == 0


def test_the_same_seed_scores_the_same() -> None:
    first, second = (run_scenario(shipped("garbage"), seed=5) for _ in range(2))
    assert first.digest == second.digest
    assert first.peer_scores == second.peer_scores != ()
