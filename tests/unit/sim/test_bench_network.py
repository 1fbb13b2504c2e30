"""The benchmarks of compact blocks and of announcements do what their tables say."""

import pytest
from rich.console import Console

from bench import announcements_row, command, compact_row, reconcile_row


@pytest.mark.parametrize("held", [100, 90])
def test_a_compact_block_is_weighed_and_timed(held: int) -> None:
    row = compact_row.run(1_000, held, rounds=1)
    assert (row["transactions"], row["pool"], row["held_percent"]) == (500, 1_000, held)
    assert 500 * 6 < row["compact_bytes"] < 500 * 6 + 800
    assert row["full_bytes"] > 55_000
    missing = 500 * (100 - held) // 100
    assert missing * 100 <= row["fetched_bytes"] <= missing * 140
    assert row["siphash_ns"] > 0
    assert row["match_ns"] > 0
    assert isinstance(row["rebuild_ms"], float)


def test_every_policy_brings_every_transaction_to_every_node() -> None:
    rows = {
        policy: reconcile_row.run(policy, rate=50, seconds=2)
        for policy in ("flood", "flood-unheard", "reconcile-1")
    }
    flood, unheard, reconciled = rows.values()
    assert unheard["announced_bytes"] < flood["announced_bytes"]
    assert unheard["learnt_max_seconds"] == flood["learnt_max_seconds"]
    assert reconciled["announced_bytes"] < unheard["announced_bytes"]
    assert reconciled["learnt_p50_seconds"] > flood["learnt_p50_seconds"]
    assert flood["rounds"] == 0 < reconciled["rounds"]
    assert reconcile_row.run("flood", rate=50, seconds=2) == flood


def test_the_ways_of_transactions_are_weighed_in_whole_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(announcements_row, "RATE", 20)
    monkeypatch.setattr(announcements_row, "SECONDS", 7)
    monkeypatch.setattr(announcements_row, "LOAD_SECONDS", 2)
    ways = ("announce", "mesh", "reconcile, 1 at once")
    announced, meshed, reconciled = (announcements_row.run(12, 6, way) for way in ways)
    assert 0 < reconciled["telling_bytes"] < announced["telling_bytes"]
    assert reconciled["had_p50_ms"] > announced["had_p50_ms"] > meshed["had_p50_ms"] > 0
    assert meshed["telling_bytes"] < 20
    assert meshed["body_bytes"] > announced["body_bytes"]


def test_the_tables_have_their_columns(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(reconcile_row, "RATES", (5,))
    monkeypatch.setattr(reconcile_row, "FANOUTS", (2,))
    report = reconcile_row.bench_reconcile()
    machine = {"processor": "a processor", "python": "3.11"}
    command.show("reconcile", {"machine": machine, **report}, Console(width=300))
    printed = capsys.readouterr().out
    assert "reconcile-2" in printed
    assert all(column in printed for column in reconcile_row.HEADINGS.values())
