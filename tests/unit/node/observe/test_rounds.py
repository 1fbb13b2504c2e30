"""Rounds of reconciliation as metrics, of nodes of both worlds."""

from network.reconcile import ReconcileCounts
from node.node import Node
from node.observe.families import network
from node.observe.rounds import RoundSource, counts_of
from sim.assembly import build_world
from sim.usage import NodeUsage
from tests.properties.whole_runs import scenario

SECOND = 1_000_000_000


def test_each_round_has_one_outcome() -> None:
    counts = ReconcileCounts(rounds=9, plain=4, extended=3, failed=2, differences=70, flushed=5)
    found = {
        (reading.family, *reading.labels): reading.value
        for reading in RoundSource(lambda: counts).readings()
    }
    assert found == {
        (network.RECONCILE_ROUNDS, "found"): 3,
        (network.RECONCILE_ROUNDS, "plain"): 4,
        (network.RECONCILE_ROUNDS, "failed"): 2,
        (network.RECONCILE_EXTENDED,): 3,
        (network.RECONCILE_TRANSACTIONS, "different"): 70,
        (network.RECONCILE_TRANSACTIONS, "flushed"): 5,
    }


def test_who_announces_to_all_shows_no_rounds() -> None:
    with build_world(scenario(), 1) as world:
        machine = world.node(0)
        assert isinstance(machine, Node)
        assert counts_of(machine) is None
        assert not RoundSource(lambda: counts_of(machine)).readings()
        assert NodeUsage(world).rounds() == [None] * 6


def test_a_run_knows_the_rounds_of_all_nodes_that_are_up() -> None:
    with build_world(scenario('gossip = "reconcile"\nreconcile_fanout = 1'), 1) as world:
        world.run_until(3 * SECOND)
        rounds = NodeUsage(world).rounds()
    assert len(rounds) == 6
    assert all(counts is not None and counts.rounds > 0 for counts in rounds)
