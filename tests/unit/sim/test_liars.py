"""A liar from another package takes the place of an honest node; checkers do not listen to it."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from primitives.ids import Instant
from primitives.machine import Effect, Event, Machine
from sim.run import run_scenario
from sim.scenario import ScenarioError, decode_scenario, place_nodes

SCENARIO = """
name = "with-a-liar"
duration = "8s"

[network]
validators = 4

[[network.classes]]
name = "traitors"
nodes = [2]
liar = "mumbling"

[workload]
rate = 20
accounts = 10
"""


@pytest.fixture
def mumbling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repository: Path) -> None:
    """Install the package of the guide's example."""
    guide = (repository / "docs/guides/extending.md").read_text("utf-8")
    found = re.search(r"```python\n# my_package/liars.py\n(.*?)```", guide, re.DOTALL)
    entry = re.search(r'\[project.entry-points."(orrery.liars)"\]\n(.*?)\n```', guide, re.DOTALL)
    assert found is not None
    assert entry is not None
    package = tmp_path / "my_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "liars.py").write_text(found[1])
    information = tmp_path / "my_package-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: my_package\nVersion: 1\n")
    points = entry[2].replace('"', "")
    (information / "entry_points.txt").write_text(f"[{entry[1]}]\n{points}\n")
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("mumbling")
def test_a_mumbling_validator_is_built_and_the_others_go_on() -> None:
    scenario = decode_scenario(SCENARIO)
    assert [plan.liar for plan in place_nodes(scenario.network)] == [None, None, "mumbling", None]

    result = run_scenario(scenario, seed=1)

    assert result.violation is None
    assert result.height > 5


def test_an_unknown_liar_is_refused_by_its_key() -> None:
    with pytest.raises(ScenarioError, match=r"network\.classes\[0\]\.liar"):
        decode_scenario(SCENARIO.replace("mumbling", "sleepy"))


class Boaster:
    """Says that it has committed blocks that nobody knows."""

    def __init__(self, honest: Machine, _context: object) -> None:
        self._honest = honest

    def step(self, now: Instant, event: Event) -> Sequence[Effect]:
        from node.trace import BlockCommitted
        from primitives.machine import Emit

        boast = Emit(BlockCommitted(99, b"\x01" * 32, b"\x02" * 32, 0, 0, 0, 0))
        return [*self._honest.step(now, event), boast]


@pytest.mark.usefixtures("mumbling")
def test_what_a_liar_says_of_itself_is_no_violation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.factory.liar_factory", lambda name: Boaster)

    result = run_scenario(decode_scenario(SCENARIO), seed=1)

    assert result.violation is None
