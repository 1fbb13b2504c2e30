"""State snapshots: rows of tables in one file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.files import CorruptFile, SnapshotFile, Zstandard, write_snapshot
from storage.files.snapshots import CHUNK_BYTES, Row
from storage.rocks import ForeignStore, StoreError, StoreFull
from tests.unit.storage.files.disk import SmallDisk
from tests.unit.storage.files.samples import records, write

ROWS: dict[str, list[Row]] = {
    "state.accounts": [(number.to_bytes(20, "big"), bytes(70)) for number in range(40_000)],
    "state.code": [],
    "state.storage": [(b"key", b""), (b"", b"value")],
}


def rows(table: str) -> Iterator[Row]:
    return iter(ROWS[table])


def test_rows_come_out_as_they_went_in(tmp_path: Path) -> None:
    path, seen = tmp_path / "state", [("", 0)]
    write_snapshot(
        path,
        tuple(ROWS),
        rows,
        {"height": "7"},
        Zstandard(),
        lambda *each: seen.append(each),
    )
    assert seen[-1] == ("state.storage", 2)
    assert len(seen) > 4, "progress is told after each chunk"
    assert path.stat().st_size < CHUNK_BYTES
    with SnapshotFile(path) as snapshot:
        assert (snapshot.tables, snapshot.metadata) == (tuple(ROWS), {"height": "7"})
        assert {table: list(snapshot.rows(table)) for table in ROWS} == ROWS
        found: dict[str, list[Row]] = {table: [] for table in ROWS}
        for table, chunk in snapshot.chunks():
            found[table] += chunk
        assert found == ROWS
        assert snapshot.verify() == ()
    assert [each.name for each in tmp_path.iterdir()] == ["state"]


def test_a_snapshot_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state"
    SmallDisk(room=2_000).fill(monkeypatch)
    with pytest.raises(StoreFull):
        write_snapshot(path, tuple(ROWS), rows)
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []

    def broken(table: str) -> Iterator[Row]:
        yield from ROWS[table]
        raise KeyError(table)

    with pytest.raises(KeyError):
        write_snapshot(path, tuple(ROWS), broken)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "state.partial").write_bytes(b"what a crash has left")
    write_snapshot(path, tuple(ROWS), rows)
    with pytest.raises(StoreError, match="a name that is free"):
        write_snapshot(path, tuple(ROWS), rows)


def test_damage_is_named(tmp_path: Path) -> None:
    path = tmp_path / "state"
    write_snapshot(path, tuple(ROWS), rows)
    data = bytearray(path.read_bytes())
    data[CHUNK_BYTES // 2] ^= 1
    path.write_bytes(data)
    with SnapshotFile(path) as snapshot:
        assert len(snapshot.verify()) == 1
        with pytest.raises(CorruptFile, match=r"state: expected .* does not match its checksum"):
            list(snapshot.chunks())
        with pytest.raises(CorruptFile):
            list(snapshot.rows("state.accounts"))
        assert list(snapshot.rows("state.storage")) == ROWS["state.storage"]


def test_other_archives_are_no_snapshots(tmp_path: Path) -> None:
    write(tmp_path / "a", [records(3)])
    with SnapshotFile(tmp_path / "a") as snapshot, pytest.raises(CorruptFile, match="not made of"):
        list(snapshot.chunks())
    (tmp_path / "b").write_bytes(b"something else")
    with pytest.raises(ForeignStore):
        SnapshotFile(tmp_path / "b")
