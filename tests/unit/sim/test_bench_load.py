"""The benchmark of the load client does what its table says."""

import pytest
from rich.console import Console

from bench import command, load_row


def test_every_step_is_timed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(load_row, "TRANSACTIONS", 200)
    monkeypatch.setattr(load_row, "ACCOUNTS", 50)
    monkeypatch.setattr(load_row, "BLOCK", 100)
    monkeypatch.setattr(load_row, "ROUNDS", 1)
    rows = load_row.rows()
    assert len(rows) == 5
    assert all(row["client_us"] > 0 for row in rows)
    machine = {"processor": "a processor", "python": "3.11"}
    command.show("load", {"machine": machine, "rows": rows}, Console(width=300))
    printed = capsys.readouterr().out
    assert "sign (in the signing process)" in printed
    assert all(column in printed for column in load_row.HEADINGS.values())
