"""Rows that rot and disks that fill, whatever holds the rows."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from primitives.machine import Record
from sim.hosts.medium import Medium
from sim.hosts.rocks_drive import RocksDrive
from sim.hosts.space import Space, rows_bytes
from storage.memory import MemoryStore
from storage.rocks import profile
from storage.store import DamagedStore

TABLE, OTHER = "chain.blocks", "consensus"


@pytest.fixture(params=["memory", "rocksdb"])
def medium(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Medium]:
    if request.param == "memory":
        made = Medium(MemoryStore())
    else:
        drive = RocksDrive(tmp_path / "node", profile("small"))
        made = Medium(drive, drive)
    made.write([Record(TABLE, bytes([k]), b"value %d" % k) for k in range(8)])
    made.write([Record(OTHER, b"vote", b"cast")])
    yield made
    made.close()


def test_what_has_rotted_is_named_and_never_served(medium: Medium) -> None:
    view = medium.snapshot()
    assert medium.rot(lambda rows: [3, 5], TABLE) == ((TABLE, b"\x03"), (TABLE, b"\x05"))
    for reader in (medium, view):
        with pytest.raises(DamagedStore, match=f"{TABLE}/03: .*a flipped bit"):
            reader.get(TABLE, b"\x03")
        with pytest.raises(DamagedStore):
            reader.get_many(TABLE, [b"\x01", b"\x05"])
        seen: list[bytes] = []
        with pytest.raises(DamagedStore):
            seen.extend(key for key, _ in reader.scan(TABLE))
        assert seen == [b"\x00", b"\x01", b"\x02"]
        assert list(reader.scan(TABLE, b"\x06")) == [(b"\x06", b"value 6"), (b"\x07", b"value 7")]
        assert reader.get_many(TABLE, [b"\x04", b"\x08"]) == [b"value 4", None]
        assert reader.get(OTHER, b"vote") == b"cast"
    view.release()


def test_a_row_that_is_written_anew_is_whole(medium: Medium) -> None:
    medium.rot(range, None)
    assert len(medium.rotten()) == 9
    medium.write([Record(TABLE, b"\x00", b"new"), Record(TABLE, b"\x01", None)])
    assert medium.get_many(TABLE, [b"\x00", b"\x01"]) == [b"new", None]
    medium.discard((TABLE,))
    assert list(medium.scan(TABLE)) == []
    assert medium.rotten() == ((OTHER, b"vote"),)


def test_both_engines_choose_from_the_same_rows_in_the_same_order(medium: Medium) -> None:
    told: list[int] = []

    def choose(rows: int) -> list[int]:
        told.append(rows)
        return [0, 8]

    assert medium.rot(choose, None) == ((TABLE, b"\x00"), (OTHER, b"vote"))
    assert medium.rot(choose, "state.code") == ()
    assert told == [9]


def test_a_loss_of_power_leaves_what_was_written_and_rot_stays(medium: Medium) -> None:
    medium.rot(lambda rows: [0], OTHER)
    medium.power_off()
    medium.power_on()
    assert len(list(medium.scan(TABLE))) == 8
    with pytest.raises(DamagedStore):
        medium.get(OTHER, b"vote")
    size = sum(1 + len(b"value 0") for _ in range(8)) + len(b"votecast")
    assert medium.held() == (9, size)


def test_space_counts_the_rows_that_there_are() -> None:
    space = Space(100)
    medium = Medium(MemoryStore(), None, space)
    medium.write([Record(TABLE, b"k", bytes(39)), Record(TABLE, b"l", bytes(9))])
    assert (space.used, space.free) == (50, 50)
    medium.write([Record(TABLE, b"k", bytes(9)), Record(TABLE, b"l", None)])
    medium.write([Record(TABLE, b"absent", None)])
    assert (space.used, space.free) == (10, 90)
    medium.discard((TABLE,))
    assert (space.used, space.free) == (0, 100)


def test_a_batch_needs_room_beside_what_it_replaces() -> None:
    space = Space(100)
    batch = (Record(TABLE, b"k", bytes(59)), Record(TABLE, b"gone", None))
    assert rows_bytes(batch) == 60
    assert space.promise(0, 60)
    assert not space.promise(1, 41)
    assert space.promise(1, 40)
    space.forget(1)
    assert space.free == 40
    space.used += 60
    space.fulfil(0, 60)
    assert (space.used, space.free) == (60, 40)
    assert not space.promise(0, 60)


def test_a_limit_counts_from_what_there_is_and_can_be_taken_back() -> None:
    space = Space(1_000)
    assert Space().promise(0, 1 << 60)
    space.used = 70
    assert space.promise(0, 30)
    space.limit(5)
    assert space.free == 5
    assert not space.promise(0, 6)
    space.limit(None)
    assert space.free is None
    space.restore()
    assert space.free == 900
    space.limit(0)
    space.used -= 30
    assert space.free == 30
