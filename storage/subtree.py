"""Parts of a state trie that prove themselves: all keys with a common prefix, and the way there.

A replica that fetches a state from peers must be able to judge each piece alone, when it comes,
or one liar among many servers would spoil the whole and nobody would know who. A piece here is a
*subtree*: every key that begins with some nibbles, together with the encoded nodes from the root
down to that place. The receiver hashes the nodes downward from the root that it trusts and builds
the subtree from the keys; the two must meet. A key left out, added or changed gives another
subtree, and a node changed on the way another hash. The subtrees of all sixteen nibbles at one
depth are the whole trie, so nothing can be missing in the end.

Ranges between any two keys, as `snap/1` has them, would make pieces of even size. They need proofs
for both edges and the rule that what lies between is complete, which was a source of errors in
several clients; hashed keys are spread evenly anyway.

Reference: devp2p, snap/1; Ethereum yellow paper, appendix D.
"""

from collections.abc import Mapping
from typing import Any

from primitives.errors import CryptoError, InvalidEncoding
from primitives.ids import Hash32
from primitives.keccak import keccak256
from primitives.rlp import EMPTY_STRING
from storage.trie import Trie, build_below
from storage.trie_encoding import encoded
from storage.trie_nodes import (
    HASHED,
    Branch,
    Extension,
    Leaf,
    Loaded,
    Node,
    Stub,
    child_at,
    loaded,
    nibbles_text,
)
from storage.trie_reading import BRANCH_ITEMS, node_items, node_path

NODES_MAX = 65
"""Nodes on the way to one key at most: one for each nibble, and the leaf."""


class InvalidSubtree(CryptoError):
    """Keys and values that are not those below a prefix, under the root that is trusted."""


def find_subtree(trie: Trie[Any], prefix: str) -> tuple[Node, bytes, tuple[bytes, ...]]:
    """Return what stands at a prefix, how it is named, and the encoded nodes on the way to it.

    What stands there is not loaded from a store for that.

    A leaf or extension that reaches over the place stands at the place: it is returned, or
    nothing if it leads elsewhere, and then it is the last node of the way, as the proof.

    Args:
        trie: the trie.
        prefix: nibbles in lower-case hexadecimal.
    """
    node, name, depth = trie.top, trie.reference, 0
    way: list[bytes] = []
    while depth < len(prefix) and node is not None:
        if isinstance(node, Stub):
            node = loaded(node)
        way.append(encoded(node, depth, trie.form.encode))
        rest = prefix[depth:]
        if isinstance(node, Branch):
            node, name = child_at(node, int(rest[0], 16))
            depth += 1
        elif isinstance(node, Extension) and rest.startswith(nibbles_text(node.nibbles)):
            depth += len(node.nibbles)
            name, node = node.reference, node.child
        else:
            if not _path(node, depth).startswith(rest):
                return None, EMPTY_STRING, tuple(way)
            break
    return node, (name if depth else b"\xa0" + trie.root), tuple(way)


def check_subtree(
    root: Hash32, prefix: str, leaves: Mapping[bytes, bytes], way: tuple[bytes, ...]
) -> bytes:
    """Check that `leaves` are all the keys below `prefix`; return the subtree's reference.

    Args:
        root: the root hash that is trusted.
        prefix: nibbles in lower-case hexadecimal.
        leaves: value by 32-byte key.
        way: as `find_subtree` returns it.

    Raises:
        InvalidSubtree: they are not.
    """
    for key in leaves:
        if len(key) != 32 or not key.hex().startswith(prefix):
            raise InvalidSubtree("subtree.key", f"32 bytes that begin with {prefix!r}", key.hex())
    expected, depth, leads_there = walk(root, prefix, way)
    reference = build_below(leaves, depth)[1]
    if not depth and len(reference) < HASHED:
        reference = b"\xa0" + keccak256(reference)
    if not leads_there and leaves:
        raise InvalidSubtree("subtree", f"no key below {prefix!r}", f"{len(leaves)} keys")
    if leads_there and reference != expected:
        raise InvalidSubtree("subtree", expected.hex(), reference.hex())
    return reference


def walk(root: Hash32, prefix: str, way: tuple[bytes, ...]) -> tuple[bytes, int, bool]:
    """Follow the encoded nodes from a root hash towards a prefix.

    Returns:
        The reference of the subtree that holds all keys below the prefix; the depth, in nibbles,
        at which it hangs; and whether it leads to the prefix at all.

    Raises:
        InvalidSubtree: a node is not the one that its parent names, or the way ends too early.
    """
    if len(way) > NODES_MAX:
        raise InvalidSubtree("subtree.way", f"at most {NODES_MAX} nodes", len(way))
    expected, depth = b"\xa0" + root, 0
    for position, node in enumerate(way):
        if depth >= len(prefix):
            raise InvalidSubtree("subtree.way", f"to end at {prefix!r}", f"{len(way)} nodes")
        if _name(node, depth) != expected:
            raise InvalidSubtree("subtree.way", expected.hex(), _name(node, depth).hex())
        try:
            items = node_items(node)
            path, is_leaf = ("", False) if len(items) == BRANCH_ITEMS else node_path(items[0])
        except InvalidEncoding as error:
            raise InvalidSubtree("subtree.way", "nodes of a trie", str(error)) from error
        rest = prefix[depth:]
        if len(items) == BRANCH_ITEMS:
            expected = items[int(rest[0], 16)]
            depth += 1
            continue
        if not is_leaf and rest.startswith(path):
            expected = items[1]
            depth += len(path)
            continue
        if position != len(way) - 1:
            raise InvalidSubtree("subtree.way", "to end where a path leads on or away", "more")
        return expected, depth, path.startswith(rest)
    if depth < len(prefix) and expected not in (EMPTY_STRING, b"\xa0" + _EMPTY_ROOT):
        raise InvalidSubtree("subtree.way", f"nodes as far as {prefix!r}", f"{depth} nibbles")
    return expected, depth, True


_EMPTY_ROOT = keccak256(EMPTY_STRING)


def _path(node: Loaded, depth: int) -> str:
    """Return the nibbles that a leaf or an extension at a depth has."""
    if isinstance(node, Extension):
        return nibbles_text(node.nibbles)
    assert isinstance(node, Leaf)
    return node.key.hex()[depth:]


def _name(node: bytes, depth: int) -> bytes:
    """Return how a parent names a node; the root is named by its hash, however short it is."""
    return node if depth and len(node) < HASHED else b"\xa0" + keccak256(node)
