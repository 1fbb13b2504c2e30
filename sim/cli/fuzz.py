"""`orrery fuzz FILE`: search for schedules of faults that break the network."""

import os
import shlex
import signal
import time
from argparse import Namespace
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from primitives.errors import InvalidInput
from sim.cli.entry import Exit
from sim.cli.jobs import prepare_directory
from sim.cli.progress import counting_bar
from sim.cli.summary import output_console
from sim.fuzz import (
    DURATION_MIN,
    Counts,
    Finding,
    Trial,
    draw_scenario,
    run_trial,
    shrink_scenario,
)
from sim.scenario import (
    Scenario,
    ScenarioError,
    decode_scenario,
    format_scenario,
    load_scenario,
)

SHRUNK_MAX = 3
"""Failures that are shrunk: the first one of each of so many checks."""


class Search(msgspec.Struct, frozen=True):
    """What is searched."""

    base: Scenario
    fixed: tuple[str, ...]
    """Keys that keep the base's values."""
    first: int
    """Seed of the first run; each run has the next one."""
    runs: int
    patience: int
    """Runs that the shrinking of one failure may take."""

    def scenario(self, seed: int) -> Scenario:
        """Return a run's scenario, as its file would say it.

        Raises:
            InvalidInput: what the base gives does not go with what was drawn.
        """
        drawn = draw_scenario(self.base, seed, self.fixed)
        try:
            return decode_scenario(format_scenario(drawn), f"the scenario of seed {seed}")
        except ScenarioError as error:
            mistake = error.mistakes[0]
            raise InvalidInput(
                f"{self.base.name}, as drawn by seed {seed}: {mistake.key}",
                f"{mistake.expected}; leave it out of the base, or fix what is drawn, as in "
                "--set network.validators=7",
                mistake.actual,
            ) from error


class Failure(msgspec.Struct, frozen=True):
    """A run that failed, and where its scenario was written."""

    seed: int
    check: str
    at_ns: int
    detail: str
    file: str
    replay: str
    """The command line that repeats it."""
    nodes: int
    events: int
    shrunk: bool = False


class Outcome(msgspec.Struct, frozen=True):
    """What came of a search: the object that `--json` prints."""

    scenario: str
    seed: int
    counts: Counts
    failures: tuple[Failure, ...]
    partial: bool
    """Not all runs were made, or failures were left as they were found: it was interrupted, or a
    seed drew what the base does not go with."""
    wall_seconds: float


def command(arguments: Namespace) -> int:
    """Search, shrink what fails, print the outcome, return the exit code."""
    base = load_scenario(arguments.scenario, arguments.overrides)
    if base.duration < DURATION_MIN:
        found = f"{base.duration / 1e9:g}s"
        expected = f"at least {DURATION_MIN // 10**9}s, or nothing has time to recover"
        raise InvalidInput(f"{arguments.scenario}: duration", expected, found)
    search = Search(
        base=base,
        fixed=tuple(override.partition("=")[0].strip() for override in arguments.overrides),
        first=base.seed if arguments.seed is None else arguments.seed,
        runs=arguments.runs,
        patience=arguments.shrink,
    )
    search.scenario(search.first)
    directory = prepare_directory(arguments.out.parent, arguments.out.name)
    outcome, unfit = _search(search, directory, arguments.workers)
    if arguments.json:
        print(msgspec.json.format(msgspec.json.encode(outcome), indent=2).decode())
    else:
        _show(outcome, output_console())
    if unfit is not None:
        raise unfit
    if outcome.failures:
        return Exit.FAILED
    return Exit.INTERRUPTED if outcome.partial else Exit.OK


def _search(search: Search, directory: Path, workers: int) -> tuple[Outcome, InvalidInput | None]:
    """Make all runs, then shrink; after a Ctrl-C return what there is.

    So too when a seed draws what the base does not go with, and then with what is wrong.
    """
    started = time.perf_counter()
    counts, failures, partial = Counts(), dict[int, Failure](), False
    unfit: InvalidInput | None = None
    with _pool(workers) as pool:
        try:
            for trial in _trials(search, pool):
                counts += trial.counts
                if trial.finding is not None:
                    scenario = search.scenario(trial.seed)
                    failures[trial.seed] = _keep(scenario, trial.seed, trial.finding, directory)
            for failure in _smaller(search, failures, directory, pool):
                failures[failure.seed] = failure
        except KeyboardInterrupt:
            partial = True
        except InvalidInput as error:
            partial, unfit = True, error
    outcome = Outcome(
        scenario=search.base.name,
        seed=search.first,
        counts=counts,
        failures=tuple(failures[seed] for seed in sorted(failures)),
        partial=partial,
        wall_seconds=round(time.perf_counter() - started, 3),
    )
    return outcome, unfit


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor | None]:
    """Offer worker processes, which Ctrl-C ends at once; None for a single worker."""
    if workers == 1:
        yield None
        return
    pool = ProcessPoolExecutor(workers, initializer=_leave_at_an_interrupt)
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _leave_at_an_interrupt() -> None:
    """Let Ctrl-C end this worker without a word; nobody waits for what it was at."""
    signal.signal(signal.SIGINT, lambda _number, _frame: os._exit(Exit.INTERRUPTED))


