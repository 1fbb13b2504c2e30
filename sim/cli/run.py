"""`orrery run FILE`."""

from argparse import Namespace
from collections.abc import Sequence

import msgspec
from rich.console import Console

from sim.cli.entry import Exit
from sim.cli.jobs import Job, prepare_directory, run_job, run_jobs
from sim.cli.progress import counting_bar, virtual_time_bar
from sim.cli.summary import output_console, show_intervals, show_result, show_trouble
from sim.profile import load_profile
from sim.report.result import RunResult, encode_result
from sim.report.seeds import intervals
from sim.scenario import load_scenario


def command(arguments: Namespace) -> int:
    """Run the scenario under its seed or seeds, print the outcome, return the exit code."""
    jobs = _jobs(arguments)
    results = _one(jobs[0]) if len(jobs) == 1 else _several(jobs, arguments.workers)
    if not results:
        raise KeyboardInterrupt
    if arguments.json:
        _print_json(results, several=len(jobs) > 1)
    elif len(jobs) == 1:
        show_result(results[0], output_console())
    else:
        show_intervals(results, output_console())
    return exit_code(results, complete=len(results) == len(jobs))


def exit_code(results: Sequence[RunResult], *, complete: bool) -> int:
    """Return what the results say to a shell.

    Args:
        results: the runs that have ended.
        complete: whether those are all that were asked for.
    """
    # What a run has not reached when it is interrupted has not failed, but for a violation.
    if not all(result.passed or _interrupted(result) for result in results):
        return Exit.FAILED
    stopped = any(result.partial for result in results)
    return Exit.INTERRUPTED if stopped or not complete else Exit.OK


def _interrupted(result: RunResult) -> bool:
    return result.partial and result.violation is None


def _jobs(arguments: Namespace) -> list[Job]:
    scenario = load_scenario(arguments.scenario, arguments.overrides)
    profile = load_profile(arguments.profile)
    first = scenario.seed if arguments.seed is None else arguments.seed
    return [
        Job(
            file=str(arguments.scenario),
            scenario=scenario,
            seed=seed,
            directory=prepare_directory(arguments.out, f"{scenario.name}-{seed}"),
            overrides=tuple(arguments.overrides),
            profile=profile,
            profile_file=profile_name(arguments),
            execution_workers=arguments.execution_workers,
            keep_stores=arguments.seeds == 1,
        )
        for seed in range(first, first + arguments.seeds)
    ]


def profile_name(arguments: Namespace) -> str | None:
    """Return the profile's file as the user named it, or None without one."""
    return None if arguments.profile is None else str(arguments.profile)


def _one(job: Job) -> list[RunResult]:
    with virtual_time_bar(job.scenario.name, job.scenario.duration, Console(stderr=True)) as watch:
        return [run_job(job, watch)]


def _several(jobs: Sequence[Job], workers: int) -> list[RunResult]:
    """Run all jobs; after a Ctrl-C return what there is."""
    done: dict[int, RunResult] = {}
    console = Console(stderr=True)
    try:
        with counting_bar(f"{jobs[0].scenario.name}, seeds", len(jobs), console) as bar:
            for position, result in run_jobs(jobs, workers):
                done[position] = result
                if bar is not None:
                    bar.advance(bar.task_ids[0])
                if _interrupted(result):
                    break
    except KeyboardInterrupt:
        console.print("interrupted: the figures cover only the seeds that had ended")
    return [done[position] for position in sorted(done)]


def _print_json(results: Sequence[RunResult], *, several: bool) -> None:
    errors = Console(stderr=True, highlight=False)
    for result in results:
        show_trouble(result, errors)
    if not several:
        print(encode_result(results[0]).decode(), end="")
        return
    summary = {
        "scenario": results[0].scenario,
        "seeds": [result.seed for result in results],
        "intervals": intervals(results),
        "runs": results,
    }
    print(msgspec.json.format(msgspec.json.encode(summary), indent=2).decode())
