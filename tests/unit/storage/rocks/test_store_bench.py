"""The row of `orrery bench store`, small."""

import pytest
from rich.console import Console

from bench import command, store_row
from bench.rows import measure

FACTS = {"processor": "a processor", "python": "3.11"}


def test_a_row_compares_a_profile_with_the_defaults() -> None:
    row = measure("bench.store_row", {"profile": "small", "entries": 12_000, "reads": 500})
    assert (row["profile"], row["entries"]) == ("small", 12_000)
    assert all(row[name] > 0 for name in row if name.endswith(("_ratio", "_us")))
    assert 60 < row["disk_bytes_per_entry"] < 200


def test_each_profile_has_its_row(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(store_row, "ENTRIES", 6_000)
    monkeypatch.setattr(store_row, "PROFILES", ("small",))
    command.show("store", {"machine": FACTS, **store_row.bench_store()}, Console(width=80))
    printed = capsys.readouterr().out
    assert "put ratio" in printed
    assert "disk bytes" in printed
    assert printed.index("put ratio") < printed.index("put us")
