"""Arrivals: their number is the integral of the rate, and their spacing follows it."""

from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from primitives.ids import Duration, Instant
from sim.randomness import generator
from sim.workload.pace import (
    SECOND,
    Burst,
    Piece,
    Ramp,
    arrivals,
    fixed_marks,
    poisson_marks,
    rate_pieces,
)


def s(seconds: float) -> Instant:
    return Instant(round(seconds * SECOND))


def burst(factor: float, start: float, length: float) -> Burst:
    return Burst(factor, s(start), Duration(s(length)))


def fixed(pieces: tuple[Piece, ...]) -> list[Instant]:
    return list(arrivals(pieces, fixed_marks()))


def between(times: list[Instant], low: float, high: float) -> int:
    return sum(s(low) <= at < s(high) for at in times)


def test_fixed_spacing_is_exact():
    assert fixed(rate_pieces(4, s(1), s(3))) == [s(1 + k / 4) for k in range(1, 8)]


def test_constant_rate_is_one_piece():
    assert rate_pieces(5, s(1), s(2)) == (Piece(s(1), s(2), 5, 5),)


def test_a_load_that_stops_before_it_starts_has_no_arrivals():
    assert fixed(rate_pieces(5, s(3), s(2))) == []


def test_ramp_moves_in_a_straight_line_and_stays():
    pieces = rate_pieces(100, s(0), s(10), Ramp(300, s(2), s(6)))
    assert pieces == (
        Piece(s(0), s(2), 100, 100),
        Piece(s(2), s(6), 100, 300),
        Piece(s(6), s(10), 300, 300),
    )
    times = fixed(pieces)
    assert abs(between(times, 0, 2) - 200) <= 1
    assert abs(between(times, 2, 4) - 300) <= 1
    assert abs(between(times, 4, 6) - 500) <= 1
    assert abs(between(times, 6, 10) - 1200) <= 1


def test_ramp_down_to_nothing_ends_the_load():
    times = fixed(rate_pieces(100, s(0), s(10), Ramp(0, s(0), s(4))))
    assert abs(len(times) - 200) <= 1
    assert max(times) <= s(4)


def test_ramp_without_length_is_a_step():
    pieces = rate_pieces(10, s(0), s(4), Ramp(50, s(2), s(2)))
    assert pieces == (Piece(s(0), s(2), 10, 10), Piece(s(2), s(4), 50, 50))


def test_ramp_that_began_before_the_load_starts_half_way():
    pieces = rate_pieces(0.5, s(5), s(10), Ramp(10.5, s(0), s(10)))
    assert pieces == (Piece(s(5), s(10), 5.5, 10.5),)


def test_burst_multiplies_the_rate_in_its_window_only():
    times = fixed(rate_pieces(10, s(0), s(10), bursts=[burst(5, 3, 2)]))
    assert abs(between(times, 0, 3) - 30) <= 1
    assert abs(between(times, 3, 5) - 100) <= 1
    assert abs(between(times, 5, 10) - 50) <= 1


def test_overlapping_bursts_multiply():
    pieces = rate_pieces(1, s(0), s(4), bursts=[burst(2, 1, 2), burst(3, 2, 2)])
    assert [piece.rate_start for piece in pieces] == [1, 2, 6, 3]


def test_burst_of_factor_zero_is_silence():
    times = fixed(rate_pieces(10, s(0), s(3), bursts=[burst(0, 1, 1)]))
    assert between(times, 1, 2) <= 1
    assert abs(len(times) - 20) <= 1


def test_burst_rides_on_the_ramp():
    pieces = rate_pieces(0, s(0), s(10), Ramp(10, s(0), s(10)), [burst(2, 4, 2)])
    assert pieces[1] == Piece(s(4), s(6), 8, 12)


def test_poisson_has_the_mean_and_the_variance_of_its_rate():
    times = list(arrivals(rate_pieces(200, s(0), s(100)), poisson_marks(generator(3, "pace"))))
    counts = [between(times, k, k + 1) for k in range(100)]
    mean = sum(counts) / 100
    variance = sum((count - mean) ** 2 for count in counts) / 99
    assert mean == pytest.approx(200, rel=0.03)
    assert variance == pytest.approx(200, rel=0.4)


def test_poisson_repeats_with_its_seed_and_differs_with_another():
    def times(seed: int) -> list[Instant]:
        marks = poisson_marks(generator(seed, "pace"))
        return list(arrivals(rate_pieces(50, s(0), s(5)), marks))

    assert times(1) == times(1)
    assert times(1) != times(2)


def test_a_late_burst_does_not_change_what_came_before():
    def times(bursts: list[Burst]) -> list[Instant]:
        marks = poisson_marks(generator(1, "pace"))
        return list(arrivals(rate_pieces(50, s(0), s(6), bursts=bursts), marks))

    calm, stormy = times([]), times([burst(10, 4, 1)])
    assert [at for at in calm if at < s(4)] == [at for at in stormy if at < s(4)]
    assert len(stormy) > len(calm) + 200


@given(
    rate=st.floats(0.1, 500),
    to=st.floats(0, 500),
    ramp=st.tuples(st.integers(0, 20), st.integers(0, 20)),
    factor=st.floats(0, 20),
    window=st.tuples(st.integers(0, 20), st.integers(1, 5)),
    seed=st.integers(0, 2**32),
)
def test_arrivals_are_ordered_within_bounds_and_as_many_as_the_integral(
    rate, to, ramp, factor, window, seed
):
    start, stop = s(0.5), s(10)
    low, high = sorted(ramp)
    pieces = rate_pieces(
        rate, start, stop, Ramp(to, s(low), s(high)), [burst(factor, window[0], window[1])]
    )
    assert pieces[0].start == start
    assert pieces[-1].end == stop
    assert all(a.end == b.start for a, b in pairwise(pieces))
    integral = sum((p.rate_start + p.rate_end) / 2 * (p.end - p.start) / SECOND for p in pieces)
    assert abs(len(fixed(pieces)) - integral) <= 1.001
    times = list(arrivals(pieces, poisson_marks(generator(seed, "pace"))))
    assert times == sorted(times)
    assert all(start <= at < stop for at in times)
