"""Beginning tables anew, whatever stands in them."""

from dataclasses import replace
from hashlib import shake_128
from pathlib import Path

import pytest

from primitives.machine import Record
from storage.rocks import CorruptStore, RocksStore, UnknownTable, profile

VALUES = [shake_128(bytes([k])).digest(900) for k in range(200)]
SMALL = replace(profile("small"), open_files_max=-1)


def filled(path: Path) -> RocksStore:
    store = RocksStore(path, SMALL)
    for table in ("state.accounts", "chain.accounts", "consensus"):
        store.write([Record(table, bytes([k]), VALUES[k]) for k in range(200)])
    return store


def test_tables_are_emptied_and_others_are_not(tmp_path: Path) -> None:
    with filled(tmp_path) as store:
        before = store.snapshot()
        store.discard(("state.accounts", "consensus", "state.code"))
        assert list(store.scan("state.accounts")) == list(store.scan("consensus")) == []
        assert store.get_many("state.accounts", [b"\x00", b"\xc7"]) == [None, None]
        # A table of the same family.
        assert len(list(store.scan("chain.accounts"))) == 200
        assert before.get_many("consensus", [b"\x01", b"\xff"]) == [VALUES[1], None]
        store.write([Record("consensus", b"new", b"row")])
    with RocksStore(tmp_path, SMALL) as store:
        assert list(store.scan("consensus")) == [(b"new", b"row")]
        assert list(store.scan("state.accounts")) == []


def test_an_unknown_table_changes_nothing(tmp_path: Path) -> None:
    with filled(tmp_path) as store:
        with pytest.raises(UnknownTable):
            store.discard(("consensus", "strangers"))
        assert len(list(store.scan("consensus"))) == 200


def test_what_is_damaged_can_be_discarded(tmp_path: Path) -> None:
    with filled(tmp_path) as store:
        store.compact()
    for file in tmp_path.glob("*.sst"):
        data = bytearray(file.read_bytes())
        if len(data) > 5_000:
            data[100] ^= 1
            file.write_bytes(data)
    with RocksStore(tmp_path, SMALL) as store:
        with pytest.raises(CorruptStore):
            list(store.scan("consensus"))
        store.discard(("consensus",))
        assert list(store.scan("consensus")) == []
        store.write([Record("consensus", bytes([k]), b"again") for k in range(200)])
        assert len(list(store.scan("consensus"))) == 200
