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

from collections.abc import Callable, Iterator, Mapping
from operator import itemgetter
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec

from primitives.ids import Hash32
from primitives.keccak import keccak256
from primitives.rlp import EMPTY_STRING
from storage.trie_nodes import (
    ABSENT,
    HASH_BYTES,
    LENGTHS,
    STARTS,
    Branch,
    Extension,
    Leaf,
    Named,
    Node,
    Stub,
    extension_payload,
    hashes_start,
    leaf_payload,
    loaded,
    make_branch,
    named_branch,
    nibbles_between,
    parting,
    passing,
    reference,
    references_of,
)

Value = TypeVar("Value")
_Change: TypeAlias = tuple[bytes, Any]
"""A key and what changes there, or its value."""
_FIRST = itemgetter(0)


class Form(msgspec.Struct, frozen=True):
    """What a trie does with the values in its leaves."""

    encode: Callable[[Any], bytes]
    """Returns what a leaf commits to for its value; never nothing."""
    merge: Callable[[Any, Any], Any]
    """Returns a value from the one before and a change; either may be None, for nothing."""


def replace(_: Any, change: Any) -> Any:
    """Let a change be the new value."""
    return change


PLAIN = Form(bytes, replace)
"""Values that stand for themselves."""


class Trie(msgspec.Struct, Generic[Value], frozen=True):
    """One version of a trie."""

    form: Form
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
            elif type(node) is Stub:
                node = loaded(node)
            else:
                assert type(node) is Extension
                end = depth + len(node.nibbles)
                if nibbles_between(key, depth, end) != node.nibbles:
                    return None
                node, depth = node.child, end
        return None

    def items(self) -> Iterator[tuple[bytes, Value]]:
        """Yield all keys with their values, by ascending key. What is loaded for it is not kept."""
        waiting: list[Node] = [self.top]
        while waiting:
            node = waiting.pop()
            if isinstance(node, Branch):
                waiting += reversed(node.children)
            elif isinstance(node, Extension):
                waiting.append(node.child)
            elif isinstance(node, Stub):
                waiting.append(passing(node))
            elif node is not None:
                yield node.key, node.value

    def updated(self, changes: Mapping[bytes, Any]) -> "Trie[Value]":
        """Return the trie with `changes` applied; this one stays as it is.

        Args:
            changes: for each 32-byte key what the trie's form merges: if nothing else is said, the
                new value. None deletes it, absent or not.
        """
        if not changes:
            return self
        items = sorted(changes.items(), key=_FIRST)
        return Trie(self.form, *_update(self.top, items, 0, self.form))


def bytes_trie() -> Trie[bytes]:
    """Return an empty trie of values that stand for themselves."""
    return Trie(PLAIN)


def build_below(leaves: Mapping[bytes, bytes], depth: int) -> Named:
    """Return the subtree of these 32-byte keys that hangs `depth` nibbles below the root.

    The keys share their first `depth` nibbles.
    """
    return _build(sorted(leaves.items()), depth, PLAIN)


def _update(node: Node, items: list[_Change], depth: int, form: Form) -> Named:
    """Apply sorted, non-empty changes to the subtree whose paths begin at `depth`."""
    if type(node) is Branch:
        if len(items) == 1:
            return _update_path(node, items, depth, form)
        return _update_branch(node, items, depth, form)
    if node is None:
        return _build(_merged(items, form), depth, form)
    if type(node) is Leaf:
        return _update_leaf(node, items, depth, form)
    if type(node) is Stub:
        return _update(loaded(node), items, depth, form)
    assert type(node) is Extension
    return _update_extension(node, items, depth, form)


def _update_path(node: Node, items: list[_Change], depth: int, form: Form) -> Named:
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
    node, name = _update(node, items, depth, form)
    while way:
        branch, nibble, place = way.pop()
        depth -= 1
        old, children = branch.encoding, branch.children
        count = len(children)
        is_hash = place >= 0 and len(name) == HASH_BYTES
        if node is not None and is_hash and len(old) == LENGTHS[count]:
            start = STARTS[count] + nibble + 32 * place
            encoding = b"".join((old[:start], name, old[start + HASH_BYTES :]))
            node = Branch(branch.mask, (*children[:place], node, *children[place + 1 :]), encoding)
            name = b"\xa0" + keccak256(encoding)
        else:
            node, name = _replaced(branch, {nibble: (node, name)}, depth, form)
    return node, name


