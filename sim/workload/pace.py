"""When clients send: a rate over time, and the instants that follow from it.

A rate is a sequence of straight pieces: constant, a ramp, a burst that multiplies either. An
arrival process is then one of unit marks on the integral of the rate: marks one apart give fixed
spacing, marks at exponential distances give a Poisson process with that (time-varying) rate.
Walking the integral piece by piece and solving one quadratic for each arrival makes both exact;
thinning would draw random numbers that depend on the peak rate, so that adding a burst late in a
run would change its beginning.

Reference: Cinlar, Introduction to Stochastic Processes (1975), inversion of the mean-value
function for non-homogeneous Poisson processes.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

import msgspec
import numpy as np

from primitives.ids import Duration, Instant

SECOND = 1_000_000_000
MARKS_AT_ONCE = 1_024


class Piece(msgspec.Struct, frozen=True, gc=False):
    """A span in which the rate moves in a straight line."""

    start: int
    """First instant of the span, in ns."""
    end: int
    """The instant after the span, in ns."""
    rate_start: float
    """Transactions per second at `start`."""
    rate_end: float
    """Transactions per second just before `end`."""


class Ramp(msgspec.Struct, frozen=True, gc=False):
    """The rate moves from the base rate to `to` between two instants, and stays there."""

    to: float
    start: Instant
    end: Instant


class Burst(msgspec.Struct, frozen=True, gc=False):
    """The rate is multiplied by `factor` from `start` on for `length`."""

    factor: float
    start: Instant
    length: Duration


def rate_pieces(
    rate: float,
    start: Instant,
    stop: Instant,
    ramp: Ramp | None = None,
    bursts: Sequence[Burst] = (),
) -> tuple[Piece, ...]:
    """Cut [start, stop) into straight pieces of the rate. Overlapping bursts multiply."""
    cuts = {start, stop}
    if ramp is not None:
        cuts |= {ramp.start, ramp.end}
    for burst in bursts:
        cuts |= {burst.start, Instant(burst.start + burst.length)}
    edges = sorted(cut for cut in cuts if start <= cut <= stop)
    return tuple(
        Piece(
            low,
            high,
            _ramped(rate, ramp, low) * _factor(bursts, low),
            # Just before `high`: a ramp of no length must not leak its end into this piece.
            _ramped(rate, ramp, high, before=True) * _factor(bursts, low),
        )
        for low, high in pairwise(edges)
        if low < high
    )


def _ramped(rate: float, ramp: Ramp | None, at: int, *, before: bool = False) -> float:
    if ramp is None or at < ramp.start or (before and at <= ramp.start):
        return rate
    if at >= ramp.end:
        return ramp.to
    return rate + (ramp.to - rate) * (at - ramp.start) / (ramp.end - ramp.start)


def _factor(bursts: Sequence[Burst], at: int) -> float:
    return math.prod(b.factor for b in bursts if b.start <= at < b.start + b.length)


def poisson_marks(generator: np.random.Generator) -> Iterator[float]:
    """Yield exponential distances of mean 1, drawn many at once."""
    while True:
        yield from generator.standard_exponential(MARKS_AT_ONCE).tolist()


def fixed_marks() -> Iterator[float]:
    """Yield 1.0 for ever."""
    while True:
        yield 1.0


def arrivals(pieces: Sequence[Piece], marks: Iterator[float]) -> Iterator[Instant]:
    """Yield arrival instants, never decreasing, until the last piece ends.

    Args:
        pieces: adjacent, in time order.
        marks: distance of each arrival from the one before, in expected arrivals.
    """
    owed = next(marks)
    for piece in pieces:
        position = 0.0
        length = (piece.end - piece.start) / SECOND
        slope = (piece.rate_end - piece.rate_start) / length
        while True:
            rate = piece.rate_start + slope * position
            left = length - position
            if owed > left * (rate + 0.5 * slope * left):
                owed -= left * (rate + 0.5 * slope * left)
                break
            position += _time_for(owed, rate, slope)
            at = piece.start + round(position * SECOND)
            if at >= piece.end:
                # Rounding put the arrival on the border: it is the next piece's first.
                owed = 0.0
                break
            yield Instant(at)
            owed = next(marks)


def _time_for(mass: float, rate: float, slope: float) -> float:
    """Solve rate * t + slope * t**2 / 2 = mass for the smaller t >= 0, in seconds."""
    if mass == 0.0:
        return 0.0
    root = math.sqrt(max(rate * rate + 2.0 * slope * mass, 0.0))
    return 2.0 * mass / (rate + root)
