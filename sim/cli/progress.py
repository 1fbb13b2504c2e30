"""The progress bar: on a terminal, and only there."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress as Bar, TextColumn, TimeElapsedColumn

from sim.cli.jobs import Progress, Watch

SECOND = 1_000_000_000


@contextmanager
def virtual_time_bar(name: str, duration_ns: int, console: Console) -> Iterator[Watch | None]:
    """Show one run's virtual time, height, throughput and view; yield None in a pipe."""
    if not console.is_terminal:
        yield None
        return
    columns = (
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[time]}  height {task.fields[height]}"),
        TextColumn("{task.fields[tps]:.0f} tx/s  view {task.fields[view]}"),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task(
            name, total=duration_ns, time=_time(0, duration_ns), height=0, tps=0.0, view=0
        )

        def watch(progress: Progress) -> None:
            bar.update(
                task,
                completed=progress.at_ns,
                time=_time(progress.at_ns, duration_ns),
                height=progress.height,
                tps=progress.tps,
                view=progress.view,
            )

        yield watch


@contextmanager
def counting_bar(name: str, total: int, console: Console) -> Iterator[Bar | None]:
    """Show how many of several runs have ended; yield None in a pipe."""
    if not console.is_terminal:
        yield None
        return
    columns = (TextColumn("[bold]{task.description}"), BarColumn(), TextColumn("{task.completed}"))
    with Bar(*columns, TimeElapsedColumn(), console=console, transient=True) as bar:
        bar.add_task(name, total=total)
        yield bar


def _time(at_ns: int, duration_ns: int) -> str:
    return f"{at_ns / SECOND:.1f} of {duration_ns / SECOND:g} s"
