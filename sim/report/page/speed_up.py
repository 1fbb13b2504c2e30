"""The speed-up curve: what more cores, or another scheduler, make of the same blocks."""

from collections.abc import Sequence

from sim.report.page import units
from sim.report.page.axes import Frame, Linear, Log, ceiling, legend, line, nice_ticks, path
from sim.report.page.cards import card
from sim.report.page.markup import Markup, element, void
from sim.report.result import Execution, ExecutionSetup

COLOURS_MAX = 7
"""Colours of the style sheet; further curves begin anew."""


def speed_up_card(execution: Execution | None) -> Markup | None:
    """Return the plot of speed-up over cores; None where nodes do not differ in cores."""
    setups = () if execution is None else execution.setups
    cores = sorted({setup.cores for setup in setups})
    if execution is None or len(cores) < 2:
        return None
    frame = Frame(1080, 400)
    best = max(setup.figures.speed_up for setup in setups)
    bound = max(setup.figures.speed_up_max for setup in setups)
    top = ceiling(max(best, min(bound, 1.3 * best)))
    x = Log(cores[0], cores[-1], frame.x_range[0] + 30, frame.x_range[1] - 30)
    y = Linear(0.0, top, *frame.y_range)
    curves = by_scheduler(setups)
    drawing = frame.svg(
        "Speed-up over one core, by cores and scheduler",
        frame.y_axis(y, nice_ticks(0, top, 7), units.compact, "times one core"),
        frame.x_axis(x, cores, units.compact, "cores"),
        _bounds(frame, x, y, top, bound),
        *[
            _curve(number, name, curve, x, y)
            for number, (name, curve) in enumerate(curves.items(), start=1)
        ],
    )
    entries = [(f"line {_colour(number)}", name) for number, name in enumerate(curves, start=1)]
    entries += [("dots", "as many as cores"), ("limit", f"dependencies allow {bound:.1f}")]
    return card(
        "Speed-up",
        legend(entries),
        drawing,
        note="The same blocks, executed by nodes that differ in scheduler and cores.",
        wide=True,
        name="speed-up",
    )


def by_scheduler(setups: Sequence[ExecutionSetup]) -> dict[str, list[ExecutionSetup]]:
    """Return the setups of each scheduler, by ascending number of cores."""
    curves: dict[str, list[ExecutionSetup]] = {}
    for setup in sorted(setups, key=lambda each: (each.scheduler, each.cores)):
        curves.setdefault(setup.scheduler, []).append(setup)
    return curves


def _colour(number: int) -> str:
    return f"s{(number - 1) % COLOURS_MAX + 1}"


def _curve(number: int, name: str, curve: list[ExecutionSetup], x: Log, y: Linear) -> Markup:
    points = [(x(setup.cores), y(setup.figures.speed_up)) for setup in curve]
    dots = [
        element(
            "circle",
            element("title", _title(name, setup)),
            cx=at_x,
            cy=at_y,
            r=4,
            class_=f"spot {_colour(number)}",
        )
        for setup, (at_x, at_y) in zip(curve, points, strict=True)
    ]
    return element("g", void("path", d=path(points), class_=f"curve {_colour(number)}"), *dots)


def _title(name: str, setup: ExecutionSetup) -> str:
    figures = setup.figures
    cores = f"{setup.cores} core{'' if setup.cores == 1 else 's'}"
    return (
        f"{name}, {cores}\n{figures.speed_up:.2f} times one core\n"
        f"{units.compact(figures.gas_per_second)} gas a second\n"
        f"{units.count(figures.repeats)} executed again"
    )


def _bounds(frame: Frame, x: Log, y: Linear, top: float, bound: float) -> Markup:
    """Return what no schedule exceeds: the number of cores, and what dependencies allow."""
    ideal = [(x(cores), y(cores)) for cores in _doublings(x.low, min(x.high, top))]
    left, right = frame.x_range
    parts = [void("path", d=path(ideal), class_="ideal")]
    if bound <= top:
        parts.append(line(left, y(bound), right, y(bound), "limit"))
    return element("g", *parts)


def _doublings(low: float, high: float) -> list[float]:
    """Return points of the line on which speed-up equals cores; on a logarithmic axis it bends."""
    count = 24
    return [low * (high / low) ** (step / count) for step in range(count + 1)]
