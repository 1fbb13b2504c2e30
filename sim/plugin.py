"""The pytest plugin: scenario files as tests, and a network to drive from Python.

**Files.** Every file whose name ends in `.scenario.toml` is a test, and so is every `*.toml` in a
directory that the ini option `orrery_scenarios` lists (relative to pytest's root directory):

    [tool.pytest.ini_options]
    orrery_scenarios = ["scenarios"]

A test fails where `orrery test` would: with the expectations that did not hold and the command
line that replays the run.

**Fixture.** `orrery_network(validators=4, ...)` builds a network in virtual time; see
`sim.driving.DrivenNetwork`.

Everything but pytest is imported when it is needed: a plugin is loaded in every pytest run of an
environment, also where nobody simulates anything.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sim.driving import DrivenNetwork
    from sim.report.result import RunResult

SUFFIX = ".scenario.toml"
"""A file with such a name is a scenario wherever it lies."""


class ScenarioFailed(Exception):
    """A scenario ran and did not come out as expected."""

    def __init__(self, result: "RunResult") -> None:
        self.result = result
        super().__init__(failure_text(result))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the ini option."""
    parser.addini(
        "orrery_scenarios",
        "directories whose *.toml files are Orrery scenarios",
        type="linelist",
        default=[],
    )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "ScenarioFile | None":
    """Collect scenario files."""
    if file_path.suffix != ".toml":
        return None
    listed = parent.config.getini("orrery_scenarios")
    directories = [(parent.config.rootpath / name).resolve() for name in listed]
    inside = any(file_path.resolve().is_relative_to(directory) for directory in directories)
    if inside or file_path.name.endswith(SUFFIX):
        return ScenarioFile.from_parent(parent, path=file_path)
    return None


class ScenarioFile(pytest.File):
    """One scenario file."""

    def collect(self) -> Iterator["ScenarioItem"]:
        """Yield the file's one test."""
        name = self.path.name.removesuffix(SUFFIX).removesuffix(".toml")
        yield ScenarioItem.from_parent(self, name=name)


class ScenarioItem(pytest.Item):
    """One scenario under its own seed."""

    def runtest(self) -> None:
        """Simulate it and judge its expectations."""
        from sim.cli.jobs import Job, run_job  # noqa: PLC0415
        from sim.scenario import load_scenario  # noqa: PLC0415

        scenario = load_scenario(self.path)
        result = run_job(Job(self._shown_path(), scenario, scenario.seed, directory=None))
        self.add_report_section("call", "orrery", f"digest {result.digest}, seed {result.seed}")
        if not result.passed or result.partial:
            raise ScenarioFailed(result)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: None = None) -> str:  # type: ignore[override]
        """Say what is wrong with the scenario; a traceback only for our own errors."""
        from primitives.errors import InvalidInput  # noqa: PLC0415

        if isinstance(excinfo.value, ScenarioFailed | InvalidInput):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, None, str]:
        """Name the test in reports."""
        return self.path, None, f"scenario {self.name}"

    def _shown_path(self) -> str:
        root = self.config.invocation_params.dir
        return str(self.path.relative_to(root) if self.path.is_relative_to(root) else self.path)


def failure_text(result: "RunResult") -> str:
    """Say what did not hold, and how to see it again."""
    lines = [f"scenario {result.scenario}, seed {result.seed}"]
    breach = result.violation
    if breach is not None:
        place = "the network" if breach.node < 0 else f"node {breach.node}"
        lines.append(
            f"violation of {breach.checker} at {breach.at_ns} ns, {place}: {breach.detail}"
        )
    elif result.partial:
        lines.append(f"interrupted after {result.virtual_seconds:g} s of virtual time")
    lines.extend(f"failed: {e.name}: {e.detail}" for e in result.expectations if not e.passed)
    lines.append(f"replay: {result.replay}")
    return "\n".join(lines)


@pytest.fixture
def orrery_network() -> "Iterator[Callable[..., DrivenNetwork]]":
    """Yield a function that builds a network; its arguments are those of `drive_network`.

    Its networks are closed when the test is over.
    """
    from sim.driving import drive_network  # noqa: PLC0415

    built: list[DrivenNetwork] = []

    def build(*args: Any, **options: Any) -> "DrivenNetwork":
        built.append(drive_network(*args, **options))
        return built[-1]

    yield build
    for network in built:
        network.close()
