"""One run from start to result: the same run everywhere, and what an early end leaves."""

import gc
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from primitives.errors import InvalidInput
from primitives.ids import Instant, NodeId
from sim.checkers import Violation
from sim.report.writer import PARTIAL_MARKER, REPORT, SCENARIO, SUMMARY, TRACE, is_partial
from sim.run import Progress, run_scenario
from sim.scenario import Scenario, decode_table

SECOND = 1_000_000_000

TABLE: dict[str, object] = {
    "name": "small",
    "duration": "4s",
    # Slow downlinks keep messages on the way for long; crashes and churn draw and undo.
    "network": {"validators": 4, "followers": 2, "bandwidth_down": "1Mbit", "loss": 0.01},
    "consensus": {"request_timeout": "400ms", "view_change_timeout": "400ms"},
    "workload": {"clients": 40, "accounts": 40},
    "events": [
        {"kind": "crash", "at": "1s", "node": "primary", "for": "800ms"},
        {"kind": "partition", "at": "1500ms", "groups": [[1, 5]], "for": "300ms"},
        {"kind": "churn", "at": "2s", "rate": 2, "down_time": "150ms", "at_most": 1},
    ],
}

AGAIN = """
import msgspec
from sim.run import run_scenario
from sim.scenario import Scenario, decode_table
from tests.unit.sim.test_run import TABLE
print(run_scenario(decode_table(TABLE, "small"), seed=11).digest)
"""


@pytest.fixture
def scenario() -> Scenario:
    return decode_table(TABLE, "small")


@pytest.fixture(scope="module")
def digest() -> str:
    result = run_scenario(decode_table(TABLE, "small"), seed=11)
    assert result.passed
    assert result.height > 3
    return result.digest


# ---------------------------------------------------------------- the same run


def test_a_seed_gives_the_same_digest_and_another_seed_another(
    scenario: Scenario, digest: str
) -> None:
    assert run_scenario(scenario, seed=11).digest == digest
    assert run_scenario(scenario, seed=12).digest != digest


def test_other_processes_and_hash_seeds_give_the_same_digest(repository: Path, digest: str) -> None:
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", AGAIN],
            cwd=repository,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            stdout=subprocess.PIPE,
            text=True,
        )
        for hash_seed in ("1", "2")
    ]
    assert [run.communicate()[0].strip() for run in runs] == [digest, digest]


def test_neither_progress_nor_a_run_directory_changes_the_run(
    scenario: Scenario, digest: str, tmp_path: Path
) -> None:
    reports: list[Progress] = []
    result = run_scenario(
        scenario, seed=11, progress=reports.append, run_directory=tmp_path / "run"
    )
    assert result.digest == digest
    assert len(reports) >= 200
    assert [report.at_ns for report in reports] == sorted(report.at_ns for report in reports)
    assert reports[-1].at_ns == 4 * SECOND
    assert reports[-1].height == result.height
    assert max(report.tps for report in reports) > 0


def test_what_a_process_did_before_does_not_change_the_run(scenario: Scenario, digest: str) -> None:
    other = msgspec.structs.replace(
        scenario, consensus=msgspec.structs.replace(scenario.consensus, signatures="modelled")
    )
    assert run_scenario(other, seed=11).digest != digest
    assert run_scenario(scenario, seed=11).digest == digest


def test_the_garbage_collector_is_left_as_it_was(scenario: Scenario) -> None:
    before = gc.get_threshold()

    def interrupt(_progress: Progress) -> None:
        assert gc.get_threshold() != before
        raise KeyboardInterrupt

    run_scenario(scenario, seed=11, progress=interrupt)
    assert gc.get_threshold() == before


# ---------------------------------------------------------------- ends


def test_a_whole_run_leaves_a_whole_directory(scenario: Scenario, tmp_path: Path) -> None:
    result = run_scenario(scenario, seed=11, run_directory=tmp_path, replay="orrery run small")
    assert not result.partial
    assert result.violation is None
    assert result.run_directory == str(tmp_path)
    assert not is_partial(tmp_path)
    for name in (SUMMARY, SCENARIO, TRACE, REPORT):
        assert (tmp_path / name).stat().st_size > 0
    assert msgspec.json.decode((tmp_path / SUMMARY).read_bytes())["digest"] == result.digest


def test_ctrl_c_gives_a_partial_result(scenario: Scenario, tmp_path: Path) -> None:
    calls: list[Progress] = []

    def interrupt(progress: Progress) -> None:
        calls.append(progress)
        if progress.at_ns >= SECOND:
            raise KeyboardInterrupt

    result = run_scenario(scenario, seed=11, progress=interrupt, run_directory=tmp_path)
    assert result.partial
    assert result.violation is None
    assert calls[-1].at_ns == SECOND
    assert result.height == calls[-1].height
    assert is_partial(tmp_path)
    assert (tmp_path / PARTIAL_MARKER).exists()
    assert (tmp_path / REPORT).exists()


class Objector:
    """Objects to the third committed block, or to the end of the run."""

    name = "objector"
    events = ("chain.block_committed",)

    def __init__(self, at_the_end: bool) -> None:
        self.at_the_end = at_the_end
        self.seen = 0

    def observe(self, observation, world):
        self.seen += 1
        if self.at_the_end or self.seen < 3:
            assert self.seen <= 3 or self.at_the_end, "the run went on after an objection"
            return None
        return Violation(self.name, Instant(observation.at_ns), NodeId(observation.node), "no")

    def finish(self, world):
        assert self.at_the_end, "asked at the end of a run that was stopped"
        return Violation(self.name, world.now, NodeId(-1), "never")


@pytest.mark.parametrize("at_the_end", [False, True])
def test_a_violation_stops_the_run_with_a_result(
    scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_the_end: bool
) -> None:
    objector = Objector(at_the_end)
    monkeypatch.setattr("sim.run.foreign_checkers", lambda: {"objector": lambda _context: objector})
    result = run_scenario(scenario, seed=11, run_directory=tmp_path)
    assert result.violation is not None
    assert result.violation.checker == "objector"
    assert not result.passed
    assert result.partial == (not at_the_end)
    assert is_partial(tmp_path) == (not at_the_end)
    if at_the_end:
        assert result.violation.at_ns == 4 * SECOND
    else:
        assert result.violation.at_ns < SECOND
        assert result.height == 1


def test_a_violation_is_the_same_with_and_without_progress(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = {"objector": lambda _context: Objector(at_the_end=False)}
    monkeypatch.setattr("sim.run.foreign_checkers", lambda: made)
    plain = run_scenario(scenario, seed=11)
    shown = run_scenario(scenario, seed=11, progress=lambda _progress: None)
    assert plain.violation == shown.violation
    assert plain.digest == shown.digest


def test_a_directory_that_cannot_be_written_is_told_before_the_run(
    scenario: Scenario, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    reports: list[Progress] = []
    with pytest.raises(InvalidInput, match="expected a run directory that can be written to"):
        run_scenario(
            scenario, seed=11, run_directory=tmp_path / "file" / "run", progress=reports.append
        )
    assert not reports
