"""What every test may use: hypothesis profiles, the test vectors, the counts of a soak."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.conformance.tally import summary_lines
from tests.vectors import vectors_directory

ROOT = Path(__file__).resolve().parent.parent
RECURSION_LIMIT = sys.getrecursionlimit()

# The default is repeatable: the same examples on every machine, nothing remembered between runs.
settings.register_profile(
    "default",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
# `make soak` looks for what nobody has seen yet: new examples each time, many more of them.
settings.register_profile(
    "soak",
    settings.get_profile("default"),
    derandomize=False,
    max_examples=2_000,
)
settings.load_profile(os.environ.get("ORRERY_HYPOTHESIS", "default"))


def pytest_runtest_setup() -> None:
    """Give every test the recursion limit that a node has.

    A library that some tests compare with (py_ecc) raises it to 100,000 when it is imported. In
    such a process hostile input that nests deeply ends in a stack overflow, not in an error.
    """
    sys.setrecursionlimit(RECURSION_LIMIT)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many public cases were run, passed, and left out for which reason."""
    reports = terminalreporter.stats.get("passed", []) + terminalreporter.stats.get("failed", [])
    lines = summary_lines([value for report in reports for value in report.user_properties])
    if lines:
        terminalreporter.section("public test cases")
        for line in lines:
            terminalreporter.line(line)


@pytest.fixture(scope="session")
def repository() -> Path:
    """Return the repository's root directory."""
    return ROOT


@pytest.fixture(scope="session")
def vectors() -> Path:
    """Return the directory of public test vectors; skip where there is none.

    They are not part of the repository: ORRERY_VECTORS names the directory, and without it
    `../shared/vectors` beside the repository is tried.
    """
    directory = vectors_directory()
    if not directory.is_dir():
        pytest.skip(f"no test vectors at {directory}; set ORRERY_VECTORS to their directory")
    return directory


@pytest.fixture(scope="session")
def soak_runs() -> int:
    """Return how many seeds a soak test tries: ORRERY_SOAK_RUNS, 50 unless set."""
    return int(os.environ.get("ORRERY_SOAK_RUNS", "50"))
