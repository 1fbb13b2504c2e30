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
from storage.trie_nodes import Branch, Extension, Loaded, Node, Stub

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
    if trie.is_empty:
        return trie
    rows = account_rows(source)
    top = _kept(trie.top, b"", rows, kept) or only_stub(rows, b"", trie.reference)
    return Trie(trie.form, top, trie.reference)


def _kept(node: Node, path: bytes, rows: Rows, kept: int) -> Branch | Extension | None:
    """Return a node with the upper levels below it; None if it is to be loaded when needed.

    Leaves are: they hold their account's storage, and what was loaded of it. They have some 70
    bytes at least, so none stands in its parent, nor does anything above one.
    """
    if isinstance(node, Stub):
        node = node.node
    if len(path) >= kept:
        return None
    if isinstance(node, Branch):
        return _branch(node, path, rows, kept)
    if not isinstance(node, Extension):
        return None
    at = path + node.nibbles
    child = _kept(node.child, at, rows, kept)
    below = child if isinstance(child, Branch) else only_stub(rows, at, node.reference)
    return Extension(node.nibbles, below, node.reference)


def _branch(branch: Branch, path: bytes, rows: Rows, kept: int) -> Branch:
    below = Children(rows, path, branch.mask, branch.encoding)
    nibbles = [nibble for nibble in range(16) if branch.mask >> nibble & 1]
    children: list[Loaded | Stub] = [Stub(below, nibble) for nibble in nibbles]
    if len(path) + 1 < kept:
        for place, child in enumerate(branch.children):
            at = path + NIBBLES[nibbles[place]]
            children[place] = _kept(child, at, rows, kept) or children[place]
    return Branch(branch.mask, tuple(children), branch.encoding)
