"""The benchmarks measure what they say: textbook counts, real rows, no path of their own."""

import json
import re
from argparse import Namespace
from pathlib import Path

import pytest
from rich.console import Console

from bench import (
    batching_row,
    certificates_row,
    command,
    complexity_row,
    consensus_row,
    gossip_row,
    graph_row,
    state_root_row,
    transfers_row,
    view_change_row,
    wan_row,
)
from bench.headings import HEADINGS
from bench.rows import BenchFailed, measure
from primitives.errors import InvalidInput
from primitives.params import CertificateForm
from sim.cli import main


@pytest.mark.parametrize("signatures", ["modelled", "real"])
def test_ten_decisions_take_exactly_the_textbook_number_of_messages(signatures: str) -> None:
    row = consensus_row.run(7, 10, signatures)
    assert row["messages"] == 10 * 2 * 7 * 6
    assert row["signatures"] == signatures


def test_a_state_root_is_timed_beside_the_plain_trie() -> None:
    row = state_root_row.run(accounts=2_000, changed=50, blocks=2)
    assert (row["accounts"], row["changed"]) == (2_000, 50)
    assert 0 < row["root_milliseconds"] <= row["root_milliseconds_max"]  # type: ignore[operator]
    assert row["plain_ratio"] > 1  # type: ignore[operator]


def test_payments_are_timed_whole_and_by_part() -> None:
    row = transfers_row.run(accounts=40, transactions=10, blocks=1)
    assert (row["accounts"], row["transactions"]) == (40, 10)
    assert row["known_per_second"] > row["recovered_per_second"] > 0  # type: ignore[operator]
    assert all(row[f"{part}_us"] > 0 for part in transfers_row.PARTS)  # type: ignore[operator]


@pytest.mark.parametrize("pattern", graph_row.PATTERNS)
def test_a_graph_is_timed_beside_networkx(pattern: str) -> None:
    row = graph_row.run(pattern, 500, 1)
    assert row["transactions"] == 500
    assert 900 < row["accesses"] <= 1_500 or pattern == "payments"  # type: ignore[operator]
    assert row["build_ms"] + row["schedule_ms"] == pytest.approx(row["total_ms"], abs=0.02)  # type: ignore[operator]
    assert (row["edges"] == 0) == (pattern == "none")
    assert row["networkx_build_ms"] > 0  # type: ignore[operator]


def test_the_graph_table_has_a_row_for_each_pattern_and_size(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "GRAPH_TRANSACTIONS", (50,))
    monkeypatch.setattr(command, "GRAPH_ROUNDS", 1)
    report = {"machine": {"processor": "a processor", "python": "3.11"}, **command.bench_graph()}
    command.show("graph", report, Console(width=140))
    printed = capsys.readouterr().out
    assert all(pattern in printed for pattern in graph_row.PATTERNS)
    assert "networkx ms" in printed


def test_gossip_reaches_every_node() -> None:
    row = gossip_row.run(24, 3)
    assert row["blocks"] == 3
    messages = row["messages"]
    assert isinstance(messages, int)
    assert messages > 3 * 20
    wall, cpu = row["wall_seconds"], row["cpu_seconds"]
    assert isinstance(wall, float)
    assert isinstance(cpu, float)
    assert cpu > 0


def test_one_decision_of_a_large_committee_takes_two_n_squared_messages() -> None:
    row = consensus_row.run(40, 1, "modelled")
    assert row["messages"] == 2 * 40 * 39
    assert row["decisions"] == 1


def test_blocks_around_the_world_are_full() -> None:
    row = wan_row.run(nodes=7, seconds=2, batch=20, rate=400)
    assert row["transactions_per_block"] == 20
    blocks, per_second = row["blocks"], row["transactions_per_second"]
    assert isinstance(blocks, int)
    assert per_second == blocks * 20 / 2
    messages, wall = row["messages"], row["wall_seconds"]
    assert isinstance(messages, int)
    assert messages > blocks * 2 * 7 * 6
    assert isinstance(wall, float)
    assert row["wall_per_virtual_second"] == pytest.approx(wall / 2, abs=0.001)


