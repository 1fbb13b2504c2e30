"""Scales, ticks and the frame of a plot: what every chart of the report stands on."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sim.report.page.markup import Markup, element, join, number, void

Format = Callable[[float], str]


class Scale(Protocol):
    """Maps values of a domain to pixels."""

    def __call__(self, value: float) -> float:
        """Return the pixel of `value`."""
        ...


@dataclass(frozen=True, slots=True)
class Linear:
    """Equal steps of the value are equal steps on the page."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the pixel of `value`; the middle if the domain is a point."""
        if self.high == self.low:
            return (self.start + self.end) / 2
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


@dataclass(frozen=True, slots=True)
class Log:
    """Equal ratios of the value are equal steps on the page. The domain is positive."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the pixel of `value`, clamped to the lower end."""
        place = Linear(math.log(self.low), math.log(self.high), self.start, self.end)
        return place(math.log(max(value, self.low)))


def nice_ticks(low: float, high: float, most: int) -> list[float]:
    """Return at most `most` round values (1, 2, 2.5 or 5 times a power of ten) in [low, high]."""
    if high <= low or most < 2:
        return [low]
    raw = (high - low) / (most - 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1.0, 2.0, 2.5, 5.0, 10.0) if m * power >= raw * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [i * step for i in range(first, last + 1)]


_TIME_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 43_200)


def time_ticks(end_s: float, most: int) -> list[float]:
    """Return at most `most` instants of [0, end_s], on whole minutes where it is long."""
    if end_s <= 2:
        return nice_ticks(0, end_s, most)
    for step in _TIME_STEPS_S:
        if end_s / step <= most - 1:
            return [float(i * step) for i in range(int(end_s / step + 1e-9) + 1)]
    return nice_ticks(0, end_s, most)


def log_ticks(low: float, high: float, most: int) -> list[float]:
    """Return at most `most` values of [low, high] of the series 1, 2, 5, or of powers of ten."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    inside: list[float] = []
    for multiples in ((1, 2, 5), (1, 3), (1,)):
        ticks = [m * 10.0**p for p in powers for m in multiples]
        inside = [t for t in ticks if low * (1 - 1e-9) <= t <= high * (1 + 1e-9)]
        if len(inside) <= most:
            return inside
    return inside[:: -(-len(inside) // most)]


def ceiling(value: float) -> float:
    """Return an upper end for an axis that starts at 0: a little above `value`, 1 for nothing."""
    if value <= 0:
        return 1.0
    step = nice_ticks(0, value, 6)[1] / 2
    return math.ceil(value * 1.04 / step) * step


@dataclass(frozen=True, slots=True)
class Frame:
    """The plotting area inside an SVG of `width` x `height` units."""

    width: float
    height: float
    left: float = 62
    right: float = 18
    top: float = 40
    bottom: float = 44

    @property
    def x_range(self) -> tuple[float, float]:
        """Pixels of the left and right edge."""
        return self.left, self.width - self.right

    @property
    def y_range(self) -> tuple[float, float]:
        """Pixels of the bottom and top edge: values grow upwards."""
        return self.height - self.bottom, self.top

    def x_axis(self, scale: Scale, ticks: Sequence[float], form: Format, label: str) -> Markup:
        """Return the lower axis with tick marks, their labels and the axis's name."""
        base = self.y_range[0]
        parts = [line(self.left, base, self.width - self.right, base, "axis")]
        for tick in ticks:
            x = scale(tick)
            parts.append(line(x, base, x, base + 5, "axis"))
            parts.append(text(form(tick), x, base + 19, "tick", anchor="middle"))
        middle = (self.left + self.width - self.right) / 2
        parts.append(text(label, middle, self.height - 5, "label", anchor="middle"))
        return element("g", *parts)

    def y_axis(self, scale: Scale, ticks: Sequence[float], form: Format, label: str) -> Markup:
        """Return horizontal grid lines with their values, and the axis's name above them."""
        parts = []
        for tick in ticks:
            y = scale(tick)
            parts.append(line(self.left, y, self.width - self.right, y, "grid"))
            parts.append(text(form(tick), self.left - 8, y + 4, "tick", anchor="end"))
        parts.append(text(label, 2, 12, "label"))
        return element("g", *parts)

    def svg(self, description: str, *children: Markup, class_: str = "plot") -> Markup:
        """Return the whole drawing."""
        return element(
            "svg",
            *children,
            class_=class_,
            viewbox=f"0 0 {number(self.width)} {number(self.height)}",
            role="img",
            aria_label=description,
        )


def text(
    content: str, x: float, y: float, class_: str, anchor: str | None = None, title: str = ""
) -> Markup:
    """Return a line of text whose baseline starts, ends or is centred at (x, y)."""
    hover = element("title", title) if title else None
    return element("text", content, hover, x=x, y=y, class_=class_, text_anchor=anchor)


def path(points: Sequence[tuple[float, float]], close: bool = False) -> str:
    """Return path data through the points, in relative steps: half the size of absolute ones."""
    if not points:
        return ""
    at_x, at_y = round(points[0][0], 1), round(points[0][1], 1)
    parts = [f"M{number(at_x)} {number(at_y)}"]
    for x, y in points[1:]:
        step_x, step_y = round(x - at_x, 1), round(y - at_y, 1)
        if step_y == 0:
            if step_x != 0:
                parts.append(f"h{number(step_x)}")
        elif step_x == 0:
            parts.append(f"v{number(step_y)}")
        else:
            parts.append(f"l{number(step_x)} {number(step_y)}")
        at_x, at_y = at_x + step_x, at_y + step_y
    return "".join(parts) + ("Z" if close else "")


def steps(edges: Sequence[float], values: Sequence[float]) -> list[tuple[float, float]]:
    """Return the corners of a step line: `values[i]` holds between edges i and i + 1."""
    corners = []
    for i, value in enumerate(values):
        corners.append((edges[i], value))
        corners.append((edges[i + 1], value))
    return corners


def legend(entries: Sequence[tuple[str, str]]) -> Markup:
    """Return a legend above a plot from (class of the swatch, text) pairs."""
    return element(
        "ul",
        *(element("li", element("i", class_=f"swatch {class_}"), name) for class_, name in entries),
        class_="legend",
    )


def rectangle(
    x: float, y: float, width: float, height: float, class_: str, title: str = "", radius: float = 0
) -> Markup:
    """Return a rectangle with a hover text."""
    hover = element("title", title) if title else Markup()
    attributes = {"x": x, "y": y, "width": width, "height": height, "class": class_}
    return element("rect", hover, **attributes, rx=radius or None)


def hover_columns(frame: Frame, edges: Sequence[float], titles: Sequence[str]) -> Markup:
    """Return invisible columns between `edges` (pixels) that show their title under the pointer."""
    bottom, top = frame.y_range
    columns = [
        rectangle(edges[i], top, edges[i + 1] - edges[i], bottom - top, "hover", title)
        for i, title in enumerate(titles)
    ]
    return element("g", join(columns))


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    """Return a straight line."""
    return void("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)
