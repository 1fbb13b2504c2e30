"""Versions of a cell: who reads as transaction i sees the last writer below i."""

import pytest
from hypothesis import given, strategies as st

from node.executors.cells import Balance, Blocked, Versions

STEPS = st.lists(st.tuples(st.sampled_from(["put", "drop"]), st.integers(0, 6), st.integers(0, 9)))


@given(STEPS)
def test_versions_equal_a_dictionary_that_is_searched(steps: list[tuple[str, int, int]]) -> None:
    versions: Versions[int] = Versions()
    twin: dict[int, int] = {}
    for name, index, value in steps:
        if name == "put":
            versions.put(index, value)
            twin[index] = value
        else:
            versions.drop(index)
            twin.pop(index, None)
    for reader in range(8):
        below = [index for index in sorted(twin) if index < reader]
        assert versions.below(reader) == ((below[-1], twin[below[-1]]) if below else None)
        assert versions.between(2, reader) == [(i, twin[i]) for i in below if i >= 2]


@given(
    st.dictionaries(st.integers(0, 6), st.integers(0, 99), max_size=3),
    st.dictionaries(st.integers(0, 6), st.integers(-9, 9)),
)
def test_a_balance_is_the_last_one_set_and_what_moved_since(
    written: dict[int, int], moved: dict[int, int]
) -> None:
    balance = Balance()
    moved = {index: amount for index, amount in moved.items() if index not in written}
    for index, value in written.items():
        balance.set.put(index, value)
    for index, amount in moved.items():
        balance.moved.put(index, amount)
    for reader in range(8):
        expected = 1_000
        for index in range(reader):
            if index in written:
                expected = written[index]
            expected += moved.get(index, 0)
        assert balance.read(reader, 1_000, ()) == expected


def test_a_reader_waits_for_a_writer_that_will_run_again() -> None:
    balance = Balance()
    balance.moved.put(2, 5)
    balance.set.put(1, 10)
    assert balance.read(2, 0, {2, 3}) == 10
    with pytest.raises(Blocked) as blocked:
        balance.read(3, 0, {2})
    assert blocked.value.writer == 2
    with pytest.raises(Blocked) as blocked:
        balance.read(2, 0, {1})
    assert blocked.value.writer == 1
