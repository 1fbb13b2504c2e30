"""Batching at work: adaptive batches are as quick as small ones and carry as much as large ones."""

import importlib
from pathlib import Path

import pytest

from node.plugins import BUILT_IN_BATCHING, batching_names, make_batching
from primitives.errors import InvalidInput
from sim.report.result import RunResult
from sim.run import run_scenario
from sim.scenario import decode_scenario

SCENARIO = """
name = "batches"
duration = "7s"

[network]
validators = 4
latency = "aws-13"

[consensus]
signatures = "modelled"
batch_size = 10
batch_delay = "400ms"

[chain]
base_fee = "fixed"

[workload]
rate = 20
accounts = 200

[measure]
warm_up = "2s"
cool_down = "1s"
"""
LARGE = ("consensus.batching=fixed",)
SMALL = ("consensus.batching=fixed", "consensus.batch_size=1", "consensus.batch_delay=10ms")
ADAPTIVE = ("consensus.batching=adaptive",)
IDLE, SATURATED = "workload.rate=20", "workload.rate=300"


def run(*overrides: str) -> RunResult:
    result = run_scenario(decode_scenario(SCENARIO, overrides=overrides), seed=1)
    assert result.violation is None
    assert result.view_changes == 0
    return result


def median(result: RunResult) -> float:
    assert result.confirmation_time_seconds.p50 is not None
    return result.confirmation_time_seconds.p50


def test_idle_adaptive_batches_are_far_quicker_than_large_ones() -> None:
    large, adaptive = run(*LARGE, IDLE), run(*ADAPTIVE, IDLE)
    assert median(adaptive) < 0.75 * median(large)
    assert adaptive.confirmation_time_seconds.p99 < large.confirmation_time_seconds.p99  # type: ignore[operator]
    assert adaptive.tps == pytest.approx(large.tps, rel=0.1)
    assert adaptive.blocks > large.blocks, "which is the price"


def test_saturated_adaptive_batches_carry_as_much_as_large_ones() -> None:
    large, adaptive, small = (run(*policy, SATURATED) for policy in (LARGE, ADAPTIVE, SMALL))
    assert large.tps > 100
    assert adaptive.tps == pytest.approx(large.tps, rel=0.03)
    assert small.tps < 0.2 * large.tps


def test_blocks_keep_to_the_bytes_and_the_gas_of_a_batch() -> None:
    by_gas = run(*LARGE, SATURATED, "consensus.batch_gas=105000", "duration=4s")
    assert 0 < by_gas.transactions <= 5 * by_gas.blocks
    by_bytes = run(*LARGE, SATURATED, "consensus.batch_bytes=512B", "duration=4s")
    assert 0 < by_bytes.transactions <= 4 * by_bytes.blocks


def test_a_batch_smaller_than_a_transaction_still_moves() -> None:
    result = run(*LARGE, "workload.rate=5", "consensus.batch_bytes=1B")
    assert 0 < result.transactions <= result.blocks
    assert result.rejected == {}


@pytest.mark.parametrize("policy", ["fixed", "adaptive"])
def test_the_same_seed_is_the_same_run(policy: str) -> None:
    first, again = (run(f"consensus.batching={policy}", "duration=5s") for _ in range(2))
    assert first.digest == again.digest


# ---------------------------------------------------------------- by name


def test_what_ships_resolves() -> None:
    assert batching_names() == ("fixed", "adaptive")
    assert all(
        isinstance(make_batching(name), type(make())) for name, make in BUILT_IN_BATCHING.items()
    )


def test_an_unknown_policy_is_named_with_its_nearest_neighbour() -> None:
    with pytest.raises(InvalidInput, match=r"one of fixed, adaptive \(did you mean fixed\?\)"):
        make_batching("fixt")


def test_the_guides_policy_runs_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repository: Path
) -> None:
    guide = (repository / "docs/guides/batching.md").read_text("utf-8")
    source = guide.partition("```python\n")[2].partition("```")[0]
    (tmp_path / "my_batches.py").write_text(source)
    information = tmp_path / "my_batches-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: my_batches\nVersion: 1\n")
    entry = guide.partition('[project.entry-points."orrery.batching"]\n')[2].partition("\n```")[0]
    points = entry.replace('"', "")
    (information / "entry_points.txt").write_text(f"[orrery.batching]\n{points}\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    assert batching_names() == ("fixed", "adaptive", "pairs")
    pairs, adaptive = run("consensus.batching=pairs"), run(*ADAPTIVE)
    assert pairs.digest != adaptive.digest
    assert pairs.tps == pytest.approx(adaptive.tps, rel=0.1)
