"""Two levels over one table: what moves up, what moves down, and what is remembered as absent."""

import zlib

import pytest

from primitives.errors import InvalidInput
from primitives.machine import Record
from storage.cache import CachedTable, CacheOptions, Kind, LayeredCache, Limits
from storage.cache.table import ENTRY_BYTES
from storage.memory import MemoryStore

ROOMY = Limits(1_000, 1_000_000)
NUMBER = Kind[int](
    table="numbers",
    encode=lambda value: value.to_bytes(8, "big"),
    decode=lambda row: int.from_bytes(row, "big"),
    size=lambda _value: 32,
)


class Zlib:
    def compress(self, data: bytes) -> bytes:
        return zlib.compress(data)

    def decompress(self, data: bytes) -> bytes:
        return zlib.decompress(data)


class CountingStore:
    """A store that remembers what it was asked."""

    def __init__(self, rows: dict[bytes, int]) -> None:
        self.inner = MemoryStore()
        self.inner.write(Record("numbers", k, NUMBER.encode(v)) for k, v in rows.items())
        self.asked: list[bytes] = []

    def get(self, table: str, key: bytes) -> bytes | None:
        self.asked.append(key)
        return self.inner.get(table, key)

    def put(self, key: bytes, value: int | None) -> None:
        row = None if value is None else NUMBER.encode(value)
        self.inner.write([Record("numbers", key, row)])


def three(
    limits: Limits = ROOMY, below: Limits | None = None
) -> tuple[CountingStore, CachedTable[int]]:
    store = CountingStore({b"a": 1, b"b": 2, b"c": 3})
    return store, CachedTable(NUMBER, store, CacheOptions(limits, below))


def test_a_second_read_does_not_ask_the_store() -> None:
    store, table = three()
    assert [table.read(b"a"), table.read(b"a")] == [1, 1]
    assert store.asked == [b"a"]


def test_absence_is_remembered() -> None:
    store, table = three()
    assert [table.read(b"x"), table.read(b"x")] == [None, None]
    assert store.asked == [b"x"]
    assert (table.counters().loads, table.counters().absent) == (1, 1)


def test_what_leaves_the_first_level_is_in_the_second_and_comes_back() -> None:
    store, table = three(Limits(1, ROOMY.bytes), ROOMY)
    assert [table.read(k) for k in (b"a", b"b", b"x", b"a", b"x")] == [1, 2, None, 1, None]
    assert store.asked == [b"a", b"b", b"x"]
    counters = table.counters()
    assert (counters.promotions, counters.demotions) == (2, 4)
    assert (counters.encoded.hits, counters.encoded.misses) == (2, 3)
    assert (counters.decoded.entries, counters.encoded.entries) == (1, 2)


def test_the_second_level_holds_what_the_compressor_made() -> None:
    kind = Kind[bytes]("numbers", bytes, bytes, len)
    store = MemoryStore()
    store.write([Record("numbers", b"a", bytes(5_000)), Record("numbers", b"b", b"b")])
    options = CacheOptions(Limits(1, 100_000), ROOMY, compressor=Zlib())
    table = CachedTable(kind, store, options)
    table.read(b"a")
    table.read(b"b")
    assert table.counters().encoded.bytes < ENTRY_BYTES + 100
    assert table.read(b"a") == bytes(5_000)
    assert table.counters().promotions == 1


def test_a_write_replaces_what_either_level_has() -> None:
    store, table = three(Limits(1, ROOMY.bytes), ROOMY)
    table.read(b"a")
    table.read(b"b")
    for key in (b"a", b"b"):
        store.put(key, 9)
        table.write(key, 9)
        assert table.counters().encoded.entries == 1, "a key is in one level at most"
    assert [table.read(b"a"), table.read(b"b"), table.read(b"a")] == [9, 9, 9]
    assert store.asked == [b"a", b"b"]


def test_a_deleted_row_is_absent_without_asking() -> None:
    store, table = three()
    store.put(b"a", None)
    table.write(b"a", None)
    assert table.read(b"a") is None
    assert store.asked == []


def test_a_dropped_layer_takes_those_above_it_along() -> None:
    store, table = three()
    cache = LayeredCache([table])
    cache.commit(1, {"numbers": [(b"a", 10)], "elsewhere": [(b"z", 1)]})
    cache.commit(2, {"numbers": [(b"b", 20)]})
    cache.commit(3, {"numbers": [(b"c", 30), (b"d", 40)]})
    cache.settle(1)
    assert list(cache.pending) == [2, 3]
    cache.drop(2)
    assert [table.read(k) for k in (b"a", b"b", b"c", b"d")] == [10, 2, 3, None]
    assert store.asked == [b"b", b"c", b"d"]
    assert not cache.pending
    assert cache.counters()[0].invalidated == 3


def test_a_settled_layer_cannot_be_dropped() -> None:
    cache = LayeredCache([three()[1]])
    cache.commit(1, {})
    cache.settle(1)
    with pytest.raises(InvalidInput, match="pending"):
        cache.drop(1)


def test_layers_come_in_order_and_not_without_end() -> None:
    cache = LayeredCache([three()[1]], pending_max=2)
    cache.commit(5, {})
    with pytest.raises(InvalidInput, match="more than 5"):
        cache.commit(5, {})
    cache.commit(6, {})
    with pytest.raises(InvalidInput, match="at most 2"):
        cache.commit(7, {})


def test_a_table_is_cached_once() -> None:
    with pytest.raises(InvalidInput, match="each table once"):
        LayeredCache([three()[1], three()[1]])
