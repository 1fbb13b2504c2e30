"""All faults in one run: the same in every process, whatever the hash seed, and harmless."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from sim.run import run_scenario
from sim.scenario import ChangeCommittee, TimelineEvent, load_scenario

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "scenarios" / "every-fault.toml"


def test_every_kind_of_event_is_in_it() -> None:
    scenario = load_scenario(FILE)
    present = {type(event) for event in scenario.events}
    assert present == set(get_args(TimelineEvent)) - {ChangeCommittee}
    cuts = [e for e in scenario.events if type(e).__name__ == "Partition"]
    assert {(bool(c.bridge), c.direction, bool(c.ring)) for c in cuts} == {  # type: ignore[union-attr]
        (False, "both", False),
        (True, "both", False),
        (False, "in", False),
        (False, "out", False),
        (False, "both", True),
    }
    assert any(group.liar for group in scenario.network.classes)


CODE = """
import json, sys
from pathlib import Path
from sim.run import run_scenario
from sim.scenario import load_scenario
scenario = load_scenario(Path(sys.argv[1]), sys.argv[2:])
result = run_scenario(scenario, seed=7)
print(json.dumps([result.digest, result.height, result.violation is None]))
"""


def outcome(hash_seed: str, *overrides: str) -> list[object]:
    """Return digest, height and whether no checker objected, from a process of its own."""
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", CODE, str(FILE), *overrides]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=ROOT, env=environment
    )
    found: list[object] = json.loads(done.stdout)
    return found


def test_the_digest_is_the_same_with_every_fault_on_in_two_processes() -> None:
    first, second = outcome("1"), outcome("4242")
    assert first == second
    assert first[2] is True


@pytest.mark.slow
def test_the_digest_is_the_same_with_every_fault_on_and_nothing_shared() -> None:
    shared = outcome("0", "consensus.signatures=modelled")
    isolated = outcome("0", "consensus.signatures=modelled", "fidelity=isolated")
    assert shared == isolated


def test_other_seeds_come_to_other_runs_and_no_checker_objects() -> None:
    scenario = msgspec.structs.replace(
        load_scenario(FILE, ["consensus.signatures=modelled"]), name="every-fault"
    )
    results = [run_scenario(scenario, seed=seed) for seed in (2, 3)]
    assert len({result.digest for result in results}) == 2
    for result in results:
        assert result.violation is None
        assert all(line.passed for line in result.expectations), result.expectations
