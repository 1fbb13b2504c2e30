"""A store survives kills at random instants with all it called durable, and nothing half."""

from pathlib import Path

import pytest

from tests.unit.storage.rocks.crash import Lost, run

KILLS = 20


def test_twenty_kills_lose_nothing(tmp_path: Path) -> None:
    done = run(tmp_path / "store", KILLS, seed=1)
    assert done.head >= KILLS
    assert done.cut_bytes
    assert done.torn


@pytest.mark.soak
def test_two_hundred_kills_lose_nothing(tmp_path: Path, soak_runs: int) -> None:
    done = run(tmp_path / "store", 4 * soak_runs, seed=soak_runs)
    assert done.head >= 4 * soak_runs


@pytest.mark.parametrize("fault", ["skips-fsync", "writes-halves"])
def test_a_store_that_breaks_its_promise_is_found_out(tmp_path: Path, fault: str) -> None:
    with pytest.raises(Lost, match="durable" if fault == "skips-fsync" else "whole blocks"):
        run(tmp_path / "store", KILLS, seed=2, fault=fault)
