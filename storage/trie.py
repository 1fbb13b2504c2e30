"""A Merkle Patricia trie whose versions share what did not change.

The state root commits to every account, yet a block changes few of them. Nodes here are
immutable and carry the reference (hash or inlined encoding) by which their parent names them.
An update copies the dirty paths only, so its cost follows the number of changed keys and not the
number of accounts, and the tries of many blocks are in memory together at the price of their
differences. All changes of a block are applied in one descent: a branch above ten of them is
encoded and hashed once.

Keys are 32-byte hashes ("secure" trie): all paths have the same length, hence no branch holds
a value. Paths are hexadecimal text, because `bytes.fromhex` then packs a path in one call.
`primitives.trie` is the plain twin that the tests compare with.

Reference: Ethereum yellow paper, appendix D.
"""

from collections.abc import Mapping
from typing import TypeAlias

import msgspec

from primitives.ids import Hash32
from primitives.keccak import keccak256
from primitives.rlp import EMPTY_STRING, encode_bytes, encode_list

_HASHED = 32
"""Encodings of this many bytes or more are named by their hash, shorter ones stand inline."""


class EmptyNode(msgspec.Struct, frozen=True, gc=False):
    """No key at all below this place."""

    reference: bytes = EMPTY_STRING


class LeafNode(msgspec.Struct, frozen=True, gc=False):
    """One key: the rest of its path and its value."""

    suffix: str
    value: bytes
    reference: bytes


class BranchNode(msgspec.Struct, frozen=True, gc=False):
    """Sixteen children, at least two of them not empty."""

    children: "tuple[TrieNode, ...]"
    reference: bytes


class ExtensionNode(msgspec.Struct, frozen=True, gc=False):
    """A path that all keys below share, then a branch."""

    prefix: str
    child: BranchNode
    reference: bytes


TrieNode: TypeAlias = EmptyNode | LeafNode | BranchNode | ExtensionNode

EMPTY_TRIE = EmptyNode()
_NO_CHILDREN: tuple[TrieNode, ...] = (EMPTY_TRIE,) * 16
_Change: TypeAlias = tuple[str, bytes | None]


def update_trie(root: TrieNode, changes: Mapping[bytes, bytes | None]) -> TrieNode:
    """Return the trie with `changes` applied; the given one stays as it is.

    Args:
        root: the trie before, `EMPTY_TRIE` for none.
        changes: new value for each 32-byte key; None deletes it, absent or not.
    """
    ordered = sorted((key.hex(), value) for key, value in changes.items())
    return _update(root, ordered, 0) if ordered else root


def trie_root_hash(root: TrieNode) -> Hash32:
    """Return the 32-byte commitment to all keys and values."""
    if len(root.reference) == _HASHED + 1:
        return Hash32(root.reference[1:])
    return keccak256(root.reference)


def build_below(leaves: Mapping[bytes, bytes], depth: int) -> TrieNode:
    """Return the subtree of these 32-byte keys that hangs `depth` nibbles below the root.

    The keys share their first `depth` nibbles.
    """
    return _build(sorted((key.hex(), value) for key, value in leaves.items()), depth)


def node_reference(node: TrieNode, depth: int) -> bytes:
    """Return how a node is named at its depth: the root always by its hash."""
    return node.reference if depth else b"\xa0" + trie_root_hash(node)


def encode_node(node: TrieNode) -> bytes:
    """Return the RLP of a node."""
    if type(node) is BranchNode:
        return encode_list([*(child.reference for child in node.children), EMPTY_STRING])
    if type(node) is ExtensionNode:
        path = encode_bytes(_packed(node.prefix, "00", "1"))
        return encode_list([path, node.child.reference])
    if type(node) is LeafNode:
        path = encode_bytes(_packed(node.suffix, "20", "3"))
        return encode_list([path, encode_bytes(node.value)])
    return EMPTY_STRING


def _update(node: TrieNode, changes: list[_Change], depth: int) -> TrieNode:
    """Apply sorted, non-empty `changes` to the subtree whose paths begin at `depth`."""
    if type(node) is BranchNode:
        return _update_branch(node, changes, depth)
    if type(node) is LeafNode:
        return _update_leaf(node, changes, depth)
    if type(node) is ExtensionNode:
        return _update_extension(node, changes, depth)
    return _build([change for change in changes if change[1] is not None], depth)


def _update_branch(node: BranchNode, changes: list[_Change], depth: int) -> TrieNode:
    children = list(node.children)
    shrunk = False
    for nibble, group in _by_nibble(changes, depth):
        child = _update(children[nibble], group, depth + 1)
        children[nibble] = child
        shrunk = shrunk or type(child) is EmptyNode
    return _collapse(children) if shrunk else _branch(tuple(children))


