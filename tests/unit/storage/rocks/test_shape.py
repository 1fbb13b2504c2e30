"""What a store says of its own build agrees with what lies in its directory."""

from pathlib import Path

import pytest

from primitives.keccak import keccak256
from primitives.machine import Record
from storage.rocks import PROFILES, RocksStore
from storage.rocks.schema import Family
from storage.rocks.written import Written, written

ACCOUNTS = "state.accounts"


def fill(store: RocksStore, times: int, rows: int = 200) -> None:
    for time in range(times):
        store.write(
            Record(ACCOUNTS, keccak256(b"%d" % row)[:20], keccak256(b"%d/%d" % (time, row)))
            for row in range(rows)
        )


def test_levels_count_what_is_written_and_merging_leaves_what_is_there(tmp_path: Path) -> None:
    with RocksStore(tmp_path, PROFILES["small"]) as store:
        assert [shape for shape in store.shapes() if shape.family == "accounts"] == []
        fill(store, 3)
        store.write(Record(ACCOUNTS, keccak256(b"%d" % row)[:20], None) for row in range(50))
        store.compact()
        (shape,) = [each for each in store.shapes() if each.family == Family.ACCOUNTS.value]
        assert (shape.files, shape.rows, shape.deletions) == (1, 150, 0)
        # The table's number, an address and 8 bytes of RocksDB's own; 32 bytes of value.
        assert shape.row_bytes == 150 * (21 + 8 + 32)
        table = max(each.stat().st_size for each in tmp_path.glob("*.sst"))
        assert 0.8 * table < shape.bytes <= table


def test_the_log_tells_flushes_from_merges(tmp_path: Path) -> None:
    with RocksStore(tmp_path, PROFILES["small"]) as store:
        fill(store, 1)
        store.compact()
        once = written(tmp_path)
        fill(store, 1)
        store.compact()
    twice = written(tmp_path)
    assert once is not None
    assert twice is not None
    assert once.flushed_row_bytes >= 200 * (20 + 32)
    assert twice.flushed_row_bytes >= 2 * 200 * (20 + 32)
    assert twice.merged_table_bytes > once.merged_table_bytes
    assert twice.amplification is not None
    assert twice.amplification > 2


def test_amplification_counts_the_log_and_every_table() -> None:
    assert Written(100, 80, 70).amplification == pytest.approx(2.5)
    assert Written(0, 0, 0).amplification is None


def test_without_a_log_nothing_is_told(tmp_path: Path) -> None:
    assert written(tmp_path) is None
    (tmp_path / "LOG").write_text("EVENT_LOG_v1 {not json\n... EVENT_LOG_v1 [1]\n")
    assert written(tmp_path) == Written(0, 0, 0)
