"""What all actions on a store print alike: progress, sizes, JSON."""

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
from rich.console import Console
from rich.progress import Progress as Bar, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from node.upkeep.finding import Watch, ignore

KILO = 1_000
UNITS = ("B", "kB", "MB", "GB", "TB")


@contextmanager
def watching(name: str) -> Iterator[Watch]:
    """Show on a terminal what is being looked at and how many rows of it have been."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield ignore
        return
    columns = (
        SpinnerColumn(),
        TextColumn("[bold]{task.description}"),
        TextColumn("{task.fields[what]}"),
        TextColumn("{task.fields[rows]:,}"),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task(name, total=None, what="", rows=0)

        def watch(what: str, rows: int) -> None:
            bar.update(task, what=what, rows=rows)

        yield watch


def print_json(answer: object) -> None:
    """Print one JSON object."""
    print(msgspec.json.format(msgspec.json.encode(answer), indent=2).decode())


def line(console: Console, *parts: str | tuple[str, str]) -> None:
    """Print one line, however long: another program may read it."""
    console.print(Text.assemble(*parts), soft_wrap=True)


def size(count: int) -> str:
    """Return bytes as people say them."""
    value, unit = float(count), 0
    while value >= KILO and unit + 1 < len(UNITS):
        value, unit = value / KILO, unit + 1
    return f"{count} B" if not unit else f"{value:.1f} {UNITS[unit]}"
