"""Shrinking: on a predicate that is known, what is left is what the predicate needs."""

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, strategies as st

from sim.fuzz import draw_scenario, shrink_scenario
from sim.fuzz.reduce import fewest, is_valid
from sim.scenario import (
    Churn,
    Clog,
    Crash,
    Duplicate,
    LyingDisk,
    Partition,
    Restart,
    Scenario,
    SetClock,
    calm_from,
    decode_scenario,
    format_scenario,
    load_scenario,
)

ROOT = Path(__file__).resolve().parents[3]
SECOND = 1_000_000_000


@pytest.fixture(scope="module")
def base() -> Scenario:
    return load_scenario(ROOT / "scenarios" / "chaos.toml")


def first_with(base: Scenario, wanted: Callable[[Scenario], bool]) -> Scenario:
    return next(s for s in (draw_scenario(base, seed) for seed in range(1, 300)) if wanted(s))


# Fewest


@given(st.integers(1, 60), st.data())
def test_fewest_finds_exactly_the_needed_items(size, data):
    needed = data.draw(st.sets(st.integers(0, size - 1), max_size=4))
    kept = fewest(range(size), lambda items: needed <= set(items))
    assert kept == sorted(needed)


def test_fewest_leaves_nothing_that_could_go():
    def fails(items: Sequence[int]) -> bool:
        return sum(items) >= 20

    kept = fewest(list(range(12)), fails)
    assert fails(kept)
    assert all(not fails(kept[:at] + kept[at + 1 :]) for at in range(len(kept)))


def test_fewest_asks_seldom_when_one_item_is_to_blame():
    asked = []

    def fails(items: Sequence[int]) -> bool:
        asked.append(items)
        return 137 in items

    assert fewest(range(256), fails) == [137]
    assert len(asked) < 40


# Scenarios


def test_a_scenario_shrinks_to_what_the_failure_needs(base: Scenario) -> None:
    """A crash of node 3 in a committee of at least five is all that it takes."""

    def fails(scenario: Scenario) -> bool:
        crashed = [e.node for e in scenario.events if isinstance(e, Crash)]
        return 3 in crashed and scenario.network.validators >= 5

    scenario = first_with(base, lambda s: fails(s) and len(s.events) > 20)
    small = shrink_scenario(scenario, fails, patience=2_000)
    assert fails(small)
    crash = small.events[0]
    assert isinstance(crash, Crash)
    assert crash.node == 3
    assert all(isinstance(event, Restart) for event in small.events[1:])
    assert small.network.validators == 5
    assert small.network.classes == ()
    assert small.network.loss == 0
    assert small.consensus.timeout_doublings == 8
    assert small.duration < 10 * SECOND
    assert crash.at <= 2 * SECOND
    assert small.seed == scenario.seed


def test_a_small_scenario_is_valid_and_fair(base: Scenario) -> None:
    """What is asked of the calm stays only where the calm has time for it."""

    def fails(scenario: Scenario) -> bool:
        assert is_valid(scenario)
        calm = scenario.duration - calm_from(scenario.events)
        expect = scenario.expect
        if expect.agreement:
            assert calm >= 30 * SECOND
            assert expect.recovery_within == 20 * SECOND
        return expect.agreement and any(isinstance(e, Partition) for e in scenario.events)

    scenario = first_with(base, fails)
    small = shrink_scenario(scenario, fails, patience=1_000)
    assert decode_scenario(format_scenario(small)) == small
    assert len(small.events) == 2
    assert small.duration <= 33 * SECOND


def only_kind(base: Scenario, kind: type, **wanted: object) -> Scenario:
    """Return what is left of a scenario that fails whenever such an event is in it."""

    def fails(scenario: Scenario) -> bool:
        return any(
            isinstance(event, kind) and all(getattr(event, k) == v for k, v in wanted.items())
            for event in scenario.events
        )

    scenario = first_with(base, fails)
    small = shrink_scenario(scenario, fails, patience=1_500)
    assert isinstance(small.events[0], kind)
    assert small.fidelity == "shared"
    assert decode_scenario(format_scenario(small)) == small
    return small


