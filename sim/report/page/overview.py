"""The top of the page: what ran, whether it held, and the figures that people ask for first."""

from collections.abc import Sequence

import numpy as np

from sim.report.collect import Collector
from sim.report.figures import block_intervals_ns, percentiles
from sim.report.page import units
from sim.report.page.cards import card, empty, table
from sim.report.page.markup import Markup, element, number, void
from sim.report.page.shell import banner, masthead, split_unit, tile_row
from sim.report.result import Expectation, RunResult
from sim.report.series import SECOND_NS
from sim.report.stream import RunShape


def header(result: RunResult, shape: RunShape) -> Markup:
    """Return the title of the page."""
    followers = result.nodes - shape.validators - shape.gateways
    nodes = f"{units.count(shape.validators)} validators"
    if followers:
        nodes += f" + {units.count(followers)} followers"
    if shape.gateways:
        nodes += f" + {units.count(shape.gateways)} gateways"
    speed = result.virtual_seconds / result.wall_seconds if result.wall_seconds > 0 else 0.0
    wall = f"{units.seconds(result.wall_seconds)} on the clock"
    if speed > 0:
        wall += f" ({units.significant(speed, 2)}\u00d7)"
    facts = [
        ("seed", str(result.seed), ""),
        ("nodes", nodes, ""),
        ("virtual time", units.seconds(result.virtual_seconds), ""),
        ("simulated in", wall, ""),
        ("digest", result.digest[:16] or units.DASH, result.digest),
    ]
    return masthead("run report", result.scenario or "unnamed scenario", _badge(result), facts)


def banners(result: RunResult) -> Markup | None:
    """Return what must not be overlooked: a violation, an unfinished run."""
    parts = []
    if result.violation is not None:
        breach = result.violation
        where = "the network" if breach.node < 0 else f"node {breach.node}"
        at = f"{number(breach.at_ns / SECOND_NS, 6)} s"
        detail = f"At {at} on {where}: {breach.detail}"
        parts.append(banner("bad", f"Violated: {breach.checker}", detail))
    if result.partial:
        detail = (
            f"The run ended at {units.seconds(result.virtual_seconds)} of virtual time, before its "
            "scenario did. Every figure below covers that part only."
        )
        parts.append(banner("warn", "Partial result", detail))
    return element("div", *parts) if parts else None


def _badge(result: RunResult) -> Markup:
    if result.violation is not None:
        return element("span", "violated", class_="badge bad")
    if not result.passed:
        return element("span", "failed", class_="badge bad")
    if result.partial:
        return element("span", "partial", class_="badge warn")
    if not result.expectations:
        return element("span", "finished", class_="badge plain")
    return element("span", "passed", class_="badge good")


def tiles(result: RunResult, collector: Collector) -> Markup:
    """Return the main figures."""
    times = result.confirmation_time_seconds
    gaps = percentiles(np.sort(block_intervals_ns(collector)[1]))
    per_block = result.transactions / result.blocks if result.blocks else 0.0
    shown = [
        ("throughput", units.significant(result.tps), "tx/s", _window_words(result)),
        ("confirmation p50", *split_unit(units.seconds(times.p50)), "half are faster"),
        (
            "confirmation p99",
            *split_unit(units.seconds(times.p99)),
            f"p95 {units.seconds(times.p95)}",
        ),
        ("block time p50", *split_unit(units.seconds(gaps.p50)), f"p99 {units.seconds(gaps.p99)}"),
        ("height", units.count(result.height), "", f"{units.significant(per_block)} tx a block"),
        ("transactions", units.compact(result.transactions), "", _refused_words(result)),
        ("messages", units.compact(result.messages), "", _per_block(result.messages, result)),
        ("traffic", *split_unit(units.size(result.bytes)), _bytes_per_transaction(result)),
        ("view changes", units.count(result.view_changes), "", _view_words(collector)),
    ]
    return tile_row(shown)


def _window_words(result: RunResult) -> str:
    return f"mean over {units.seconds(result.measured_seconds)}"


def _refused_words(result: RunResult) -> str:
    refused = sum(result.rejected.values())
    if refused:
        return f"{units.compact(refused)} refused"
    if result.unconfirmed:
        return f"{units.compact(result.unconfirmed)} unconfirmed"
    return "none refused"


def _per_block(total: int, result: RunResult) -> str:
    return f"{units.compact(total / result.blocks)} a block" if result.blocks else "no block"


def _bytes_per_transaction(result: RunResult) -> str:
    if not result.transactions:
        return "no transaction"
    return f"{units.size(result.bytes / result.transactions)} / tx"


def _view_words(collector: Collector) -> str:
    highest = max((view for _, view in collector.views.views_entered), default=0)
    return f"highest view {highest}"


def expectations_card(expectations: Sequence[Expectation]) -> Markup:
    """Return the list of expectations, failed ones first."""
    if not expectations:
        return card(
            "Expectations", empty("The scenario expects nothing."), wide=True, name="expectations"
        )
    ordered = sorted(expectations, key=lambda expectation: expectation.passed)
    failed = sum(not expectation.passed for expectation in expectations)
    items = [
        element(
            "li",
            _tick(passed=expectation.passed),
            element("span", expectation.name, class_="what"),
            element("span", expectation.detail, class_="detail"),
            class_="good" if expectation.passed else "bad",
        )
        for expectation in ordered
    ]
    note = f"All {len(items)} held." if not failed else f"{failed} of {len(items)} failed."
    return card(
        "Expectations",
        element("ul", *items, class_="expectations"),
        note=note,
        wide=True,
        name="expectations",
    )


def rejected_card(rejected: dict[str, int]) -> Markup:
    """Return refused transactions by reason."""
    if not rejected:
        nothing = empty("No transaction was refused.")
        return card("Refused transactions", nothing, name="refused")
    total = sum(rejected.values())
    rows: list[list[Markup | str]] = [
        [element("code", code), units.count(number_of), units.percent(number_of / total)]
        for code, number_of in sorted(rejected.items(), key=lambda item: (-item[1], item[0]))
    ]
    heads = [("reason", ""), ("transactions", "number"), ("share", "number")]
    return card(
        "Refused transactions",
        table(heads, rows),
        note=f"{units.count(total)} refused by the node that they were given to.",
        name="refused",
    )


def _tick(*, passed: bool) -> Markup:
    drawn = "M4 10l4 4 8-9" if passed else "M5 5l10 10M15 5L5 15"
    return element(
        "svg",
        element("title", "passed" if passed else "failed"),
        void("path", d=drawn),
        viewbox="0 0 20 20",
        class_="tick-mark",
    )
