"""The benchmarks measure what they say: textbook counts, real rows, no path of their own."""

import json
from argparse import Namespace

import pytest
from rich.console import Console

from bench import command, consensus_row, gossip_row
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
    with pytest.raises(InvalidInput, match="one of consensus, gossip, got 'gosip'"):
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
