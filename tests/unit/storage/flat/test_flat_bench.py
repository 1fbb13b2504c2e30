"""The row of `orrery bench flat`, small."""

import pytest
from rich.console import Console

from bench import command, flat_row

FACTS = {"processor": "a processor", "python": "3.11"}


def test_reads_and_rows_are_timed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for constant, value in (("ACCOUNTS", 200), ("READS", 100), ("PAYMENTS", 20), ("ROUNDS", 2)):
        monkeypatch.setattr(flat_row, constant, value)
    report = flat_row.bench_flat()
    (row,) = report["rows"]
    assert row["records"] == 2 * row["payments"] + 3, "history, head, and no index"
    assert all(row[name] > 0 for name in row if name.endswith(("_ns", "_us", "_ratio", "_ms")))
    command.show("flat", {"machine": FACTS, **report}, Console(width=80))
    assert "slot load us" in capsys.readouterr().out
