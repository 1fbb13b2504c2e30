"""`orrery fuzz` at the command line: what it prints, writes, refuses, and exits with."""

import json
import shlex
from pathlib import Path

import pytest

from primitives.errors import InvalidInput
from sim.cli import main
from sim.fuzz import Counts, Finding, Trial
from sim.scenario import Crash, Scenario, load_scenario

BASE = """\
name = "base"
seed = 5
duration = "20s"
[network]
validators = 4
[consensus]
signatures = "modelled"
[workload]
rate = 5
accounts = 20
"""


class FakeTrials:
    """Stands for the runs: a run fails if its scenario crashes a node, if a crash is to blame."""

    def __init__(self) -> None:
        self.check = ""
        self.interrupt_at = self.unfit_at = -1
        self.seeds: list[int] = []

    def __call__(self, scenario: Scenario, seed: int) -> Trial:
        self.seeds.append(seed)
        if seed == self.interrupt_at:
            raise KeyboardInterrupt
        if seed == self.unfit_at:
            raise InvalidInput("base, as drawn by seed 7", "another", 7)
        crashed = any(isinstance(event, Crash) for event in scenario.events)
        fails = bool(self.check) and crashed
        finding = Finding(self.check, 2_500_000_000, "node 1: [odd]") if fails else None
        return Trial(seed, Counts(1, 20.0, 10), finding)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base.toml").write_text(BASE)
    return "base.toml"


@pytest.fixture
def trials(monkeypatch: pytest.MonkeyPatch) -> FakeTrials:
    fake = FakeTrials()
    monkeypatch.setattr("sim.cli.fuzz.run_trial", fake)
    return fake


def fuzz(*options: str) -> int:
    return main(["fuzz", *options, "--workers", "1"])


