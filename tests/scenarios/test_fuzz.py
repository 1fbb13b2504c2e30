"""The search for real: honest networks survive it, and a planted defect does not."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from primitives.committee import Committee
from sim.cli import main
from sim.cli.fuzz import Search, trial
from sim.fuzz import run_trial
from sim.scenario import load_scenario

ROOT = Path(__file__).resolve().parents[2]
CHAOS = ROOT / "scenarios" / "chaos.toml"
RUNS_OF_A_TEST = 5
"""So that the workers of a test run share the fifty evenly."""


def search(*overrides: str) -> Search:
    base = load_scenario(CHAOS, overrides)
    return Search(base=base, fixed=(), first=1, runs=1, patience=0)


@pytest.mark.parametrize("first", range(1, 51, RUNS_OF_A_TEST))
def test_fifty_drawn_runs_break_nothing(first: int) -> None:
    short = search("duration=30s")
    for seed in range(first, first + RUNS_OF_A_TEST):
        finding = trial(short, seed).finding
        assert finding is None, f"orrery fuzz {CHAOS.name} --runs 1 --seed {seed}: {finding}"


@pytest.mark.soak
def test_long_drawn_runs_break_nothing(soak_runs: int) -> None:
    for seed in range(1_000, 1_000 + soak_runs):
        finding = trial(search(), seed).finding
        assert finding is None, f"orrery fuzz {CHAOS.name} --runs 1 --seed {seed}: {finding}"


def test_a_quorum_one_too_small_is_found_and_shrunk_to_what_still_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    honest: Callable[[Committee], int] = vars(Committee)["quorum"].fget
    monkeypatch.setattr(Committee, "quorum", property(lambda self: honest(self) - 1))
    options = ["--workers", "1", "--set", "duration=20s", "--shrink", "120", "--json"]
    found = None
    for first in range(1, 51, 4):
        command = ["fuzz", str(CHAOS), "--runs", "4", "--seed", str(first), *options]
        if main([*command, "--out", str(tmp_path)]) == 1:
            found = json.loads(capsys.readouterr().out)["failures"][0]
            break
        capsys.readouterr()
    assert found is not None, "not found within 50 runs"
    assert found["check"] in {"agreement", "prepared"}
    assert found["shrunk"]
    small = load_scenario(Path(found["file"]))
    again = run_trial(small, found["seed"]).finding
    assert again is not None
    assert (again.check, again.at_ns) == (found["check"], found["at_ns"])
    assert len(small.events) <= 3

    words = ["run", found["file"], "--seed", str(found["seed"]), "--out", str(tmp_path), "--json"]
    assert main(words) == 1
    violation = json.loads(capsys.readouterr().out)["violation"]
    assert (violation["checker"], violation["at_ns"]) == (found["check"], found["at_ns"])

    monkeypatch.undo()
    assert run_trial(small, found["seed"]).finding is None


def test_two_processes_come_to_what_one_comes_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcomes = []
    for workers in ("1", "2"):
        options = ["--runs", "4", "--seed", "9", "--workers", workers, "--set", "duration=20s"]
        assert main(["fuzz", str(CHAOS), *options, "--json", "--out", str(tmp_path)]) == 0
        outcome = json.loads(capsys.readouterr().out)
        del outcome["wall_seconds"]
        outcomes.append(outcome)
    assert outcomes[0] == outcomes[1]
    assert outcomes[0]["counts"]["virtual_seconds"] == 80


PLANTED = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from primitives.committee import Committee
honest = Committee.quorum.fget
Committee.quorum = property(lambda self: honest(self) - 1)
from sim.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.slow
def test_ctrl_c_stops_the_workers_and_keeps_what_they_found(tmp_path: Path) -> None:
    options = ["--runs", "100000", "--workers", "2", "--set", "duration=20s"]
    process = subprocess.Popen(
        [sys.executable, "-c", PLANTED, "fuzz", str(CHAOS), *options, "--out", str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    while not list(tmp_path.glob("chaos-*.toml")) and process.poll() is None:
        time.sleep(0.05)
    time.sleep(0.2)
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate()
    assert process.returncode == 1, output
    assert "PARTIAL RESULT: interrupted" in output
    assert "Traceback" not in output
    files = [str(file) for file in tmp_path.glob("chaos-*.toml")]
    assert files
    assert all(f"replay: orrery run {file} --seed" in output for file in files)
