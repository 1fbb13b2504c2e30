"""What is printed of results fits where it is read, and no figure of it is cut."""

import pytest

from sim.cli.summary import output_console, show_intervals, show_result
from sim.report.result import Expectation, RunResult
from sim.scenario import decode_table
from tests.unit.sim.cli_results import result_of

DIGEST = "".join(f"{number:02x}" for number in range(16))
REPLAY = "orrery run small.toml --set " + "expect.min_tps=500 " * 10


def result(seed: int) -> RunResult:
    table: dict[str, object] = {
        "name": "small",
        "duration": "30s",
        "network": {"validators": 4},
        "workload": {"rate": 1.0},
    }
    failed = (Expectation("min_tps", passed=False, detail="at least 500, reached 107"),)
    return result_of(
        decode_table(table), seed, expectations=failed, digest=DIGEST, replay=REPLAY.strip()
    )


def is_of_the_table(line: str) -> bool:
    return line.startswith(("┏", "┃", "┡", "│", "└"))


@pytest.fixture(params=[30, 60, 140])
def columns(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("COLUMNS", str(request.param))
    return int(request.param)


def test_a_result_fits_and_shows_its_digest_whole(
    columns: int, capsys: pytest.CaptureFixture[str]
) -> None:
    show_result(result(7), output_console())
    lines = capsys.readouterr().out.splitlines()
    table = [line for line in lines if is_of_the_table(line)]
    assert max(len(line) for line in table) <= columns
    shown = "".join(row.split("│")[2].strip() for row in table if row.startswith("│"))
    assert shown.endswith(DIGEST)
    assert f"replay: {REPLAY.strip()}" in lines


def test_intervals_fit(columns: int, capsys: pytest.CaptureFixture[str]) -> None:
    show_intervals([result(1), result(2)], output_console())
    lines = capsys.readouterr().out.splitlines()
    table = [line for line in lines if is_of_the_table(line)]
    assert len(table) > 5
    assert max(len(line) for line in table) <= columns
    assert "…" not in "".join(table)
    assert lines.count(f"replay: {REPLAY.strip()}") == 2


@pytest.mark.parametrize("text", ["0", "wide", ""])
def test_a_pipe_has_a_hundred_columns_where_nobody_says_how_many(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("COLUMNS", text)
    assert output_console().width == 100
