"""The rows of `orrery bench commit`, `commit-groups` and `commit-loop`, small."""

from pathlib import Path

import pytest
from rich.console import Console

from bench import command, commit_loop_row, commit_row
from bench.rows import measure
from storage.rocks import CommitterStopped, StoreFailed
from storage.rocks.log_sync import LogSync

FACTS = {"processor": "a processor", "python": "3.11"}
PARTS = ("build_ms", "gather_ms", "write_ms", "sync_ms", "commit_ms", "rocksdb_ms")


@pytest.mark.parametrize("case", [commit_row.PUTS_ONLY, commit_row.NO_TRIE, commit_row.WHOLE])
def test_a_block_is_timed_in_parts(
    case: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(commit_row, "TRANSFERS", 50)
    monkeypatch.setattr(commit_row, "PUTS", 300)
    row = commit_row.run(case, "small", accounts=500, blocks=6)
    assert row["blocks"] == 6
    assert all(row[part] > 0 for part in PARTS if part != "build_ms")
    assert (row["build_ms"] > 0) == (case != commit_row.PUTS_ONLY)
    assert row["amplification"] >= 1
    assert row["state_amplification"] >= row["amplification"]
    if case != commit_row.PUTS_ONLY:
        assert row["rows_per_block"] > 100 * (1 if case == commit_row.WHOLE else 0.9)
    command.show("commit", {"machine": FACTS, "rows": [row]}, Console(width=80))
    assert "written/state" in capsys.readouterr().out


def test_nobody_waits_for_batches_that_failed(tmp_path: Path, monkeypatch) -> None:
    def fails(logs: LogSync) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(LogSync, "sync", fails)
    with pytest.raises((CommitterStopped, StoreFailed), match="Input/output error"):
        commit_loop_row.groups(tmp_path, 1, 50)


def test_groups_save_syncs(tmp_path: Path) -> None:
    one = commit_loop_row.groups(tmp_path / "one", 1, 50)
    many = commit_loop_row.groups(tmp_path / "many", 16, 200)
    assert one["syncs_per_commit"] == 1
    assert many["syncs_per_commit"] < 1
    assert min(one["group_ratio"], many["group_ratio"]) > 0


@pytest.mark.parametrize("how", commit_loop_row.HOW)
def test_a_loop_is_watched_while_blocks_are_committed(how: str) -> None:
    row = measure("bench.commit_loop_row", {"how": how, "puts": 100, "blocks": 5})
    assert row["ticks"] > 5
    assert row["late_ms_p50"] <= row["late_ms_p90"] <= row["late_ms_p99"] <= row["late_ms_max"]
