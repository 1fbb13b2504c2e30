"""RLP: nothing is lost, and nothing has two encodings."""

import rlp as reference  # type: ignore[import-untyped]
from hypothesis import given, strategies as st

from primitives import rlp
from primitives.errors import InvalidEncoding
from tests.properties.mutants import mutants

STRINGS = st.one_of(
    st.binary(max_size=3),
    st.binary(min_size=50, max_size=60),
    st.integers(250, 260).map(bytes),
)
ITEMS: st.SearchStrategy[rlp.Decoded] = st.recursive(
    STRINGS, lambda items: st.lists(items, max_size=6), max_leaves=20
)


@given(ITEMS)
def test_what_is_encoded_decodes_to_the_same(item: rlp.Decoded) -> None:
    encoded = rlp.encode(item)
    assert rlp.decode(encoded) == item
    assert reference.encode(item) == encoded


@given(ITEMS.flatmap(lambda item: mutants(rlp.encode(item))))
def test_whatever_decodes_encodes_to_the_same_bytes(mutant: bytes) -> None:
    try:
        item = rlp.decode(mutant)
    except InvalidEncoding:
        return
    assert rlp.encode(item) == mutant


@given(st.one_of(st.binary(max_size=40), ITEMS.flatmap(lambda item: mutants(rlp.encode(item)))))
def test_the_reference_library_accepts_the_same_bytes(data: bytes) -> None:
    assert _ours(data) == _theirs(data)


def _ours(data: bytes) -> rlp.Decoded | None:
    try:
        return rlp.decode(data)
    except InvalidEncoding:
        return None


def _theirs(data: bytes) -> object:
    try:
        return reference.decode(data)
    except reference.DecodingError:
        return None


@given(st.lists(ITEMS, max_size=8))
def test_splitting_a_list_gives_its_items(items: list[rlp.Decoded]) -> None:
    assert [rlp.decode(each) for each in rlp.split_list(rlp.encode(items))] == items


@given(st.integers(0, 2**256 - 1))
def test_integers(value: int) -> None:
    assert rlp.encode_int(value) == rlp.encode(rlp.int_bytes(value))
    assert rlp.read_int(rlp.decode(rlp.encode_int(value)), "test") == value
