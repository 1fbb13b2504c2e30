"""`orrery graph BLOCK`."""

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from primitives.errors import InvalidInput
from sim.cli.entry import Exit
from sim.cli.summary import output_console
from sim.graph.analysis import Analysis, HotCell, analyse
from sim.graph.block_folder import read_block_folder
from sim.graph.export import as_networkx, dot, graphml
from sim.graph.picture import draw
from sim.graph.run_block import is_run_directory, read_run_block
from sim.graph.subject import Subject

BLOCK_FILE = "block.json"
SHOWN_MAX = 6
"""Transactions that are named for each cell; the others are counted."""
MILLION = 1_000_000


def command(arguments: Namespace) -> int:
    """Look at one block, print its figures, write what was asked for, return the exit code."""
    with Console(stderr=True).status("executing the block ..."):
        subject = read_subject(arguments.block, arguments.height)
        analysis, graph = analyse(subject, arguments.rule)
    picture = arguments.out or Path("runs") / f"graph-{subject.label}.svg"
    _write(picture, draw(subject, graph, analysis).encode())
    analysis = msgspec.structs.replace(analysis, picture=str(picture))
    if arguments.graphml or arguments.dot:
        exported = as_networkx(subject, graph)
        if arguments.graphml:
            _write(arguments.graphml, graphml(exported))
        if arguments.dot:
            _write(arguments.dot, dot(exported).encode())
    if arguments.json:
        print(msgspec.json.format(msgspec.json.encode(analysis), indent=2).decode())
    else:
        show(analysis, output_console())
    return Exit.OK


def read_subject(folder: Path, height: int | None) -> Subject:
    """Return the block that a folder holds.

    Args:
        folder: of a block, or of a run.
        height: which of a run's blocks.

    Raises:
        InvalidInput: it is neither, or what it holds is no block.
    """
    if (folder / BLOCK_FILE).is_file():
        if height is not None:
            raise InvalidInput("--block", "a run's directory with it", f"{folder}, one block")
        return read_block_folder(folder)
    if is_run_directory(folder):
        return read_run_block(folder, height)
    expected = "a folder with block.json, pre_state.json and bytecodes.json, or a run's directory"
    found = "no such folder"
    if folder.exists():
        found = "another folder" if folder.is_dir() else "a file"
    raise InvalidInput(str(folder), expected, found)


def show(analysis: Analysis, console: Console) -> None:
    """Print the figures as tables."""
    path = analysis.critical_path_gas
    share = path / max(analysis.gas, 1)
    kinds = ", ".join([f"{count:,} {name}" for name, count in analysis.edges_by_kind.items()])
    joins = f"; {analysis.joins:,} joins" if analysis.joins else ""
    rows = (
        ("transactions", f"{analysis.transactions:,}"),
        ("gas", f"{analysis.gas:,}"),
        ("edges", f"{analysis.edges:,} ({kinds}{joins})"),
        ("width / depth", f"{analysis.width:,} / {analysis.depth:,}"),
        ("critical path", f"{path:,} gas, {share:.1%} of all"),
        ("independent", f"{analysis.independent:,} transactions"),
        ("edge rule", analysis.rule),
        ("picture", analysis.picture or "none"),
    )
    table = Table(
        title=Text(analysis.block), title_justify="left", show_header=False, box=box.SIMPLE
    )
    for label, value in rows:
        table.add_row(Text(label), Text(value))
    console.print(table)
    console.print(_bounds(analysis))
    if analysis.hot_cells:
        console.print(_hot_cells(analysis.hot_cells))


def _bounds(analysis: Analysis) -> Table:
    table = Table(
        title=Text("speed-up over one core, at most"), title_justify="left", box=box.SIMPLE
    )
    table.add_column("edge rule")
    table.add_column("scheduler")
    for workers in analysis.workers:
        table.add_column(str(workers), justify="right")
    for row in analysis.bounds:
        figures = [f"{speed_up:.2f}" for speed_up in row.speed_ups]
        table.add_row(row.rule, row.scheduler, *figures)
    return table


def _hot_cells(cells: Sequence[HotCell]) -> Table:
    title = "hottest cells (whole names with --json)"
    table = Table(title=Text(title), title_justify="left", box=box.SIMPLE)
    table.add_column("account", no_wrap=True)
    table.add_column("cell", no_wrap=True)
    for name in ("waits", "Mgas", "read", "written", "paid"):
        table.add_column(name, justify="right")
    table.add_column("by transactions", overflow="fold")
    for cell in cells:
        ways = (cell.readers, cell.writers, cell.payers)
        table.add_row(
            f"{cell.address[:8]}\u2026{cell.address[-6:]}",
            _short(cell.field),
            f"{cell.waits:,}",
            f"{cell.gas / MILLION:.2f}",
            *[f"{len(way):,}" for way in ways],
            _places(sorted({index for way in ways for index in way})),
        )
    return table


def _short(field: str) -> str:
    """Return a slot's name; the middle of a long one is left out."""
    return field if len(field) <= 16 else f"{field[:8]}\u2026{field[-6:]}"


def _places(transactions: Sequence[int]) -> str:
    shown = ", ".join([str(each) for each in transactions[:SHOWN_MAX]])
    more = len(transactions) - SHOWN_MAX
    return f"{shown} and {more:,} more" if more > 0 else shown


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise InvalidInput(str(path), "a file that can be written", error.strerror) from error