def test_runs_without_a_failure_exit_with_0(
    file: str, trials: FakeTrials, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fuzz(file, "--runs", "3") == 0
    assert trials.seeds == [5, 6, 7]
    output = capsys.readouterr()
    assert "search from base, seed 5" in output.out
    assert [line.split()[1:4] for line in output.out.splitlines() if "virtual" in line] == [
        ["virtual", "seconds", "│"]
    ]
    assert "FAILED" not in output.out
    assert list(Path("runs/fuzz").iterdir()) == []


def test_a_failure_is_shrunk_written_and_printed_as_one_command_line(
    file: str, trials: FakeTrials, capsys: pytest.CaptureFixture[str]
) -> None:
    trials.check = "agreement"
    assert fuzz(file, "--runs", "8", "--seed", "40", "--out", "found") == 1
    output = capsys.readouterr().out
    lines = output.splitlines()
    shrunk = next(line for line in lines if "shrunk" in line)
    assert shrunk.startswith("FAILED  agreement at 2.5 s, seed 4")
    assert "4 nodes, 1 events, shrunk): node 1: [odd]" in shrunk
    replay = lines[lines.index(shrunk) + 1].removeprefix("replay: ")
    words = shlex.split(replay)
    assert words[:2] == ["orrery", "run"]
    assert words[3] == "--seed"
    scenario = load_scenario(Path(words[2]))
    assert scenario.seed == int(words[4])
    assert [type(event) for event in scenario.events] == [Crash]
    assert sum("replay: orrery run" in line for line in lines) == len(list(Path("found").iterdir()))


def test_one_failure_of_each_check_is_shrunk_and_no_more_than_asked(
    file: str, trials: FakeTrials, capsys: pytest.CaptureFixture[str]
) -> None:
    trials.check = "agreement"
    assert fuzz(file, "--runs", "12", "--json") == 1
    outcome = json.loads(capsys.readouterr().out)
    assert outcome["counts"]["runs"] == 12
    assert outcome["partial"] is False
    assert [failure["shrunk"] for failure in outcome["failures"]].count(True) == 1
    first = outcome["failures"][0]
    assert first["shrunk"]
    assert first["replay"] == f"orrery run {first['file']} --seed {first['seed']}"
    trials.seeds.clear()
    assert fuzz(file, "--runs", "12", "--shrink", "0") == 1
    assert len(trials.seeds) == 12


def test_ctrl_c_keeps_what_was_found(
    file: str, trials: FakeTrials, capsys: pytest.CaptureFixture[str]
) -> None:
    trials.interrupt_at = 7
    assert fuzz(file, "--runs", "9") == 130
    assert "PARTIAL RESULT: interrupted after 2 runs" in capsys.readouterr().out
    trials.check, trials.interrupt_at = "agreement", 14
    assert fuzz(file, "--runs", "20", "--out", "found") == 1
    output = capsys.readouterr().out
    assert "PARTIAL RESULT: interrupted after 9 runs" in output
    assert len(list(Path("found").iterdir())) == output.count("replay: ") > 0


def test_set_fixes_what_it_names(
    file: str, trials: FakeTrials, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Scenario] = []

    def look(scenario: Scenario, seed: int) -> Trial:
        seen.append(scenario)
        return trials(scenario, seed)

    monkeypatch.setattr("sim.cli.fuzz.run_trial", look)
    assert fuzz(file, "--runs", "6", "--set", "network.validators=9") == 0
    assert {scenario.network.validators for scenario in seen} == {9}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["missing.toml"], "missing.toml: expected a readable scenario file"),
        (["base.toml", "--set", "duration=19s"], "duration: expected at least 20s"),
        (["base.toml", "--set", "network.folowers=1"], 'did you mean "followers"?'),
        (["base.toml", "--out", "base.toml/x"], "expected a directory that can be written"),
    ],
)
def test_bad_input_is_refused_before_anything_runs(
    file: str,
    trials: FakeTrials,
    options: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert fuzz(*options) == 2
    assert message in capsys.readouterr().err
    assert trials.seeds == []


@pytest.mark.parametrize("options", [["--runs", "0"], ["--shrink", "-1"], ["--seed", "x"]])
def test_bad_options_are_refused(
    file: str, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        fuzz(file, *options)
    assert caught.value.code == 2
    assert f"argument {options[0]}: expected a whole number" in capsys.readouterr().err


def test_help_shows_an_example_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["fuzz", "--help"])
    assert caught.value.code == 0
    output = capsys.readouterr().out
    assert "orrery fuzz scenarios/chaos.toml --runs 100" in output
    assert "exit code: 0" in output


def test_a_base_that_does_not_go_with_what_is_drawn_is_told_the_key_and_the_way_out(
    file: str, trials: FakeTrials, capsys: pytest.CaptureFixture[str]
) -> None:
    weak = '[[network.classes]]\nname = "weak"\nnodes = [12]\ncores = 1\n'
    Path(file).write_text(BASE.replace("validators = 4\n", "validators = 13\n" + weak))
    assert fuzz(file, "--runs", "20") == 2
    told = capsys.readouterr().err
    assert "base, as drawn by seed 5: network.classes[0].nodes: expected a node number" in told
    assert "--set network.validators=" in told
    assert fuzz(file, "--runs", "20", "--set", "network.validators=13") == 0


def test_what_was_found_before_a_seed_that_does_not_fit_is_told(
    file: str, trials: FakeTrials, capsys: pytest.CaptureFixture[str]
) -> None:
    trials.check, trials.unfit_at = "agreement", 7
    Path(file).write_text(BASE + '[[events]]\nkind = "crash"\nat = "1s"\nnode = 1\n')
    assert fuzz(file, "--runs", "9", "--set", "network.validators=4", "--json") == 2
    output = capsys.readouterr()
    outcome = json.loads(output.out)
    assert outcome["partial"]
    assert outcome["counts"]["runs"] == 2
    assert [failure["seed"] for failure in outcome["failures"]] == [5, 6]
    assert "as drawn by seed 7" in output.err
