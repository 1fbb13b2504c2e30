"""What a run came to, for people: tables for a terminal, plain lines in a pipe."""

import os
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sim.report.result import Execution, FastConfirmation, Offender, Points, RunResult
from sim.report.seeds import Interval, intervals
from sim.report.storage import StorageFigures
from sim.report.wire import CompactFigures, KindCompression

PIPE_WIDTH = 100
"""Columns of a table that goes into a pipe, unless COLUMNS asks for fewer or more."""


class _Output(Console):
    """Rich ends the process with 1, a failed expectation, when `| head` has had enough."""

    def on_broken_pipe(self) -> None:
        """Leave it to the command line, as for every other write."""
        raise BrokenPipeError


def output_console() -> Console:
    """Return the console of results: standard output, as wide as it or COLUMNS says."""
    console = _Output(highlight=False)
    asked = os.environ.get("COLUMNS", "")
    if console.is_terminal or (asked.isdecimal() and int(asked) > 0):
        return console
    return _Output(highlight=False, width=PIPE_WIDTH)


def show_result(result: RunResult, console: Console) -> None:
    """Print one run: its figures, its expectations, what stopped it."""
    title = Text(f"{result.scenario}, seed {result.seed}")
    table = Table(title=title, title_justify="left")
    table.add_column("figure", overflow="fold")
    table.add_column("value", justify="right", overflow="fold")
    for figure, value in _figures(result):
        table.add_row(figure, Text(value))
    console.print(table)
    show_expectations(result, console)
    show_trouble(result, console)
    if result.run_directory is not None:
        console.print(Text(f"run directory: {result.run_directory}"), soft_wrap=True)


def show_expectations(result: RunResult, console: Console) -> None:
    """Print each expectation and what came of it."""
    for expectation in result.expectations:
        mark, style = ("passed", "green") if expectation.passed else ("FAILED", "bold red")
        line = Text.assemble((f"{mark}  ", style), (expectation.name, "bold"))
        console.print(line.append(f": {expectation.detail}"), soft_wrap=True)


def show_trouble(result: RunResult, console: Console) -> None:
    """Print why a run must not be taken for a good and whole one, and how to repeat it."""
    breach = result.violation
    if breach is not None:
        place = "the network" if breach.node < 0 else f"node {breach.node}"
        console.print(
            Text(
                f"VIOLATION of {breach.checker} at {breach.at_ns / 1e9:.6f} s, {place}, "
                f"seed {result.seed}: {breach.detail}",
                style="bold red",
            ),
            soft_wrap=True,
        )
    elif result.partial:
        reached = f"{result.virtual_seconds:g} s of virtual time"
        text = f"PARTIAL RESULT: the run was interrupted after {reached}"
        console.print(Text(text, style="bold yellow"), soft_wrap=True)
    if not result.passed:
        console.print(Text(f"replay: {result.replay}"), soft_wrap=True)


def show_intervals(results: Sequence[RunResult], console: Console) -> None:
    """Print means and 95 % intervals over several seeds."""
    first = results[0]
    title = Text(f"{first.scenario}, {len(results)} seeds")
    table = Table(title=title, title_justify="left")
    table.add_column("figure", overflow="fold")
    for heading in ("mean", "95 % low", "95 % high"):
        table.add_column(heading, justify="right", overflow="fold")
    table.add_column("unit", overflow="fold")
    for row in intervals(results):
        table.add_row(row.figure, *_interval_cells(row), row.unit)
    console.print(table)
    for result in results:
        if not result.passed or result.partial:
            console.print(Text(f"seed {result.seed}:", style="bold"))
            show_expectations(result, console)
            show_trouble(result, console)


def _interval_cells(row: Interval) -> tuple[str, str, str]:
    return _number(row.mean), _number(row.low), _number(row.high)


