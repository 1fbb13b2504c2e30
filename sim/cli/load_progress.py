"""How a load goes on, on a terminal and only there."""

import asyncio
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from sim.load.engine import LoadEngine
from sim.report.series import SECOND_NS

AGAIN_S = 0.25


class LoadProgress:
    """One line that says what is being done, then the load's figures of the moment.

    Args:
        console: where it is shown.
    """

    def __init__(self, console: Console) -> None:
        self._bar: Progress | None = None
        if console.is_terminal:
            self._bar = Progress(
                TextColumn("[bold]{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[words]}"),
                TimeElapsedColumn(),
                console=console,
                transient=True,
            )
        self._task: TaskID | None = None
        self._engine: LoadEngine | None = None
        self._seen = (0, 0)
        self._rate = 0.0

    def __enter__(self) -> "LoadProgress":
        """Begin to show it."""
        if self._bar is not None:
            self._bar.start()
            self._task = self._bar.add_task("load", total=None, words="")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take it away."""
        if self._bar is not None:
            self._bar.stop()

    def stage(self, what: str, done: int, of: int) -> None:
        """Show what is done before the load."""
        words = f"{done:,} of {of:,}" if of else ""
        self._show(what, done, of or None, words)

    def begin(self, engine: LoadEngine) -> None:
        """Show a load from now on."""
        self._engine = engine

    async def watch(self) -> None:
        """Show the load again and again, until cancelled."""
        while True:
            await asyncio.sleep(AGAIN_S)
            engine = self._engine
            if self._bar is not None and engine is not None and engine.ledger.sent.total:
                now = engine.now()
                duration = engine.plan.duration
                what = "load" if now < duration else "waiting for the last blocks"
                self._show(what, min(now, duration), duration, self._words(engine, now))

    def _words(self, engine: LoadEngine, now: int) -> str:
        ledger = engine.ledger
        at, included = self._seen
        if now - at >= SECOND_NS or not at:
            self._rate = (ledger.included.total - included) * SECOND_NS / max(now - at, 1)
            self._seen = (now, ledger.included.total)
        errors = sum(ledger.error_totals().values())
        return (
            f"{now / SECOND_NS:.0f} of {engine.plan.duration / SECOND_NS:g} s  "
            f"{self._rate:,.0f} tx/s  {engine.sender.on_their_way:,} on their way  "
            f"{errors:,} errors"
        )

    def _show(self, what: str, done: int, total: int | None, words: str) -> None:
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, description=what, completed=done, total=total, words=words)
