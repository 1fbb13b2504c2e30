"""The scenarios that ship: well-formed, explained, and kept by the network."""

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from sim.scenario import Crash, Heal, Partition, decode_scenario, format_scenario, load_scenario

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = sorted((ROOT / "scenarios").glob("*.toml"))
NAMES = {
    *("quickstart", "wan-100", "lan-4", "crash-primary"),
    *("partition-heal", "slow-node", "burst", "followers"),
}


def by_name(path: Path) -> str:
    return path.stem


def test_all_of_them_are_there() -> None:
    assert {path.stem for path in SHIPPED} >= NAMES


def test_the_guide_lists_those_that_lie_side_by_side(repository: Path) -> None:
    guide = (repository / "docs" / "guides" / "scenarios.md").read_text("utf-8")
    table = guide.partition("## The scenarios that ship")[2].partition("\n## ")[0]
    listed = set(re.findall(r"^\| `([\w-]+)` \|", table, re.MULTILINE))
    assert listed == {path.stem for path in (ROOT / "scenarios").glob("*.toml")}


@pytest.mark.parametrize("file", SHIPPED, ids=by_name)
def test_it_decodes_and_survives_being_written(file: Path) -> None:
    scenario = load_scenario(file)
    assert scenario.name == file.stem
    assert scenario.description
    assert decode_scenario(format_scenario(scenario)) == scenario


@pytest.mark.parametrize("file", SHIPPED, ids=by_name)
def test_it_says_at_its_top_what_it_shows(file: Path) -> None:
    top = file.read_text().partition("\n\n")[0]
    assert top.startswith("# ")
    assert "# Shows: " in top


def test_quickstart_is_what_the_readme_promises() -> None:
    scenario = load_scenario(ROOT / "scenarios" / "quickstart.toml")
    assert scenario.network.nodes == 7
    assert len(set(scenario.network.regions or ())) == 5
    assert scenario.duration == 60 * 10**9
    assert {type(event) for event in scenario.events} >= {Crash, Partition, Heal}


def test_the_guide_shows_every_key_and_only_those(repository: Path) -> None:
    """The commented example of the guide decodes, and names each key that there is."""
    guide = (repository / "docs" / "guides" / "scenarios.md").read_text()
    example = guide.partition("## Every key")[2].partition("```toml\n")[2].partition("\n```")[0]
    table = tomllib.loads(example)
    scenario = decode_scenario(example_text(example))
    written = tomllib.loads(format_scenario(scenario))
    sections = ("network", "consensus", "chain", "execution", "workload", "measure", "expect")
    for section in sections:
        missing = set(written[section]) - set(table[section]) - {"classes", "kind"}
        assert not missing, f"[{section}] of the guide lacks {missing}"


def example_text(example: str) -> str:
    """Leave out what excludes its neighbours, and give the example the network it speaks of."""
    out = re.compile(r"^(degree|rewire|latency_value|clients|think_time) ")
    text = "\n".join(line for line in example.splitlines() if not out.match(line))
    return text.replace("validators = 4 ", "validators = 7 ").replace(
        'regions = ["Tokyo"]', 'regions = ["London", "Tokyo", "Seoul"]'
    )


def command(*arguments: str, hash_seed: str = "0") -> subprocess.CompletedProcess[str]:
    """Run the command line as a user would, in a process of its own."""
    code = "import sys; from sim.cli import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        check=False,
    )


SHORT = ("--set", "duration=3500ms", "--set", "workload.rate=50", "--set", "expect.min_tps=1")


def test_a_run_leaves_its_directory_and_a_scenario_that_repeats_it(tmp_path: Path) -> None:
    file = str(ROOT / "scenarios" / "lan-4.toml")
    first = command("run", file, "--json", "--out", str(tmp_path), *SHORT, hash_seed="1")
    assert first.returncode == 0, first.stderr
    summary = json.loads(first.stdout)
    directory = tmp_path / "lan-4-1"
    assert summary["run_directory"] == str(directory)
    written = {path.name for path in directory.iterdir()}
    assert written >= {"scenario.toml", "summary.json", "report.html", "metrics.om"}
    assert first.stderr == ""
    resolved = str(directory / "scenario.toml")
    again = command("run", resolved, "--json", "--out", str(tmp_path / "again"), hash_seed="2")
    assert json.loads(again.stdout)["digest"] == summary["digest"]
    other = command("run", resolved, "--seed", "2", "--json", "--out", str(tmp_path / "other"))
    assert json.loads(other.stdout)["digest"] != summary["digest"]


def test_an_expectation_that_fails_is_exit_code_1_and_replayable(tmp_path: Path) -> None:
    file = str(ROOT / "scenarios" / "lan-4.toml")
    options = (*SHORT, "--set", "expect.min_height=100000", "--out", str(tmp_path))
    done = command("run", file, *options)
    assert done.returncode == 1
    assert "FAILED  min_height: expected at least 100000" in done.stdout
    replay = next(line for line in done.stdout.splitlines() if line.startswith("replay: "))
    words = shlex.split(replay.removeprefix("replay: orrery "), comments=True)
    again = command(*words, "--out", str(tmp_path))
    assert again.returncode == 1
    assert digest_of(again.stdout) == digest_of(done.stdout)


def digest_of(output: str) -> str:
    match = re.search(r"\b[0-9a-f]{32}\b", output)
    assert match is not None
    return match.group()


@pytest.mark.slow
@pytest.mark.parametrize("file", SHIPPED, ids=by_name)
def test_it_keeps_its_expectations(file: Path) -> None:
    done = command("test", str(file))
    assert done.returncode == 0, done.stdout + done.stderr
