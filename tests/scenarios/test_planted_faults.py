"""A defect in the consensus code is found by a checker, and its command line repeats it.

The defect: a quorum that is one too small. Under a partition that leaves no side a quorum, both
sides then decide, and differ.
"""

import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from primitives.committee import Committee
from sim.run import run_scenario
from sim.scenario import load_scenario

SEEDS = range(1, 51)

SCENARIO = """
name = "planted"
duration = "20s"

[network]
validators = 4

[consensus]
request_timeout = "1s"
view_change_timeout = "1s"

[workload]
rate = 40
accounts = 20

[[events]]
at = "3s"
kind = "partition"
groups = [[0, 1], [2, 3]]
for = "8s"
"""

PLANTED = """
import sys
from primitives.committee import Committee
honest = Committee.quorum.fget
Committee.quorum = property(lambda self: honest(self) - 1)
from sim.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def scenario_file(tmp_path: Path) -> Path:
    file = tmp_path / "planted.toml"
    file.write_text(SCENARIO)
    return file


def test_an_honest_quorum_passes(scenario_file: Path) -> None:
    result = run_scenario(load_scenario(scenario_file), seed=1)

    assert result.violation is None
    assert result.height > 0


def test_a_quorum_one_too_small_is_caught_and_its_replay_line_repeats_it(
    scenario_file: Path, tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest: Callable[[Committee], int] = vars(Committee)["quorum"].fget
    scenario = load_scenario(scenario_file)
    with monkeypatch.context() as patch:
        patch.setattr(Committee, "quorum", property(lambda self: honest(self) - 1))
        found = next(r for r in (run_scenario(scenario, seed=s) for s in SEEDS) if r.violation)
    assert found.violation is not None

    command = ["run", str(scenario_file), "--seed", str(found.seed), "--out", str(tmp_path)]
    first = run_planted(command, repository)
    assert first.returncode == 1
    printed = next(
        line for line in (first.stdout + first.stderr).splitlines() if "orrery run" in line
    )
    words = shlex.split(printed[printed.index("orrery run") :], comments=True)
    second = run_planted([*words[1:], "--json", "--out", str(tmp_path)], repository)

    repeated = json.loads(second.stdout)
    assert second.returncode == 1
    assert repeated["violation"]["checker"] == found.violation.checker
    assert repeated["violation"]["at_ns"] == found.violation.at_ns
    assert repeated["violation"]["node"] == found.violation.node
    assert repeated["digest"] == found.digest


def run_planted(words: list[str], directory: Path) -> "subprocess.CompletedProcess[str]":
    """Run the command line with the defect in it."""
    return subprocess.run(
        [sys.executable, "-c", PLANTED, *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=directory,
    )
