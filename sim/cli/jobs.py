"""One run or several: here in this process, or spread over worker processes."""

import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from importlib import import_module
from pathlib import Path
from typing import Protocol

import msgspec

from primitives.errors import InvalidInput
from sim.packages import packages_fingerprint
from sim.profile import Profile, load_profile
from sim.report.result import RunResult
from sim.scenario import Scenario, locate_mistake


class Progress(Protocol):
    """How far a run has come; `sim.run` reports it while the run goes on."""

    @property
    def at_ns(self) -> int:
        """Virtual now, ns."""
        ...

    @property
    def height(self) -> int:
        """Greatest height committed anywhere."""
        ...

    @property
    def tps(self) -> float:
        """Transactions committed a second of virtual time, lately."""
        ...

    @property
    def view(self) -> int:
        """Greatest view entered anywhere."""
        ...


Watch = Callable[[Progress], None]

LATE_KEY = re.compile(r"workload(\.|\[|$)|chain\.(genesis|accounts)$")
"""What an error is about if it is about a key that is judged when a run's world is built."""


class Job(msgspec.Struct, frozen=True):
    """One scenario under one seed."""

    file: str
    """The scenario file, as the user named it."""
    scenario: Scenario
    seed: int
    directory: Path | None
    """Where the run's files go; None for nowhere."""
    overrides: tuple[str, ...] = ()
    profile: Profile = msgspec.field(default_factory=load_profile)
    """What work costs; the profile that ships by default."""
    profile_file: str | None = None
    """Where it came from, as the user named it; None for the one that ships."""
    execution_workers: int = 0
    """Processes that execute the run's blocks; 0 for none beside this one. The run is the same."""
    keep_stores: bool = False
    """Whether nodes with files leave them in `directory`."""

    @property
    def replay(self) -> str:
        """The command line that runs exactly this again.

        Files and packages can change, so a comment names both by their content.
        """
        words = ["orrery", "run", self.file, "--seed", str(self.seed)]
        for override in self.overrides:
            words += ["--set", override]
        if self.profile_file is not None:
            words += ["--profile", self.profile_file]
        under = f"profile {self.profile.fingerprint()}, packages {packages_fingerprint()}"
        return f"{shlex.join(words)}  # {under}"


def run_job(job: Job, watch: Watch | None = None) -> RunResult:
    """Simulate one job. An internal error leaves with the line that repeats it as its note.

    Raises:
        ScenarioError: the workload of another package does not like its options, or the genesis
            file has an account of the workload.
    """
    run_scenario: Callable[..., RunResult] = import_module("sim.run").run_scenario
    try:
        return run_scenario(
            job.scenario,
            seed=job.seed,
            run_directory=job.directory,
            progress=watch,
            profile=job.profile,
            replay=job.replay,
            execution_workers=job.execution_workers,
            keep_stores=job.keep_stores,
        )
    except InvalidInput as error:
        if LATE_KEY.match(error.where) is None:
            raise
        raise locate_mistake(error, Path(job.file), job.overrides) from error
    except Exception as error:
        error.add_note(f"repeat it with: {job.replay}")
        raise


def run_jobs(jobs: Sequence[Job], workers: int) -> Iterator[tuple[int, RunResult]]:
    """Yield (position, result) of each job as it ends, in whatever order they end.

    After a Ctrl-C the jobs that have not begun are dropped, and KeyboardInterrupt leaves.
    """
    if workers == 1 or len(jobs) == 1:
        for position, job in enumerate(jobs):
            yield position, run_job(job)
        return
    with ProcessPoolExecutor(min(workers, len(jobs))) as pool:
        positions = {pool.submit(run_job, job): position for position, job in enumerate(jobs)}
        try:
            for future in as_completed(positions):
                yield positions[future], future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def prepare_directory(base: Path, name: str) -> Path:
    """Make a run directory and prove that it can be written.

    Raises:
        InvalidInput: it cannot; found out before the run, not after it.
    """
    directory = base / name
    probe = directory / ".writable"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        reason = error.strerror or str(error)
        expected = "a directory that can be written; name another one with --out"
        raise InvalidInput(f"run directory {directory}", expected, reason) from error
    return directory
