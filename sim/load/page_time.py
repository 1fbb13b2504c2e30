"""The time axis of a load's plots."""

import math
from dataclasses import dataclass

import numpy as np

from sim.load.result import LoadResult
from sim.report.page import units
from sim.report.page.axes import Frame, Linear, rectangle, time_ticks
from sim.report.page.markup import Markup
from sim.report.page.throughput import column_edges_s, column_seconds, per_column
from sim.report.series import SECOND_NS


@dataclass(frozen=True, slots=True)
class LoadTime:
    """A frame whose x axis is the time of a load."""

    result: LoadResult
    frame: Frame

    @property
    def end_ns(self) -> int:
        """The load with the wait at its end, in whole seconds as its series are, ns."""
        return max(1, math.ceil(self.result.seconds + self.result.drain_seconds)) * SECOND_NS

    @property
    def x(self) -> Linear:
        """Scale from seconds to pixels."""
        return Linear(0.0, self.end_ns / SECOND_NS, *self.frame.x_range)

    @property
    def edges_s(self) -> list[float]:
        """Edges of the columns, seconds."""
        return column_edges_s(self.end_ns)

    @property
    def step_words(self) -> str:
        """What one column stands for."""
        step = column_seconds(self.end_ns)
        return "each second" if step == 1 else f"{step} s"

    def rates(self, by_second: list[int]) -> list[float]:
        """Return means a second for each column."""
        seconds = max(1, -(-self.end_ns // SECOND_NS))
        padded = np.zeros(seconds, dtype=np.int64)
        padded[: len(by_second)] = by_second[:seconds]
        return [float(each) for each in per_column(padded, self.edges_s)]

    def axis(self) -> Markup:
        """Return the time axis."""
        end_s = self.end_ns / SECOND_NS
        ticks = time_ticks(end_s, 13 if self.frame.width > 700 else 7)
        form = units.clock if end_s < 120 else units.minutes_clock
        return self.frame.x_axis(self.x, ticks, form, "time since the beginning of the load")

    def shades(self) -> Markup:
        """Shade what is not in the figures: the warm-up, and the wait at the end."""
        result = self.result
        warm_s = result.seconds - result.measured_seconds
        parts = [
            self._shade(0.0, warm_s, "warm-up: not in the figures"),
            self._shade(result.seconds, self.end_ns / SECOND_NS, "waiting for the last blocks"),
        ]
        return Markup("".join(parts))

    def _shade(self, start_s: float, end_s: float, title: str) -> Markup:
        if end_s <= start_s:
            return Markup()
        bottom, top = self.frame.y_range
        start, end = self.x(start_s), self.x(end_s)
        return rectangle(start, top, end - start, bottom - top, "outside", title)