def _update_leaf(node: LeafNode, changes: list[_Change], depth: int) -> TrieNode:
    if len(changes) == 1 and changes[0][0].endswith(node.suffix):
        value = changes[0][1]
        return EMPTY_TRIE if value is None else _leaf(node.suffix, value)
    path = changes[0][0][:depth] + node.suffix
    items = [change for change in changes if change[1] is not None]
    if all(change[0] != path for change in changes):
        items.append((path, node.value))
        items.sort()
    return _build(items, depth)


def _update_extension(node: ExtensionNode, changes: list[_Change], depth: int) -> TrieNode:
    shared = min(
        _common_length(node.prefix, changes[0][0][depth:]),
        _common_length(node.prefix, changes[-1][0][depth:]),
    )
    prefix = node.prefix
    if shared == len(prefix):
        return _extend(prefix, _update(node.child, changes, depth + shared))
    children = list(_NO_CHILDREN)
    children[int(prefix[shared], 16)] = _extend(prefix[shared + 1 :], node.child)
    for nibble, group in _by_nibble_within(changes, depth, prefix[:shared]):
        children[nibble] = _update(children[nibble], group, depth + shared + 1)
    return _extend(prefix[:shared], _collapse(children))


def _build(items: list[_Change], depth: int) -> TrieNode:
    """Build the subtree of sorted items, all of which have a value."""
    if not items:
        return EMPTY_TRIE
    first, value = items[0]
    if len(items) == 1:
        assert value is not None
        return _leaf(first[depth:], value)
    shared = _common_length(first[depth:], items[-1][0][depth:])
    children = list(_NO_CHILDREN)
    for nibble, group in _by_nibble(items, depth + shared):
        children[nibble] = _build(group, depth + shared + 1)
    return _extend(first[depth : depth + shared], _branch(tuple(children)))


def _by_nibble(changes: list[_Change], depth: int) -> list[tuple[int, list[_Change]]]:
    """Group sorted changes by their nibble at `depth`, ascending."""
    if len(changes) == 1:
        return [(int(changes[0][0][depth], 16), changes)]
    groups: dict[str, list[_Change]] = {}
    for change in changes:
        groups.setdefault(change[0][depth], []).append(change)
    return [(int(nibble, 16), group) for nibble, group in groups.items()]


def _by_nibble_within(
    changes: list[_Change], depth: int, prefix: str
) -> list[tuple[int, list[_Change]]]:
    """Group by the nibble that follows `prefix`, which every change of a sorted list shares."""
    assert changes[0][0].startswith(prefix, depth)
    assert changes[-1][0].startswith(prefix, depth)
    return _by_nibble(changes, depth + len(prefix))


def _collapse(children: list[TrieNode]) -> TrieNode:
    """Return the node for these children: a branch needs two, fewer take a shorter form."""
    present = [i for i, child in enumerate(children) if type(child) is not EmptyNode]
    if len(present) > 1:
        return _branch(tuple(children))
    if not present:
        return EMPTY_TRIE
    return _extend(f"{present[0]:x}", children[present[0]])


def _extend(prefix: str, node: TrieNode) -> TrieNode:
    """Put `prefix` before every path of `node`."""
    if not prefix or type(node) is EmptyNode:
        return node
    if type(node) is LeafNode:
        return _leaf(prefix + node.suffix, node.value)
    if type(node) is ExtensionNode:
        prefix, node = prefix + node.prefix, node.child
    assert type(node) is BranchNode
    path = encode_bytes(_packed(prefix, "00", "1"))
    return ExtensionNode(prefix, node, _reference([path, node.reference]))


def _leaf(suffix: str, value: bytes) -> LeafNode:
    path = encode_bytes(_packed(suffix, "20", "3"))
    return LeafNode(suffix, value, _reference([path, encode_bytes(value)]))


def _branch(children: tuple[TrieNode, ...]) -> BranchNode:
    references = [child.reference for child in children]
    references.append(EMPTY_STRING)
    return BranchNode(children, _reference(references))


def _packed(nibbles: str, even: str, odd: str) -> bytes:
    """Return the compact (hex-prefix) form of a path."""
    return bytes.fromhex((odd if len(nibbles) & 1 else even) + nibbles)


def _common_length(one: str, other: str) -> int:
    for index, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return index
    return min(len(one), len(other))


def _reference(items: list[bytes]) -> bytes:
    """Return how a parent names the node that is the list of these encoded items."""
    encoding = encode_list(items)
    return encoding if len(encoding) < _HASHED else b"\xa0" + keccak256(encoding)
