"""`--profile FILE`: what a run may be charged by, and what is refused."""

import shlex
from pathlib import Path

import msgspec
import pytest

from primitives.errors import InvalidInput
from sim.cli import main
from sim.cli.jobs import Job
from sim.packages import packages_fingerprint
from sim.profile import Profile, check_kinds, encode_profile, load_profile
from sim.report.result import Expectation
from sim.scenario import load_scenario
from tests.unit.sim.cli_results import FakeRuns

SCENARIO = 'name = "small"\nseed = 7\nduration = "30s"\n[network]\nvalidators = 4\n'
FAILED = (Expectation("min_tps", passed=False, detail="at least 500, reached 107"),)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeRuns:
    monkeypatch.chdir(tmp_path)
    Path("small.toml").write_text(SCENARIO)
    fake = FakeRuns()
    monkeypatch.setattr("sim.cli.jobs.import_module", lambda name: fake)
    return fake


def slower() -> Profile:
    """Return a profile in which everything takes twice as long."""
    shipped = load_profile()
    rows = [msgspec.structs.replace(row, median_ps=2 * row.median_ps) for row in shipped.costs]
    return msgspec.structs.replace(shipped, costs=tuple(rows))


def without(kind: str) -> Profile:
    shipped = load_profile()
    rows = tuple(row for row in shipped.costs if row.kind != kind)
    assert len(rows) + 1 == len(shipped.costs)
    return msgspec.structs.replace(shipped, costs=rows)


@pytest.mark.parametrize("command", ["run", "test"])
def test_the_profile_reaches_the_run(command: str, runs: FakeRuns) -> None:
    profile = slower()
    Path("slow.json").write_bytes(encode_profile(profile))
    assert main([command, "small.toml", "--profile", "slow.json"]) == 0
    assert main([command, "small.toml"]) == 0
    assert runs.profiles == [profile, load_profile()]


@pytest.mark.parametrize("command", ["run", "test"])
def test_the_replay_line_names_file_and_content(
    command: str, runs: FakeRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    runs.changes = {"expectations": FAILED}
    profile = slower()
    Path("slow one.json").write_bytes(encode_profile(profile))
    assert main([command, "small.toml", "--profile", "slow one.json"]) == 1
    line = (
        "replay: orrery run small.toml --seed 7 --profile 'slow one.json'"
        f"  # profile {profile.fingerprint()}, packages {packages_fingerprint()}\n"
    )
    assert line in capsys.readouterr().out


def test_without_a_file_the_line_names_the_shipped_profile() -> None:
    scenario = msgspec.convert({}, type=dict)
    job = Job("x.toml", scenario, 3, None)  # type: ignore[arg-type]
    shipped = load_profile().fingerprint()
    packages = packages_fingerprint()
    line = f"orrery run x.toml --seed 3  # profile {shipped}, packages {packages}"
    assert job.replay == line
    # A shell takes the rest for a comment.
    assert shlex.split(job.replay, comments=True) == ["orrery", "run", "x.toml", "--seed", "3"]


def test_the_fingerprint_is_that_of_the_costs() -> None:
    shipped = load_profile()
    elsewhere = msgspec.structs.replace(shipped.machine, processor="another")
    assert msgspec.structs.replace(shipped, machine=elsewhere).fingerprint() == (
        shipped.fingerprint()
    )
    assert slower().fingerprint() != shipped.fingerprint()


@pytest.mark.parametrize("command", ["run", "test"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "p.json: expected a readable profile, got No such file or directory"),
        (b"", "p.json: expected a profile written by `orrery calibrate`, got Input data was trunc"),
        (b"\xff\xfe", "p.json: expected a profile written by `orrery calibrate`"),
        (b'{"machine": "\xff"}', "p.json: expected a profile written by `orrery calibrate`"),
        (b'{"costs": []}', "p.json: expected a profile written by `orrery calibrate`"),
    ],
)
def test_a_bad_profile_is_refused_before_the_run(
    command: str,
    content: bytes | None,
    message: str,
    runs: FakeRuns,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if content is not None:
        Path("p.json").write_bytes(content)
    assert main([command, "small.toml", "--profile", "p.json"]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
    assert runs.calls == []
    assert not Path("runs").exists()


@pytest.mark.parametrize("command", ["run", "test"])
def test_a_profile_that_lacks_a_kind_is_refused_with_its_name(
    command: str, runs: FakeRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("p.json").write_bytes(encode_profile(without("node.recover_sender")))
    assert main([command, "small.toml", "--profile", "p.json"]) == 2
    error = capsys.readouterr().err
    assert "p.json: expected a cost for every kind of work" in error
    assert "got none for node.recover_sender" in error
    assert "orrery calibrate" in error
    assert runs.calls == []


def test_another_unit_is_refused() -> None:
    shipped = load_profile()
    first = msgspec.structs.replace(shipped.costs[0], unit="megabyte")
    changed = msgspec.structs.replace(shipped, costs=(first, *shipped.costs[1:]))
    with pytest.raises(InvalidInput, match=f"x: expected {first.kind} per .*, got per megabyte"):
        check_kinds(changed, "x")


def test_a_kind_that_occurs_twice_is_refused() -> None:
    shipped = load_profile()
    doubled = msgspec.structs.replace(shipped, costs=(*shipped.costs, shipped.costs[0]))
    with pytest.raises(InvalidInput, match=f"got {shipped.costs[0].kind} twice"):
        check_kinds(doubled, "x")


def test_a_kind_of_a_later_version_does_no_harm() -> None:
    shipped = load_profile()
    later = msgspec.structs.replace(shipped.costs[0], kind="node.prove_block", unit="block")
    check_kinds(msgspec.structs.replace(shipped, costs=(*shipped.costs, later)), "x")


def test_a_profile_changes_what_a_run_comes_to(tmp_path: Path) -> None:
    from sim.run import run_scenario

    file = tmp_path / "tiny.toml"
    file.write_text(
        SCENARIO.replace("30s", "2s") + '[workload]\nkind = "transfers"\nrate = 50\naccounts = 10\n'
    )
    scenario = load_scenario(file)
    shipped = run_scenario(scenario, seed=1)
    assert run_scenario(scenario, seed=1, profile=load_profile()).digest == shipped.digest
    assert run_scenario(scenario, seed=1, profile=slower()).digest != shipped.digest
