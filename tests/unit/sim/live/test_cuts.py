"""A partition as lists: whom each node must shut out."""

import pytest

from primitives.ids import Duration
from sim.live.cuts import blocks
from sim.scenario import Partition
from tests.unit.sim.live.networks import scenario

NETWORK = scenario("", 'name = "t"\nduration = "9s"\n[network]\nvalidators = 6\n').network


def cut(**fields) -> dict[int, set[int]]:
    found = blocks(Partition(Duration(0), **fields), NETWORK)
    return {node: set(others) for node, others in found.items()}


def test_groups_shut_out_all_others_and_the_unnamed_form_one_more():
    found = cut(groups=((0, 1), (2,)))
    assert found[0] == found[1] == {2, 3, 4, 5}
    assert found[2] == {0, 1, 3, 4, 5}
    assert found[3] == found[4] == found[5] == {0, 1, 2}


def test_a_bridge_is_shut_out_by_nobody():
    found = cut(groups=((0, 1),), bridge=(5,))
    assert found[5] == set()
    assert found[0] == {2, 3, 4}
    assert found[3] == {0, 1}


def test_in_a_ring_each_reaches_its_nearest():
    found = cut(ring=1)
    assert found[0] == {2, 3, 4}
    assert found[3] == {0, 1, 5}


@pytest.mark.parametrize(
    "fields",
    [{"groups": ((0, 3), (1,))}, {"groups": ((0,),), "bridge": (2,)}, {"ring": 2}],
)
def test_both_ends_agree(fields):
    found = cut(**fields)
    assert all((a in found[b]) == (b in found[a]) for a in found for b in found)
    assert all(node not in others for node, others in found.items())


def test_regions_are_names_of_nodes():
    base = """name = "t"
duration = "9s"
[network]
validators = 4
latency = "uniform"
latency_value = "1ms"
regions = ["Tokyo", "London"]
"""
    network = scenario("", base).network
    assert blocks(Partition(Duration(0), groups=(("Tokyo",),)), network)[0] == (1, 3)
