"""How many transactions a second: constant, a ramp, or steps."""

import msgspec

from primitives.errors import InvalidInput
from primitives.units import parse_duration
from sim.workload.pace import SECOND, Piece

EXPECTED = 'a ramp as in "100..2000/60s", or steps as in "100,500,1000/20s"'
RATE_END = 1e6
"""Rates are below this."""


class Rate(msgspec.Struct, frozen=True):
    """A rate over time."""

    levels: tuple[float, ...]
    """Transactions a second: one, the two ends of a ramp, or those of steps."""
    span_ns: int = 0
    """How long a ramp, or each step, takes."""
    is_ramp: bool = False

    @property
    def text(self) -> str:
        """Return it as on the command line."""
        between = ".." if self.is_ramp else ","
        levels = between.join(f"{level:g}" for level in self.levels)
        return f"{levels}/{self.span_ns / SECOND:g}s" if self.span_ns else levels

    @property
    def length_ns(self) -> int:
        """How long it takes until it changes no more."""
        return self.span_ns if self.is_ramp else self.span_ns * len(self.levels)

    def pieces(self, duration_ns: int) -> tuple[Piece, ...]:
        """Cut [0, duration) into straight pieces; the last level stays to the end."""
        if self.is_ramp:
            low, high = self.levels
            # The same line, cut off where the load ends before the ramp does.
            reached = min(duration_ns / self.span_ns, 1.0)
            end = min(self.span_ns, duration_ns)
            found = [Piece(0, end, low, low + (high - low) * reached)]
        else:
            span = self.span_ns or duration_ns
            found = [
                Piece(span * index, min(span * (index + 1), duration_ns), level, level)
                for index, level in enumerate(self.levels)
                if span * index < duration_ns
            ]
        if found[-1].end < duration_ns:
            last = self.levels[-1]
            found.append(Piece(found[-1].end, duration_ns, last, last))
        return tuple(found)


def count_of(pieces: tuple[Piece, ...]) -> int:
    """Return about how many transactions pieces of a rate mean."""
    means = [(piece.rate_start + piece.rate_end) / 2 for piece in pieces]
    spans = [(piece.end - piece.start) / SECOND for piece in pieces]
    return round(sum(mean * span for mean, span in zip(means, spans, strict=True)))


def constant_rate(rate: float) -> Rate:
    """Return a rate that does not change.

    Raises:
        InvalidInput: it is out of range.
    """
    if not 0 < rate < RATE_END:
        raise InvalidInput("--rate", f"a number above 0 and below {RATE_END:,.0f}", f"{rate:g}")
    return Rate((rate,))


def parse_ramp(text: str) -> Rate:
    """Read a ramp or steps.

    Raises:
        InvalidInput: it is neither.
    """
    levels_text, slash, span_text = text.partition("/")
    is_ramp = ".." in levels_text
    try:
        span = parse_duration(span_text.strip())
        levels = tuple(float(each) for each in levels_text.split(".." if is_ramp else ","))
    except (ValueError, InvalidInput) as error:
        raise InvalidInput("--ramp", EXPECTED, f'"{text}"') from error
    good = slash and span > 0 and (len(levels) == 2 if is_ramp else levels)
    if not good or not all(0 <= level < RATE_END for level in levels) or not any(levels):
        raise InvalidInput("--ramp", EXPECTED, f'"{text}"')
    return Rate(levels, span, is_ramp)