def _figures(result: RunResult) -> list[tuple[str, str]]:
    confirmation = result.confirmation_time_seconds
    points = (confirmation.p50, confirmation.p95, confirmation.p99)
    times = " / ".join("-" if point is None else f"{point:.3f}" for point in points)
    rejected = ", ".join(f"{code} {count:,}" for code, count in sorted(result.rejected.items()))
    return [
        ("virtual time", f"{result.virtual_seconds:g} s"),
        ("wall time", f"{result.wall_seconds:.2f} s"),
        ("nodes", f"{result.nodes:,}"),
        ("height", f"{result.height:,}"),
        ("transactions", f"{result.transactions:,}"),
        ("throughput", f"{result.tps:,.1f} tx/s"),
        ("confirmation p50 / p95 / p99", f"{times} s"),
        *_fast_figures(result.fast_confirmation),
        *_execution_figures(result.execution),
        ("view changes", f"{result.view_changes:,}"),
        *_committee_figures(result.committee_changes),
        ("messages", f"{result.messages:,}"),
        ("traffic", f"{result.bytes / 1e6:,.1f} MB"),
        *_compact_figures(result.compact),
        *_compression_figures(result.compression),
        *_storage_figures(result.storage),
        ("unconfirmed", f"{result.unconfirmed:,}"),
        ("rejected", rejected or "none"),
        *(("evidence against", _offender(offender)) for offender in result.evidence),
        ("digest", result.digest),
    ]


def _execution_figures(execution: Execution | None) -> list[tuple[str, str]]:
    """Say how blocks of others were executed; those of a lone validator have no judge."""
    if execution is None or not execution.validation.blocks:
        return []
    figures = execution.validation
    speed = f"{figures.gas_per_second / 1e6:,.1f} Mgas/s, {figures.speed_up:.2f} times one core"
    again = [("executed again", f"{figures.repeats:,}")] if figures.repeats else []
    return [("execution", speed), *again]


def _compact_figures(compact: CompactFigures | None) -> list[tuple[str, str]]:
    """Say what compact blocks have spared."""
    if compact is None:
        return []
    saved = f"{100 * compact.share_saved:.1f} % of {compact.full_bytes / 1e6:,.1f} MB saved"
    at_once = f"{100 * compact.at_once / compact.blocks:.0f} % at once"
    return [("compact blocks", f"{saved}, {100 * compact.hit_rate:.1f} % held, {at_once}")]


def _compression_figures(kinds: Sequence[KindCompression]) -> list[tuple[str, str]]:
    """Say what compression has spared, all kinds together."""
    plain = sum([each.plain_bytes for each in kinds])
    if not plain:
        return []
    sent = sum([each.sent_bytes for each in kinds])
    took = sum([each.compressing_seconds + each.decompressing_seconds for each in kinds])
    saved = f"{100 - 100 * sent / plain:.1f} % of {plain / 1e6:,.1f} MB saved"
    return [("compression", f"{saved}, {1e3 * took:,.0f} ms of cores")]


def _storage_figures(storage: StorageFigures | None) -> list[tuple[str, str]]:
    """Say what was made durable, and what there is of it."""
    if storage is None:
        return []
    wait = f"{storage.sync_seconds_mean * 1e3:,.2f} ms each"
    told = [("made durable", f"{storage.written_bytes / 1e6:,.1f} MB, {wait}")]
    if storage.files is not None:
        times = f"{storage.files.write_amplification:.1f} times written"
        told.append(("files", f"{storage.files.file_bytes / 1e6:,.1f} MB, {times}"))
    return told


def _committee_figures(changes: int) -> list[tuple[str, str]]:
    return [("committee changes", f"{changes:,}")] if changes else []


def _offender(offender: Offender) -> str:
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in offender.kinds.items())
    return f"node {offender.replica}: score {offender.score:,} ({kinds}), {offender.accusers} know"


def _fast_figures(fast: FastConfirmation | None) -> list[tuple[str, str]]:
    if fast is None:
        return []
    told = (fast.confirmed, fast.final, fast.rejected, fast.pending)
    return [
        ("first answer p50 / p90 / p99", f"{_points(fast.first_answer_seconds)} s"),
        ("final commit p50 / p90 / p99", f"{_points(fast.final_commit_seconds)} s"),
        ("fast / final / rejected / pending", " / ".join(f"{count:,}" for count in told)),
    ]


def _points(points: Points) -> str:
    values = (points.p50, points.p90, points.p99)
    return " / ".join("-" if value is None else f"{value:.3f}" for value in values)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:,.3f}"
