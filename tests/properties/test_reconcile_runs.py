"""Whole networks whose transactions are announced by reconciling confirm what others confirm."""

from collections import Counter
from dataclasses import asdict

import pytest
from hypothesis import given, settings, strategies as st

from node.node import Node
from sim.assembly import build_world
from sim.scenario import Scenario
from sim.trace import Traffic
from tests.properties.whole_runs import LIAR, blamed, chain, faults, scenario

SECOND = 1_000_000_000
RECONCILE = 'gossip = "reconcile"\nreconcile_fanout = 1\n'
SPARSE = 'topology = "random-regular"\ndegree = 6\n'
LIARS = ("garbage", "silent", "flooding", "withholding", "equivocating-primary")


def watched(made: Scenario) -> tuple[Counter[str], Counter[str]]:
    """Return messages by kind, and what rounds came to at all nodes together, of a run."""
    kinds: Counter[str] = Counter()
    found: Counter[str] = Counter()

    def count(each: Traffic) -> None:
        kinds[each.kind] += each.count

    with build_world(made, 1) as world:
        world.subscribe(traffic=count)
        world.run_until(6 * SECOND)
        for node in range(made.network.peers):
            machine = world.node(node)
            assert isinstance(machine, Node)
            spread = machine.parts.spread
            if spread is not None and spread.announcer is not None:
                state = spread.announcer.core.state
                assert len(state.links) == len(world.topology[node])
                found.update(asdict(state.counts))
    return kinds, found


def test_who_is_told_by_rounds_only_has_all_that_is_confirmed() -> None:
    result, found = blamed(scenario(RECONCILE + SPARSE, followers=12), 1)
    assert result.passed, result
    assert result.unconfirmed == 0
    assert not found


def test_less_is_announced_than_by_telling_all_neighbours() -> None:
    all_told, _ = watched(scenario(SPARSE, followers=12, rate=100))
    kinds, seen = watched(scenario(RECONCILE + SPARSE, followers=12, rate=100))
    assert kinds["AnnounceTransactions"] < all_told["AnnounceTransactions"]
    assert seen["rounds"] > seen["plain"] > 0
    assert seen["differences"] > 100
    assert seen["flushed"] == 0


def test_a_run_is_the_same_when_it_is_run_again() -> None:
    made = scenario(RECONCILE)
    assert chain(made, 1) == chain(made, 1)


@settings(max_examples=3)
@given(st.sampled_from(LIARS), faults, st.integers(1, 1_000))
def test_liars_cost_no_transaction_and_no_good_name_but_their_own(
    liar: str, fault: str, seed: int
) -> None:
    liars_cost_nothing(liar, fault, seed)


@pytest.mark.slow
@settings(max_examples=30)
@given(st.sampled_from(LIARS), faults, st.integers(1, 1_000))
def test_more_liars_cost_no_more(liar: str, fault: str, seed: int) -> None:
    liars_cost_nothing(liar, fault, seed)


def liars_cost_nothing(liar: str, fault: str, seed: int) -> None:
    result, found = blamed(scenario(RECONCILE, LIAR.format(liar), fault), seed)
    assert result.passed, result
    assert result.unconfirmed == 0
    assert set(found) <= {0}
