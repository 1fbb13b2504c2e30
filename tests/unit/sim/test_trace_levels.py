"""The trace file has the levels that a scenario asks for; the run is the same in any case."""

from collections import Counter
from pathlib import Path

import pytest

from sim.report import RunResult, read_trace
from sim.run import run_scenario
from sim.scenario import decode_scenario

SCENARIO = """
name = "levels"
duration = "3s"

[network]
validators = 4

[workload]
rate = 20
accounts = 10
"""


def run(level: str, directory: Path) -> tuple[RunResult, Counter[str]]:
    scenario = decode_scenario(SCENARIO, overrides=[f"measure.trace={level}"])
    result = run_scenario(scenario, seed=1, run_directory=directory / level)
    lines = read_trace(directory / level / "trace.jsonl.zst")
    return result, Counter(line.event for line in lines)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[RunResult, Counter[str]]]:
    directory = tmp_path_factory.mktemp("runs")
    return {level: run(level, directory) for level in ("events", "traffic", "deliveries")}


def test_the_digest_does_not_depend_on_the_level(
    runs: dict[str, tuple[RunResult, Counter[str]]],
) -> None:
    assert len({result.digest for result, _ in runs.values()}) == 1


def test_each_level_holds_what_the_one_before_holds(
    runs: dict[str, tuple[RunResult, Counter[str]]],
) -> None:
    events, traffic, deliveries = (lines for _, lines in runs.values())
    extra = {"trace.traffic", "trace.delivery"}
    assert not extra & set(events)
    assert {k: v for k, v in traffic.items() if k not in extra} == events
    assert traffic["trace.traffic"] > 0
    assert traffic["trace.delivery"] == 0
    assert deliveries["trace.traffic"] == traffic["trace.traffic"]


def test_every_message_that_arrives_is_a_delivery(
    runs: dict[str, tuple[RunResult, Counter[str]]],
) -> None:
    result, lines = runs["deliveries"]
    in_flight = result.messages - lines["trace.delivery"]
    assert 0 <= in_flight < 50
