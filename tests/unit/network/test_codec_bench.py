"""The rows of `orrery bench codec`, small, and what they claim that no clock can change."""

import pytest
from rich.console import Console

from bench import codec_material, codec_row, command
from bench.codec_row import PARTS, table_row
from bench.rows import measure
from primitives.transaction import decode_transaction
from tests.vectors import vectors_directory


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for constant, value in (("ROUNDS", 1), ("FRAMES", 1_000), ("TRANSACTIONS", 60)):
        monkeypatch.setattr(codec_row, constant, value)
    monkeypatch.setattr(codec_row, "SAMPLES", 100)
    monkeypatch.setattr(codec_row, "MEBIBYTE", 1 << 18)


@pytest.mark.parametrize("part", PARTS)
def test_each_part_has_rows_of_one_form(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORRERY_VECTORS", "/nowhere")
    if part == "socket":  # it forks, which is for a process of its own
        rows = measure("bench.codec_row", {"part": part})["rows"]
    else:
        rows = codec_row.run(part)["rows"]
    assert isinstance(rows, list)
    assert rows
    assert all(set(row) == set(codec_row.HEADINGS) for row in rows)
    assert all(0 < row["wire_percent"] <= 101 for row in rows)


def test_a_table_can_be_shown(capsys: pytest.CaptureFixture[str]) -> None:
    facts = {"processor": "a processor", "python": "3.11"}
    rows = [table_row("frames", "a vote", 158, (1e-6, 2e-6))]
    assert (rows[0]["out_rate"], rows[0]["in_rate"], rows[0]["rate_unit"]) == (1_000, 500, "k/s")
    command.show("codec", {"machine": facts, "rows": rows}, Console(width=100))
    assert "wire %" in capsys.readouterr().out


def test_large_items_have_a_rate_of_bytes() -> None:
    (row,) = [table_row("frames", "a block", 1_000_000, (1e-3, 2e-3))]
    assert (row["out_rate"], row["in_rate"], row["rate_unit"]) == (1_000, 500, "MB/s")


@pytest.mark.parametrize("name", codec_material.WORKLOADS)
def test_generated_transactions_are_signed_ones(name: str) -> None:
    raws = codec_material.signed(name, 20)
    assert len(raws) == len(set(raws)) == 20
    assert all(decode_transaction(raw).r > 0 for raw in raws)


def test_signed_transfers_save_what_real_ones_save(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than a fifth would mean that the data are unreal."""
    monkeypatch.setenv("ORRERY_VECTORS", "/nowhere")
    monkeypatch.setattr(codec_row, "TRANSACTIONS", 500)
    rows = {row["what"]: row["wire_percent"] for row in codec_row.compression_rows()}
    assert 82 <= rows["transfers, 500: zstd 3"] <= 90
    assert rows["token transfers, 500: zstd 3"] < 70


def test_a_dictionary_is_what_makes_small_calls_shorter() -> None:
    rows = {row["what"]: row["wire_percent"] for row in codec_row.dictionary_rows()}
    plain, trained = (
        rows[f"PooledTransactions, a call: zstd 3{more}"] for more in ("", ", dictionary")
    )
    assert trained < plain - 10
    assert rows["Prepare: zstd 3, dictionary"] > 95, "hashes and signatures are what they are"


def test_blocks_of_mainnet_are_measured_where_they_are() -> None:
    found = codec_material.mainnet()
    folders = sorted((vectors_directory() / "blocks").glob("*"))
    assert list(found) == [f"mainnet {folder.name}" for folder in folders]
    assert all(found.values())
