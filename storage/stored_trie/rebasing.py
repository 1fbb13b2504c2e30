"""Letting go of what a trie has loaded, all but its top.

A trie that is updated block after block keeps every node that was loaded for it, and every node
that came up since: in the end it is in memory as a whole. A fresh one at the same root holds
nothing, but each block then loads its ways down from the root again. Between the two is one that
keeps some levels. Keys are hashes, so each block comes through all nodes of the upper levels, and
through few of the lower ones.
"""

from storage.commitment import StateTrie
from storage.store import RowSource
from storage.stored_trie.loading import NIBBLES, Children, only_stub
from storage.stored_trie.opening import account_rows
from storage.stored_trie.rows import Rows
from storage.trie import Trie
from storage.trie_nodes import (
    HASH_BYTES,
    Branch,
    Extension,
    Loaded,
    Named,
    Node,
    Stub,
    child_at,
    hashes_start,
)

KEPT_NIBBLES = 4
"""Above that depth a trie of many accounts has 4,369 nodes, which take some 6 MiB."""


def rebased(trie: StateTrie, source: RowSource, kept: int = KEPT_NIBBLES) -> StateTrie:
    """Return a trie of the same root over newer rows, without what was loaded further down.

    The old one stays as it is and goes on reading its own rows. One that was built in memory will
    do as well.

    Args:
        trie: the trie.
        source: where the rows of its root are; of no earlier and of no later state.
        kept: nodes less than so many nibbles below the root stay in memory if they are there.
    """
    rows = account_rows(source)
    top = _kept((trie.top, trie.reference), b"", rows, kept)
    if top is None and trie.top is not None:
        top = only_stub(rows, b"", trie.reference)
    return Trie(trie.form, top, trie.reference)


def _kept(named: Named, path: bytes, rows: Rows, kept: int) -> Node:
    """Return a node with the upper levels below it; None if it is to be loaded when needed.

    Leaves are: they hold their account's storage, and what was loaded of it.
    """
    node, name = named
    if len(name) < HASH_BYTES:
        return node
    if isinstance(node, Stub):
        node = node.node
    if len(path) >= kept:
        return None
    if isinstance(node, Branch):
        return _branch(node, path, rows, kept)
    if isinstance(node, Extension):
        at = path + node.nibbles
        child = _kept((node.child, node.reference), at, rows, kept)
        if not isinstance(child, Branch):
            child = only_stub(rows, at, node.reference)
        return Extension(node.nibbles, child, node.reference)
    return None


def _branch(branch: Branch, path: bytes, rows: Rows, kept: int) -> Branch:
    below = Children(rows, path, branch.mask, branch.encoding)
    nibbles = [nibble for nibble in range(16) if branch.mask >> nibble & 1]
    if len(path) + 1 >= kept and hashes_start(branch):
        return Branch(branch.mask, tuple([Stub(below, each) for each in nibbles]), branch.encoding)
    children: list[Loaded | Stub] = []
    for nibble in nibbles:
        child = _kept(child_at(branch, nibble), path + NIBBLES[nibble], rows, kept)
        children.append(Stub(below, nibble) if child is None else child)
    return Branch(branch.mask, tuple(children), branch.encoding)
