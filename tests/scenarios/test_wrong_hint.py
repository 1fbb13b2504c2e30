"""False hints: the same blocks get through, at a higher cost, and it is known who sent them."""

from pathlib import Path

import msgspec
import pytest

from node.peer_scores import FULL
from node.trace import BlockExecutedTraced
from primitives.ids import NodeId
from sim.assembly import build_world
from sim.scenario import Scenario, load_scenario
from sim.trace import Observation
from sim.world import World

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "scenarios" / "liars" / "wrong-hint.toml"
SECONDS = 10**9


def honest(scenario: Scenario) -> Scenario:
    network = msgspec.structs.replace(scenario.network, classes=())
    return msgspec.structs.replace(scenario, network=network)


def run(scenario: Scenario, seed: int) -> tuple[World, list[BlockExecutedTraced]]:
    world = build_world(scenario, seed)
    executed: list[BlockExecutedTraced] = []

    def watch(observation: Observation) -> None:
        event = observation.event
        if isinstance(event, BlockExecutedTraced) and not event.built:
            executed.append(event)

    world.subscribe_honest(watch)
    world.run_until(8 * SECONDS)
    return world, executed


@pytest.mark.parametrize("seed", [1, 2])
def test_false_hints_cost_time_and_nothing_else(seed: int) -> None:
    scenario = load_scenario(FILE)
    world, paid = run(scenario, seed)
    calm, due = run(honest(scenario), seed)
    assert world.view == calm.view == 0
    assert world.head.number > 30
    spoilt = sum(event.repeats for event in paid)
    assert spoilt > 10
    assert sum(event.repeats for event in due) == 0

    def price(events: list[BlockExecutedTraced]) -> float:
        return sum(event.span_ns for event in events) / sum(event.work_ns for event in events)

    assert price(paid) > 1.1 * price(due)
    for node in (1, 2, 3):
        assert world.node(node).parts.scores.score(world.now, NodeId(0)) < FULL
        assert calm.node(node).parts.scores.score(calm.now, NodeId(0)) == FULL


def test_the_honest_hint_is_what_everybody_would_have_found() -> None:
    world, executed = run(honest(load_scenario(FILE)), seed=3)
    assert executed
    for digest in {event.digest for event in executed}:
        block = world.block(digest)  # type: ignore[arg-type]
        charging = world.node(1).parts.charging
        assert charging.is_true(block, charging.hint(block))
