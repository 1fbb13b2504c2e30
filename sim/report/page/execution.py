"""Execution of blocks: how fast, how often again, and how far from what dependencies allow."""

from sim.report.page import units
from sim.report.page.cards import card, table
from sim.report.page.markup import Markup
from sim.report.result import Execution, ExecutionFigures


def execution_card(execution: Execution | None) -> Markup | None:
    """Return the table; None for a run in which nothing was executed."""
    if execution is None:
        return None
    heads = [("task", "")]
    heads += [
        (head, "number")
        for head in (
            "blocks",
            "transactions",
            "again",
            "gas",
            "gas a second",
            "speed-up",
            "at most",
        )
    ]
    rows = [
        _row(name, figures)
        for name, figures in (
            ("validating", execution.validation),
            ("building", execution.building),
        )
        if figures.blocks
    ]
    return card(
        "Execution",
        table(heads, rows),
        note="All nodes together. Speed-up: time of one core for the transactions, each once, over "
        "the time that they took. At most: gas over that of the dearest chains of transactions "
        "that depend on one another; a block access list frees from them.",
        wide=True,
        name="execution",
    )


def _row(name: str, figures: ExecutionFigures) -> list[Markup | str]:
    return [
        name,
        units.count(figures.blocks),
        units.count(figures.transactions),
        units.count(figures.repeats),
        units.compact(figures.gas),
        units.compact(figures.gas_per_second),
        units.significant(figures.speed_up),
        units.significant(figures.speed_up_max),
    ]
