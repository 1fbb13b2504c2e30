"""The store in memory."""

from collections.abc import Iterator

import pytest

from primitives.machine import Record
from storage.memory import MemorySnapshot, MemoryStore
from storage.store import Store


def filled() -> MemoryStore:
    store = MemoryStore()
    store.write(Record("blocks", bytes([key]), b"value %d" % key) for key in (3, 1, 2))
    return store


def test_a_memory_store_is_a_store() -> None:
    store: Store = MemoryStore()
    assert store.get("blocks", b"1") is None
    assert list(store.scan("blocks")) == []


def test_values_come_back_by_table_and_key() -> None:
    store = filled()
    assert store.get("blocks", b"\x02") == b"value 2"
    assert store.get("other", b"\x02") is None
    assert store.get("blocks", b"\x04") is None


def test_a_later_record_of_a_batch_wins() -> None:
    store = MemoryStore()
    store.write([Record("t", b"k", b"1"), Record("t", b"k", None), Record("t", b"k", b"3")])
    assert store.get("t", b"k") == b"3"


def test_a_record_without_a_value_deletes() -> None:
    store = filled()
    store.write([Record("blocks", b"\x02", None), Record("absent", b"k", None)])
    assert store.get("blocks", b"\x02") is None
    assert [key for key, _ in store.scan("blocks")] == [b"\x01", b"\x03"]


def test_a_batch_that_fails_half_way_changes_nothing() -> None:
    store = filled()

    def broken() -> Iterator[Record]:
        yield Record("blocks", b"\x01", b"other")
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        store.write(broken())
    assert store.get("blocks", b"\x01") == b"value 1"


@pytest.mark.parametrize(
    ("start", "end", "keys"),
    [
        (b"", None, [1, 2, 3]),
        (b"\x02", None, [2, 3]),
        (b"", b"\x03", [1, 2]),
        (b"\x01\x00", b"\x02\x00", [2]),
        (b"\x04", None, []),
        (b"\x03", b"\x01", []),
    ],
)
def test_a_scan_is_ordered_and_half_open(start: bytes, end: bytes | None, keys: list[int]) -> None:
    assert [key[0] for key, _ in filled().scan("blocks", start, end)] == keys


def test_a_scan_does_not_see_later_writes() -> None:
    store = filled()
    rows = store.scan("blocks")
    store.write([Record("blocks", b"\x00", b"new"), Record("blocks", b"\x03", None)])
    assert [key[0] for key, _ in rows] == [1, 2, 3]


def test_a_copy_is_independent() -> None:
    store = filled()
    copy = store.copy()
    store.write([Record("blocks", b"\x01", None)])
    assert copy.get("blocks", b"\x01") == b"value 1"
    copy.write([Record("blocks", b"\x02", b"changed")])
    assert store.get("blocks", b"\x02") == b"value 2"


def test_bytes_are_counted_in_keys_and_values() -> None:
    assert MemoryStore().byte_count() == 0
    assert MemoryStore().row_count() == 0
    assert filled().row_count() == 3
    assert filled().byte_count() == 3 * (1 + len(b"value 1"))


def test_a_snapshot_shows_the_store_as_it_was() -> None:
    store = filled()
    before = store.snapshot()
    store.write([Record("blocks", b"\x02", b"new"), Record("blocks", b"\x01", None)])
    between = store.snapshot()
    store.write([Record("blocks", b"\x02", b"newer"), Record("others", b"\x09", b"9")])
    store.discard(("blocks", "absent"))
    assert list(before.scan("blocks")) == list(filled().scan("blocks"))
    assert list(before.scan("blocks", b"\x02", b"\x03")) == [(b"\x02", b"value 2")]
    assert before.get_many("blocks", [b"\x01", b"\x04"]) == [b"value 1", None]
    assert list(before.scan("others")) == []
    assert list(between.scan("blocks")) == [(b"\x02", b"new"), (b"\x03", b"value 3")]
    assert list(store.scan("blocks")) == []
    assert store.get_many("others", [b"\x09", b"\x08"]) == [b"9", None]


def test_a_released_snapshot_holds_nothing_back() -> None:
    store = filled()
    snapshot = store.snapshot()
    store.write([Record("blocks", b"\x02", b"new")])
    snapshot.release()
    snapshot.release()
    store.write([Record("blocks", b"\x02", b"newer")])
    with pytest.raises(AssertionError, match="after its release"):
        snapshot.get("blocks", b"\x02")


def test_looking_at_a_part_of_a_snapshot_does_not_look_at_all_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = MemoryStore()
    store.write([Record("t", key.to_bytes(4, "big"), b"v") for key in range(20_000)])
    snapshot = store.snapshot()
    looked_at: list[bytes] = []
    get = MemorySnapshot.get

    def counting(self: MemorySnapshot, table: str, key: bytes) -> bytes | None:
        looked_at.append(key)
        return get(self, table, key)

    monkeypatch.setattr(MemorySnapshot, "get", counting)
    start, end = (5_000).to_bytes(4, "big"), (15_000).to_bytes(4, "big")
    assert next(snapshot.scan("t", start, end)) == (start, b"v")
    assert len(looked_at) == 1
    order = store._orders["t"]
    for key in range(30_000, 30_010):
        store.write([Record("t", key.to_bytes(4, "big"), b"v")])
        assert next(snapshot.scan("t", start, end)) == (start, b"v")
    assert store._orders["t"] is order, "what was sorted is not sorted again"


def test_the_order_of_a_table_does_not_outgrow_it() -> None:
    store = MemoryStore()
    for first in range(0, 20_000, 200):
        rows = [Record("t", key.to_bytes(4, "big"), b"v") for key in range(first, first + 200)]
        store.write(rows)
        assert len(list(store.scan("t", b"\x00"))) == 200
        store.write([Record("t", each.key, None) for each in rows])
        order = store._orders.get("t")
        assert order is None or len(order) < 1_000


def test_a_snapshot_finds_what_was_deleted_after_it_had_been_scanned() -> None:
    store = filled()
    snapshot = store.snapshot()
    store.write([Record("blocks", b"\x01", b"new")])
    expected = list(filled().scan("blocks"))
    assert list(snapshot.scan("blocks", b"\x01")) == expected
    store.write([Record("blocks", b"\x02", None)])
    assert list(snapshot.scan("blocks", b"\x01")) == expected
