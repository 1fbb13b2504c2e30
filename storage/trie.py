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
    ABSENT,
    HASH_BYTES,
    Branch,
    Extension,
    Leaf,
    Named,
    Node,
    extension_payload,
    hashes_start,
    leaf_payload,
    make_branch,
    named_branch,
    nibbles_between,
    parting,
    reference,
    references_of,
)

Value = TypeVar("Value")
_Change: TypeAlias = tuple[bytes, Any]
"""A key and its new value, None for none."""
_Encode: TypeAlias = Callable[[Any], bytes]


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
        while node is not None:
            if type(node) is Branch:
                bit = 1 << (key[depth >> 1] & 15 if depth & 1 else key[depth >> 1] >> 4)
                mask = node.mask
                if not mask & bit:
                    return None
                node = node.children[(mask & (bit - 1)).bit_count()]
                depth += 1
            elif type(node) is Leaf:
                value: Value | None = node.value
                return value if node.key == key else None
            else:
                assert isinstance(node, Extension)
                end = depth + len(node.nibbles)
                if nibbles_between(key, depth, end) != node.nibbles:
                    return None
                node, depth = node.child, end
        return None

    def updated(self, changes: Mapping[bytes, Value | None]) -> "Trie[Value]":
        """Return the trie with `changes` applied; this one stays as it is.

        Args:
            changes: new value for each 32-byte key; None deletes it, absent or not.
        """
        if not changes:
            return self
        items = sorted(changes.items(), key=_first)
        return Trie(self.encode, *_update(self.top, items, 0, self.encode))


def bytes_trie() -> Trie[bytes]:
    """Return an empty trie of values that stand for themselves."""
    return Trie(bytes)


def build_below(leaves: Mapping[bytes, bytes], depth: int) -> Named:
    """Return the subtree of these 32-byte keys that hangs `depth` nibbles below the root.

    The keys share their first `depth` nibbles.
    """
    return _build(sorted(leaves.items()), depth, bytes)


def _first(change: _Change) -> bytes:
    return change[0]


def _update(node: Node, items: list[_Change], depth: int, encode: _Encode) -> Named:
    """Apply sorted, non-empty changes to the subtree whose paths begin at `depth`."""
    if type(node) is Branch:
        if len(items) == 1:
            return _update_path(node, items, depth, encode)
        return _update_branch(node, items, depth, encode)
    if node is None:
        return _build([item for item in items if item[1] is not None], depth, encode)
    if isinstance(node, Extension):
        return _update_extension(node, items, depth, encode)
    assert isinstance(node, Leaf)
    return _update_leaf(node, items, depth, encode)


def _update_path(node: Node, items: list[_Change], depth: int, encode: _Encode) -> Named:
    """Apply one change below a branch: down to where it stands, and up again."""
    key = items[0][0]
    way: list[tuple[Branch, int, int]] = []
    while type(node) is Branch:
        nibble = key[depth >> 1] & 15 if depth & 1 else key[depth >> 1] >> 4
        depth += 1
        mask, bit = node.mask, 1 << nibble
        place = (mask & (bit - 1)).bit_count() if mask & bit else -1
        way.append((node, nibble, place))
        node = node.children[place] if place >= 0 else None
    value = items[0][1]
    if type(node) is Leaf and node.key == key and value is not None:
        node, name = _leaf(node.key, value, depth, encode)
    else:
        node, name = _update(node, items, depth, encode)
    while way:
        branch, nibble, place = way.pop()
        depth -= 1
        start = hashes_start(branch)
        if node is not None and place >= 0 and start and len(name) == HASH_BYTES:
            start += nibble + 32 * place
            old, children = branch.encoding, branch.children
            encoding = b"".join((old[:start], name, old[start + HASH_BYTES :]))
            node = Branch(branch.mask, (*children[:place], node, *children[place + 1 :]), encoding)
            name = b"\xa0" + keccak256(encoding)
        else:
            node, name = _replaced(branch, {nibble: (node, name)}, depth, encode)
    return node, name


def _update_branch(branch: Branch, items: list[_Change], depth: int, encode: _Encode) -> Named:
    """Apply changes below a branch at several places."""
    mask, children, old = branch.mask, branch.children, branch.encoding
    start = hashes_start(branch)
    below: dict[int, Named] = {}
    changed: list[Any] = list(children)
    parts: list[bytes] = []
    done = 0
    for nibble, group in _by_nibble(items, depth):
        bit = 1 << nibble
        place = (mask & (bit - 1)).bit_count()
        child = children[place] if mask & bit else None
        named = below[nibble] = _update(child, group, depth + 1, encode)
        if child is None or named[0] is None or len(named[1]) != HASH_BYTES:
            start = 0
        elif start:
            at = start + nibble + 32 * place
            changed[place] = named[0]
            parts += (old[done:at], named[1])
            done = at + HASH_BYTES
    if not start:
        return _replaced(branch, below, depth, encode)
    encoding = b"".join((*parts, old[done:]))
    return Branch(mask, tuple(changed), encoding), b"\xa0" + keccak256(encoding)