def test_every_kind_of_event_can_be_all_that_is_left(base: Scenario) -> None:
    for kind in (Clog, Duplicate, SetClock, LyingDisk):
        small = only_kind(base, kind)
        assert len(small.events) == 1
        assert small.duration < 10 * SECOND


def test_options_of_events_go_as_well(base: Scenario) -> None:
    (crash, *_) = only_kind(base, Crash).events
    assert isinstance(crash, Crash)
    assert crash.unsynced == "lost"
    (clog, *_) = only_kind(base, Clog).events
    assert isinstance(clog, Clog)
    assert not clog.one_way
    (cut, *_) = only_kind(base, Partition, direction="in").events
    assert isinstance(cut, Partition)
    assert cut.direction == "in"


def test_events_lose_the_nodes_that_are_gone(base: Scenario) -> None:
    """A ring, and links that end at a node beyond the smaller committee, are as valid as ever."""

    def fails(scenario: Scenario) -> bool:
        assert is_valid(scenario)
        return any(isinstance(e, Partition) and e.ring for e in scenario.events)

    small = shrink_scenario(first_with(base, fails), fails, patience=1_500)
    assert small.network.validators == 4
    (ring, *_) = small.events
    assert isinstance(ring, Partition)
    assert ring.ring == 1


def test_churn_keeps_its_restart(base: Scenario) -> None:
    def fails(scenario: Scenario) -> bool:
        return any(isinstance(event, Churn) for event in scenario.events)

    small = shrink_scenario(first_with(base, fails), fails, patience=1_000)
    assert [type(event) for event in small.events] in ([Churn, Restart], [Churn])


def test_patience_bounds_the_runs(base: Scenario) -> None:
    asked = []

    def fails(scenario: Scenario) -> bool:
        asked.append(scenario)
        return bool(scenario.events)

    scenario = draw_scenario(base, 2)
    shrink_scenario(scenario, fails, patience=7)
    assert len(asked) == 7
    assert shrink_scenario(scenario, fails, patience=0) == scenario


def test_what_cannot_be_made_smaller_stays(base: Scenario) -> None:
    scenario = draw_scenario(base, 3)
    assert shrink_scenario(scenario, lambda other: other == scenario, 100) == scenario


def test_an_unfair_scenario_is_not_valid(base: Scenario) -> None:
    scenario = first_with(base, lambda s: len(s.events) > 3)
    assert is_valid(scenario)
    assert not is_valid(msgspec.structs.replace(scenario, duration=scenario.duration - SECOND))


def test_blocks_are_whole_and_bodies_plain_where_that_changes_nothing(base):
    def wanted(scenario: Scenario) -> bool:
        return scenario.network.blocks == "compact" and scenario.network.compression != "none"

    drawn = first_with(base, wanted)
    small = shrink_scenario(drawn, lambda scenario: scenario.network.blocks == "compact", 400)
    assert small.network.blocks == "compact"
    assert small.network.compression == "none"
    small = shrink_scenario(drawn, lambda scenario: scenario.network.compression != "none", 400)
    assert small.network.blocks == "full"


def test_blocks_and_transactions_go_directly_where_that_changes_nothing(base):
    def wanted(scenario: Scenario) -> bool:
        network = scenario.network
        return (network.dissemination, network.gossip) == ("tree", "mesh")

    drawn = first_with(base, wanted)
    small = shrink_scenario(drawn, lambda scenario: scenario.network.gossip == "mesh", 600).network
    assert (small.dissemination, small.mesh_degree, small.tree_data) == ("direct", 8, 32)
    small = shrink_scenario(drawn, lambda s: s.network.dissemination == "tree", 600).network
    assert (small.gossip, small.tree_data, small.tree_fanout) == ("announce", 32, 16)
