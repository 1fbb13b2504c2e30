"""A manifest that has lost its end is refused, or stands for a moment that is whole on the disk."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from primitives.machine import Record
from storage.rocks import CorruptStore, RocksStore
from storage.rocks.manifest import Manifest, read_edit, require_manifest
from storage.rocks.view import view
from storage.rocks.wal import BATCH, FULL, HEADER, Fault, inspect, log_files, whole_records
from tests.unit.storage.rocks.chain_node import OPTIONS

TABLES = ("chain.blocks", "consensus", "state.accounts", "state.trie")
PROGRAM = """
import os, signal, sys
from pathlib import Path
from random import Random
from primitives.machine import Record
from storage.rocks import RocksStore
from tests.unit.storage.rocks.chain_node import OPTIONS
from tests.unit.storage.rocks.test_manifest import TABLES
path, seed, batches, end = Path(sys.argv[1]), *map(int, sys.argv[2:4]), sys.argv[4]
store = RocksStore(path, OPTIONS)
random = Random(seed)
for number in range(batches):
    key = (seed * 10_000 + number).to_bytes(8, "big")
    store.write(Record(table, key, random.randbytes(150)) for table in TABLES)
if end == "compact":
    store.compact()
if end == "close":
    store.close()
else:
    os.kill(os.getpid(), signal.SIGKILL)
"""

HISTORIES = {
    "new": [(20, "kill")],
    "killed": [(700, "kill")],
    "closed": [(900, "close")],
    "compacted": [(500, "compact")],
    "recovered": [(200, "kill"), (0, "kill")],
    "recovered and compacted": [(200, "kill"), (0, "compact")],
    "killed often": [(200, "kill"), (30, "kill"), (600, "kill")],
}
"""What was done to a store: batches written, and how that ended, each time it was opened."""

Content = dict[str, list[tuple[bytes, bytes]]]


def content(store: RocksStore) -> Content:
    return {table: list(store.scan(table)) for table in TABLES}


def manifest_of(path: Path) -> Path:
    return path / (path / "CURRENT").read_text().strip()


def table_names(path: Path) -> set[str]:
    return {each.name for each in path.glob("*.sst")}


def ends(manifest: bytes) -> Iterator[int]:
    """Yield where each record ends (all of them lie in the first block)."""
    at = 0
    for record in whole_records(manifest):
        at += 7 + len(record)
        yield at
    assert at == len(manifest)


@pytest.fixture(scope="module", params=HISTORIES)
def made(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Content]:
    """A store, and all that it holds."""
    path = tmp_path_factory.mktemp("manifest") / "store"
    for seed, (batches, end) in enumerate(HISTORIES[request.param]):
        arguments = [str(path), str(seed), str(batches), end]
        done = subprocess.run([sys.executable, "-c", PROGRAM, *arguments], check=False)
        assert done.returncode == (0 if end == "close" else -signal.SIGKILL)
    copy = shutil.copytree(path, path.with_name("copy"))
    with RocksStore(copy, OPTIONS) as store:
        found = content(store)
    total = sum(batches for batches, _ in HISTORIES[request.param])
    assert {len(rows) for rows in found.values()} == {total}
    return path, found


def look_at_cut(made: tuple[Path, Content], path: Path, size: int) -> bool:
    """Cut a copy of a store's manifest, and tell whether it opens; then all its rows are right."""
    shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(made[0], path)
    manifest = manifest_of(path)
    os.truncate(manifest, size)
    before = table_names(path)
    refused: CorruptStore | None = None
    try:
        with RocksStore(path, OPTIONS) as store:
            assert content(store) == made[1], size
    except CorruptStore as error:
        refused = error
    if refused is not None:
        assert (path, refused.file != "") == (refused.path, True), refused
        assert table_names(path) == before, size
    return refused is None


def test_no_cut_of_a_manifest_loses_a_row(made: tuple[Path, Content], tmp_path: Path) -> None:
    manifest = manifest_of(made[0]).read_bytes()
    boundaries = list(ends(manifest))
    random = Random(7)
    sizes = {0, *boundaries, *(random.randrange(len(manifest)) for _ in range(8))}
    opened = {size for size in sizes if look_at_cut(made, tmp_path / "cut", size)}
    assert len(manifest) in opened
    assert opened < sizes


@pytest.mark.soak
def test_no_length_of_a_manifest_loses_a_row(made: tuple[Path, Content], tmp_path: Path) -> None:
    for size in range(manifest_of(made[0]).stat().st_size + 1):
        look_at_cut(made, tmp_path / "cut", size)


