"""The rows of `orrery bench transport`, small: what is claimed that no clock can change."""

import pytest
from rich.console import Console

from bench import command, transport_row
from bench.rows import measure


@pytest.mark.parametrize("case", transport_row.CASES)
def test_each_case_has_a_row(case: str) -> None:
    loop = "uvloop" if case == transport_row.CASES[0] else "asyncio"
    row = measure("bench.transport_row", {"case": case, "loop": loop, "count": 60})
    assert (row["transported"], row["loop"]) == (case, loop)
    assert row["per_core_second"] > 0
    assert set(transport_row.HEADINGS) <= set(row)


def test_its_votes_are_signed() -> None:
    first = transport_row.votes()[0]
    meter = transport_row.Meter(1, verified=True)
    meter.on_message(transport_row.SENDER, first, 100)
    assert meter.done.is_set()
    false = type(first)(*[getattr(first, name) for name in first.__struct_fields__[:-1]], bytes(64))
    with pytest.raises(AssertionError, match="does not verify"):
        transport_row.Meter(1, verified=True).on_message(transport_row.SENDER, false, 100)


def test_its_table_can_be_shown(capsys: pytest.CaptureFixture[str]) -> None:
    row = dict.fromkeys(transport_row.HEADINGS, 1)
    facts = {"processor": "a processor", "python": "3.11"}
    command.show("transport", {"machine": facts, "rows": [row]}, Console(width=120))
    assert "received over TLS" in capsys.readouterr().out