def _update_leaf(node: Leaf, items: list[_Change], depth: int, encode: _Encode) -> Named:
    if len(items) == 1 and items[0][0] == node.key:
        value = items[0][1]
        return ABSENT if value is None else _leaf(node.key, value, depth, encode)
    kept = [item for item in items if item[1] is not None]
    if all(item[0] != node.key for item in items):
        kept.append((node.key, node.value))
        kept.sort(key=_first)
    return _build(kept, depth, encode)


def _update_extension(node: Extension, items: list[_Change], depth: int, encode: _Encode) -> Named:
    nibbles = node.nibbles
    end = depth + len(nibbles)
    shared = min(
        _agreeing(nibbles, nibbles_between(items[0][0], depth, end)),
        _agreeing(nibbles, nibbles_between(items[-1][0], depth, end)),
    )
    if shared == len(nibbles):
        return _extend(nibbles, _update(node.child, items, end, encode), depth, encode)
    fork, at = depth + shared, nibbles[shared]
    old = _extend(nibbles[shared + 1 :], (node.child, node.reference), fork + 1, encode)
    below: dict[int, Named] = {at: old}
    for nibble, group in _by_nibble(items, fork):
        below[nibble] = _update(old[0] if nibble == at else None, group, fork + 1, encode)
    return _extend(nibbles[:shared], _joined(below, fork, encode), depth, encode)


def _build(items: list[_Change], depth: int, encode: _Encode) -> Named:
    """Build the subtree of sorted items, all of which have a value."""
    if not items:
        return ABSENT
    first = items[0][0]
    if len(items) == 1:
        return _leaf(first, items[0][1], depth, encode)
    fork = parting(first, items[-1][0], depth)
    below = {nibble: _build(group, fork + 1, encode) for nibble, group in _by_nibble(items, fork)}
    named = _joined(below, fork, encode)
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


def _replaced(branch: Branch, below: dict[int, Named], depth: int, encode: _Encode) -> Named:
    """Return a branch at a depth with what stands at some places now, or its shorter form."""
    mask, references = branch.mask, references_of(branch)
    children: list[Node] = []
    left = 0
    for nibble in range(16):
        if nibble in below:
            child, references[nibble] = below[nibble]
        elif mask >> nibble & 1:
            child = branch.children[(mask & ((1 << nibble) - 1)).bit_count()]
        else:
            continue
        if child is not None:
            children.append(child)
            left |= 1 << nibble
    return _made(left, children, references, depth, encode)


def _joined(below: dict[int, Named], depth: int, encode: _Encode) -> Named:
    """Return the node at a depth over what stands at some places: a branch, or a shorter form."""
    references = [EMPTY_STRING] * 16
    children: list[Node] = []
    mask = 0
    for nibble in sorted(below):
        child, references[nibble] = below[nibble]
        if child is not None:
            children.append(child)
            mask |= 1 << nibble
    return _made(mask, children, references, depth, encode)


def _made(
    mask: int, children: list[Node], references: list[bytes], depth: int, encode: _Encode
) -> Named:
    """Return the node over these children: a branch needs two, fewer take a shorter form."""
    if len(children) > 1:
        return named_branch(make_branch(mask, children, references))
    if not children:
        return ABSENT
    only = mask.bit_length() - 1
    return _extend(bytes((only,)), (children[0], references[only]), depth, encode)


def _extend(nibbles: bytes, named: Named, depth: int, encode: _Encode) -> Named:
    """Put nibbles before every path of a node, which is to begin at `depth` then.

    A leaf has its whole key and is only named anew.
    """
    node, below = named
    if not nibbles or node is None:
        return named
    if type(node) is Leaf:
        return _leaf(node.key, node.value, depth, encode)
    if isinstance(node, Extension):
        nibbles, below, node = nibbles + node.nibbles, node.reference, node.child
    assert isinstance(node, Branch)
    return Extension(nibbles, node, below), reference(extension_payload(nibbles, below))


def _leaf(key: bytes, value: Any, depth: int, encode: _Encode) -> Named:
    return Leaf(key, value), reference(leaf_payload(key, encode(value), depth))


def _agreeing(one: bytes, other: bytes) -> int:
    """Return how many nibbles two paths share at their beginning."""
    for index, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return index
    return min(len(one), len(other))
