"""A partition as orders: whom each node must shut out, and whom not hear."""

import pytest

from primitives.ids import Duration
from sim.live.cuts import Apart, cuts
from sim.scenario import Partition
from tests.unit.sim.live.networks import scenario

NETWORK = scenario("", 'name = "t"\nduration = "9s"\n[network]\nvalidators = 6\n').network


def cut(**fields) -> dict[int, Apart]:
    return dict(cuts(Partition(Duration(0), **fields), NETWORK))


def shut_out(**fields) -> dict[int, set[int]]:
    found = cut(**fields)
    assert not any(each.ignored for each in found.values())
    return {node: set(each.shut_out) for node, each in found.items()}


def test_groups_shut_out_all_others_and_the_unnamed_form_one_more():
    found = shut_out(groups=((0, 1), (2,)))
    assert found[0] == found[1] == {2, 3, 4, 5}
    assert found[2] == {0, 1, 3, 4, 5}
    assert found[3] == found[4] == found[5] == {0, 1, 2}


def test_a_bridge_is_shut_out_by_nobody():
    found = shut_out(groups=((0, 1),), bridge=(5,))
    assert found[5] == set()
    assert found[0] == {2, 3, 4}
    assert found[3] == {0, 1}


def test_in_a_ring_each_reaches_its_nearest():
    found = shut_out(ring=1)
    assert found[0] == {2, 3, 4}
    assert found[3] == {0, 1, 5}


def test_who_is_not_reached_hears_nobody_and_speaks():
    found = cut(groups=((0, 1), (2,)), direction="in")
    assert found[0] == Apart(shut_out=(2,), ignored=(3, 4, 5))
    assert found[2] == Apart(shut_out=(0, 1), ignored=(3, 4, 5))
    assert found[3] == Apart()


def test_who_does_not_reach_others_is_not_heard():
    found = cut(groups=((0, 1),), direction="out")
    assert found[0] == Apart()
    assert found[3] == Apart(ignored=(0, 1))


@pytest.mark.parametrize(
    "fields",
    [{"groups": ((0, 3), (1,))}, {"groups": ((0,),), "bridge": (2,)}, {"ring": 2}],
)
def test_both_ends_agree(fields):
    found = shut_out(**fields)
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
    assert cuts(Partition(Duration(0), groups=(("Tokyo",),)), network)[0].shut_out == (1, 3)