def _update_branch(branch: Branch, items: list[_Change], depth: int, form: Form) -> Named:
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
        named = below[nibble] = _update(child, group, depth + 1, form)
        if child is None or named[0] is None or len(named[1]) != HASH_BYTES:
            start = 0
        elif start:
            at = start + nibble + 32 * place
            changed[place] = named[0]
            parts += (old[done:at], named[1])
            done = at + HASH_BYTES
    if not start:
        return _replaced(branch, below, depth, form)
    encoding = b"".join((*parts, old[done:]))
    return Branch(mask, tuple(changed), encoding), b"\xa0" + keccak256(encoding)


def _update_leaf(node: Leaf, items: list[_Change], depth: int, form: Form) -> Named:
    if len(items) == 1 and items[0][0] == node.key:
        value = form.merge(node.value, items[0][1])
        return ABSENT if value is None else _leaf(node.key, value, depth, form)
    old = [item for item in items if item[0] == node.key]
    kept = _merged([item for item in items if item[0] != node.key], form)
    value = form.merge(node.value, old[0][1]) if old else node.value
    if value is not None:
        kept.append((node.key, value))
        kept.sort(key=_FIRST)
    return _build(kept, depth, form)


def _merged(items: list[_Change], form: Form) -> list[_Change]:
    """Return the new values of keys that had none, without those that still have none."""
    merge = form.merge
    values = [(key, merge(None, change)) for key, change in items]
    return [item for item in values if item[1] is not None]


def _update_extension(node: Extension, items: list[_Change], depth: int, form: Form) -> Named:
    nibbles = node.nibbles
    end = depth + len(nibbles)
    shared = min(
        _agreeing(nibbles, nibbles_between(items[0][0], depth, end)),
        _agreeing(nibbles, nibbles_between(items[-1][0], depth, end)),
    )
    if shared == len(nibbles):
        return _extend(nibbles, _update(node.child, items, end, form), depth, form)
    fork, at = depth + shared, nibbles[shared]
    old = _extend(nibbles[shared + 1 :], (node.child, node.reference), fork + 1, form)
    below: dict[int, Named] = {at: old}
    for nibble, group in _by_nibble(items, fork):
        below[nibble] = _update(old[0] if nibble == at else None, group, fork + 1, form)
    return _extend(nibbles[:shared], _joined(below, fork, form), depth, form)


def _build(items: list[_Change], depth: int, form: Form) -> Named:
    """Build the subtree of sorted items, all of which have a value."""
    if not items:
        return ABSENT
    first = items[0][0]
    if len(items) == 1:
        return _leaf(first, items[0][1], depth, form)
    fork = parting(first, items[-1][0], depth)
    below = {nibble: _build(group, fork + 1, form) for nibble, group in _by_nibble(items, fork)}
    named = _joined(below, fork, form)
    if fork == depth:
        return named
    return _extend(nibbles_between(first, depth, fork), named, depth, form)


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


def _replaced(branch: Branch, below: dict[int, Named], depth: int, form: Form) -> Named:
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
    return _made(left, children, references, depth, form)


def _joined(below: dict[int, Named], depth: int, form: Form) -> Named:
    """Return the node at a depth over what stands at some places: a branch, or a shorter form."""
    references = [EMPTY_STRING] * 16
    children: list[Node] = []
    mask = 0
    for nibble in sorted(below):
        child, references[nibble] = below[nibble]
        if child is not None:
            children.append(child)
            mask |= 1 << nibble
    return _made(mask, children, references, depth, form)


def _made(
    mask: int, children: list[Node], references: list[bytes], depth: int, form: Form
) -> Named:
    """Return the node over these children: a branch needs two, fewer take a shorter form."""
    if len(children) > 1:
        return named_branch(make_branch(mask, children, references))
    if not children:
        return ABSENT
    only = mask.bit_length() - 1
    return _extend(bytes((only,)), (children[0], references[only]), depth, form)


def _extend(nibbles: bytes, named: Named, depth: int, form: Form) -> Named:
    """Put nibbles before every path of a node, which is to begin at `depth` then.

    A leaf has its whole key and is only named anew.
    """
    node, below = named
    if not nibbles or node is None:
        return named
    if type(node) is Stub:
        node = loaded(node)
    if type(node) is Leaf:
        return _leaf(node.key, node.value, depth, form)
    if type(node) is Extension:
        nibbles, below, node = nibbles + node.nibbles, node.reference, node.child
    assert isinstance(node, Branch | Stub)
    return Extension(nibbles, node, below), reference(extension_payload(nibbles, below))


def _leaf(key: bytes, value: Any, depth: int, form: Form) -> Named:
    return Leaf(key, value), reference(leaf_payload(key, form.encode(value), depth))


def _agreeing(one: bytes, other: bytes) -> int:
    """Return how many nibbles two paths share at their beginning."""
    for index, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return index
    return min(len(one), len(other))
