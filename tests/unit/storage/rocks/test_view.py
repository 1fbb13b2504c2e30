"""Looking at a store leaves it as it is, and finds what a restart would find."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from primitives.machine import Record
from storage.rocks import CorruptStore, ForeignStore, RocksStore, StoreInUse
from storage.rocks.view import view
from storage.rocks.wal import last_log

BLOCKS = "chain.blocks"


def key(number: int) -> bytes:
    return number.to_bytes(8, "big")


def filled(path: Path, rows: int = 40) -> Path:
    """Return a store as a crash leaves it: with rows in tables, and one in the log."""
    with RocksStore(path.with_name("living")) as store:
        for number in range(rows):
            store.write([Record(BLOCKS, key(number), b"block" * 100)])
        store.compact()
        store.write([Record(BLOCKS, key(rows), b"last")])
        shutil.copytree(store.path, path)
    return path


def files(path: Path) -> dict[str, tuple[int, int, str]]:
    return {
        each.name: (
            each.stat().st_size,
            each.stat().st_mtime_ns,
            hashlib.sha256(each.read_bytes()).hexdigest(),
        )
        for each in path.iterdir()
    }


def test_a_look_changes_no_file(tmp_path: Path) -> None:
    path = filled(tmp_path / "store")
    before = files(path)
    with view(path) as store:
        assert [int.from_bytes(row, "big") for row, _ in store.scan(BLOCKS)] == list(range(41))
    assert files(path) == before


def test_a_torn_end_is_reported_and_left(tmp_path: Path) -> None:
    path = filled(tmp_path / "store")
    log = path / last_log(path)
    log.write_bytes(log.read_bytes()[:-3])
    before = files(path)
    with view(path) as store:
        assert store.torn is not None
        assert store.torn.file == log.name
        assert len(list(store.scan(BLOCKS))) == 40
    assert files(path) == before


def test_damage_is_named_by_the_file_of_the_store_itself(tmp_path: Path) -> None:
    path = filled(tmp_path / "store")
    table = max(path.glob("*.sst"), key=lambda each: each.stat().st_size)
    data = bytearray(table.read_bytes())
    data[len(data) // 3] ^= 1
    table.write_bytes(data)
    with pytest.raises(CorruptStore) as raised, view(path) as store:
        list(store.scan(BLOCKS))
    assert raised.value.path == path
    assert raised.value.file == table.name
    assert "orrery-view" not in str(raised.value)


def test_a_store_that_another_process_has_open_is_refused(tmp_path: Path) -> None:
    path = filled(tmp_path / "store")
    holder = (
        "import sys; from pathlib import Path; from storage.rocks import RocksStore\n"
        "with RocksStore(Path(sys.argv[1])): print('open', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", holder, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        with pytest.raises(StoreInUse), view(path):
            pass
        other.communicate()
    with view(path) as store:
        assert store.get(BLOCKS, key(40)) == b"last"


@pytest.mark.parametrize("kind", ["nothing", "file", "folder"])
def test_what_is_no_store_is_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "store"
    if kind == "file":
        path.write_text("text")
    elif kind == "folder":
        path.mkdir()
    with pytest.raises(ForeignStore, match="the directory of a store"), view(path):
        pass
    assert path.exists() is (kind != "nothing")


def test_a_store_without_its_current_file_is_damaged(tmp_path: Path) -> None:
    path = filled(tmp_path / "store")
    (path / "CURRENT").unlink()
    with pytest.raises(CorruptStore, match="CURRENT"), view(path):
        pass
