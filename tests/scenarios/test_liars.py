"""The liars at work: with f of them the committee holds, with f+1 it does not, and that is seen."""

from pathlib import Path

import msgspec
import pytest

from consensus.replica import Replica
from sim.assembly import build_world
from sim.checkers import CheckerSuite, Violation, ViolationFound
from sim.liars import BUILT_IN_LIARS
from sim.run import run_checkers, run_scenario
from sim.scenario import (
    Scenario,
    decode_scenario,
    format_scenario,
    load_scenario,
    place_nodes,
)

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "scenarios" / "liars").glob("*.toml"))
SECONDS = 10**9
SEEDS = range(1, 6)


def by_name(path: Path) -> str:
    return path.stem


def test_every_liar_has_its_scenario() -> None:
    assert [file.stem for file in FILES] == sorted(BUILT_IN_LIARS)


@pytest.mark.parametrize("file", FILES, ids=by_name)
def test_it_shows_its_liar_among_at_most_f(file: Path) -> None:
    scenario = load_scenario(file)
    liars = [plan.node for plan in place_nodes(scenario.network) if plan.liar == file.stem]
    assert 1 <= len(liars) <= (scenario.network.validators - 1) // 3
    assert scenario.consensus.signatures == "real"
    assert 20 * SECONDS <= scenario.duration <= 30 * SECONDS
    assert decode_scenario(format_scenario(scenario)) == scenario


@pytest.mark.parametrize("file", FILES, ids=by_name)
def test_it_says_what_it_shows_and_expects_safety_and_life(file: Path) -> None:
    scenario = load_scenario(file)
    top = file.read_text().partition("\n\n")[0]
    assert top.startswith("# ")
    assert "# Shows: " in top
    assert scenario.name == file.stem
    assert scenario.description
    expect = scenario.expect
    assert expect.agreement
    assert expect.min_tps
    assert expect.min_height


@pytest.mark.slow
@pytest.mark.parametrize("file", FILES, ids=by_name)
def test_the_honest_ones_keep_its_expectations(file: Path) -> None:
    result = run_scenario(load_scenario(file), seed=2)
    assert result.violation is None
    assert all(line.passed for line in result.expectations), result.expectations


def colluding(validators: int, liars: tuple[int, ...]) -> Scenario:
    """Return the scenario of the colluding, for another committee and without expectations."""
    scenario = load_scenario(ROOT / "scenarios" / "liars" / "colluding.toml")
    (traitors,) = scenario.network.classes
    replace = msgspec.structs.replace
    network = replace(
        scenario.network, validators=validators, classes=(replace(traitors, nodes=liars),)
    )
    return replace(scenario, network=network, duration=3 * SECONDS)


def judged_by(name: str, scenario: Scenario, seed: int) -> Violation | None:
    """Run a scenario under one checker alone."""
    world = build_world(scenario, seed)
    suite = CheckerSuite([c for c in run_checkers(scenario, world) if c.name == name])
    world.subscribe_honest(suite.consumer(world))
    try:
        world.run_until(scenario.duration)
    except ViolationFound as found:
        return found.violation
    return suite.finish(world)


@pytest.mark.parametrize("checker", ["prepared", "agreement"])
@pytest.mark.parametrize(("validators", "liars"), [(4, (0, 1)), (7, (0, 1, 2))])
def test_f_plus_1_colluding_liars_split_the_chain_and_the_checker_says_so(
    validators: int, liars: tuple[int, ...], checker: str
) -> None:
    scenario = colluding(validators, liars)
    violations = [judged_by(checker, scenario, seed) for seed in SEEDS]
    found = [each for each in violations if each is not None]
    assert found, "two blocks at one height, and nobody objects"
    for violation in found:
        assert violation.checker == checker
        assert violation.node not in liars


def test_f_colluding_liars_do_not() -> None:
    for seed in SEEDS[:3]:
        result = run_scenario(colluding(4, (0,)), seed=seed)
        assert result.violation is None, f"seed {seed}"
        assert result.height > 10


@pytest.mark.slow
@pytest.mark.parametrize("file", FILES, ids=by_name)
def test_a_lie_is_the_same_for_the_same_seed(file: Path) -> None:
    scenario = msgspec.structs.replace(load_scenario(file), duration=2 * SECONDS, events=())
    digests = [run_scenario(scenario, seed=seed).digest for seed in (3, 3, 4)]
    assert digests[0] == digests[1] != digests[2]


def test_a_flood_leaves_no_more_than_the_window_in_memory() -> None:
    scenario = load_scenario(ROOT / "scenarios" / "liars" / "flooding.toml")
    world = build_world(scenario, seed=1)
    for second in (1, 2, 3):
        world.run_until(second * SECONDS)
        for node in (1, 2, 3):
            replica = world.node(node).replica
            assert isinstance(replica, Replica)
            state = replica.state
            assert len(state.slots) <= state.params.window
            assert len(state.early) <= scenario.network.validators
            assert all(seq < 2**32 for seq in state.slots), "what is beyond all reason is not kept"
