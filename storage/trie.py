"""A Merkle Patricia trie whose versions share what did not change.

The state root commits to every account, yet a block changes few of them. Nodes are immutable: an
update copies the dirty paths only, so its cost follows the number of changed keys and not the
number of accounts, and the tries of many blocks are in memory together at the price of their
differences. All changes of a block are applied in one descent: a branch above ten of them is
encoded and hashed once.

Keys are 32-byte hashes ("secure" trie): all paths have the same length, hence no branch holds
a value. Values are of any kind; the trie knows how to encode them. `storage.trie_nodes` has the
forms of nodes, `primitives.trie` is the plain twin that the tests compare with.

Reference: Ethereum yellow paper, appendix D.
"""

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec

from primitives.ids import Hash32
from primitives.keccak import keccak256
from primitives.rlp import EMPTY_STRING
from storage.trie_nodes import (
    NO_CHILDREN,
    Branch,
    Extension,
    Leaf,
    Node,
    branch_reference,
    extension_payload,
    leaf_payload,
    nibble_at,
    nibbles_between,
    parting,
    reference,
)

Value = TypeVar("Value")
_Named: TypeAlias = tuple[Node, bytes]
"""A node and how a parent names it."""
_Change: TypeAlias = tuple[bytes, Any]
"""A key and its new value, None for none."""
_Encode: TypeAlias = Callable[[Any], bytes]

_NOTHING: _Named = (None, EMPTY_STRING)


class Trie(msgspec.Struct, Generic[Value], frozen=True):
    """One version of a trie."""

    encode: Callable[[Value], bytes]
    """Returns what a leaf commits to for its value; never nothing."""
    top: Node = None
    reference: bytes = EMPTY_STRING
    """How a parent would name the topmost node."""

    @property
    def root(self) -> Hash32:
        """The 32-byte commitment to all keys and values."""
        if len(self.reference) == 33:
            return Hash32(self.reference[1:])
        return keccak256(self.reference)

    @property
    def is_empty(self) -> bool:
        """Whether it has no key."""
        return self.top is None

    def get(self, key: bytes) -> Value | None:
        """Return the value of a 32-byte key; None without one."""
        node, depth = self.top, 0
        while type(node) is list:
            node = node[key[depth >> 1] & 15 if depth & 1 else key[depth >> 1] >> 4]
            depth += 1
        if type(node) is Leaf:
            value: Value | None = node.value
            return value if node.key == key else None
        if type(node) is Extension:
            found: Value | None = _get_below(node, key, depth)
            return found
        return None

    def updated(self, changes: Mapping[bytes, Value | None]) -> "Trie[Value]":
        """Return the trie with `changes` applied; this one stays as it is.

        Args:
            changes: new value for each 32-byte key; None deletes it, absent or not.
        """
        if not changes:
            return self
        items = sorted(changes.items(), key=_first)
        return Trie(self.encode, *_update((self.top, self.reference), items, 0, self.encode))


def bytes_trie() -> Trie[bytes]:
    """Return an empty trie of values that stand for themselves."""
    return Trie(bytes)


def build_below(leaves: Mapping[bytes, bytes], depth: int) -> _Named:
    """Return the subtree of these 32-byte keys that hangs `depth` nibbles below the root.

    The keys share their first `depth` nibbles.
    """
    return _build(sorted(leaves.items()), depth, bytes)


def _first(change: _Change) -> bytes:
    return change[0]


def _get_below(node: Extension, key: bytes, depth: int) -> Any:
    """Return the value of a key below an extension that begins at `depth`."""
    end = depth + len(node.nibbles)
    if nibbles_between(key, depth, end) != node.nibbles:
        return None
    below: Node = node.child
    while type(below) is list:
        below = below[nibble_at(key, end)]
        end += 1
    if type(below) is Extension:
        return _get_below(below, key, end)
    return below.value if type(below) is Leaf and below.key == key else None


def _update(named: _Named, items: list[_Change], depth: int, encode: _Encode) -> _Named:
    """Apply sorted, non-empty changes to the subtree whose paths begin at `depth`."""
    node = named[0]
    if type(node) is list:
        if len(items) == 1:
            return _update_path(named, items, depth, encode)
        return _update_branch(named, items, depth, encode)
    if node is None:
        return _build([item for item in items if item[1] is not None], depth, encode)
    if isinstance(node, Extension):
        return _update_extension(node, items, depth, encode)
    assert isinstance(node, Leaf)
    return _update_leaf(node, items, depth, encode)


def _update_path(named: _Named, items: list[_Change], depth: int, encode: _Encode) -> _Named:
    """Apply one change below a branch: down to where it stands, and up again."""
    key = items[0][0]
    node, name = named
    way: list[tuple[Branch, int]] = []
    while type(node) is list:
        branch = node.copy()
        nibble = key[depth >> 1] & 15 if depth & 1 else key[depth >> 1] >> 4
        way.append((branch, nibble))
        node, name = branch[nibble], branch[nibble + 16]
        depth += 1
    node, name = _update((node, name), items, depth, encode)
    while way:
        branch, nibble = way.pop()
        depth -= 1
        branch[nibble], branch[nibble + 16] = node, name
        if node is None:
            node, name = _collapse(branch, depth, encode)
        else:
            node, name = branch, reference(b"".join(branch[16:]))
    return node, name


