"""What a crash in virtual time leaves of a node's real files, and what a restart makes of it."""

import itertools
import shutil
from pathlib import Path

import pytest

from primitives.machine import Record
from sim.hosts.rocks_drive import LEFT, RocksDrive, frozen
from storage.rocks import CorruptStore, RocksStore, profile
from storage.rocks.wal import log_files

TABLE = "chain.blocks"


def key(number: int) -> bytes:
    return number.to_bytes(8, "big")


def batch(number: int, size: int = 700) -> tuple[Record, ...]:
    """Return a batch over two families, which is there as a whole or not at all."""
    value = bytes([number % 251]) * size
    return (Record(TABLE, key(number), value), Record("consensus", key(number), value))


def drive(path: Path) -> RocksDrive:
    return RocksDrive(path / "node", profile("small"))


def held(opened: RocksDrive) -> list[int]:
    blocks = [int.from_bytes(k, "big") for k, _ in opened.scan(TABLE)]
    assert blocks == [int.from_bytes(k, "big") for k, _ in opened.scan("consensus")]
    return blocks


def test_a_crash_leaves_a_log_and_a_restart_replays_it(tmp_path: Path) -> None:
    opened = drive(tmp_path)
    for number in range(5):
        opened.write(batch(number))
    opened.power_off()
    logs = log_files(opened.directory)
    assert sum(log.stat().st_size for log in logs) > 5 * 1_400
    assert not any(name.name.endswith(LEFT) for name in tmp_path.iterdir())
    with pytest.raises(RuntimeError, match="its node is down"):
        opened.get(TABLE, key(1))
    opened.power_on()
    assert held(opened) == [0, 1, 2, 3, 4]
    opened.close()


@pytest.mark.parametrize("permille", [0, 500, 1_000])
@pytest.mark.parametrize("size", [1, 20_000])
def test_a_torn_batch_is_dropped_as_a_whole(tmp_path: Path, permille: int, size: int) -> None:
    opened = drive(tmp_path)
    for number in range(3):
        opened.write(batch(number))
    opened.tear(batch(3, size), permille)
    opened.power_on()
    assert opened.store.torn is not None
    assert held(opened) == [0, 1, 2]
    opened.write(batch(4))
    opened.power_off()
    opened.power_on()
    assert opened.store.torn is None
    assert held(opened) == [0, 1, 2, 4]
    opened.close()


def test_batches_are_torn_wherever_they_stand_in_the_blocks_of_a_log(tmp_path: Path) -> None:
    opened = drive(tmp_path)
    whole: list[int] = []
    numbers = itertools.count()
    for round_ in range(10):
        for number in itertools.islice(numbers, 2):
            opened.write(batch(number, 9_000 + 137 * round_))
            whole.append(number)
        opened.tear(batch(next(numbers), 100 * round_), 1_000 * round_ // 9)
        opened.power_on()
        assert held(opened) == whole
    opened.close()


def test_an_empty_batch_can_be_torn_too(tmp_path: Path) -> None:
    opened = drive(tmp_path)
    opened.write(batch(0))
    opened.tear((), 500)
    opened.power_on()
    assert held(opened) == [0]
    opened.close()


def test_a_flipped_byte_of_a_file_is_found_and_named(tmp_path: Path) -> None:
    opened = drive(tmp_path)
    for number in range(40):
        opened.write(batch(number))
    opened.power_off()
    log = log_files(opened.directory)[-1]
    data = bytearray(log.read_bytes())
    data[len(data) // 2] ^= 0x10
    log.write_bytes(data)
    with pytest.raises(CorruptStore, match=log.name):
        opened.power_on()
    opened.close()


def test_a_copy_is_taken_again_if_tables_were_made_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = drive(tmp_path)
    for number in range(40):
        opened.write(batch(number))
    copies = []
    copyfile = shutil.copyfile

    def disturbed(source: Path, target: Path) -> None:
        copyfile(source, target)
        copies.append(source.name)
        if len(copies) == 2:
            opened.store.compact()

    monkeypatch.setattr(shutil, "copyfile", disturbed)
    frozen(opened.directory, tmp_path / "copy")
    opened.close()
    assert copies.count("CURRENT") > 1
    with RocksStore(tmp_path / "copy", profile("small")) as copy:
        assert len(list(copy.scan(TABLE))) == 40


def test_what_was_written_is_counted_over_all_lives(tmp_path: Path) -> None:
    opened = drive(tmp_path)
    asked = []
    for number in range(3):
        opened.write(batch(number, 5_000))
        opened.power_off()
        asked.append(opened.written().asked)
        opened.power_on()
    assert 10_000 < asked[0] < asked[1] - 10_000 < asked[2] - 20_000
    written = opened.written()
    assert written.log >= asked[2]
    assert written.tables > 0
    assert opened.file_bytes() > 0
    opened.close()


def test_an_interrupt_while_a_crash_puts_files_in_place_leaves_a_whole_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = drive(tmp_path)
    opened.write(batch(0))

    def interrupted(directory: Path, *, ignore_errors: bool = False) -> None:
        if not ignore_errors:
            next(directory.glob("CURRENT")).unlink()
            raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "rmtree", interrupted)
    with pytest.raises(KeyboardInterrupt):
        opened.power_off()
    opened.power_on()
    assert held(opened) == [0]
    opened.close()
