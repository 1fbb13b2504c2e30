"""One row of `orrery bench parallel`: executors beside two plain processes, in the same run.

Two processes that each do half of the work, started before and knowing nothing of one another, are
what a machine with two cores can do at best. The ratio is how much of their speed an executor
reaches, so a machine that is busy with something else slows both. Rounds alternate; medians count.

Of plain transfers and of short calls, as those of tokens are, the ratio is to serial execution:
handing one over costs more than executing it, so what is asked is only that the choice by measured
cost does not make a block slower.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from statistics import median

from bench.parallel_material import BlockCase, Recovery
from node.executors.adaptive import AdaptiveExecutor
from node.executors.executor import ParallelExecutor, Strategy
from node.executors.processes import ProcessPool
from node.executors.threads import ThreadPool
from node.schedule import RAW, bound, build_graph, scheduler_named

WORKERS = 2
RECOVERED = 5_000
CALLS, TURNS = 64, 4_000
TRANSFERS = 1_000
SHORT_CALLS, SHORT_TURNS = 400, 60
"""Calls that take about as long as a transfer of tokens."""

Timed = Callable[[], object]


class PlainProcesses:
    """Processes that do one part of a case each, whenever they are told to.

    Args:
        case: what `run` calls it.
    """

    def __init__(self, case: str) -> None:
        self._processes = [self._started(case, part) for part in range(WORKERS)]
        self._wait()

    def __call__(self) -> None:
        """Let all of them do their parts."""
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        self._wait()

    def __enter__(self) -> "PlainProcesses":
        return self

    def __exit__(self, *error: object) -> None:
        for process in self._processes:
            process.communicate()

    def _started(self, case: str, part: int) -> "subprocess.Popen[str]":
        options = json.dumps({"case": case, "part": part})
        command = [sys.executable, "-P", "-m", "bench.parallel_row", options]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def _wait(self) -> None:
        for process in self._processes:
            assert process.stdout is not None
            process.stdout.readline()


def made(case: str) -> Recovery | BlockCase:
    """Return the material of a case."""
    if case == "recovery":
        return Recovery(RECOVERED)
    if case == "transfers":
        return BlockCase(TRANSFERS, 0)
    return BlockCase(CALLS, TURNS) if case == "calls" else BlockCase(SHORT_CALLS, SHORT_TURNS)


def do_part(case: str, part: int) -> None:
    """Be one of the plain processes: do one part for each line of standard input."""
    material = made(case)
    material.in_turn(part, WORKERS)
    print("ready", flush=True)
    for _ in sys.stdin:
        material.in_turn(part, WORKERS)
        print("done", flush=True)


def run(case: str, executor: str, rounds: int) -> dict[str, object]:
    """Measure one executor on one case, and return the row.

    Args:
        case: recovery, calls, short or transfers.
        executor: threads, processes or adaptive; the latter two by the strategy behind a colon.
        rounds: measured, after two that are not.
    """
    material = made(case)
    with ExitStack() as stack:
        plain = stack.enter_context(PlainProcesses(case))
        timed: dict[str, Timed] = {"serial": material.in_turn, "plain": plain}
        timed["executor"] = _executor(material, executor, stack)
        if timed["executor"]() != material.in_turn():
            raise AssertionError(f"{executor} gives something else than serial execution")
        seconds = _alternating(timed, rounds)
    compared_with = "plain" if case in ("recovery", "calls") else "serial"
    return {
        "case": case,
        "executor": executor,
        "ratio": round(seconds[compared_with] / seconds["executor"], 3),
        "compared_with": compared_with,
        "speed_up": round(seconds["serial"] / seconds["executor"], 2),
        "plain_speed_up": round(seconds["serial"] / seconds["plain"], 2),
        "bound": round(_bound(material), 2),
        "serial_seconds": round(seconds["serial"], 4),
        "wall_seconds": round(seconds["executor"], 4),
    }


def _alternating(timed: Mapping[str, Timed], rounds: int) -> dict[str, float]:
    """Return the median seconds of each, all of them timed once in every round."""
    taken: dict[str, list[float]] = {name: [] for name in timed}
    order = list(timed.items())
    for _ in range(rounds + 2):
        # Each comes after each other one equally often: what it left in the caches is shared out.
        order.append(order.pop(0))
        for name, work in order:
            start = time.perf_counter()
            work()
            taken[name].append(time.perf_counter() - start)
    return {name: median(seconds[2:]) for name, seconds in taken.items()}


def _executor(material: Recovery | BlockCase, name: str, stack: ExitStack) -> Timed:
    kind, _, strategy = name.partition(":")
    pool: ThreadPool | ProcessPool
    pool = ThreadPool(WORKERS) if kind == "threads" else ProcessPool(WORKERS)
    stack.callback(pool.close)
    if isinstance(material, Recovery):
        return lambda: material.pooled(pool)
    parallel = ParallelExecutor(Strategy(strategy or "critical-path"), pool)
    if kind != "adaptive":
        return lambda: material.executed(parallel)
    adaptive = AdaptiveExecutor(parallel, WORKERS, time.perf_counter_ns)
    return lambda: material.executed(adaptive)


def _bound(material: Recovery | BlockCase) -> float:
    """Return the speed-up that the dependency graph allows."""
    if isinstance(material, Recovery):
        return float(WORKERS)
    hint = material.hint()
    graph = build_graph(hint.accesses, kinds=RAW)
    return bound(graph, hint.gas, WORKERS, scheduler_named("critical-path"))


if __name__ == "__main__":
    options = json.loads(sys.argv[1])
    if "part" in options:
        do_part(**options)
    else:
        print(json.dumps(run(**options)))
