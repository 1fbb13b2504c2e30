"""Versions of a cell: who reads as transaction i sees the last writer below i."""

from hypothesis import given, strategies as st

from node.executors.cells import SPAN, AccountVersions, Amounts, Versions

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


PLACES = st.integers(0, 4 * SPAN)


@given(
    st.lists(st.tuples(PLACES, st.none() | st.integers(-9, 9)), max_size=60),
    st.lists(st.tuples(PLACES, PLACES), min_size=1, max_size=9),
)
def test_amounts_add_up(steps: list[tuple[int, int | None]], asked: list[tuple[int, int]]) -> None:
    amounts, twin = Amounts(), dict[int, int]()
    for index, amount in steps:
        if amount is None:
            amounts.drop(index)
            twin.pop(index, None)
        else:
            amounts.put(index, amount)
            twin[index] = amount
    for first, end in asked:
        assert amounts.between(first, end) == sum(twin.get(i, 0) for i in range(first, end))


@given(
    st.dictionaries(st.integers(0, 6), st.integers(0, 99), max_size=3),
    st.dictionaries(st.integers(0, 6), st.integers(-9, 9)),
)
def test_a_balance_is_the_last_one_left_and_what_moved_since(
    left: dict[int, int], moved: dict[int, int]
) -> None:
    account = AccountVersions()
    moved = {index: amount for index, amount in moved.items() if index not in left}
    for index, value in left.items():
        account.balance.put(index, value)
    for index, amount in moved.items():
        account.delta.put(index, amount)
    for reader in range(8):
        expected = 1_000
        for index in range(reader):
            if index in left:
                expected = left[index]
            expected += moved.get(index, 0)
        assert account.balance_at(reader, 1_000) == expected


def test_dropping_a_transaction_leaves_the_others() -> None:
    account = AccountVersions()
    for index in (1, 2):
        account.nonce.put(index, index)
        account.delta.put(index, index)
        account.slot(7).put(index, index)
    account.drop(2, ((7, 2),))
    assert account.nonce.below(9) == (1, 1)
    assert account.balance_at(9, 0) == 1
    assert account.slots[7].below(9) == (1, 1)
