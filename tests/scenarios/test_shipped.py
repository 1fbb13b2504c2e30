"""The scenarios that ship: well-formed, explained, and kept by the network."""

import re
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
QUICK = sorted(NAMES - {"wan-100", "followers"})


def by_name(path: Path) -> str:
    return path.stem


def test_all_of_them_are_there() -> None:
    assert {path.stem for path in SHIPPED} >= NAMES


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
    for section in ("network", "consensus", "chain", "workload", "measure", "expect"):
        missing = set(written[section]) - set(table[section]) - {"classes", "kind"}
        assert not missing, f"[{section}] of the guide lacks {missing}"


def example_text(example: str) -> str:
    """Leave out what excludes its neighbours, and give the example the network it speaks of."""
    out = re.compile(r"^(degree|rewire|latency_value|clients|think_time) ")
    text = "\n".join(line for line in example.splitlines() if not out.match(line))
    return text.replace("validators = 4 ", "validators = 7 ").replace(
        'regions = ["Tokyo"]', 'regions = ["London", "Tokyo", "Seoul"]'
    )
