"""Roots of Merkle Patricia tries, built in one pass over sorted keys.

A root needs no trie object: all keys below a node are neighbours once they are sorted, so a node
is a range of the sorted keys and a depth, and its children are sub-ranges. Keys are held as text
of hexadecimal digits, a digit being a nibble: slices and comparisons then run in C.

Tries that live on and change belong to `storage`; this one is rebuilt.

Reference: Yellow Paper, appendix D.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from primitives.ids import Hash32
from primitives.keccak import keccak256
from primitives.rlp import EMPTY_STRING, encode_bytes, encode_int, list_header

EMPTY_ROOT = keccak256(EMPTY_STRING)
"""Root of the trie without entries."""

Key = TypeVar("Key", bound=bytes)

_DIGITS = "0123456789abcdef"


def ordered_root(values: Sequence[bytes]) -> Hash32:
    """Return the root over `values` keyed by their index: transactions, receipts, withdrawals."""
    return _root(sorted([(encode_int(i).hex(), value) for i, value in enumerate(values)]))


def trie_root(items: Mapping[Key, bytes]) -> Hash32:
    """Return the root over key-value pairs; an empty value is an absent key."""
    return _root(sorted([(key.hex(), value) for key, value in items.items() if value]))


def secure_trie_root(items: Mapping[Key, bytes]) -> Hash32:
    """Return the root over pairs whose keys are hashed first: accounts, storage."""
    return _root(sorted([(keccak256(key).hex(), value) for key, value in items.items() if value]))


def compact_path(nibbles: str, is_leaf: bool) -> bytes:
    """Return the hex-prefix encoding of a path, given as text of hexadecimal digits.

    The first nibble tells a leaf from an extension, and whether the number of nibbles is odd.

    Reference: Yellow Paper, appendix C.
    """
    if len(nibbles) & 1:
        return bytes.fromhex(("3" if is_leaf else "1") + nibbles)
    return bytes.fromhex(("20" if is_leaf else "00") + nibbles)


def _root(pairs: list[tuple[str, bytes]]) -> Hash32:
    if not pairs:
        return EMPTY_ROOT
    return keccak256(_node(pairs, 0, len(pairs), 0))


def ordered_nodes(values: Sequence[bytes]) -> tuple[Hash32, dict[Hash32, bytes]]:
    """Return the root over `values` keyed by their index, and the trie's nodes by their hashes.

    Nodes shorter than a hash stand inside their parents and have no entry of their own. What a
    proof is made from: `primitives.trie_proof`.
    """
    pairs = sorted([(encode_int(i).hex(), value) for i, value in enumerate(values)])
    if not pairs:
        return EMPTY_ROOT, {}
    nodes: dict[Hash32, bytes] = {}

    def keep(node: bytes) -> bytes:
        if len(node) < 32:
            return node
        name = keccak256(node)
        nodes[name] = node
        return b"\xa0" + name

    top = _node(pairs, 0, len(pairs), 0, keep)
    root = keccak256(top)
    nodes[root] = top
    return root, nodes


def _reference(node: bytes) -> bytes:
    """Return how a parent holds `node`: by its hash, or itself if that is shorter."""
    return node if len(node) < 32 else b"\xa0" + keccak256(node)


def _node(
    pairs: list[tuple[str, bytes]],
    low: int,
    high: int,
    depth: int,
    refer: Callable[[bytes], bytes] = _reference,
) -> bytes:
    """Return the encoded node over the sorted, distinct `pairs[low:high]` below `depth`."""
    first, value = pairs[low]
    if high - low == 1:
        return _pair(compact_path(first[depth:], is_leaf=True), encode_bytes(value))
    shared = _shared_depth(first, pairs[high - 1][0], depth)
    if shared > depth:
        child = refer(_branch(pairs, low, high, shared, refer))
        return _pair(compact_path(first[depth:shared], is_leaf=False), child)
    return _branch(pairs, low, high, depth, refer)


def _branch(
    pairs: list[tuple[str, bytes]],
    low: int,
    high: int,
    depth: int,
    refer: Callable[[bytes], bytes],
) -> bytes:
    own = EMPTY_STRING
    if len(pairs[low][0]) == depth:
        own = encode_bytes(pairs[low][1])
        low += 1
    children: list[bytes] = []
    for digit in _DIGITS:
        stop = low
        while stop < high and pairs[stop][0][depth] == digit:
            stop += 1
        if stop == low:
            children.append(EMPTY_STRING)
        else:
            children.append(refer(_node(pairs, low, stop, depth + 1, refer)))
            low = stop
    children.append(own)
    payload = b"".join(children)
    return list_header(len(payload)) + payload


def _pair(path: bytes, encoded: bytes) -> bytes:
    payload = encode_bytes(path) + encoded
    return list_header(len(payload)) + payload


def _shared_depth(first: str, last: str, depth: int) -> int:
    """Return the depth up to which all keys between `first` and `last` agree."""
    limit = len(first)
    while depth < limit and first[depth] == last[depth]:
        depth += 1
    return depth
