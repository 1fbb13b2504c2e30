"""When copies arrive: uplinks, jitter, loss, order, partitions, latency."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, strategies as st

import sim.links.links as module
from network.delays import LOSSES_MAX, TIMEOUT_FLOOR_NS, TIMEOUT_MAX_NS, JitterLaw
from sim.links.draws import LOSS_DENOMINATOR, Draws
from sim.links.jitter import ONE, QUANTILES, quantile_table
from sim.links.links import Links, LinkSpec, picoseconds_per_byte
from sim.randomness import generator
from tests.unit.sim.link_worlds import MILLISECOND, links

# ---------------------------------------------------------------- the uplink


@pytest.mark.parametrize(
    ("bits", "picoseconds"),
    [(0, 0), (1, 8 * 10**12), (8_000_000, 1_000_000), (10**9, 8_000), (10**10, 800)],
)
def test_time_of_a_byte(bits, picoseconds):
    assert picoseconds_per_byte(bits) == picoseconds


@pytest.mark.parametrize("vector_from", [0, 1000])
def test_copies_leave_one_after_another_beginning_behind_the_sender(monkeypatch, vector_from):
    monkeypatch.setattr(module, "VECTOR_RECIPIENTS_MIN", vector_from)
    world = links(uplink=8_000_000)  # one byte takes a microsecond
    assert world.broadcast(0, 1, "all", 100) == (
        [MILLISECOND + 100_000, MILLISECOND + 200_000, MILLISECOND + 300_000],
        [2, 3, 0],
    )
    # The next one waits for the uplink, and so does a single send.
    assert world.broadcast(50_000, 1, "all", 10)[0][0] == MILLISECOND + 310_000
    assert world.send(0, 1, 3, 10) == [MILLISECOND + 340_000]
    # Another node's uplink is its own; later, this one is free again.
    assert world.send(0, 2, 3, 10) == [MILLISECOND + 10_000]
    assert world.send(10 * MILLISECOND, 1, 0, 10) == [11 * MILLISECOND + 10_000]


@pytest.mark.parametrize("vector_from", [0, 1000])
def test_a_copy_too_small_to_take_a_nanosecond_still_queues(monkeypatch, vector_from):
    monkeypatch.setattr(module, "VECTOR_RECIPIENTS_MIN", vector_from)
    world = links(uplink=10**11)  # a byte takes 80 ps
    assert world.send(0, 0, 1, 100_000) == [MILLISECOND + 8_000]
    assert world.send(0, 0, 2, 10) == [MILLISECOND + 8_000]


@pytest.mark.parametrize("vector_from", [0, 1000])
def test_an_unlimited_uplink_lets_all_leave_at_once(monkeypatch, vector_from):
    monkeypatch.setattr(module, "VECTOR_RECIPIENTS_MIN", vector_from)
    world = links()
    assert world.broadcast(7, 2, "all", 10**9) == ([MILLISECOND + 7] * 3, [3, 0, 1])


def test_regions_give_the_latency_of_each_link_in_its_direction():
    spec = LinkSpec((0, 1), ((5, 70), (80, 9)), (0, 0), (8_000_000, 0), (0.0, 0.0))
    world = Links(spec, lambda _g, s: [1 - s], 1)
    assert world.send(0, 0, 1, 1) == [70]
    assert world.send(0, 1, 0, 1) == [80]
    assert world.downlink_picoseconds_per_byte() == [1_000_000, 0]


def test_nobody_to_send_to():
    world = links(count=1)
    assert world.broadcast(0, 0, "all", 10) == ([], [])


# ---------------------------------------------------------------- jitter


def test_jitter_is_a_share_of_the_latency_from_the_senders_own_stream():
    world = links(law=JitterLaw.EXPONENTIAL, spread=0.1, seed=9)
    drawn = generator(9, "link.jitter", 2).integers(0, QUANTILES, size=256, dtype=np.uint16)
    shares = quantile_table(JitterLaw.EXPONENTIAL, 0.1)[drawn].tolist()
    expected = [MILLISECOND + MILLISECOND * share // ONE for share in shares[:4]]
    times, nodes = world.broadcast(0, 2, "all", 10)
    assert sorted(zip(expected, [3, 0, 1], strict=False)) == list(zip(times, nodes, strict=True))
    # What others send does not shift this node's numbers.
    world.broadcast(0, 3, "all", 10)
    assert world.send(10**9, 2, 0, 10) == [10**9 + expected[3]]


def test_a_draw_does_not_depend_on_how_many_are_taken_together():
    table = quantile_table(JitterLaw.PARETO, 0.1)
    many, few = Draws(5, 0, table), Draws(5, 0, table)
    # Two refills, at different fill levels.
    together = [*many.taken(200), *many.taken(200), *many.taken(112)]
    single = [share for _ in range(64) for share in few.shares(8)]
    assert together[:256] == single[:256]
    mixed = Draws(5, 0, table)
    assert [*mixed.shares(3), *mixed.taken(4), *mixed.shares(5)] == single[:12]


# ---------------------------------------------------------------- loss


class Script:
    """Stands for a generator: copy k is lost as often as the script says."""

    def __init__(self, losses):
        self.left = list(losses)

    def integers(self, low, high, size):
        drawn = [0 if left > 0 else high - 1 for left in self.left]
        self.left = [left - 1 for left in self.left]
        return np.array(drawn[:size])


def retransmitted(losses, latency=MILLISECOND):
    draws = Draws(1, 0, np.zeros(QUANTILES, dtype=np.int64))
    draws._loss = Script(losses)  # type: ignore[assignment]
    loss = np.full(len(losses), LOSS_DENOMINATOR // 2)
    return draws.retransmissions(loss, np.full(len(losses), latency)).tolist()


def test_a_lost_copy_waits_for_its_timeout_doubled_each_time():
    timeout = 200 * MILLISECOND + 2 * MILLISECOND
    assert retransmitted([0, 1, 2, 3]) == [0, timeout, 3 * timeout, 7 * timeout]


def test_timeouts_have_an_end():
    first, ceiling = TIMEOUT_FLOOR_NS + 2 * MILLISECOND, TIMEOUT_MAX_NS
    expected = sum(min(first << k, ceiling) for k in range(LOSSES_MAX))
    assert retransmitted([LOSSES_MAX, 10**6]) == [expected, expected]
    # A round trip longer than the ceiling is never waited for less than once.
    long = 300 * 10**9
    assert retransmitted([2], latency=long) == [2 * (2 * long + TIMEOUT_FLOOR_NS)]


def test_heavy_loss_never_turns_time_back():
    world = links(count=2, loss=0.999)
    arrivals = [world.send(at * MILLISECOND, 0, 1, 10)[0] for at in range(50)]
    assert all(arrival > at * MILLISECOND for at, arrival in enumerate(arrivals))
    assert all(a < b for a, b in pairwise(arrivals))


def test_loss_comes_as_often_as_it_should_and_the_worse_end_counts():
    spec = LinkSpec((0,) * 3, ((MILLISECOND,),), (0,) * 3, (0,) * 3, (0.0, 0.1, 0.3))
    counts = {}
    for sender, to in ((0, 1), (1, 0), (1, 2), (2, 1)):
        world = Links(spec, lambda _g, s: [k for k in range(3) if k != s], 4)
        gaps = [
            world.send(at, sender, to, 10)[0] - at > MILLISECOND
            for at in range(0, 1000 * 10**13, 10**13)
        ]
        counts[sender, to] = sum(gaps)
    assert counts[0, 1] == pytest.approx(100, abs=30)
    assert counts[1, 0] == pytest.approx(100, abs=30)
    assert counts[1, 2] == pytest.approx(300, abs=45)
    assert counts[2, 1] == pytest.approx(300, abs=45)


def test_without_loss_nothing_is_drawn_for_it():
    assert {links(seed=seed).send(0, 0, 1, 10)[0] for seed in range(20)} == {MILLISECOND}


# ---------------------------------------------------------------- order


@pytest.mark.parametrize("vector_from", [0, 1000])
def test_a_link_delivers_in_order_whatever_travels_on_it(monkeypatch, vector_from):
    monkeypatch.setattr(module, "VECTOR_RECIPIENTS_MIN", vector_from)
    world = links(law=JitterLaw.PARETO, spread=3.0, groups={"pair": [0, 1]})
    latest = 0
    for at in range(0, 300_000, 1_000):
        times, nodes = world.broadcast(at, 0, "all", 10)
        assert times == sorted(times)
        arrivals = [
            times[nodes.index(1)],
            *world.send(at, 0, 1, 10),
            world.broadcast(at, 0, "pair", 10)[0][0],
        ]
        for arrival in arrivals:
            assert arrival > latest
            latest = arrival


def test_a_link_keeps_its_order_when_a_fault_changes_it():
    world = links()
    world.set_extra_latency([0], 50 * MILLISECOND)
    (slow,) = world.send(0, 0, 1, 10)
    assert slow == 51 * MILLISECOND
    world.set_extra_latency([0], 0)
    assert world.send(1, 0, 1, 10) == [slow + 1]
    assert world.send(1, 0, 2, 10) == [MILLISECOND + 1]
    world.partition([[2]])
    world.heal()
    assert world.send(2, 0, 1, 10) == [slow + 2]
    assert world.send(60 * MILLISECOND, 0, 1, 10) == [61 * MILLISECOND]


# ---------------------------------------------------------------- faults


@pytest.mark.parametrize("vector_from", [0, 1000])
def test_a_partition_lets_nodes_reach_their_own_group(monkeypatch, vector_from):
    monkeypatch.setattr(module, "VECTOR_RECIPIENTS_MIN", vector_from)
    world = links(count=6, uplink=8_000_000)
    world.partition([[0, 1], [2, 3]])
    reached = {s: sorted(world.broadcast(0, s, "all", 0)[1]) for s in range(6)}
    assert reached == {0: [1], 1: [0], 2: [3], 3: [2], 4: [5], 5: [4]}
    assert world.send(0, 0, 2, 10) == []
    assert world.send(0, 4, 0, 10) == []
    # What is dropped does not take the uplink's time.
    assert world.send(0, 0, 1, 10) == [MILLISECOND + 10_000]


def test_a_new_partition_replaces_the_old_one_and_heal_ends_it():
    world = links()
    world.partition([[0]])
    world.partition([[1]])
    assert sorted(world.broadcast(0, 0, "all", 1)[1]) == [2, 3]
    world.heal()
    assert sorted(world.broadcast(0, 0, "all", 1)[1]) == [1, 2, 3]
    world.heal()
    assert sorted(world.broadcast(0, 1, "all", 1)[1]) == [0, 2, 3]


def test_added_latency_counts_at_each_affected_end_and_replaces_what_was_added():
    world = links()
    world.send(0, 0, 1, 1)
    world.set_extra_latency([0, 1], 1_000)
    assert world.send(10, 0, 1, 1) == [MILLISECOND + 2_010]
    assert world.send(10, 0, 2, 1) == [MILLISECOND + 1_010]
    assert world.send(10, 2, 3, 1) == [MILLISECOND + 10]
    world.set_extra_latency([1], 500)
    assert world.send(5_000, 0, 1, 1) == [MILLISECOND + 6_500]
    world.partition([[0, 1]])
    world.heal()
    assert world.send(9_000, 0, 1, 1) == [MILLISECOND + 10_500]


# ---------------------------------------------------------------- scalar equals vector


TRAFFIC = st.lists(
    st.tuples(
        st.integers(0, 2_000),
        st.integers(0, 6),
        st.sampled_from(["all", "few", "send", "cut", "heal", "slow"]),
        st.integers(0, 3_000),
    ),
    max_size=40,
)


@given(
    traffic=TRAFFIC,
    law=st.sampled_from(list(JitterLaw)),
    uplink=st.sampled_from([0, 10**6, 10**11]),
    seed=st.integers(0, 50),
)
def test_numbers_computed_one_by_one_equal_those_of_numpy(traffic, law, uplink, seed):
    latency = ((1_000, 50_000, 700), (40_000, 5, 80), (700, 90, 3))
    spec = LinkSpec(
        (0, 1, 2, 0, 1, 2, 0), latency, (uplink,) * 4 + (0,) * 3, (0,) * 7, (0.0,) * 7, law, 0.4
    )

    def members(group, sender):
        return [k for k in range(7 if group == "all" else 3) if k != sender]

    outcomes = []
    with pytest.MonkeyPatch.context() as patch:
        for vector_from in (0, 1_000):
            patch.setattr(module, "VECTOR_RECIPIENTS_MIN", vector_from)
            world, at = Links(spec, members, seed), 0
            seen: list[object] = []
            for gap, node, what, size in traffic:
                at += gap
                match what:
                    case "cut":
                        world.partition([[node], [(node + 1) % 7, (node + 2) % 7]])
                    case "heal":
                        world.heal()
                    case "slow":
                        world.set_extra_latency([node], size)
                    case "send":
                        seen.append(world.send(at, node, (node + 1 + size % 6) % 7, size))
                    case _:
                        seen.append(world.broadcast(at, node, what, size))
            outcomes.append(seen)
    assert outcomes[0] == outcomes[1]
    for arrivals in outcomes[0]:
        if isinstance(arrivals, tuple):
            assert all(type(number) is int for number in (*arrivals[0], *arrivals[1]))


def test_large_and_small_groups_of_one_sender_share_the_uplink_the_draws_and_the_links():
    count = module.VECTOR_RECIPIENTS_MIN + 5
    world = links(count, law=JitterLaw.PARETO, spread=2.0, uplink=10**9, groups={"few": [1, 2]})
    latest = dict.fromkeys(range(count), 0)
    for at in range(0, 100_000, 700):
        for group in ("all", "few"):
            for arrival, node in zip(*world.broadcast(at, 0, group, 100), strict=True):
                assert arrival > latest[node]
                latest[node] = arrival


@given(
    st.lists(
        st.tuples(st.integers(0, 29), st.none() | st.integers(0, 29), st.integers(0, 5_000)),
        max_size=30,
    )
)
def test_a_cell_for_every_node_at_once_is_as_good_as_one_by_one(calls):
    def arrivals(world):
        found = []
        for sender, to, at in calls:
            if to is None:
                found.append(world.broadcast(at, sender, "all", 9))
            elif to != sender:
                found.append(world.send(at, sender, to, 9))
        return found

    sparse = links(count=30, law=JitterLaw.EXPONENTIAL, spread=0.1)
    sparse._outgoing = [module.Outgoing(sender, 1 << 40) for sender in range(30)]
    assert arrivals(links(count=30, law=JitterLaw.EXPONENTIAL, spread=0.1)) == arrivals(sparse)
