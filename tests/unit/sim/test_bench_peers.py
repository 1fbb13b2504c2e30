"""The comparison of virtual machines: its loop, its rows, and what it asks for."""

import json
from pathlib import Path

import pytest

from bench import command, evm_peers
from bench.evm_peers import ENGINES, OURS, PeersMissing, peers_row
from bench.headings import HEADINGS
from bench.peers import cases, orrery_row
from bench.peers.case import measure_case
from primitives.errors import InvalidInput


def test_an_iteration_of_the_loop_is_fourteen_instructions_and_49_gas() -> None:
    for iterations in (1, 2, 500):
        case = cases.loop_case(iterations)
        engine = orrery_row.Engine()
        row = measure_case(case, 2, engine.prepare, orrery_row.execute)
        assert 0 < float(str(row["best_seconds"])) <= float(str(row["first_seconds"]))


def test_other_gas_than_the_blocks_is_refused() -> None:
    case = {**cases.loop_case(3), "gas_used": 1}
    with pytest.raises(AssertionError, match="not 1"):
        measure_case(case, 1, orrery_row.Engine().prepare, orrery_row.execute)


def test_ratios_are_to_the_faster_peer() -> None:
    case = cases.loop_case(3)
    seconds = {
        OURS: {"first_seconds": 2.0, "best_seconds": 1.0},
        "py-evm": {"first_seconds": 8.0, "best_seconds": 5.0},
        "eels": {"first_seconds": 6.0, "best_seconds": 6.0},
    }
    row = peers_row(case, seconds)
    assert (row["first_ratio"], row["best_ratio"]) == (3.0, 5.0)
    assert row["faster_peer"] == "py-evm"
    assert list(row)[:3] == ["block", "first_ratio", "best_ratio"]
    assert {name for name in row if name in HEADINGS} >= {
        "mgas_per_second",
        "eels_best_seconds",
    }


def test_a_case_is_text_of_json() -> None:
    case = cases.loop_case(3)
    assert json.loads(json.dumps(case)) == case


def test_blocks_of_mainnet_are_those_of_their_hashes(vectors: Path) -> None:
    folder = vectors / "blocks" / "13287210"
    if not folder.is_dir():
        pytest.skip("this set of vectors has no such block")
    case = cases.mainnet_case(folder)
    row = measure_case(case, 1, orrery_row.Engine().prepare, orrery_row.execute)
    assert row["first_seconds"] == row["best_seconds"]


def test_without_vectors_or_peers_it_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(evm_peers, "PEERS_PYTHON", tmp_path / "python")
    with pytest.raises(PeersMissing, match="make peers"):
        evm_peers.bench_evm_peers()
    monkeypatch.setenv("ORRERY_VECTORS", str(tmp_path))
    with pytest.raises(InvalidInput, match="ORRERY_VECTORS"):
        cases.vectors_directory()


def test_it_runs_only_when_it_is_named() -> None:
    assert set(command.BENCHES) >= command.NAMED_ONLY >= {"evm-peers"}


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_engines_come_to_the_same_gas(engine: str) -> None:
    if not evm_peers.PEERS_PYTHON.exists():
        pytest.skip("py-evm and EELS are not installed: run `make peers`")
    assert evm_peers._measure(engine, cases.loop_case(100))["best_seconds"] > 0