def _trials(search: Search, pool: ProcessPoolExecutor | None) -> Iterator[Trial]:
    """Yield the runs as they end."""
    seeds = range(search.first, search.first + search.runs)
    with counting_bar("runs", search.runs, Console(stderr=True)) as bar:
        if pool is None:
            trials = (trial(search, seed) for seed in seeds)
        else:
            futures = [pool.submit(trial, search, seed) for seed in seeds]
            trials = (future.result() for future in as_completed(futures))
        for ended in trials:
            yield ended
            if bar is not None:
                bar.advance(bar.task_ids[0])


def trial(search: Search, seed: int) -> Trial:
    """Make one run."""
    return run_trial(search.scenario(seed), seed)


def shrunk(search: Search, seed: int, check: str) -> tuple[Scenario, Finding | None]:
    """Return the smallest scenario found that fails the same check under its seed, and how."""

    def fails(scenario: Scenario) -> bool:
        finding = run_trial(scenario, seed).finding
        return finding is not None and finding.check == check

    small = shrink_scenario(search.scenario(seed), fails, search.patience)
    return small, run_trial(small, seed).finding


def _smaller(
    search: Search, failures: dict[int, Failure], directory: Path, pool: ProcessPoolExecutor | None
) -> Iterator[Failure]:
    """Yield the first failure of each check once more, shrunk."""
    first: dict[str, Failure] = {}
    for seed in sorted(failures):
        first.setdefault(failures[seed].check, failures[seed])
    chosen = list(first.values())[:SHRUNK_MAX] if search.patience else []
    with counting_bar("shrinking", len(chosen), Console(stderr=True)) as bar:
        tasks = [(search, failure.seed, failure.check) for failure in chosen]
        results = (shrunk(*task) for task in tasks)
        if pool is not None:
            futures = [pool.submit(shrunk, *task) for task in tasks]
            results = (future.result() for future in futures)
        for failure, (scenario, finding) in zip(chosen, results, strict=True):
            if finding is not None:
                kept = _keep(scenario, failure.seed, finding, directory)
                yield msgspec.structs.replace(kept, shrunk=True)
            if bar is not None:
                bar.advance(bar.task_ids[0])


def _keep(scenario: Scenario, seed: int, finding: Finding, directory: Path) -> Failure:
    """Write a failing scenario, in place of a larger one of the same seed."""
    file = directory / f"{scenario.name}.toml"
    file.write_text(format_scenario(scenario), encoding="utf-8")
    return Failure(
        seed=seed,
        check=finding.check,
        at_ns=finding.at_ns,
        detail=finding.detail,
        file=str(file),
        replay=shlex.join(["orrery", "run", str(file), "--seed", str(seed)]),
        nodes=scenario.network.nodes,
        events=len(scenario.events),
    )


def _show(outcome: Outcome, console: Console) -> None:
    counts = outcome.counts
    title = Text(f"search from {outcome.scenario}, seed {outcome.seed}")
    table = Table(title=title, title_justify="left", min_width=len(title))
    table.add_column("what")
    table.add_column("count", justify="right")
    for name, value in msgspec.structs.asdict(counts).items():
        table.add_row(name.replace("_", " "), f"{value:,.0f}")
    table.add_row("runs a minute", f"{60 * counts.runs / max(outcome.wall_seconds, 1e-3):,.0f}")
    table.add_row("failures", f"{len(outcome.failures):,}")
    console.print(table)
    for failure in outcome.failures:
        size = f"{failure.nodes} nodes, {failure.events} events"
        size += ", shrunk" if failure.shrunk else ""
        head = f"FAILED  {failure.check} at {failure.at_ns / 1e9:g} s, seed {failure.seed} ({size})"
        console.print(Text(f"{head}: {failure.detail}", style="bold red"), soft_wrap=True)
        console.print(Text(f"replay: {failure.replay}"), soft_wrap=True)
    if outcome.partial:
        text = f"PARTIAL RESULT: interrupted after {counts.runs:,} runs"
        console.print(Text(text, style="bold yellow"), soft_wrap=True)
