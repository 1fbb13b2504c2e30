from collections import Counter

import pytest
from hypothesis import given, strategies as st

from network.dissemination import Place
from network.dissemination.tree import child_positions, own_children, tree_orders
from primitives.errors import InvalidInput
from primitives.ids import NodeId


@given(st.integers(1, 9), st.integers(1, 120))
def test_every_position_but_the_first_has_exactly_one_parent_nearer_to_the_top(
    fanout: int, count: int
) -> None:
    parents = Counter(
        child for position in range(count) for child in child_positions(position, fanout, count)
    )
    assert parents == Counter(range(1, count))
    for position in range(count):
        children = child_positions(position, fanout, count)
        assert len(children) <= fanout
        assert all(child > position for child in children)


@given(st.integers(2, 9), st.integers(1, 200))
def test_a_layer_is_shared_out_evenly(fanout: int, count: int) -> None:
    """In each neighbourhood nobody serves two more than another."""
    for first in range(1, count, fanout):
        members = range(first, min(first + fanout, count))
        loads = [len(child_positions(position, fanout, count)) for position in members]
        assert max(loads) - min(loads) <= 1


def test_the_depth_grows_with_the_logarithm() -> None:
    depth = [0] * 8_001
    for position in range(len(depth)):
        for child in child_positions(position, 20, len(depth)):
            depth[child] = depth[position] + 1
    assert (depth[20], depth[21], depth[420], depth[421], depth[-1]) == (1, 2, 2, 3, 3)


def test_trees_are_the_same_for_all_and_differ_by_shred_place_and_domain() -> None:
    others = [NodeId(node) for node in range(1, 40)]
    orders = tree_orders(b"net", Place(7, 1), others, 16)
    assert (orders == tree_orders(b"net", Place(7, 1), others, 16)).all()
    assert all(sorted(order) == others for order in orders.tolist())
    assert len({tuple(order) for order in orders.tolist()}) == 16
    for other in (
        tree_orders(b"ten", Place(7, 1), others, 16),
        tree_orders(b"net", Place(7, 2), others, 16),
        tree_orders(b"net", Place(8, 1), others, 16),
    ):
        assert (other != orders).any(axis=1).all()


def test_positions_come_to_everybody_alike() -> None:
    """A test of chi squared over all (member, position) pairs; fixed seeds, so no luck in it."""
    others = [NodeId(node) for node in range(10)]
    counts: Counter[tuple[int, int]] = Counter()
    for sequence in range(200):
        for order in tree_orders(b"net", Place(sequence, 0), others, 10).tolist():
            counts.update(enumerate(order))
    expected = 200
    chi = sum((count - expected) ** 2 / expected for count in counts.values())
    assert len(counts) == 100
    assert chi < 126, "81 degrees of freedom, 0.1 %"


def test_children_are_those_of_the_own_position_in_each_tree() -> None:
    others = [NodeId(node) for node in range(1, 12)]
    orders = tree_orders(b"net", Place(1, 0), others, 5)
    for node in others:
        for order, children in zip(orders.tolist(), own_children(orders, node, 3), strict=True):
            positions = child_positions(order.index(node), 3, len(order))
            assert list(children) == [order[position] for position in positions]
    assert own_children(orders, NodeId(77), 3) == ((),) * 5


def test_a_tree_without_fan_out_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"dissemination\.fanout: expected at least 1"):
        child_positions(0, 0, 5)
