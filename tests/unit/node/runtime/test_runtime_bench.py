"""The rows of `orrery bench runtime`, small: what is claimed that no clock can change."""

import pytest
from rich.console import Console

from bench import command, runtime_row
from bench.rows import measure


@pytest.mark.parametrize("workers", [0, 1])
def test_a_row_counts_the_payments_that_became_final(workers: int) -> None:
    row = measure("bench.runtime_row", {"nodes": 1, "workers": workers, "payments": 6_000})
    assert set(runtime_row.HEADINGS) <= set(row)
    assert 0 < row["payments"] <= 6_000 * (1 - runtime_row.WARM_UP)
    parts = ("turns_us", "block_jobs_us", "check_jobs_us", "commit_us")
    assert all(row[part] > 0 for part in parts)


def test_its_table_can_be_shown(capsys: pytest.CaptureFixture[str]) -> None:
    row = dict.fromkeys(runtime_row.HEADINGS, 1)
    facts = {"processor": "a processor", "python": "3.11"}
    command.show("runtime", {"machine": facts, "rows": [row]}, Console(width=160))
    assert "per s of 2 cores" in capsys.readouterr().out