def _update_branch(named: _Named, items: list[_Change], depth: int, encode: _Encode) -> _Named:
    branch: Branch = named[0].copy()  # type: ignore[union-attr]
    shrunk = False
    for nibble, group in _by_nibble(items, depth):
        below = branch[nibble], branch[nibble + 16]
        child = branch[nibble], branch[nibble + 16] = _update(below, group, depth + 1, encode)
        shrunk = shrunk or child[0] is None
    return _collapse(branch, depth, encode) if shrunk else (branch, branch_reference(branch))


def _update_leaf(node: Leaf, items: list[_Change], depth: int, encode: _Encode) -> _Named:
    if len(items) == 1 and items[0][0] == node.key:
        key, value = items[0]
        return _NOTHING if value is None else _leaf(key, value, depth, encode)
    kept = [item for item in items if item[1] is not None]
    if all(item[0] != node.key for item in items):
        kept.append((node.key, node.value))
        kept.sort(key=_first)
    return _build(kept, depth, encode)


def _update_extension(node: Extension, items: list[_Change], depth: int, encode: _Encode) -> _Named:
    nibbles = node.nibbles
    end = depth + len(nibbles)
    shared = min(
        _agreeing(nibbles, nibbles_between(items[0][0], depth, end)),
        _agreeing(nibbles, nibbles_between(items[-1][0], depth, end)),
    )
    if shared == len(nibbles):
        below = _update((node.child, node.reference), items, end, encode)
        return _extend(nibbles, below, depth, encode)
    branch: Branch = list(NO_CHILDREN)
    below = _extend(nibbles[shared + 1 :], (node.child, node.reference), depth, encode)
    branch[nibbles[shared]], branch[nibbles[shared] + 16] = below
    fork = depth + shared
    for nibble, group in _by_nibble(items, fork):
        below = branch[nibble], branch[nibble + 16]
        branch[nibble], branch[nibble + 16] = _update(below, group, fork + 1, encode)
    return _extend(nibbles[:shared], _collapse(branch, fork, encode), depth, encode)


def _build(items: list[_Change], depth: int, encode: _Encode) -> _Named:
    """Build the subtree of sorted items, all of which have a value."""
    if not items:
        return _NOTHING
    first = items[0][0]
    if len(items) == 1:
        return _leaf(first, items[0][1], depth, encode)
    fork = parting(first, items[-1][0], depth)
    branch: Branch = list(NO_CHILDREN)
    for nibble, group in _by_nibble(items, fork):
        branch[nibble], branch[nibble + 16] = _build(group, fork + 1, encode)
    named = branch, branch_reference(branch)
    if fork == depth:
        return named
    return _extend(nibbles_between(first, depth, fork), named, depth, encode)


def _by_nibble(items: list[_Change], depth: int) -> list[tuple[int, list[_Change]]]:
    """Group sorted items by their nibble at `depth`, ascending."""
    half, is_odd = depth >> 1, depth & 1
    groups: list[tuple[int, list[_Change]]] = []
    start, last = 0, -1
    for place, item in enumerate(items):
        byte = item[0][half]
        nibble = byte & 15 if is_odd else byte >> 4
        if nibble != last:
            if place:
                groups.append((last, items[start:place]))
            start, last = place, nibble
    groups.append((last, items[start:]))
    return groups


def _collapse(branch: Branch, depth: int, encode: _Encode) -> _Named:
    """Return the node for these slots: a branch needs two children, fewer take a shorter form."""
    present = [nibble for nibble in range(16) if branch[nibble] is not None]
    if len(present) > 1:
        return branch, branch_reference(branch)
    if not present:
        return _NOTHING
    only = present[0]
    return _extend(bytes((only,)), (branch[only], branch[only + 16]), depth, encode)


def _extend(nibbles: bytes, named: _Named, depth: int, encode: _Encode) -> _Named:
    """Put nibbles before every path of a node, which is to begin at `depth` then.

    A leaf has its whole key and is only named anew.
    """
    node, below = named
    if not nibbles or node is None:
        return named
    if type(node) is Leaf:
        return _leaf(node.key, node.value, depth, encode)
    if type(node) is Extension:
        nibbles, below, node = nibbles + node.nibbles, node.reference, node.child
    assert type(node) is list
    return Extension(nibbles, node, below), reference(extension_payload(nibbles, below))


def _leaf(key: bytes, value: Any, depth: int, encode: _Encode) -> _Named:
    return Leaf(key, value), reference(leaf_payload(key, encode(value), depth))


def _agreeing(one: bytes, other: bytes) -> int:
    """Return how many nibbles two paths share at their beginning."""
    for index, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return index
    return min(len(one), len(other))
