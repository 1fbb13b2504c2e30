"""What a load came to, for people."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sim.load.histogram import Quantiles
from sim.load.limits import limit_words
from sim.load.result import LoadResult
from sim.report.page import units


def show_load(result: LoadResult, console: Console) -> None:
    """Print a load: its figures, and what broke it off."""
    title = Text(f"{result.mix}, {result.loop} loop, {result.offered}")
    table = Table(title=title, title_justify="left")
    table.add_column("figure", overflow="fold")
    table.add_column("value", justify="right", overflow="fold")
    for figure, value in _figures(result):
        table.add_row(figure, Text(value))
    console.print(table)
    show_load_trouble(result, console)
    if result.run_directory is not None:
        console.print(Text(f"run directory: {result.run_directory}"), soft_wrap=True)


def show_load_trouble(result: LoadResult, console: Console) -> None:
    """Print why a load must not be taken for a good and whole one."""
    if result.trouble is not None:
        text = f"BROKEN OFF after {result.seconds:g} s: {result.trouble}"
        console.print(Text(text, style="bold red"), soft_wrap=True)
    elif result.partial:
        text = f"PARTIAL RESULT: the load was interrupted after {result.seconds:.1f} s"
        console.print(Text(text, style="bold yellow"), soft_wrap=True)
    elif not result.included:
        text = "FAILED: no transaction came into a block"
        console.print(Text(text, style="bold red"), soft_wrap=True)
    for words in limit_words(result):
        console.print(Text(words, style="yellow"), soft_wrap=True)


def _figures(result: LoadResult) -> list[tuple[str, str]]:
    errors = ", ".join(f"{kind} {count:,}" for kind, count in result.errors.items())
    lost = (result.unconfirmed, result.dropped)
    finality = _points(result.finality_seconds) if result.has_finality else "unknown to the node"
    return [
        ("node", f"{result.software}, chain {result.chain_id}"),
        ("time", f"{result.seconds:.1f} s and {result.drain_seconds:.1f} s of waiting"),
        ("offered", f"{result.offered_tps:,.1f} tx/s"),
        ("throughput", f"{result.tps:,.1f} tx/s"),
        ("sent / accepted / included", _three(result.sent, result.accepted, result.included)),
        ("answer p50 / p95 / p99", _points(result.acceptance_seconds)),
        ("inclusion p50 / p95 / p99", _points(result.inclusion_seconds)),
        ("finality p50 / p95 / p99", finality),
        ("left late p50 / p95 / p99", _points(result.lateness_seconds)),
        ("of that the client's own", _points(result.lag_seconds)),
        ("unconfirmed / dropped", " / ".join(f"{count:,}" for count in lost)),
        ("failed in their block", f"{result.failed:,} of {result.looked_at:,} looked at"),
        ("sent again / signed anew", f"{result.resent:,} / {result.repriced:,}"),
        ("errors", errors or "none"),
        ("blocks", _blocks(result)),
        ("client's processor", _cost(result)),
    ]


def _three(*counts: int) -> str:
    return " / ".join(f"{count:,}" for count in counts)


def _points(points: Quantiles) -> str:
    return " / ".join(units.seconds(value) for value in (points.p50, points.p95, points.p99))


def _blocks(result: LoadResult) -> str:
    blocks = result.blocks
    if not blocks.count:
        return "none"
    full = units.DASH if blocks.fullness is None else units.percent(blocks.fullness)
    return f"{blocks.count:,}, every {units.seconds(blocks.block_time_p50)}, {full} full"


def _cost(result: LoadResult) -> str:
    if not result.sent:
        return units.DASH
    each = result.client_cpu_seconds / result.sent * 1e6
    return f"{units.percent(result.client_busy)} of a core, {each:,.0f} µs a transaction"
