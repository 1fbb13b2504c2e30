"""The pytest plugin, in a pytest run of its own."""

import pytest

import sim.cli.run
import sim.cli.suite
import sim.driving  # noqa: F401  (loaded here, so that pytester's own runs share the modules)
from sim.plugin import failure_text
from sim.report.result import Expectation, RunResult
from sim.scenario import decode_table
from tests.unit.sim.cli_results import BREACH, FakeRuns, result_of

pytest_plugins = ["pytester"]

SCENARIO = """
name = "small"
seed = 7
duration = "30s"
[network]
validators = 4
"""


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> FakeRuns:
    fake = FakeRuns()
    monkeypatch.setattr("sim.cli.jobs.import_module", lambda name: fake)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    return fake


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest_inprocess("-p", "sim.plugin", "-p", "no:cacheprovider", *arguments)


def test_files_by_suffix_and_by_directory_are_tests(
    pytester: pytest.Pytester, runs: FakeRuns
) -> None:
    pytester.makeini("[pytest]\norrery_scenarios = listed\n")
    for name in ("listed/deep", "elsewhere"):
        (pytester.path / name).mkdir(parents=True)
    (pytester.path / "listed" / "deep" / "one.toml").write_text(SCENARIO)
    (pytester.path / "elsewhere" / "two.scenario.toml").write_text(SCENARIO)
    (pytester.path / "elsewhere" / "pyproject.toml").write_text("[project]\n")
    result = run(pytester, "-v")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*two.scenario.toml::two PASSED*", "*one.toml::one PASSED*"])
    assert [directory for _, _, directory in runs.calls] == [None, None]


def test_a_failure_shows_expectations_and_replay_line(
    pytester: pytest.Pytester, runs: FakeRuns
) -> None:
    runs.changes = {
        "expectations": (
            Expectation("safety", passed=True, detail="no checker objected"),
            Expectation("min_tps", passed=False, detail="expected 500, found 107"),
        )
    }
    (pytester.path / "x.scenario.toml").write_text(SCENARIO)
    result = run(pytester)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "scenario small, seed 7",
            "failed: min_tps: expected 500, found 107",
            "replay: orrery run x.scenario.toml --seed 7*",
        ]
    )
    result.stdout.no_fnmatch_line("*failed: safety*")
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_mistake_in_the_file_is_a_failure_without_traceback(
    pytester: pytest.Pytester, runs: FakeRuns
) -> None:
    (pytester.path / "x.scenario.toml").write_text(SCENARIO + "folowers = 2\n")
    result = run(pytester)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(['*network.folowers: expected*did you mean "followers"?'])
    result.stdout.no_fnmatch_line("*shape.py*")


def test_an_error_of_ours_keeps_its_traceback(pytester: pytest.Pytester, runs: FakeRuns) -> None:
    runs.error = AssertionError("a defect")
    (pytester.path / "x.scenario.toml").write_text(SCENARIO)
    result = run(pytester)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*jobs.py:*", "*a defect*"])


def small(**changes: object) -> RunResult:
    table: dict[str, object] = {
        "name": "small",
        "duration": "30s",
        "network": {"validators": 4},
    }
    return result_of(decode_table(table), 7, **{"replay": "orrery run it", **changes})


def test_a_violation_is_told_with_time_and_node() -> None:
    text = failure_text(small(violation=BREACH, partial=True))
    assert "violation of agreement at 12500000000 ns, node 3: committed aa" in text
    assert "interrupted" not in text


def test_an_interrupted_run_is_told() -> None:
    assert "interrupted after 30 s of virtual time" in failure_text(small(partial=True))


def test_the_fixture_builds_a_network(pytester: pytest.Pytester, runs: FakeRuns) -> None:
    pytester.makepyfile(
        """
        def test_a_block(orrery_network):
            net = orrery_network(validators=4, latency="uniform", latency_value="1ms")
            sent = net.transfer(0, 1)
            net.run_for("1s")
            net.expect(committed=[sent])
        """
    )
    run(pytester).assert_outcomes(passed=1)
