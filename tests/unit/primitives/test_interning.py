"""Equal bytes under one name: one object, equal values, a bounded memory."""

import pytest
from hypothesis import given, strategies as st

from primitives.errors import InvalidInput
from primitives.interning import Interning
from primitives.machine import Record
from storage.memory import MemoryStore


def copy(value: bytes) -> bytes:
    return bytes(bytearray(value))


def test_equal_values_become_one_object() -> None:
    interning = Interning(1_000, 4)
    first = interning.one("a", b"value")
    assert interning.one("a", copy(b"value")) is first
    assert interning.one("a", first) is first
    statistics = interning.statistics()
    assert (statistics.shared, statistics.shared_bytes, statistics.held_bytes) == (1, 5, 5)


def test_another_value_under_the_name_is_itself() -> None:
    interning = Interning(1_000, 4)
    interning.one("a", b"value")
    assert interning.one("a", b"other") == b"other"
    assert interning.statistics().different == 1


def test_short_values_are_left_alone() -> None:
    interning = Interning(1_000, 512)
    interning.one("a", bytes(511))
    assert interning.statistics().held_bytes == 0


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2), st.integers(0, 9)), max_size=60),
    st.integers(0, 30),
)
def test_values_are_never_changed_and_the_oldest_go(
    asked: list[tuple[int, int, int]], bound: int
) -> None:
    interning = Interning(bound, 1)
    for name, letter, size in asked:
        value = bytes([letter]) * size
        assert interning.one(name, copy(value)) == value
        assert interning.statistics().held_bytes <= bound
    held = sum(len(value) for value in interning._values.values())
    assert held == interning.statistics().held_bytes
    assert list(interning._order) == list(interning._values)


@pytest.mark.parametrize(("held", "least"), [(-1, 0), (0, -1)])
def test_bounds_are_not_negative(held: int, least: int) -> None:
    with pytest.raises(InvalidInput, match="interning"):
        Interning(held, least)


def test_stores_that_intern_have_the_rows_once() -> None:
    interning = Interning(10_000, 100)
    stores = [MemoryStore(interning=interning) for _ in range(3)]
    for store in stores:
        store.write([Record("t", b"k", bytes(200)), Record("t", b"gone", bytes(200))])
        store.write([Record("t", b"gone", None), Record("t", b"short", copy(b"abc"))])
    rows = [store.get("t", b"k") for store in stores]
    assert rows[0] == bytes(200)
    assert all(row is rows[0] for row in rows)
    assert stores[0].copy() == stores[0] == MemoryStore({"t": {b"k": bytes(200), b"short": b"abc"}})
