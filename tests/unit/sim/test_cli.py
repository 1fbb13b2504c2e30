"""The command line: what it prints, what it exits with, and what it refuses."""

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from sim.cli import entry, main
from sim.report.result import Expectation
from tests.unit.sim.cli_results import BREACH, FakeRuns

SCENARIO = """\
name = "small"
seed = 7
duration = "30s"
[network]
validators = 4
"""

FAILED = (Expectation("min_tps", passed=False, detail="at least 500, reached 107"),)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    path = tmp_path / "small.toml"
    path.write_text(SCENARIO)
    return Path("small.toml")


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> FakeRuns:
    fake = FakeRuns()
    monkeypatch.setattr("sim.cli.jobs.import_module", lambda name: fake)
    return fake


def test_run_prints_a_table_and_passes(
    file: Path, runs: FakeRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(file)]) == 0
    output = capsys.readouterr()
    assert "small, seed 7" in output.out
    assert "107.0 tx/s" in output.out
    assert "0.500 / 0.750 / 1.250 s" in output.out
    assert "passed  min_height: at least 10, reached 40" in output.out
    assert "run directory: runs/small-7" in output.out
    assert "replay" not in output.out
    assert output.err == ""
    assert [(seed, directory) for _, seed, directory in runs.calls] == [(7, Path("runs/small-7"))]


def test_options_reach_the_simulation(file: Path, runs: FakeRuns, tmp_path: Path) -> None:
    command = ["run", str(file), "--seed", "3", "--out", "elsewhere"]
    assert main([*command, "--set", "consensus.batch_size=9", "--set", "network.followers=2"]) == 0
    scenario, seed, directory = runs.calls[0]
    assert (scenario.consensus.batch_size, scenario.network.followers) == (9, 2)
    assert (seed, directory) == (3, Path("elsewhere/small-3"))
    assert (tmp_path / "elsewhere" / "small-3").is_dir()


