"""`orrery test PATH...`: every scenario's expectations."""

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from rich.text import Text

from primitives.errors import InvalidInput
from sim.cli.entry import Exit
from sim.cli.jobs import Job, prepare_directory, run_jobs
from sim.cli.junit import junit_xml
from sim.cli.progress import counting_bar
from sim.cli.run import exit_code, profile_name
from sim.cli.summary import output_console, show_expectations, show_trouble
from sim.profile import Profile, load_profile
from sim.report.result import RunResult
from sim.scenario import load_scenario

SOAK = "soak"
"""Folder of scenarios that take minutes."""


def command(arguments: Namespace) -> int:
    """Run all scenarios, print a line for each, write JUnit, return the exit code."""
    profile = load_profile(arguments.profile)
    jobs = [_job(file, arguments, profile) for file in scenario_files(arguments.paths)]
    if arguments.junit is not None:
        _check_writable(arguments.junit)
    console = output_console()
    results: dict[int, RunResult] = {}
    interrupted = False
    try:
        with counting_bar("scenarios", len(jobs), Console(stderr=True)) as bar:
            for position, result in run_jobs(jobs, arguments.workers):
                results[position] = result
                if bar is not None:
                    bar.advance(bar.task_ids[0])
                if not arguments.json:
                    _show(jobs[position], result, console)
                if result.partial and result.violation is None:
                    break
    except KeyboardInterrupt:
        interrupted = True
    ended = [(jobs[position], results[position]) for position in sorted(results)]
    _finish(ended, arguments, console, skipped=len(jobs) - len(ended))
    if interrupted and not ended:
        return Exit.INTERRUPTED
    return exit_code([result for _, result in ended], complete=len(ended) == len(jobs))


def scenario_files(paths: Sequence[Path]) -> list[Path]:
    """Return the scenario files that the paths name: themselves, and all *.toml below directories.

    What stands in a folder `soak` below a directory takes minutes; it runs when it is named itself.

    Raises:
        InvalidInput: a path does not exist, or there is no scenario at all.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            files.extend(sorted(file for file in path.rglob("*.toml") if not _is_soak(file, path)))
        elif path.exists():
            files.append(path)
        else:
            raise InvalidInput(str(path), "a scenario file or a directory", "nothing there")
    if not files:
        raise InvalidInput(
            ", ".join(map(str, paths)), "at least one scenario file (*.toml)", "none"
        )
    return list(dict.fromkeys(files))


def _is_soak(file: Path, directory: Path) -> bool:
    return SOAK in file.relative_to(directory).parts[:-1]


def _job(file: Path, arguments: Namespace, profile: Profile) -> Job:
    scenario = load_scenario(file, arguments.overrides)
    seed = scenario.seed if arguments.seed is None else arguments.seed
    directory = None
    if arguments.out is not None:
        directory = prepare_directory(arguments.out, f"{scenario.name}-{seed}")
    return Job(
        file=str(file),
        scenario=scenario,
        seed=seed,
        directory=directory,
        overrides=tuple(arguments.overrides),
        profile=profile,
        profile_file=profile_name(arguments),
    )


def _check_writable(file: Path) -> None:
    try:
        file.touch()
    except OSError as error:
        reason = error.strerror or str(error)
        raise InvalidInput(str(file), "a file that can be written", reason) from error


def _show(job: Job, result: RunResult, console: Console) -> None:
    good = result.passed and not result.partial
    mark, style = ("passed", "green") if good else ("FAILED", "bold red")
    line = Text.assemble((f"{mark}  ", style), (job.file, "bold"))
    console.print(
        line.append(
            f"  height {result.height:,}, {result.tps:,.1f} tx/s, {result.wall_seconds:.1f} s"
        ),
        soft_wrap=True,
    )
    if not good:
        show_expectations(result, console)
        show_trouble(result, console)


def _finish(
    ended: Sequence[tuple[Job, RunResult]], arguments: Namespace, console: Console, skipped: int
) -> None:
    if arguments.junit is not None:
        arguments.junit.write_bytes(junit_xml(ended))
    passed = sum(result.passed for _, result in ended)
    if arguments.json:
        summary = {
            "passed": passed,
            "failed": len(ended) - passed,
            "skipped": skipped,
            "scenarios": [{"file": job.file, "result": result} for job, result in ended],
        }
        print(msgspec.json.format(msgspec.json.encode(summary), indent=2).decode())
        return
    text = f"{passed} of {len(ended)} scenarios passed"
    if skipped:
        text += f"; INTERRUPTED, {skipped} did not run"
    console.print(Text(text, style="bold"))
