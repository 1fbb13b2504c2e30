"""A store survives kills at random instants with all it called durable, and nothing half."""

from pathlib import Path

import pytest

from tests.unit.storage.rocks import crash, crash_chain

KILLS = 20


def test_twenty_kills_lose_nothing(tmp_path: Path) -> None:
    done = crash_chain.run(tmp_path / "node", KILLS, seed=1)
    assert done.height >= KILLS
    assert done.archive_files > 2
    assert done.lost_bytes
    assert done.torn
    assert done.logs > 2 * KILLS, "logs were begun while blocks were committed"


@pytest.mark.soak
def test_two_hundred_kills_lose_nothing(tmp_path: Path, soak_runs: int) -> None:
    done = crash_chain.run(tmp_path / "node", 4 * soak_runs, seed=soak_runs)
    assert done.height >= 4 * soak_runs


FAULTS = {
    "skips-fsync": "was called durable|it does not open",
    "skips-directory": "was called durable|it does not open",
    "acknowledges-early": "was called durable|it does not open",
    "writes-halves": "not (that|what|whole)|it does not open",
    "skips-archive-fsync": "it does not open: .*archive",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_node_that_breaks_its_promise_is_found_out(tmp_path: Path, fault: str) -> None:
    with pytest.raises(crash_chain.Lost, match=FAULTS[fault]):
        crash_chain.run(tmp_path / "node", 5 * KILLS, seed=2, fault=fault)


def test_each_level_of_durability_keeps_its_promise(tmp_path: Path) -> None:
    done = crash.run(tmp_path / "store", KILLS // 2, seed=1)
    assert done.head >= KILLS // 2
    assert done.cut_bytes
    assert done.torn


@pytest.mark.soak
def test_each_level_of_durability_keeps_its_promise_for_long(
    tmp_path: Path, soak_runs: int
) -> None:
    done = crash.run(tmp_path / "store", 4 * soak_runs, seed=soak_runs)
    assert done.head >= 4 * soak_runs


@pytest.mark.parametrize("fault", ["skips-fsync", "writes-halves"])
def test_a_store_that_breaks_its_promise_is_found_out(tmp_path: Path, fault: str) -> None:
    with pytest.raises(crash.Lost, match="durable" if fault == "skips-fsync" else "whole blocks"):
        crash.run(tmp_path / "store", 2 * KILLS, seed=2, fault=fault)