def test_json_is_one_object_with_the_agreed_keys(
    file: Path, runs: FakeRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(file), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert set(summary) >= {
        *("scenario", "seed", "digest", "virtual_seconds", "wall_seconds", "nodes", "height"),
        *("blocks", "transactions", "tps", "confirmation_time_seconds", "messages", "bytes"),
        *("view_changes", "expectations", "run_directory"),
    }
    assert summary["confirmation_time_seconds"] == {"p50": 0.5, "p95": 0.75, "p99": 1.25}


def test_a_failed_expectation_exits_with_1_and_the_replay_line(
    file: Path, runs: FakeRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    runs.changes = {"expectations": FAILED}
    assert main(["run", str(file), "--seed", "5", "--set", "duration=1 min"]) == 1
    output = capsys.readouterr().out
    assert "FAILED  min_tps: at least 500, reached 107" in output
    assert "replay: orrery run small.toml --seed 5 --set 'duration=1 min'" in output


def test_a_violation_names_seed_time_and_node(
    file: Path, runs: FakeRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    runs.changes = {"violation": BREACH, "partial": True}
    assert main(["run", str(file)]) == 1
    output = capsys.readouterr().out
    assert "VIOLATION of agreement at 12.500000 s, node 3, seed 7: committed aa" in output
    assert "replay: orrery run small.toml --seed 7" in output
    assert main(["run", str(file), "--json"]) == 1
    shown = capsys.readouterr()
    assert json.loads(shown.out)["violation"]["node"] == 3
    assert "VIOLATION of agreement" in shown.err


def test_untrusted_text_is_not_taken_for_markup(
    file: Path, runs: FakeRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    detail = "[bold]as it stands[/]"
    runs.changes = {"expectations": (Expectation("x", passed=True, detail=detail),)}
    assert main(["run", str(file)]) == 0
    assert detail in capsys.readouterr().out


def test_an_interrupted_run_is_marked(
    file: Path, runs: FakeRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    runs.changes = {"partial": True, "virtual_seconds": 12.0}
    assert main(["run", str(file)]) == 130
    assert "PARTIAL RESULT: the run was interrupted after 12 s" in capsys.readouterr().out
    runs.changes = {"partial": True, "expectations": FAILED}  # not reached before the interrupt
    assert main(["run", str(file)]) == 130
    assert main(["test", str(file)]) == 130


def test_an_interrupt_while_the_command_is_imported_says_so_too(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(entry, "import_module", interrupted)
    assert main(["run", str(file)]) == 130
    assert "orrery: interrupted; there is no result" in capsys.readouterr().err


def test_an_interrupt_without_any_result_says_so(
    file: Path, runs: FakeRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    runs.interrupt_at = 7
    assert main(["run", str(file)]) == 130
    assert "orrery: interrupted; there is no result" in capsys.readouterr().err


def test_several_seeds_give_means_and_intervals(
    file: Path, runs: FakeRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(file), "--seeds", "3"]) == 0
    output = capsys.readouterr().out
    assert "small, 3 seeds" in output
    # 107, 108, 109: mean 108, half width 4.303 / sqrt(3) = 2.484.
    assert [w for w in output.split() if w in {"108.000", "105.516", "110.484"}] == [
        "108.000",
        "105.516",
        "110.484",
    ]
    assert [str(directory) for _, _, directory in runs.calls] == [
        f"runs/small-{seed}" for seed in (7, 8, 9)
    ]


def test_several_seeds_as_json(
    file: Path, runs: FakeRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(file), "--seeds", "2", "--seed", "1", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["seeds"] == [1, 2]
    assert [run["seed"] for run in summary["runs"]] == [1, 2]
    throughput = next(row for row in summary["intervals"] if row["figure"] == "throughput")
    assert throughput["mean"] == 101.5


@pytest.mark.parametrize(("arguments", "kept"), [((), [True]), (("--seeds", "2"), [False] * 2)])
def test_a_single_run_keeps_its_nodes_files(
    file: Path, runs: FakeRuns, arguments: tuple[str, ...], kept: list[bool]
) -> None:
    assert main(["run", str(file), *arguments, "--json"]) == 0
    assert runs.keep_stores == kept


def test_an_interrupt_keeps_the_seeds_that_had_ended(
    file: Path, runs: FakeRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    runs.interrupt_at = 9
    assert main(["run", str(file), "--seeds", "5"]) == 130
    output = capsys.readouterr()
    assert "small, 2 seeds" in output.out
    assert "interrupted: the figures cover only the seeds that had ended" in output.err


def test_workers_give_the_same_results_in_seed_order(
    file: Path, runs: FakeRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(file), "--seeds", "3", "--json"]) == 0
    alone = capsys.readouterr().out
    assert main(["run", str(file), "--seeds", "3", "--workers", "2", "--json"]) == 0
    assert capsys.readouterr().out == alone


def test_a_failure_among_several_seeds_names_its_seed(
    file: Path, runs: FakeRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    runs.changes = {"expectations": FAILED}
    assert main(["run", str(file), "--seeds", "2"]) == 1
    assert "replay: orrery run small.toml --seed 8" in capsys.readouterr().out


def test_mistakes_in_the_scenario_exit_with_2_and_no_traceback(
    file: Path, runs: FakeRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(SCENARIO + "folowers = 1\nloss = 3\n")
    assert main(["run", str(file)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("orrery: small.toml:6: network.folowers: expected one of ")
    assert lines[1].startswith("orrery: small.toml:7: network.loss: expected a number")
    assert len(lines) == 2
    assert runs.calls == []


def test_a_missing_file_exits_with_2(runs: FakeRuns, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "nowhere.toml"]) == 2
    error = "orrery: nowhere.toml: expected a readable scenario file, got No such file or directory"
    assert capsys.readouterr().err == error + "\n"


def test_an_unwritable_run_directory_is_refused_before_the_run(
    file: Path, runs: FakeRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("occupied").write_text("a file where a directory should go")
    assert main(["run", str(file), "--out", "occupied"]) == 2
    error = capsys.readouterr().err
    assert "run directory occupied/small-7: expected a directory that can be written" in error
    assert runs.calls == []


def test_an_internal_error_leaves_with_its_replay_line(file: Path, runs: FakeRuns) -> None:
    runs.error = AssertionError("a defect")
    with pytest.raises(AssertionError) as caught:
        main(["run", str(file), "--seed", "4"])
    (note,) = caught.value.__notes__
    assert note.startswith("repeat it with: orrery run small.toml --seed 4  # profile ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run"], "the following arguments are required: FILE"),
        (["run", "x", "--seed", "-1"], "expected a whole number from 0 to 2**63 - 1"),
        (["run", "x", "--seed", str(2**63)], "expected a whole number from 0 to 2**63 - 1"),
        (["run", "x", "--seeds", "0"], "expected a whole number, at least 1, got '0'"),
        (["run", "x", "--workers", "two"], "expected a whole number, at least 1, got 'two'"),
        (["walk"], "invalid choice: 'walk'"),
        ([], "the following arguments are required: COMMAND"),
    ],
)
def test_a_wrong_command_line_exits_with_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("command", ["run", "test", "calibrate", "bench"])
def test_each_command_helps_with_an_example(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    assert f"\n  orrery {command} " in capsys.readouterr().out


def test_help_loads_nothing_heavy() -> None:
    heavy = {"numpy", "rich", "msgspec", "networkx"}
    code = "import sys; from sim.cli.parser import build_parser; import sim.cli; build_parser();"
    code += f"print(sorted(sys.modules.keys() & {heavy}))"
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root
    )
    assert done.stdout.strip() == "[]"


def suite(directory: Path) -> None:
    directory.mkdir()
    (directory / "one.toml").write_text(SCENARIO.replace("small", "one"))
    (directory / "two.toml").write_text(SCENARIO.replace("small", "two"))
    (directory / "notes.txt").write_text("no scenario")


def test_test_runs_every_scenario_of_a_directory(
    file: Path, runs: FakeRuns, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    suite(tmp_path / "suite")
    assert main(["test", "suite", "small.toml"]) == 0
    output = capsys.readouterr().out
    assert "passed  suite/one.toml  height 40, 107.0 tx/s" in output
    assert "3 of 3 scenarios passed" in output
    assert [(s.name, directory) for s, _, directory in runs.calls] == [
        ("one", None),
        ("two", None),
        ("small", None),
    ]


def test_test_fails_with_details_and_junit(
    file: Path, runs: FakeRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    runs.changes = {"expectations": FAILED}
    assert main(["test", "small.toml", "--junit", "out.xml", "--out", "kept"]) == 1
    assert "FAILED  min_tps: at least 500, reached 107" in capsys.readouterr().out
    (found,) = ET.parse("out.xml").getroot()
    assert (found.get("tests"), found.get("failures"), found.get("file")) == ("2", "1", str(file))
    assert [case.get("name") for case in found] == ["run", "min_tps"]
    failure = found[1][0]
    assert failure.get("message") == "at least 500, reached 107"
    assert failure.text is not None
    assert "\nreplay: orrery run small.toml --seed 7  # profile " in failure.text
    assert runs.calls[0][2] == Path("kept/small-7")


def test_junit_shows_a_violation_and_survives_odd_text(
    file: Path, runs: FakeRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = (Expectation("x", passed=False, detail="a \x00 <b> & ü"),)
    runs.changes = {"violation": BREACH, "partial": True, "expectations": odd}
    assert main(["test", "small.toml", "--junit", "out.xml", "--json"]) == 1
    (found,) = ET.parse("out.xml").getroot()
    assert found.get("failures") == "2"
    assert "agreement at 12500000000 ns, node 3" in str(found[0][0].get("message"))
    assert found[1][0].get("message") == "a ? <b> & ü"
    summary = json.loads(capsys.readouterr().out)
    assert (summary["passed"], summary["failed"], summary["skipped"]) == (0, 1, 0)
    assert summary["scenarios"][0]["file"] == "small.toml"


def test_test_refuses_what_it_cannot_use(
    file: Path, runs: FakeRuns, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    assert main(["test", "empty"]) == 2
    assert (
        "empty: expected at least one scenario file (*.toml), got none" in capsys.readouterr().err
    )
    assert main(["test", "absent"]) == 2
    assert "absent: expected a scenario file or a directory" in capsys.readouterr().err
    assert main(["test", "small.toml", "--junit", "absent/out.xml"]) == 2
    assert "absent/out.xml: expected a file that can be written" in capsys.readouterr().err
    file.write_text("name = 3")
    assert main(["test", "small.toml"]) == 2
    assert runs.calls == []


def test_an_interrupted_suite_says_what_did_not_run(
    file: Path, runs: FakeRuns, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    suite(tmp_path / "suite")
    (tmp_path / "suite" / "two.toml").write_text(SCENARIO.replace("seed = 7", "seed = 8"))
    runs.interrupt_at = 8
    assert main(["test", "suite"]) == 130
    assert "1 of 1 scenarios passed; INTERRUPTED, 1 did not run" in capsys.readouterr().out


def test_a_command_that_is_not_installed_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sim.cli.entry.COMMANDS", {"bench": "no_such_package.command"})
    assert main(["bench"]) == 2
    assert "`orrery bench` is not part of this installation" in capsys.readouterr().err


def test_a_reader_that_leaves_is_no_error(file: Path, tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    root = Path(__file__).resolve().parents[3]
    code = (
        "import sys; from sim.cli import main; from tests.unit.sim.cli_results import FakeRuns;"
        "import sim.cli.jobs as jobs; jobs.import_module = lambda name: FakeRuns();"
        "sys.exit(main(['run', sys.argv[1], '--json', '--out', sys.argv[2]]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / file), str(tmp_path / "out")],
        stdout=write,
        stderr=subprocess.PIPE,
        cwd=root,
        check=False,
    )
    os.close(write)
    assert b"Traceback" not in done.stderr


def test_a_reader_that_has_had_enough_is_no_failed_expectation() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    program = "from sim.cli.summary import output_console as c\n"
    program += "from sim.cli.entry import _guarded\n"
    program += "import sys; sys.exit(_guarded(lambda _: c().print('x' * 99999), None))"
    ended = subprocess.run([sys.executable, "-c", program], stdout=writing, check=False)
    os.close(writing)
    assert ended.returncode == 0
