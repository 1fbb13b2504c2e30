"""What a way does to frames: rules one by one, and against the links of the virtual world."""

import random

import pytest
from hypothesis import given, strategies as st

from network.conditions import PLAIN, QUANTILES, Conditions, Way
from network.delays import TIMEOUT_FLOOR_NS, JitterLaw, quantile
from sim.links.jitter import ONE, quantile_table
from sim.links.links import Links, LinkSpec

MILLISECOND = 1_000_000
MUCH = 1 << 30


class Planned:
    """Draws planned numbers, and then the last of them."""

    def __init__(self, *numbers: float) -> None:
        self._numbers = list(numbers)

    def random(self) -> float:
        return self._numbers.pop(0) if len(self._numbers) > 1 else self._numbers[0]


def due(way: Way) -> list[tuple[int, bytes]]:
    """Take all frames that have an instant, with it."""
    taken = []
    while (at := way.next_at) is not None:
        assert not way.take(at - 1, MUCH)
        taken += [(at, frame) for frame in way.take(at, MUCH)]
    return taken


def test_a_frame_takes_the_latency() -> None:
    way = Way(Conditions(latency_ns=7 * MILLISECOND), random.Random(1))
    way.put(b"a", 0)
    way.put(b"bc", 5)
    assert way.bytes == 3
    assert due(way) == [(7 * MILLISECOND, b"a"), (7 * MILLISECOND + 5, b"bc")]
    assert way.bytes == 0


def test_jitter_has_its_law_and_does_not_change_the_order() -> None:
    law, latency = JitterLaw.PARETO, 10 * MILLISECOND
    draw = Planned(0.9, 0.1)
    way = Way(Conditions(latency_ns=latency, jitter=law, jitter_size=0.5), draw)
    way.put(b"late", 0)
    way.put(b"soon", 1)
    share = quantile(law, 0.5, (int(0.9 * 4096) + 0.5) / 4096)
    late = latency + int(latency * share)
    assert due(way) == [(late, b"late"), (late, b"soon")]


def test_what_is_lost_comes_later_with_all_behind_it() -> None:
    latency = 10 * MILLISECOND
    way = Way(Conditions(latency_ns=latency, loss=0.5), Planned(0.4, 0.4, 0.9))
    way.put(b"twice lost", 0)
    way.put(b"behind", 1)
    timeout = 2 * latency + TIMEOUT_FLOOR_NS
    at = latency + 3 * timeout
    assert due(way) == [(at, b"twice lost"), (at, b"behind")]


def test_a_second_copy_follows_and_counts() -> None:
    way = Way(Conditions(duplicate=1.0, duplicate_ns=99), Planned(0.5))
    way.put(b"ab", 0)
    way.put(b"ping", 1, is_control=True)
    assert way.bytes == 8
    assert due(way) == [(0, b"ab"), (1, b"ping"), (50, b"ab")]


def test_messages_overtake_one_another_only_where_that_is_wanted() -> None:
    way = Way(Conditions(reorder=0.5, reorder_ns=100), Planned(0.1, 0.5, 0.9))
    way.put(b"late", 0)
    way.put(b"soon", 1)
    way.put(b"ping", 2, is_control=True)
    assert due(way) == [(1, b"soon"), (50, b"late"), (50, b"ping")]
    way.change(PLAIN, 3)
    way.put(b"behind", 4)
    assert due(way) == [(50, b"behind")]


def test_a_clog_holds_back_what_is_sent_meanwhile_and_no_more() -> None:
    way = Way(Conditions(latency_ns=10), random.Random(1))
    way.put(b"before", 0)
    way.change(Conditions(latency_ns=10, clogged=True), 1)
    way.put(b"one", 2)
    way.put(b"two", 3)
    assert due(way) == [(10, b"before")]
    assert way.bytes == 6
    way.change(Conditions(latency_ns=10), 50)
    way.put(b"after", 51)
    assert due(way) == [(50, b"one"), (50, b"two"), (61, b"after")]
    assert way.bytes == 0


def test_frames_are_taken_in_portions() -> None:
    way = Way(Conditions(latency_ns=1), random.Random(1))
    for number in range(5):
        way.put(bytes([number]) * 4, 0)
    assert [len(way.take(9, 8)) for _ in range(4)] == [2, 2, 1, 0]


def test_a_way_is_over_when_it_is_empty_and_plain() -> None:
    way = Way(Conditions(latency_ns=10), random.Random(1))
    assert not way.is_over
    way.put(b"a", 0)
    way.change(PLAIN, 1)
    assert not way.is_over
    assert way.clear() == [b"a"]
    assert way.is_over


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 9)), min_size=1, max_size=40),
    st.integers(0, 30),
)
def test_the_virtual_world_does_the_same_without_chance(sent, latency) -> None:
    """Latency alone: each frame is due when the virtual world would let it arrive.

    There two messages of a link never arrive in the same nanosecond.
    """
    spec = LinkSpec((0, 1), ((0, 1000 * latency), (1000 * latency, 0)), (0, 0), (0, 0), (0.0, 0.0))
    links = Links(spec, lambda group, sender: (1,), 1)
    way, now, expected = Way(Conditions(latency_ns=1000 * latency), random.Random(1)), 0, []
    for pause, size in sent:
        now += 1000 * pause + 100
        way.put(bytes(size), now)
        expected += [(at, size) for at in links.send(now, 0, 1, size)]
    assert [(at, len(frame)) for at, frame in due(way)] == expected


@pytest.mark.parametrize("law", list(JitterLaw))
def test_the_virtual_world_has_the_same_jitter(law) -> None:
    latency = 100 * MILLISECOND
    conditions = Conditions(latency_ns=latency, jitter=law, jitter_size=0.2)
    for number, share in enumerate(quantile_table(law, 0.2).tolist()):
        way = Way(conditions, Planned(number / QUANTILES))
        way.put(b"x", 0)
        assert way.next_at == pytest.approx(latency + latency * share / ONE, abs=latency / ONE)
