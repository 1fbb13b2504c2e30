"""The shapes of a partition, and clogs."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

import sim.links.links as module
from network.delays import JitterLaw
from sim.links.cuts import Direction, Ring, Sides
from sim.links.disturbances import Ways
from tests.unit.sim.link_worlds import MILLISECOND, links, reached

BOTH_PATHS = pytest.mark.parametrize("vector_from", [0, 1000])


# ---------------------------------------------------------------- shapes


@BOTH_PATHS
def test_a_group_that_is_not_reached_still_reaches_the_others(monkeypatch, vector_from):
    monkeypatch.setattr(module, "VECTOR_RECIPIENTS_MIN", vector_from)
    world = links()
    world.partition([[0]], direction=Direction.IN)
    assert reached(world, 4) == [[1, 2, 3], [2, 3], [1, 3], [1, 2]]
    assert world.send(0, 1, 0, 10) == []


@BOTH_PATHS
def test_a_group_that_reaches_nobody_is_still_reached(monkeypatch, vector_from):
    monkeypatch.setattr(module, "VECTOR_RECIPIENTS_MIN", vector_from)
    world = links()
    world.partition([[0]], direction=Direction.OUT)
    assert reached(world, 4) == [[], [0, 2, 3], [0, 1, 3], [0, 1, 2]]
    assert world.send(0, 0, 1, 10) == []


def test_two_named_groups_that_are_closed_one_way_are_closed_to_each_other_both_ways():
    world = links(count=5)
    world.partition([[0, 1], [2]], direction=Direction.OUT)
    assert reached(world, 5) == [[1], [0], [], [0, 1, 2, 4], [0, 1, 2, 3]]
    world.partition([[0, 1], [2]], direction=Direction.IN)
    assert reached(world, 5) == [[1, 3, 4], [0, 3, 4], [3, 4], [4], [3]]


@pytest.mark.parametrize("direction", list(Direction))
def test_a_bridge_joins_nodes_that_do_not_see_each_other(direction):
    world = links(count=3)
    world.partition([[0], [2]], bridge=[1], direction=direction)
    assert reached(world, 3) == [[1], [0, 2], [1]]


def test_in_a_ring_each_reaches_its_neighbours_on_either_side():
    world = links(count=6)
    world.ring(1)
    assert reached(world, 6) == [[1, 5], [0, 2], [1, 3], [2, 4], [3, 5], [0, 4]]
    world.ring(2)
    assert reached(world, 6)[0] == [1, 2, 4, 5]
    world.heal()
    assert reached(world, 6)[0] == [1, 2, 3, 4, 5]


def test_a_new_shape_replaces_the_old_one():
    world = links()
    world.ring(1)
    world.partition([[0]])
    assert reached(world, 4) == [[], [2, 3], [1, 3], [1, 2]]
    world.ring(1)
    assert reached(world, 4)[0] == [1, 3]


@given(
    sides=st.lists(st.integers(0, 3), min_size=6, max_size=6),
    bridge=st.sets(st.integers(0, 5)),
    direction=st.sampled_from(list(Direction)),
)
def test_sides_equal_their_definition_link_by_link(sides, bridge, direction):
    """A link is closed if it leaves a named group outwards, or enters one inwards."""
    named = [[n for n in range(6) if sides[n] == side and n not in bridge] for side in range(3)]
    group_of = {node: number for number, group in enumerate(named) for node in group}
    cut = Sides(6, named, sorted(bridge), direction)
    for sender in range(6):
        found = cut.reaches(sender, np.arange(6)).tolist()
        for to in range(6):
            leaves, enters = sender in group_of, to in group_of
            crosses = group_of.get(sender) != group_of.get(to) and not {sender, to} & bridge
            closed = (
                crosses
                and {
                    Direction.BOTH: leaves or enters,
                    Direction.OUT: leaves,
                    Direction.IN: enters,
                }[direction]
            )
            assert found[to] == (not closed), (sender, to)


def test_a_ring_is_symmetric():
    cut = Ring(7, 2)
    grid = np.array([cut.reaches(k, np.arange(7)) for k in range(7)])
    assert (grid == grid.T).all()
    assert grid.sum(axis=1).tolist() == [5] * 7


# ---------------------------------------------------------------- clogs


@BOTH_PATHS
def test_a_clog_holds_back_what_is_sent_and_lets_it_go_in_order(monkeypatch, vector_from):
    monkeypatch.setattr(module, "VECTOR_RECIPIENTS_MIN", vector_from)
    world = links()
    before = world.send(0, 0, 1, 10)
    world.clog(Ways((0,), (1,)), until=50 * MILLISECOND)
    assert before == [MILLISECOND]
    assert world.send(2, 0, 1, 10) == [50 * MILLISECOND]
    assert world.broadcast(3, 0, "all", 10) == (
        [MILLISECOND + 3, MILLISECOND + 3, 50 * MILLISECOND + 1],
        [2, 3, 1],
    )
    # What would arrive later anyway is not held back any longer.
    assert world.send(60 * MILLISECOND, 0, 1, 10) == [61 * MILLISECOND]


def test_a_clog_takes_both_directions_unless_it_is_one_way():
    both, one = links(), links()
    both.clog(Ways((0,), (1, 2)), until=9 * MILLISECOND)
    one.clog(Ways((0,), (1, 2), one_way=True), until=9 * MILLISECOND)
    assert both.send(0, 1, 0, 1) == both.send(0, 0, 2, 1) == [9 * MILLISECOND]
    assert one.send(0, 0, 2, 1) == [9 * MILLISECOND]
    assert one.send(0, 1, 0, 1) == both.send(0, 1, 2, 1) == [MILLISECOND]


def test_a_shorter_clog_does_not_end_a_longer_one():
    world = links()
    world.clog(Ways((0,), (1,)), until=9 * MILLISECOND)
    world.clog(Ways((0, 1, 2, 3), (0, 1, 2, 3)), until=5 * MILLISECOND)
    assert world.send(0, 0, 1, 1) == [9 * MILLISECOND]
    assert world.send(0, 0, 2, 1) == world.send(0, 3, 2, 1) == [5 * MILLISECOND]


def test_a_clog_outlives_a_cut():
    world = links()
    world.clog(Ways((0,), (1,)), until=9 * MILLISECOND)
    world.partition([[0]])
    assert world.send(0, 0, 1, 1) == []
    world.heal()
    assert world.send(1, 0, 1, 1) == [9 * MILLISECOND]


def test_a_clog_draws_nothing():
    plain = links(law=JitterLaw.EXPONENTIAL, spread=0.5)
    clogged = links(law=JitterLaw.EXPONENTIAL, spread=0.5)
    clogged.clog(Ways((0,), (1,)), until=20 * MILLISECOND)
    for at in range(0, 100 * MILLISECOND, 7 * MILLISECOND):
        usual = dict(zip(*reversed(plain.broadcast(at, 0, "all", 9)), strict=True))
        held = dict(zip(*reversed(clogged.broadcast(at, 0, "all", 9)), strict=True))
        assert (held[2], held[3]) == (usual[2], usual[3])
        assert held[1] == usual[1] or usual[1] < 20 * MILLISECOND + 3 <= held[1] + 3
