"""A snapshot that several threads read at once."""

from pathlib import Path

from primitives.machine import Record
from storage.rocks import RocksStore, profile
from tests.unit.storage.threads import together

TABLES = ("state.accounts", "state.storage")
ROWS = 200


def test_scans_on_several_threads_do_not_move_each_other(tmp_path: Path) -> None:
    rows = {
        table: [(number.to_bytes(4, "big"), b"%d" % number) for number in range(ROWS)]
        for table in TABLES
    }
    with RocksStore(tmp_path / "store", profile("small")) as store:
        store.write([Record(table, key, value) for table in TABLES for key, value in rows[table]])
        snapshot = store.snapshot()

        def scan(number: int) -> bool:
            table, first = TABLES[0], number * 10
            start = rows[table][first][0]
            return all(list(snapshot.scan(table, start)) == rows[table][first:] for _ in range(40))

        assert all(together(4, scan))
        snapshot.release()