def test_a_dead_primary_is_replaced_and_all_others_go_on() -> None:
    row = view_change_row.run(nodes=7, rate=60, signatures="modelled")
    assert row["view"] == 1
    spans = [row[f"{what}_seconds"] for what in ("patience", "new_view", "next_commit")]
    assert spans == sorted(spans)  # type: ignore[type-var]
    assert row["next_commit_seconds"] <= row["everywhere_seconds"] < 10  # type: ignore[operator]
    again = view_change_row.run(nodes=7, rate=60, signatures="modelled")
    assert again["digest"] == row["digest"]


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("thousand", {"THOUSAND": 5}),
        ("wan", {"WAN_NODES": 5, "WAN_BLOCK": 10, "WAN_RATE": 200, "WAN_SECONDS": 1}),
        ("view-change", {"VIEW_CHANGE_NODES": 5, "VIEW_CHANGE_RATE": 30}),
    ],
)
def test_each_benchmark_has_its_table(
    name: str,
    sizes: dict[str, int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for constant, value in sizes.items():
        monkeypatch.setattr(command, constant, value)
    report = {"machine": {"processor": "a processor", "python": "3.11"}, **command.BENCHES[name]()}
    assert all(row["nodes"] == 5 and row["peak_memory_bytes"] > 1 << 20 for row in report["rows"])
    command.show(name, report, Console(width=100))
    printed = capsys.readouterr().out
    assert "wall" in printed
    assert "MiB" in printed


def test_batching_figures_stand_beside_those_of_large_batches() -> None:
    options = {"nodes": 4, "rate": 20, "seconds": 3}
    rows = [batching_row.run(policy, **options) for policy in batching_row.POLICIES]
    assert rows[2] == batching_row.run("adaptive", **options), "nothing depends on the machine"
    small, large, adaptive = command.batching_ratios(rows)
    assert (large["latency_ratio"], large["throughput_ratio"]) == (1.0, 1.0)
    assert small["latency_ratio"] < 1 > adaptive["latency_ratio"]
    assert small["blocks"] > adaptive["blocks"] > large["blocks"]


def test_the_batching_table_has_a_row_for_each_policy_and_load(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for constant, value in (("NODES", 4), ("RATES", (20,)), ("SECONDS", 1)):
        monkeypatch.setattr(command, f"BATCHING_{constant}", value)
    report = {"machine": {"processor": "a processor", "python": "3.11"}, **command.bench_batching()}
    assert [row["policy"] for row in report["rows"]] == list(batching_row.POLICIES)
    command.show("batching", report, Console(width=120))
    assert "p50 ratio" in capsys.readouterr().out


def test_a_row_runs_in_a_process_of_its_own() -> None:
    row = measure("bench.consensus_row", {"nodes": 4, "decisions": 2, "signatures": "modelled"})
    assert row["messages"] == 2 * 2 * 4 * 3
    assert row["peak_memory_bytes"] > 1 << 20
    assert row["deliveries_per_second"] > 0


def test_a_row_that_fails_says_why() -> None:
    with pytest.raises(BenchFailed, match="unexpected keyword argument 'knots'"):
        measure("bench.consensus_row", {"knots": 4})


def test_help_names_each_benchmark(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["bench", "--help"])
    words = re.findall(r"[a-z-]+", capsys.readouterr().out)
    assert [name for name in command.BENCHES if name not in words] == []


def test_an_unknown_benchmark_is_refused() -> None:
    with pytest.raises(
        InvalidInput, match=r"one of consensus, gossip, .*, view-change, .*, got 'gosip'"
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


@pytest.mark.parametrize("form", ["ed25519", "bls"])
def test_certificates_are_measured_beside_the_library(form: CertificateForm) -> None:
    row = certificates_row.run(4, 0.05, form)
    assert (row["nodes"], row["quorum"], row["certificates"]) == (4, 3, form)
    for figure in ("certificates_per_second", "checks_per_second", "library_checks_per_second"):
        rate = row[figure]
        assert isinstance(rate, int | float)
        assert rate > 0


def test_the_table_of_certificates_has_the_sizes_that_are_measured(repository: Path) -> None:
    text = (repository / "docs" / "guides" / "certificates.md").read_text(encoding="utf-8")
    for nodes in (4, 16, 64, 100):
        rows = [certificates_row.run(nodes, 0.01, form) for form in ("ed25519", "bls")]
        sizes = " | ".join(f"{row['certificate_bytes']:,}" for row in rows)
        assert f"| {nodes} | {rows[0]['quorum']} | {sizes} |" in text, "run `orrery bench`"


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


def test_a_table_wider_than_the_terminal_loses_no_figure(
    capsys: pytest.CaptureFixture[str],
) -> None:
    row = {name: 123_456 + place for place, name in enumerate(HEADINGS)}
    row.pop("peak_memory_bytes")
    facts = {"processor": "a processor", "python": "3.11"}
    command.show("graph", {"machine": facts, "rows": [row]}, Console(width=80))
    printed = capsys.readouterr().out
    assert "\u2026" not in printed
    assert all(f"{value:,}" in printed for value in row.values())


def test_reports_without_a_heap_loop_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    facts = {"processor": "a processor", "python": "3.11"}
    row = complexity_row.run(4, 2)
    command.show("complexity", {"machine": facts, "rows": [row]}, Console(width=80))
    printed = capsys.readouterr().out
    assert "messages" in printed
    assert "heap" not in printed
