"""Links that repeat messages, mix up their order or lose more than the network does."""

from collections import Counter
from itertools import pairwise

import pytest

import sim.links.links as module
from network.delays import JitterLaw
from sim.links.disturbances import Duplicate, Lose, Reorder, Ways
from tests.unit.sim.link_worlds import MILLISECOND, links

ALL = Ways((0, 1, 2, 3), (0, 1, 2, 3))
PAIR = Ways((0,), (1,))


def sent(world, count=400, gap=1_000, sender=0, to=1):
    """Send so many messages; return the arrivals of each."""
    return [world.send(at, sender, to, 10) for at in range(0, count * gap, gap)]


# ---------------------------------------------------------------- duplication


def test_every_message_comes_twice_where_that_is_certain():
    world = links()
    world.disturb(Duplicate(PAIR, 1.0, delay_ns=5_000))
    for at, arrivals in zip(range(0, 100_000, 1_000), sent(world, 100), strict=True):
        first, second = arrivals
        assert first == at + MILLISECOND
        assert 0 < second - first <= 5_001


def test_duplicates_come_as_often_as_they_should_and_spread_over_their_delay():
    world = links()
    world.disturb(Duplicate(PAIR, 0.3, delay_ns=100_000))
    arrivals = sent(world, 2_000)
    echoes = [pair[1] - pair[0] for pair in arrivals if len(pair) == 2]
    assert len(echoes) == pytest.approx(600, abs=80)
    assert sum(echoes) / len(echoes) == pytest.approx(50_000, rel=0.1)


def test_the_originals_keep_their_order_and_are_not_held_up_by_their_seconds():
    rough, plain = links(), links()
    rough.disturb(Duplicate(PAIR, 0.5, delay_ns=10**9))
    assert [pair[0] for pair in sent(rough)] == [only for (only,) in sent(plain)]


@pytest.mark.parametrize("count", [4, 40])
def test_a_broadcast_with_seconds_is_in_order_of_time(count):
    world = links(count=count, law=JitterLaw.PARETO, spread=1.0)
    world.disturb(Duplicate(Ways(tuple(range(count)), tuple(range(count))), 1.0, 3 * MILLISECOND))
    times, nodes = world.broadcast(0, 2, "all", 10)
    assert times == sorted(times)
    assert Counter(nodes) == {node: 2 for node in range(count) if node != 2}
    assert all(type(number) is int for number in (*times, *nodes))


# ---------------------------------------------------------------- reordering


def test_late_messages_are_overtaken():
    world = links()
    world.disturb(Reorder(PAIR, 0.5, delay_ns=50_000))
    arrivals = [only for (only,) in sent(world)]
    overtaken = sum(later < earlier for earlier, later in pairwise(arrivals))
    assert overtaken > 50
    late = [arrival - at - MILLISECOND for at, arrival in zip(range(0, 400_000, 1_000), arrivals,
                                                              strict=True)]  # fmt: skip
    assert sum(delay > 0 for delay in late) == pytest.approx(200, abs=40)
    assert 0 <= min(late) <= max(late) <= 50_001


def test_other_links_of_the_sender_stay_in_order():
    world = links(law=JitterLaw.PARETO, spread=3.0)
    world.disturb(Reorder(PAIR, 0.5, delay_ns=MILLISECOND))
    latest: dict[int, int] = {}
    disorder: Counter[int] = Counter()
    for at in range(0, 300_000, 1_000):
        for arrival, node in zip(*world.broadcast(at, 0, "all", 10), strict=True):
            disorder[node] += arrival <= latest.get(node, 0)
            latest[node] = max(arrival, latest.get(node, 0))
    assert disorder[1] > 20
    assert disorder[2] == disorder[3] == 0


def test_order_returns_with_the_end_of_the_fault():
    world = links()
    fault = Reorder(PAIR, 1.0, delay_ns=10 * MILLISECOND)
    world.disturb(fault)
    latest = max(only for (only,) in sent(world, 50))
    world.settle(fault)
    (first,), (second,) = world.send(50_000, 0, 1, 10), world.send(50_001, 0, 1, 10)
    assert latest < first < second


