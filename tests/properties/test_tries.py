"""Roots by ranges of sorted keys equal those of a trie that grows key by key."""

from hypothesis import given, strategies as st

from primitives.ids import Hash32
from primitives.keccak import keccak256
from primitives.rlp import encode_int
from primitives.trie import ordered_root, secure_trie_root, trie_root
from primitives.trie_proof import InvalidProof, index_nodes, prove_ordered, proven_value
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


@given(
    st.integers(1, 300),
    st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=5),
    st.lists(st.integers(0, 299), min_size=1, max_size=6),
)
def test_proofs_show_what_stands_under_the_naive_root(
    count: int, pool: list[bytes], asked: list[int]
) -> None:
    values = [pool[index % len(pool)] for index in range(count)]
    indexes = [index % count for index in asked]
    root = Hash32(naive_root({encode_int(i): value for i, value in enumerate(values)}))
    nodes = index_nodes(prove_ordered(values, indexes))
    for index in indexes:
        assert proven_value(root, index, nodes) == values[index]


@given(
    st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=40),
    st.integers(0, 60),
    st.data(),
)
def test_no_tampered_proof_shows_another_value(
    values: list[bytes], index: int, data: st.DataObject
) -> None:
    proof = list(prove_ordered(values, range(len(values))))
    place = data.draw(st.integers(0, len(proof) - 1))
    tampered = bytearray(proof[place])
    tampered[data.draw(st.integers(0, len(tampered) - 1))] ^= data.draw(st.integers(1, 255))
    proof[place] = bytes(tampered)
    try:
        shown = proven_value(ordered_root(values), index, index_nodes(proof))
    except InvalidProof:
        return
    assert shown == values[index]
