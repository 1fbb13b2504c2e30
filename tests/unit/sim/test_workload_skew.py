"""Draws follow Zipf's law, within bounds, and repeat with their seed."""

from collections import Counter
from itertools import islice

import numpy as np
import pytest

from sim.randomness import generator
from sim.workload.skew import ZipfDraw, uniform_stream


def counts(draw: ZipfDraw, number: int = 100_000) -> Counter[int]:
    return Counter(draw.draw(generator(5, "skew"), number).tolist())


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0, 2.0])
def test_frequencies_follow_the_law(exponent):
    found = counts(ZipfDraw(10, exponent))
    total = sum(rank**-exponent for rank in range(1, 11))
    for index in range(10):
        expected = 100_000 * (index + 1) ** -exponent / total
        assert found[index] == pytest.approx(expected, rel=0.1, abs=60)


def test_order_says_who_is_hot():
    order = np.array([3, 0, 2, 1])
    assert [index for index, _ in counts(ZipfDraw(4, 1.5, order)).most_common()] == [3, 0, 2, 1]


def test_one_index_is_always_drawn():
    assert counts(ZipfDraw(1, 1.0), 100) == {0: 100}


def test_draws_stay_within_bounds_even_at_the_end_of_the_unit_interval():
    class Edge:
        def random(self, count: int) -> np.ndarray:
            return np.full(count, np.nextafter(1.0, 0.0))

    assert ZipfDraw(7, 1.1).draw(Edge(), 3).tolist() == [6, 6, 6]  # type: ignore[arg-type]


def test_streams_repeat_with_their_seed():
    def first(seed: int) -> list[int]:
        return list(islice(ZipfDraw(100, 1.0).stream(generator(seed, "skew")), 2_000))

    assert first(1) == first(1)
    assert first(1) != first(2)


def test_uniform_stream_reaches_both_bounds():
    drawn = set(islice(uniform_stream(generator(1, "skew"), 3, 6), 500))
    assert drawn == {3, 4, 5, 6}
    assert set(islice(uniform_stream(generator(1, "skew"), 2**63 - 1, 2**63 - 1), 3)) == {2**63 - 1}
