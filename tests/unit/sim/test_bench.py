"""The benchmarks measure what they say: textbook counts, real rows, no path of their own."""

import json
from argparse import Namespace
from pathlib import Path

import pytest
from rich.console import Console

from bench import certificates_row, command, complexity_row, consensus_row, gossip_row
from bench.rows import BenchFailed, measure
from primitives.errors import InvalidInput


@pytest.mark.parametrize("signatures", ["modelled", "real"])
def test_ten_decisions_take_exactly_the_textbook_number_of_messages(signatures: str) -> None:
    row = consensus_row.run(7, 10, signatures)
    assert row["messages"] == 10 * 2 * 7 * 6
    assert row["signatures"] == signatures


def test_gossip_reaches_every_node() -> None:
    row = gossip_row.run(24, 3)
    assert row["blocks"] == 3
    messages = row["messages"]
    assert isinstance(messages, int)
    assert messages > 3 * 20


def test_a_row_runs_in_a_process_of_its_own() -> None:
    row = measure("bench.consensus_row", {"nodes": 4, "decisions": 2, "signatures": "modelled"})
    assert row["messages"] == 2 * 2 * 4 * 3
    assert row["peak_memory_bytes"] > 1 << 20
    assert row["deliveries_per_second"] > 0


def test_a_row_that_fails_says_why() -> None:
    with pytest.raises(BenchFailed, match="unexpected keyword argument 'knots'"):
        measure("bench.consensus_row", {"knots": 4})


def test_an_unknown_benchmark_is_refused() -> None:
    with pytest.raises(
        InvalidInput, match="one of consensus, gossip, certificates, complexity, got 'gosip'"
    ):
        command.command(Namespace(names=["gosip"], json=False))


def test_json_has_the_rows_and_the_heap_loop(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "COMMITTEES", (4,))
    assert command.command(Namespace(names=["consensus"], json=True)) == 0
    report = json.loads(capsys.readouterr().out)
    assert [row["signatures"] for row in report["rows"]] == ["modelled", "real"]
    assert {
        *("nodes", "decisions", "messages", "wall_seconds"),
        *("deliveries_per_second", "peak_memory_bytes", "signatures"),
    } <= set(report["rows"][0])
    assert report["bare_heap_operations_per_second"] > 0


def test_the_table_fits_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    row = {
        "nodes": 256,
        "decisions": 10,
        "signatures": "modelled",
        "messages": 1_305_600,
        "wall_seconds": 2.5,
        "cpu_seconds": 2.5,
        "deliveries_per_second": 540_000,
        "peak_memory_bytes": 190 << 20,
    }
    facts = {"processor": "a processor", "python": "3.11"}
    report = {"machine": facts, "rows": [row], "bare_heap_operations_per_second": 1_000_000}
    command.show("consensus", report, Console(width=80))
    printed = capsys.readouterr().out
    for text in ("1,305,600", "540,000", "190 MiB", "modelled", "54%"):
        assert text in printed


def test_certificates_are_measured_beside_the_library() -> None:
    row = certificates_row.run(4, 0.02)
    assert (row["nodes"], row["quorum"]) == (4, 3)
    for figure in ("certificates_per_second", "checks_per_second", "library_checks_per_second"):
        rate = row[figure]
        assert isinstance(rate, int | float)
        assert rate > 0


@pytest.mark.parametrize(("nodes", "quorum"), [(4, 3), (7, 5), (8, 6)])
def test_a_decision_takes_what_the_paper_says(nodes: int, quorum: int) -> None:
    row = complexity_row.run(nodes, 3)
    assert row["quorum"] == quorum
    assert row["messages_per_decision"] == 2 * nodes * (nodes - 1)
    assert row["signatures_per_decision"] == 2 * nodes
    assert row["checks_per_decision"] == 2 * nodes * (quorum - 1)
    assert 0 < row["first_commit_seconds"] <= row["median_commit_seconds"]  # type: ignore[operator]
    assert row["median_commit_seconds"] <= row["last_commit_seconds"] < 1  # type: ignore[operator]


def test_the_table_of_the_guide_is_what_the_benchmark_measures(repository: Path) -> None:
    text = (repository / "docs" / "guides" / "complexity.md").read_text(encoding="utf-8")
    row = complexity_row.run(4, 10)
    shown = next(line for line in text.splitlines() if line.startswith("| 4 |"))
    cells = [cell.strip().replace(",", "") for cell in shown.strip("|").split("|")]
    columns = ("nodes", "quorum", "messages_per_decision", "bytes_per_decision")
    counts = [row[column] for column in (*columns, "signatures_per_decision")]
    assert cells[:5] == [str(count) for count in counts], "run `orrery bench complexity`"


def test_reports_without_a_heap_loop_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    facts = {"processor": "a processor", "python": "3.11"}
    row = complexity_row.run(4, 2)
    command.show("complexity", {"machine": facts, "rows": [row]}, Console(width=80))
    printed = capsys.readouterr().out
    assert "messages" in printed
    assert "heap" not in printed
