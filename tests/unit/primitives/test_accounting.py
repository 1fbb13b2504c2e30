"""Bytes by subsystem: read at a sample, with the most that any sample saw."""

import pytest

from primitives.accounting import Accounting, SubsystemBytes
from primitives.errors import InvalidInput


def test_a_sample_reads_all_and_keeps_the_peaks() -> None:
    held = {"pool": 5, "store": 1}
    accounting = Accounting()
    for name in ("pool", "store"):
        accounting.probe(name, lambda name=name: held[name])  # type: ignore[misc]
    assert accounting.rows() == ()
    accounting.sample()
    held.update(pool=3, store=4)
    rows = accounting.sample()
    assert rows == (SubsystemBytes("pool", 3, 5), SubsystemBytes("store", 4, 4))
    held.update(pool=9)
    assert accounting.rows() == rows


def test_a_name_stands_once() -> None:
    accounting = Accounting()
    accounting.probe("pool", lambda: 1)
    with pytest.raises(InvalidInput, match="each name once"):
        accounting.probe("pool", lambda: 2)
