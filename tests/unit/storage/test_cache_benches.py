"""The rows of `orrery bench cache`, `cache-speed` and `cache-levels`."""

import gzip
from pathlib import Path

import pytest
from rich.console import Console

from bench import cache_levels_row, cache_row, command
from primitives.errors import InvalidInput
from storage.cache import POLICIES

FACTS = {"processor": "a processor", "python": "3.11"}


def test_each_trace_has_a_row_beside_the_optimum(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "caches").mkdir()
    loop = b"".join(b"%d\n" % (number % 10) for number in range(1_000))
    (tmp_path / "caches" / "round.trace.gz").write_bytes(gzip.compress(loop))
    monkeypatch.setenv("ORRERY_VECTORS", str(tmp_path))
    report = cache_row.bench_cache()
    assert [row["trace"] for row in report["rows"]][:2] == ["round", "mean at 5 %"]
    last = report["rows"][-2]
    assert (last["requests"], last["distinct"], last["entries"]) == (1_000, 10, 2)
    # Of ten keys in a circle two can be kept: two hits in each round but the first.
    assert (last["lru"], last["optimum"], last["no_worse"]) == (0, 0.198, "yes")
    command.show("cache", {"machine": FACTS, **report}, Console(width=80))
    assert "Belady" in capsys.readouterr().out


def test_without_traces_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORRERY_VECTORS", str(tmp_path))
    with pytest.raises(InvalidInput, match="ORRERY_VECTORS"):
        cache_row.run([10])


def test_every_structure_is_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    for constant, value in (("ENTRIES", (100, 1_000)), ("READS", 500), ("ROUNDS", 2)):
        monkeypatch.setattr(cache_row, f"SPEED_{constant}", value)
    rows = cache_row.bench_cache_speed()["rows"][-5:]
    assert [row["structure"] for row in rows] == ["dict", *POLICIES, "relinking"]
    assert rows[0]["hit_ratio"] == 1
    assert all(row["hit_ns"] > 0 and row["entry_bytes"] > 20 for row in rows)


@pytest.mark.parametrize("kind", cache_row.LEVEL_KINDS)
def test_two_levels_keep_more_and_hit_less_in_the_first(kind: str) -> None:
    rows = cache_levels_row.run(kind, 2_000, 4_000)["rows"]
    assert isinstance(rows, list)
    single, *double = rows
    assert single["encoded_rate"] == 0
    assert single["decoded_rate"] + single["loads_rate"] == pytest.approx(1, abs=0.001)
    assert all(row["entries"] > single["entries"] for row in double)
    assert all(row["decoded_rate"] < single["decoded_rate"] for row in double)


def test_a_second_level_pays_where_loads_cost_more_than_it_does() -> None:
    single = {"loads_rate": 0.3, "read_us": 2.0}
    assert cache_levels_row.pays_above({"loads_rate": 0.2, "read_us": 5.0}, single) == "30.0"
    assert cache_levels_row.pays_above({"loads_rate": 0.4, "read_us": 5.0}, single) == "never"
    assert cache_levels_row.pays_above({"loads_rate": 0.2, "read_us": 1.0}, single) == "0.0"
