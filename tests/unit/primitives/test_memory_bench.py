"""The rows of `orrery bench memory`, and what they claim that no clock can change."""

import pytest
from rich.console import Console

from bench import command, memory_row
from bench.memory_row import PARTS, network_memory, pair

SMALL = {"nodes": 4, "batch": 20, "rate": 100, "seconds": 1}


@pytest.mark.parametrize("part", [name for name in PARTS if name != "views"])
def test_each_part_has_rows_of_one_form(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_row, "ROUNDS", 1)
    monkeypatch.setattr(memory_row, "VALUES", 20)
    monkeypatch.setenv("ORRERY_VECTORS", "/nowhere")
    rows = memory_row.run(part)["rows"]
    assert isinstance(rows, list)
    assert rows
    assert all(set(row) == set(memory_row.HEADINGS) for row in rows)
    assert all(row["kept"] in ("yes", "no", "option") for row in rows)


def test_a_table_can_be_shown(capsys: pytest.CaptureFixture[str]) -> None:
    facts = {"processor": "a processor", "python": "3.11"}
    rows = [pair("arena", "a block", 1.0, 2.0, "us", "no")]
    command.show("memory", {"machine": facts, "rows": rows}, Console(width=100))
    assert "plain / with" in capsys.readouterr().out


def test_packing_shortens_code_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_row, "ROUNDS", 1)
    monkeypatch.setenv("ORRERY_VECTORS", "/nowhere")
    rows = memory_row.compression_rows()
    assert [row["kept"] for row in rows] == ["no", "no", "option"]


def test_views_of_small_items_take_more_memory_than_the_items() -> None:
    (_, size) = memory_row.arena_rows()
    assert size["better"] > size["plain"]


def test_interning_changes_nothing_that_a_run_shows() -> None:
    plain, shared = (network_memory(SMALL, interning=each) for each in (False, True))
    assert plain["digest"] == shared["digest"]
    assert plain["subsystems"]["interned"] == 0 < shared["subsystems"]["interned"]
    assert plain["subsystems"]["stores"] == shared["subsystems"]["stores"]