def test_a_clog_holds_back_disorderly_links_too():
    world = links()
    world.disturb(Reorder(PAIR, 0.5, delay_ns=50_000))
    world.clog(PAIR, until=20 * MILLISECOND)
    assert min(only for (only,) in sent(world, 100)) == 20 * MILLISECOND
    assert world.send(0, 0, 2, 1) == [MILLISECOND]


# ---------------------------------------------------------------- loss


def test_added_loss_comes_as_retransmission_and_keeps_the_order():
    world = links()
    world.disturb(Lose(PAIR, 0.2))
    arrivals = [only for (only,) in sent(world, 1_000, gap=10**13)]
    late = sum(a - k * 10**13 > 200 * MILLISECOND for k, a in enumerate(arrivals))
    assert late == pytest.approx(200, abs=45)
    assert all(a < b for a, b in pairwise(arrivals))
    assert sent(world, 20, sender=2, to=3) == sent(links(), 20, sender=2, to=3)


def test_of_the_networks_loss_and_a_faults_the_higher_counts():
    world, plain = links(loss=0.5, seed=5), links(loss=0.5, seed=5)
    world.disturb(Lose(ALL, 0.1))
    assert sent(world, 50) == sent(plain, 50)


# ---------------------------------------------------------------- beginning and end


def test_faults_leave_the_other_draws_of_the_network_as_they_were():
    plain = links(law=JitterLaw.EXPONENTIAL, spread=0.5)
    world = links(law=JitterLaw.EXPONENTIAL, spread=0.5)
    fault = Duplicate(PAIR, 1.0, delay_ns=1_000)
    world.disturb(fault)
    assert [pair[0] for pair in sent(world, 30)] == [only for (only,) in sent(plain, 30)]
    world.settle(fault)
    assert sent(world, 30) == sent(plain, 30)


def test_one_way_leaves_the_way_back_alone():
    world = links()
    world.disturb(Duplicate(Ways((0,), (1,), one_way=True), 1.0, delay_ns=1_000))
    assert len(world.send(0, 0, 1, 1)) == 2
    assert world.send(0, 1, 0, 1) == [MILLISECOND]


def test_the_later_of_two_counts_and_its_end_brings_the_earlier_back():
    world = links()
    often, never = Duplicate(ALL, 1.0, 1_000), Duplicate(PAIR, 0.0, 1_000)
    world.disturb(often)
    world.disturb(never)
    assert len(world.send(0, 0, 1, 1)) == 1
    assert len(world.send(0, 0, 2, 1)) == 2
    world.settle(never)
    assert len(world.send(9_000, 0, 1, 1)) == 2
    world.settle(often)
    assert len(world.send(99_000, 0, 1, 1)) == 1
    with pytest.raises(ValueError, match="Duplicate is not on"):
        world.settle(often)


def test_equal_faults_end_one_by_one():
    world = links()
    first, second = Lose(PAIR, 0.5), Lose(PAIR, 0.5)
    for fault in (first, second):
        world.disturb(fault)
    world.settle(second)
    assert world._disturbances == [first]
    assert world._disturbances[0] is first


def test_a_rough_route_is_the_exception(monkeypatch):
    monkeypatch.setattr(module.Links, "_roughly", None)
    world = links()
    world.disturb(Duplicate(PAIR, 1.0, 1))
    assert len(world.broadcast(0, 2, "all", 1)[1]) == 3
    with pytest.raises(TypeError):
        world.broadcast(0, 0, "all", 1)


def test_nodes_draw_for_themselves():
    alone, together = links(seed=3), links(seed=3)
    for world in (alone, together):
        world.disturb(Duplicate(ALL, 0.5, 100_000))
        world.disturb(Reorder(ALL, 0.5, 100_000))
    sent(together, 30, sender=2, to=3)
    assert sent(alone, 30) == sent(together, 30)