def test_a_table_that_was_being_written_is_no_damage(
    made: tuple[Path, Content], tmp_path: Path
) -> None:
    path = shutil.copytree(made[0], tmp_path / "store")
    (path / "009999.sst").write_bytes(b"half of a table")
    require_manifest(path)
    with RocksStore(path, OPTIONS) as store:
        assert content(store) == made[1]
    assert not (path / "009999.sst").exists()


def test_a_flipped_bit_is_not_taken_for_a_log_that_is_gone(
    made: tuple[Path, Content], tmp_path: Path
) -> None:
    path = shutil.copytree(made[0], tmp_path / "store")
    manifest = manifest_of(path)
    data = manifest.read_bytes()
    random = Random(3)
    before_last = list(ends(data))[-2]  # the last one may look torn, which is as if it were cut off
    for offset in sorted(random.sample(range(before_last), 12)):
        flipped = bytearray(data)
        flipped[offset] ^= 1 << random.randrange(8)
        manifest.write_bytes(flipped)
        with pytest.raises(CorruptStore) as caught:
            RocksStore(path, OPTIONS)
        assert caught.value.file == manifest.name, offset


def test_an_old_log_that_a_crash_left_is_no_damage(tmp_path: Path) -> None:
    """RocksDB deletes all that are not needed any more, but not the oldest first."""
    path = tmp_path / "store"
    with RocksStore(tmp_path / "living", OPTIONS) as store:
        for key in (b"1", b"2", b"3"):
            store.write([Record(TABLES[0], key, b"in a table")])
        store.compact()
        store.write([Record(TABLES[0], b"4", b"in the log")])
        shutil.copytree(store.path, path)
    assert require_manifest(path) == int(log_files(path)[0].stem) > 1
    old = path / "000001.log"
    old.write_bytes(HEADER.pack(0, BATCH.size, FULL) + BATCH.pack(1, 1))
    damage = inspect(path)
    assert damage is not None
    assert damage.fault is Fault.GAP, "the logs between are gone"
    with RocksStore(path, OPTIONS) as store:
        assert store.torn is None
        assert [key for key, _ in store.scan(TABLES[0])] == [b"1", b"2", b"3", b"4"]
    assert not old.exists()


def test_a_look_names_the_manifest_and_deletes_nothing(
    made: tuple[Path, Content], tmp_path: Path
) -> None:
    path = shutil.copytree(made[0], tmp_path / "store")
    manifest = manifest_of(path)
    os.truncate(manifest, 80)
    before = table_names(path)
    with pytest.raises(CorruptStore, match="within the copy") as caught, view(path):
        pass
    assert (caught.value.path, caught.value.file) == (path, manifest.name)
    assert table_names(path) == before


def test_logs_that_were_taken_away_are_missed(made: tuple[Path, Content], tmp_path: Path) -> None:
    path = shutil.copytree(made[0], tmp_path / "store")
    for log in log_files(path):
        log.unlink()
    before = table_names(path)
    with pytest.raises(CorruptStore, match=r"\d{6}\.log"), view(path):
        pass
    with pytest.raises(CorruptStore, match=r"\d{6}\.log") as caught:
        RocksStore(path, OPTIONS)
    assert caught.value.path == path
    assert table_names(path) == before


def test_the_first_log_is_named_when_it_alone_is_missing(
    made: tuple[Path, Content], tmp_path: Path
) -> None:
    path = shutil.copytree(made[0], tmp_path / "store")
    first = log_files(path)[0]
    first.unlink()
    with pytest.raises(CorruptStore) as caught:
        RocksStore(path, OPTIONS)
    assert caught.value.file == first.name or first.name in caught.value.reason


def test_a_manifest_says_what_rocksdb_does(made: tuple[Path, Content], tmp_path: Path) -> None:
    """The tables that it names are those that RocksDB itself counts, once it is open."""
    path = shutil.copytree(made[0], tmp_path / "store")
    with RocksStore(path, OPTIONS) as store:
        store.compact()
    file = manifest_of(path)
    manifest = Manifest(int(file.name[-6:]))
    for record in whole_records(file.read_bytes()):
        manifest.apply(read_edit(record))
    assert {f"{number:06}.sst" for number in manifest.tables} == table_names(path)
    assert len(manifest.families) == 12
    assert manifest.oldest_log <= int(log_files(path)[-1].stem)


@pytest.mark.parametrize("record", [b"\x08", b"\x01\x05abc", b"\x02\xff", b"\x67\x00\x01"])
def test_a_record_that_cannot_be_read_is_an_error(record: bytes) -> None:
    with pytest.raises((ValueError, IndexError)):
        read_edit(record)
