"""Roots by ranges of sorted keys equal those of a trie that grows key by key."""

from hypothesis import given, strategies as st

from primitives.keccak import keccak256
from primitives.rlp import encode_int
from primitives.trie import ordered_root, secure_trie_root, trie_root
from tests.properties.naive_trie import naive_root

# Few different bytes and short keys: shared prefixes, keys inside keys, values at branches.
KEYS = st.lists(st.sampled_from([0x00, 0x01, 0x10, 0x11, 0x1F, 0xF0]), max_size=5).map(bytes)
VALUES = st.one_of(st.binary(max_size=4), st.binary(min_size=25, max_size=40))


@given(st.dictionaries(KEYS, VALUES, max_size=30))
def test_any_keys(items: dict[bytes, bytes]) -> None:
    assert trie_root(items) == naive_root(items)


@given(st.dictionaries(st.binary(max_size=8), VALUES, max_size=30))
def test_hashed_keys(items: dict[bytes, bytes]) -> None:
    assert secure_trie_root(items) == naive_root({keccak256(k): v for k, v in items.items()})


@given(
    st.integers(0, 300),
    st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=5),
)
def test_ordered_values(count: int, pool: list[bytes]) -> None:
    values = [pool[index % len(pool)] for index in range(count)]
    keyed = {encode_int(index): value for index, value in enumerate(values)}
    assert ordered_root(values) == naive_root(keyed)
