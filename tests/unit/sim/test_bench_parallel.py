"""`orrery bench parallel`: executors beside plain processes, ratio first."""

import pytest
from rich.console import Console

from bench import command, parallel_row


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small sizes on this side; the plain processes do the whole of their parts."""
    sizes = {"RECOVERED": 100, "CALLS": 8, "TURNS": 50, "SHORT_CALLS": 8, "TRANSFERS": 40}
    for name, value in sizes.items():
        monkeypatch.setattr(parallel_row, name, value)


@pytest.mark.parametrize(
    ("case", "executor", "compared_with"),
    [
        ("recovery", "threads", "plain"),
        pytest.param("calls", "processes:optimistic", "plain", marks=pytest.mark.slow),
        pytest.param("short", "processes:critical-path", "serial", marks=pytest.mark.slow),
        pytest.param("transfers", "adaptive", "serial", marks=pytest.mark.slow),
    ],
)
def test_a_row_begins_with_what_it_is_compared_with(
    case: str, executor: str, compared_with: str, capsys: pytest.CaptureFixture[str]
) -> None:
    row = parallel_row.run(case, executor, 1)
    assert (row["compared_with"], row["bound"]) == (compared_with, 2.0)
    assert all(isinstance(row[name], float) for name in ("ratio", "speed_up", "plain_speed_up"))
    machine = {"processor": "a processor", "python": "3.11"}
    command.show("parallel", {"machine": machine, "rows": [row]}, Console(width=80))
    printed = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["ratio"] in [words[:1] for words in printed]
    assert not any("…" in word for words in printed for word in words)


def test_a_part_is_done_once_for_each_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", ["go\n", "go\n"])
    parallel_row.do_part("transfers", 1)
    assert capsys.readouterr().out.split() == ["ready", "done", "done"]
