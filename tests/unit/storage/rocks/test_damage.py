"""Damage of each kind of file is found, named, and never served or passed over."""

import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from primitives.machine import Record
from storage.rocks import CorruptStore, Durability, RocksOptions, RocksStore, profile
from storage.rocks.wal import (
    BLOCK_BYTES,
    HEADER,
    Fault,
    _pieces,
    crc32c,
    crc32c_table,
    first_bad_checksum,
    inspect,
    log_files,
)

SMALL = profile("small")
TRIE = "state.trie"
ROWS = 3_000
KILLED = """
import os, signal, sys
from pathlib import Path
from primitives.machine import Record
from storage.rocks import RocksStore, profile
store = RocksStore(Path(sys.argv[1]), profile("small"))
for first in range(0, {rows}, 2):
    if first == {rows} // 2:
        store.compact()
    store.write(
        Record("state.trie", number.to_bytes(4, "big"), (b"%d" % number) * 20)
        for number in (first, first + 1)
    )
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store whose process was killed: half its rows are in a table, half in a log."""
    path = tmp_path_factory.mktemp("damage") / "store"
    program = KILLED.format(rows=ROWS)
    done = subprocess.run([sys.executable, "-c", program, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    return path


@pytest.fixture
def copy(killed: Path, tmp_path: Path) -> Path:
    return shutil.copytree(killed, tmp_path / "store")


def flip(path: Path, offset: int, mask: int = 0x10) -> None:
    content = bytearray(path.read_bytes())
    content[offset] ^= mask
    path.write_bytes(content)


def last_log(path: Path) -> Path:
    return [log for log in log_files(path) if log.stat().st_size][-1]


def rows_of(path: Path) -> int:
    """Open the store and return how many rows it has, all of them right ones."""
    with RocksStore(path, SMALL) as store:
        rows = list(store.scan(TRIE))
    assert rows == [(n.to_bytes(4, "big"), (b"%d" % n) * 20) for n in range(len(rows))]
    return len(rows)


def test_an_intact_store_has_all_its_rows(copy: Path) -> None:
    assert inspect(copy) is None
    assert first_bad_checksum(copy) is None
    with RocksStore(copy, SMALL) as store:
        assert store.torn is None
        assert store.verify() == ()
    assert rows_of(copy) == ROWS


@pytest.mark.parametrize("cut", [1, 5, 130, 1_000, BLOCK_BYTES + 77])
def test_a_torn_log_is_named_and_only_its_end_is_lost(copy: Path, cut: int) -> None:
    log = last_log(copy)
    size = log.stat().st_size - cut
    os.truncate(log, size)
    damage = inspect(copy)
    assert damage is not None
    assert (damage.file, damage.fault) == (log.name, Fault.TORN)
    assert damage.offset < size == damage.offset + damage.lost_bytes
    with RocksStore(copy, SMALL) as store:
        assert store.torn == damage
    left = rows_of(copy)
    assert 0 <= ROWS - 2 - cut // 75 <= left < ROWS
    assert left % 2 == 0


def test_any_flipped_bit_of_a_log_is_found(copy: Path, tmp_path: Path) -> None:
    """Not one is taken for a torn end: that would lose durable blocks without a word."""
    random = Random(5)
    log = last_log(copy)
    size = log.stat().st_size
    ends = [size - back for back in (1, 20, 300, 5_000)]
    for offset in [0, 4, 6, 7, *ends, *(random.randrange(size - 200) for _ in range(12))]:
        other = shutil.copytree(copy, tmp_path / "other")
        flip(other / log.name, offset, 1 << random.randrange(8))
        with pytest.raises(CorruptStore) as caught:
            RocksStore(other, SMALL)
        assert caught.value.file == log.name, offset
        assert "at byte" in caught.value.reason
        shutil.rmtree(other)


def test_a_flipped_length_is_no_torn_end(copy: Path) -> None:
    """A length that reaches beyond the file looks like a torn write; records behind it tell."""
    log = last_log(copy)
    content = log.read_bytes()
    block = (len(content) - 1) // BLOCK_BYTES * BLOCK_BYTES
    assert len(content) - block > 1_000, "the last block holds several records"
    flip(log, block + 5, 0x7F)
    with pytest.raises(CorruptStore, match=log.name):
        RocksStore(copy, SMALL)


def test_no_flipped_bit_of_the_last_header_is_taken_for_a_torn_end(copy: Path) -> None:
    """Nothing stands behind the last record to tell; but its own checksum, and that before, do."""
    log = last_log(copy)
    content = log.read_bytes()
    last = [piece for piece in _pieces(content) if piece.length >= 0][-1]
    for offset in range(last.offset, last.offset + HEADER.size):
        for bit in range(8):
            flip(log, offset, 1 << bit)
            damage = inspect(copy)
            if damage is None:  # then RocksDB's own look at the checksum finds it
                assert first_bad_checksum(copy) is not None
            else:
                assert damage.fault is Fault.CORRUPT, (offset - last.offset, bit)
            flip(log, offset, 1 << bit)
    assert inspect(copy) is None


def test_an_earlier_log_that_is_torn_ends_the_store_there(copy: Path) -> None:
    """What a crash leaves when the batches of two logs were not synced; no half of it may stay."""
    log = last_log(copy)
    content = log.read_bytes()
    (log.with_name(f"{int(log.stem) + 1:06}.log")).write_bytes(content[:BLOCK_BYTES])
    os.truncate(log, 5_000)
    with pytest.raises(CorruptStore, match=f"{log.name}.*torn at byte"):
        RocksStore(copy, SMALL)
    with RocksStore(copy, replace(SMALL, durability=Durability.GROUP)) as store:
        assert store.torn is not None
        assert (store.torn.file, store.torn.fault) == (log.name, Fault.TORN)
    assert ROWS // 2 < rows_of(copy) < ROWS


def test_a_gap_between_logs_ends_the_store_there(copy: Path) -> None:
    log = last_log(copy)
    content = log.read_bytes()
    first, rest = _first_batches(content, 40)
    log.write_bytes(content[:first])
    following = log.with_name(f"{int(log.stem) + 1:06}.log")
    following.write_bytes(content[rest : BLOCK_BYTES // 2])
    with pytest.raises(CorruptStore, match=f"{following.name}.*gap at byte 0"):
        RocksStore(copy, SMALL)
    with RocksStore(copy, replace(SMALL, durability=Durability.GROUP)) as store:
        assert store.torn is not None
        assert (store.torn.file, store.torn.fault) == (following.name, Fault.GAP)
        assert len(list(store.scan(TRIE))) == ROWS // 2 + 2 * 40
    assert rows_of(copy) == ROWS // 2 + 2 * 40


def _first_batches(content: bytes, count: int) -> tuple[int, int]:
    """Return the offsets after so many records, and after one more (all in the first block)."""
    ends = [0]
    while len(ends) < count + 2:
        length = int.from_bytes(content[ends[-1] + 4 : ends[-1] + 6], "little")
        ends.append(ends[-1] + 7 + length)
    return ends[count], ends[count + 1]


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6])
def test_a_damaged_table_is_never_served(copy: Path, share: float) -> None:
    table = max(copy.glob("*.sst"), key=lambda path: path.stat().st_size)
    flip(table, int(share * table.stat().st_size))
    for options in (SMALL, profile("default"), SMALL):
        look_at_a_damaged_table(copy, table.name, options)


def look_at_a_damaged_table(path: Path, name: str, options: RocksOptions) -> None:
    store = RocksStore(path, options)
    (damage,) = store.verify()
    assert isinstance(damage, CorruptStore)
    assert damage.file == name
    with pytest.raises(CorruptStore, match=name):
        list(store.scan(TRIE))
    wrong: list[CorruptStore] = []
    for number in range(ROWS):
        try:
            value = store.get(TRIE, number.to_bytes(4, "big"))
        except CorruptStore as error:
            wrong.append(error)
        else:
            assert value == (b"%d" % number) * 20
    assert 0 < len(wrong) < ROWS
    assert {error.file for error in wrong} == {name}
    with store.snapshot() as snapshot, pytest.raises(CorruptStore, match=name):
        list(snapshot.scan(TRIE))
    with suppress(CorruptStore):  # a merge in the background may have met it, too
        store.close()


def test_a_changed_pointer_to_the_manifest_is_named(copy: Path) -> None:
    (copy / "CURRENT").write_bytes(b"MANIFEST-000915\n")
    with pytest.raises(CorruptStore, match="it names MANIFEST-000915, which is not there") as found:
        RocksStore(copy, SMALL)
    assert found.value.file == "CURRENT"


@pytest.mark.parametrize("pattern", ["*.sst", "MANIFEST-*", "CURRENT"])
@pytest.mark.parametrize("how", ["flipped", "emptied", "missing"])
def test_other_files_are_named_when_the_store_opens(copy: Path, pattern: str, how: str) -> None:
    file = min(copy.glob(pattern), key=lambda path: path.stat().st_size)
    names = {path.name for path in copy.glob("*.sst")}
    if how == "flipped":
        flip(file, file.stat().st_size - 12 if file.suffix == ".sst" else 5)
    elif how == "emptied":
        file.write_bytes(b"")
    else:
        file.unlink()
    with pytest.raises(CorruptStore) as caught:
        RocksStore(copy, SMALL)
    assert caught.value.file == file.name
    assert caught.value.path == copy
    left = {path.name for path in copy.glob("*.sst")}
    assert left == names - ({file.name} if how == "missing" else set())


def test_the_checksum_is_that_of_the_standard() -> None:
    assert crc32c(b"123456789", crc32c_table()) == 0xE3069283
    assert crc32c(bytes(32), crc32c_table()) == 0x8A9136AA


def test_a_store_that_is_refused_is_not_locked(copy: Path) -> None:
    content = (copy / "CURRENT").read_bytes()
    (copy / "CURRENT").write_bytes(b"MANIFEST-999999\n")
    with pytest.raises(CorruptStore):
        RocksStore(copy, SMALL)
    (copy / "CURRENT").write_bytes(content)
    with RocksStore(copy, SMALL) as store:
        store.write([Record(TRIE, b"new", b"1")])
        assert store.get(TRIE, b"new") == b"1"
