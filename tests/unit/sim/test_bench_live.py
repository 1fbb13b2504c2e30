"""The benchmark of live nodes does what its table says."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rich.console import Console

from bench import command, live_row
from bench.live_nodes import Reading, choose_ports
from bench.live_row import Case, Spent
from node.runtime import create
from sim.load.histogram import Quantiles
from sim.load.result import LoadResult

MACHINE = {"processor": "a processor", "python": "3.11"}


def reading(seconds: float, resident: int) -> Reading:
    """Return what a node has spent: a tenth on each part, but for its loop."""
    part = seconds / 10
    return Reading(
        whole=seconds,
        loop=5 * part,
        turns=2 * part,
        blocks=part,
        checks=part,
        collecting=part,
        resident=resident,
    )


def result(final: list[int]) -> LoadResult:
    """Return as much of a load's result as a row is made from."""
    found = SimpleNamespace(
        series=SimpleNamespace(final=final),
        finality_seconds=Quantiles(p50=0.25, p99=0.5),
        lateness_seconds=Quantiles(),
        errors={"timeout": 2},
        dropped=1,
        unconfirmed=3,
        blocks=SimpleNamespace(transactions=0, count=0),
        trouble=None,
    )
    return cast("LoadResult", found)


def test_a_row_says_what_all_have_spent_on_a_payment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    before = Spent(100.0, 1.0, [reading(1, 0), reading(2, 0)])
    after = Spent(110.0, 2.0, [reading(2, 3 << 20), reading(4, 2 << 20)])
    # What was final in the warm-up is not counted, nor what came after the end.
    final = [9, 9, 9, 9, 9, *[1_000] * 10, 7, 7]
    row = live_row.row(Case(nodes=2, rate=1_000, seconds=10), result(final), [before, after])
    assert row["final_per_second"] == 1_000
    assert (row["finality_p50_s"], row["finality_p99_s"]) == (0.25, 0.5)
    assert row["load_errors"] == 6
    assert (row["nodes_us"], row["client_us_each"], row["all_us"]) == (300, 100, 400)
    assert (row["live_turns_us"], row["live_loop_us"]) == (60, 90)
    assert (row["live_blocks_us"], row["live_checks_us"], row["live_rest_us"]) == (30, 30, 90)
    assert row["machine_ceiling"] == 5_000
    assert row["resident_mib"] == 3


def test_ports_are_told_to_all_nodes(tmp_path: Path) -> None:
    assert create.main([str(tmp_path / "chain"), "--validators=3"]) == 0
    ports = choose_ports(tmp_path / "chain", 3)
    assert len(set(ports)) == 3
    for number in range(3):
        text = (tmp_path / "chain" / f"node-{number}" / "config.toml").read_text()
        for other in range(3):
            assert (f"port = {ports[other]} }}" in text) is (other != number)


@pytest.mark.slow
def test_a_node_is_measured_under_load(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(live_row, "WARM_S", 1.0)
    monkeypatch.setattr(live_row, "ACCOUNTS", 20)
    row: dict[str, Any] = live_row.run(Case(nodes=1, rate=50, seconds=2.0))
    assert row["trouble"] is None
    assert row["final_per_second"] > 0
    parts = ("live_turns_us", "live_loop_us", "live_blocks_us", "live_checks_us", "live_rest_us")
    assert all(row[part] > 0 for part in parts)
    assert abs(sum(row[part] for part in parts) - row["nodes_us"]) <= len(parts)
    command.show("live", {"machine": MACHINE, "rows": [row]}, Console(width=300))
    printed = capsys.readouterr().out
    assert all(column in printed for column in live_row.HEADINGS.values())
