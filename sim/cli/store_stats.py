"""`orrery store stats PATH`."""

from argparse import Namespace
from pathlib import Path

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from node.upkeep.rows import TableRows, count_rows
from sim.cli.entry import Exit
from sim.cli.store_archives import require_archive
from sim.cli.store_metrics import openmetrics
from sim.cli.store_shown import print_json, size, watching
from sim.cli.summary import output_console
from storage.files.catalogue import archive_files
from storage.rocks.schema import CHAIN_SCHEMA
from storage.rocks.shape import LevelShape
from storage.rocks.store import RocksStore
from storage.rocks.used import used_profile
from storage.rocks.view import view
from storage.rocks.wal import log_files
from storage.rocks.written import Written, written


class Stats(msgspec.Struct, frozen=True):
    """What `--json` prints. Sizes are bytes."""

    path: str
    profile: str | None
    """That the store was opened with last; None if it was none that has a name."""
    tables: tuple[TableRows, ...]
    """Rows by table, counted by reading them; none with `--quick`."""
    levels: tuple[LevelShape, ...]
    """Entries that are overwritten or deleted count until they are merged."""
    table_file_bytes: int
    log_bytes: int
    """Of the write-ahead logs: what a restart has to read again."""
    archive_bytes: int
    """Of the archive that was named, if any."""
    written: Written | None
    """Since the store was opened last."""
    write_amplification: float | None
    """Bytes on the disk for each byte of rows, since the store was opened last."""
    space_amplification: float | None
    """Bytes of tables and logs for each byte of rows that is there; not with `--quick`."""
    reader_bytes: int
    """Indexes and filters in memory, of the tables that this look has opened."""
    cache_bytes: int
    """Blocks in memory after this look."""


def command(arguments: Namespace) -> int:
    """Gather the figures, print them, return the exit code."""
    path: Path = arguments.path
    require_archive(arguments.archive)
    with watching("stats") as watch, view(path) as store:
        counted: list[TableRows] = []
        for table in () if arguments.quick else CHAIN_SCHEMA.tables:
            counted.append(TableRows(table.name))
            count_rows(store, table.name, counted[-1], watch)
        stats = gather(store, path, arguments.archive, tuple(counted))
    if arguments.json:
        print_json(stats)
    elif arguments.openmetrics:
        print(openmetrics(stats), end="")
    else:
        _show(stats, output_console())
    return Exit.OK


def gather(
    store: RocksStore, path: Path, archive: Path | None, counted: tuple[TableRows, ...]
) -> Stats:
    """Return the figures of a store.

    Args:
        store: a view of it.
        path: its own directory.
        archive: that of the archive behind it, if there is one.
        counted: its rows by table, or none.
    """
    past = written(path)
    rows = sum([table.key_bytes + table.value_bytes for table in counted])
    tables = sum([each.stat().st_size for each in path.glob("*.sst")])
    logs = sum([each.stat().st_size for each in log_files(path)])
    files = [] if archive is None else archive_files(archive)
    figures = store.statistics()
    return Stats(
        str(path),
        used_profile(path),
        counted,
        store.shapes(),
        tables,
        logs,
        sum([each.stat().st_size for each in files]),
        past,
        None if past is None else past.amplification,
        (tables + logs) / rows if rows else None,
        figures["store.reader_bytes"],
        figures["store.cache_bytes"],
    )


def _show(stats: Stats, console: Console) -> None:
    if stats.tables:
        console.print(_tables(stats))
    console.print(_levels(stats))
    console.print(_figures(stats))


def _tables(stats: Stats) -> Table:
    families = {table.name: table.family.value for table in CHAIN_SCHEMA.tables}
    shown = _table("rows by table", "table", "family", "rows", "keys", "values")
    for each in stats.tables:
        if each.rows:
            sizes = size(each.key_bytes), size(each.value_bytes)
            shown.add_row(each.table, families[each.table], f"{each.rows:,}", *sizes)
    return shown


def _levels(stats: Stats) -> Table:
    names = ("family", "level", "files", "entries", "deletions", "rows", "data", "index", "filters")
    shown = _table("tables by level", *names)
    for each in stats.levels:
        sizes = (each.row_bytes, each.data_bytes, each.index_bytes, each.filter_bytes)
        counts = f"{each.level}", f"{each.files:,}", f"{each.rows:,}", f"{each.deletions:,}"
        shown.add_row(each.family, *counts, *[size(count) for count in sizes])
    return shown


def _figures(stats: Stats) -> Table:
    shown = Table(title=Text(stats.path), title_justify="left", show_header=False, box=box.SIMPLE)
    rows = [
        ("profile", stats.profile or "none of ours"),
        ("table files", size(stats.table_file_bytes)),
        ("write-ahead logs", size(stats.log_bytes)),
        ("archive files", size(stats.archive_bytes)),
        ("indexes and filters in memory", size(stats.reader_bytes)),
        ("cached blocks after this look", size(stats.cache_bytes)),
    ]
    if stats.space_amplification is not None:
        rows.append(("tables and logs for each byte of rows", f"{stats.space_amplification:.2f}"))
    if stats.written is not None and stats.write_amplification is not None:
        tables = stats.written.flushed_table_bytes + stats.written.merged_table_bytes
        since = f"{size(stats.written.flushed_row_bytes)} of rows, {size(tables)} of tables"
        rows.append(("written since it was opened last", since))
        rows.append(("written for each byte of rows", f"{stats.write_amplification:.2f}"))
    for label, value in rows:
        shown.add_row(Text(label), Text(value))
    return shown


def _table(title: str, *columns: str) -> Table:
    shown = Table(title=Text(title), title_justify="left", box=box.SIMPLE)
    for place, column in enumerate(columns):
        is_name = place == 0 or column == "family"
        shown.add_column(column, justify="left" if is_name else "right")
    return shown
