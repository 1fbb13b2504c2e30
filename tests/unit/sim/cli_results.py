"""A stand-in for the simulation: the command line's tests judge what is made of its results."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import msgspec

from sim.profile import Profile
from sim.report.result import Breach, Expectation, Percentiles, RunResult
from sim.scenario import Scenario

BREACH = Breach("agreement", 12_500_000_000, 3, "committed aa at height 4, where node 0 has bb")


def result_of(scenario: Scenario, seed: int, **changes: object) -> RunResult:
    """Return a plausible result; throughput grows with the seed."""
    result = RunResult(
        scenario=scenario.name,
        seed=seed,
        digest=f"{seed:032x}",
        virtual_seconds=scenario.duration / 1e9,
        wall_seconds=0.5,
        nodes=scenario.network.nodes,
        height=40,
        blocks=40,
        transactions=1_234,
        tps=100.0 + seed,
        confirmation_time_seconds=Percentiles(0.5, 0.75, 1.25),
        messages=5_678,
        bytes=9_000_000,
        view_changes=1,
        expectations=(Expectation("min_height", passed=True, detail="at least 10, reached 40"),),
    )
    return msgspec.structs.replace(result, **changes)


class FakeRuns:
    """Stands for the module `sim.run`; keeps what it was asked."""

    def __init__(self, **changes: object) -> None:
        self.changes = changes
        self.profiles: list[Profile | None] = []
        self.calls: list[tuple[Scenario, int, Path | None]] = []
        self.interrupt_at: int | None = None
        self.execution_workers: list[int] = []
        self.keep_stores: list[bool] = []
        self.error: Exception | None = None

    def run_scenario(
        self,
        scenario: Scenario,
        *,
        seed: int,
        run_directory: Path | None,
        progress: Callable[[object], None] | None,
        profile: Profile | None,
        replay: str,
        execution_workers: int,
        keep_stores: bool,
    ) -> RunResult:
        self.execution_workers.append(execution_workers)
        self.keep_stores.append(keep_stores)
        self.profiles.append(profile)
        self.calls.append((scenario, seed, run_directory))
        if self.error is not None:
            raise self.error
        if self.interrupt_at == seed:
            raise KeyboardInterrupt
        if progress is not None:
            progress(SimpleNamespace(at_ns=5, height=1, tps=2.0, view=0))
        directory = None if run_directory is None else str(run_directory)
        return result_of(
            scenario, seed, **{"run_directory": directory, "replay": replay, **self.changes}
        )
