"""Any split of any trie proves itself piece by piece, and no lie about a piece does.

The twin is plain: the keys that begin with a prefix, by looking at each, and the root of all
pieces together by the textbook's trie.
"""

from itertools import product

import pytest
from hypothesis import given, strategies as st

from primitives.keccak import keccak256
from storage.subtree import InvalidSubtree, check_subtree, find_subtree
from storage.trie import Trie, bytes_trie
from tests.properties.naive_trie import naive_root

# Hashed keys spread; keys with long common beginnings make extensions, and leaves at odd depths.
NEAR = st.tuples(st.sampled_from([b"\x00", b"\x01", b"\x10", b"\xab"]), st.binary(max_size=2)).map(
    lambda parts: (parts[0] * 3 + parts[1]).ljust(32, b"\x07")
)
KEYS = st.one_of(st.binary(max_size=3).map(keccak256), NEAR)
VALUES = st.one_of(st.binary(min_size=1, max_size=4), st.binary(min_size=30, max_size=70))
LEAVES = st.dictionaries(KEYS, VALUES, max_size=40)
PREFIXES = st.text("01ab", max_size=7)


def build(leaves: dict[bytes, bytes]) -> Trie[bytes]:
    return bytes_trie().updated(leaves)


def below(leaves: dict[bytes, bytes], prefix: str) -> dict[bytes, bytes]:
    return {key: value for key, value in leaves.items() if key.hex().startswith(prefix)}


@given(LEAVES, PREFIXES)
def test_the_keys_below_a_prefix_prove_themselves(leaves: dict[bytes, bytes], prefix: str) -> None:
    trie = build(leaves)
    node, _, way = find_subtree(trie, prefix)
    told = below(leaves, prefix)
    check_subtree(trie.root, prefix, told, way)
    assert (node is None) == (not told)


@given(LEAVES, st.integers(0, 2))
def test_all_pieces_of_one_depth_are_the_whole(leaves: dict[bytes, bytes], depth: int) -> None:
    root = build(leaves).root
    gathered: dict[bytes, bytes] = {}
    for nibbles in product("0123456789abcdef", repeat=depth):
        prefix = "".join(nibbles)
        piece = below(leaves, prefix)
        check_subtree(root, prefix, piece, find_subtree(build(leaves), prefix)[2])
        gathered |= piece
    assert gathered == leaves
    assert naive_root(gathered) == root


@given(LEAVES, PREFIXES, st.data())
def test_any_lie_about_the_keys_is_refused(
    leaves: dict[bytes, bytes], prefix: str, data: st.DataObject
) -> None:
    trie = build(leaves)
    _, _, way = find_subtree(trie, prefix)
    told = below(leaves, prefix)
    lie = data.draw(st.sampled_from(["add", "drop", "change", "move"]))
    if lie == "add" or not told:
        new = data.draw(KEYS.filter(lambda key: key not in leaves))
        told[new] = data.draw(VALUES)
    else:
        victim = data.draw(st.sampled_from(sorted(told)))
        value = told.pop(victim)
        if lie == "change":
            told[victim] = value + b"\x01"
        elif lie == "move":
            told[data.draw(KEYS.filter(lambda key: key != victim and key not in told))] = value
    with pytest.raises(InvalidSubtree):
        check_subtree(trie.root, prefix, told, way)


@given(LEAVES.filter(bool), PREFIXES.filter(bool), st.data())
def test_any_lie_about_the_way_is_refused(
    leaves: dict[bytes, bytes], prefix: str, data: st.DataObject
) -> None:
    trie = build(leaves)
    _, _, way = find_subtree(trie, prefix)
    place = data.draw(st.integers(0, len(way) - 1))
    at = data.draw(st.integers(0, len(way[place]) - 1))
    bent = bytearray(way[place])
    bent[at] ^= data.draw(st.integers(1, 255))
    told = below(leaves, prefix)
    lies = [
        (*way[:place], bytes(bent), *way[place + 1 :]),
        way[:place],
        (*way, way[-1]),
    ]
    for lie in lies:
        with pytest.raises(InvalidSubtree):
            check_subtree(trie.root, prefix, told, lie)


@given(LEAVES, LEAVES, PREFIXES)
def test_a_piece_of_another_state_is_refused(
    leaves: dict[bytes, bytes], others: dict[bytes, bytes], prefix: str
) -> None:
    trie = build(others)
    piece, way = below(others, prefix), find_subtree(trie, prefix)[2]
    root = build(leaves).root
    if root == trie.root:
        return
    with pytest.raises(InvalidSubtree):
        check_subtree(root, prefix, piece, way)
