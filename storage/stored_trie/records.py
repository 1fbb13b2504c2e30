"""What a store must write to hold the next version of a trie in place of the one before.

Both versions are walked together, from the top, and wherever they name the same node nothing
below can differ. So the cost follows the nodes that changed. An extension is walked as if each of
its nibbles were a node: then a branch that came up in its middle, or one that vanished from
there, meets what it came from, and what hangs below either is not walked.

A leaf may move up or down when its neighbours change while the storage in it stays the same. So
storage is compared by account, after the accounts.
"""

from collections.abc import Iterator
from typing import Any

from primitives.machine import Record
from primitives.rlp import list_header
from storage.commitment import Contract, StateTrie, empty_storage
from storage.stored_trie.loading import NIBBLES
from storage.stored_trie.tables import ACCOUNTS, TABLE, storage_prefix
from storage.trie import Trie
from storage.trie_encoding import encoded
from storage.trie_nodes import (
    ABSENT,
    HASH_BYTES,
    Branch,
    Extension,
    Leaf,
    Loaded,
    Named,
    Node,
    Stub,
    child_at,
    hashes_start,
    leaf_payload,
    passing,
    span,
)

_NO_ROW = b""
"""Name of what is left of an extension behind its first nibbles: it is no node of the trie."""


def trie_records(before: StateTrie, after: StateTrie) -> list[Record]:
    """Return the rows that turn those of one state trie into those of another.

    Where `after` was made from `before`, it costs time for each changed node. Storage that was
    wiped costs one scan of its rows.

    Args:
        before: the trie whose rows the store holds; the empty one for none.
        after: the trie whose rows it will hold.

    Raises:
        StoredTrieError: a row of what was wiped or replaced is missing or damaged.
    """
    accounts = _Walk(ACCOUNTS, before, after)
    records = accounts.records
    olds, news = accounts.old_storage, accounts.new_storage
    none = empty_storage()
    for key in {**olds, **news}:
        records += _Walk(storage_prefix(key), olds.get(key, none), news.get(key, none)).records
    return records


class _Walk:
    """One walk through two versions of a trie.

    Args:
        prefix: before the keys of its rows.
        before: the old version.
        after: the new one.
    """

    __slots__ = ("_encode", "_prefix", "new_storage", "old_storage", "records")

    def __init__(self, prefix: bytes, before: Trie[Any], after: Trie[Any]) -> None:
        self.records: list[Record] = []
        self.old_storage: dict[bytes, Trie[int]] = {}
        """By hashed address; of accounts in leaves that were met, as in `new_storage`."""
        self.new_storage: dict[bytes, Trie[int]] = {}
        self._prefix = prefix
        self._encode = after.form.encode
        self._both((before.top, before.reference), (after.top, after.reference), b"")

    def _both(self, old: Named, new: Named, path: bytes) -> None:
        """Compare what stands at a path."""
        if old[0] is new[0] or (old[1] == new[1] and old[1] != _NO_ROW):
            return
        if new[0] is None and isinstance(old[0], Stub) and self._prefix != ACCOUNTS:
            stub = old[0]
            self._delete_all(stub.below.keys_below(stub.nibble))
            return
        older, newer = _node(old[0]), _node(new[0])
        if newer is not None and len(new[1]) == HASH_BYTES:
            row = encoded(newer, len(path), self._encode)
            self.records.append(Record(TABLE, self._prefix + path, row))
        elif len(old[1]) == HASH_BYTES:
            self.records.append(Record(TABLE, self._prefix + path, None))
        if isinstance(older, Leaf):
            _note(older, self.old_storage)
        if isinstance(newer, Leaf):
            _note(newer, self.new_storage)
        if type(older) is Branch and type(newer) is Branch:
            if older.mask != newer.mask:
                self._other_children(older, newer, path)
            elif hashes_start(older) and hashes_start(newer):
                self._hashed_children(older, newer, path)
            else:
                self._children(older, newer, path)
            return
        below, above = _parts(older), _parts(newer)
        for nibble in sorted({**below, **above}):
            self._both(below.get(nibble, ABSENT), above.get(nibble, ABSENT), path + NIBBLES[nibble])

    def _hashed_children(self, old: Branch, new: Branch, path: bytes) -> None:
        """Do as `_children`, where all children are named by hashes, as they nearly always are.

        Nine in ten nodes of a block are met here, a branch below a branch or a leaf where there
        was one. That such a node has a row is known without its name, so no name is cut out.
        """
        nibbles = [nibble for nibble in range(16) if new.mask >> nibble & 1]
        for nibble, before, after in zip(nibbles, old.children, new.children, strict=True):
            if before is after:
                continue
            if (
                type(before) is Leaf
                and type(after) is Leaf
                and type(before.value) is not Contract
                and type(after.value) is not Contract
            ):
                self._leaf(before, after, path + NIBBLES[nibble])
            elif type(before) is Branch and type(after) is Branch and before.mask == after.mask:
                below = path + NIBBLES[nibble]
                if before.encoding == after.encoding:
                    continue
                self.records.append(Record(TABLE, self._prefix + below, after.encoding))
                if hashes_start(before) and hashes_start(after):
                    self._hashed_children(before, after, below)
                else:
                    self._children(before, after, below)
            else:
                older, newer = child_at(old, nibble), child_at(new, nibble)
                self._both(older, newer, path + NIBBLES[nibble])

    def _leaf(self, old: Leaf, new: Leaf, path: bytes) -> None:
        """Compare two leaves that have rows, and no storage."""
        if old.value == new.value and old.key == new.key:
            return
        payload = leaf_payload(new.key, self._encode(new.value), len(path))
        self.records.append(Record(TABLE, self._prefix + path, list_header(len(payload)) + payload))

    def _children(self, old: Branch, new: Branch, path: bytes) -> None:
        """Compare what hangs below two branches that have children at the same places."""
        mask, one, other = new.mask, old.encoding, new.encoding
        nibbles = [nibble for nibble in range(16) if mask >> nibble & 1]
        for nibble, before, after in zip(nibbles, old.children, new.children, strict=True):
            if before is not after:
                first, last = span(one, mask, nibble)
                start, end = span(other, mask, nibble)
                older, newer = (before, one[first:last]), (after, other[start:end])
                self._both(older, newer, path + NIBBLES[nibble])

    def _other_children(self, old: Branch, new: Branch, path: bytes) -> None:
        """Do as `_children`, where a child has come or gone: most stay, and are passed over."""
        olds, news = iter(old.children), iter(new.children)
        for nibble in range(16):
            before = next(olds) if old.mask >> nibble & 1 else None
            after = next(news) if new.mask >> nibble & 1 else None
            if before is not after:
                older, newer = child_at(old, nibble), child_at(new, nibble)
                self._both(older, newer, path + NIBBLES[nibble])

    def _delete_all(self, keys: Iterator[bytes]) -> None:
        self.records += [Record(TABLE, key, None) for key in keys]


def _node(node: Node) -> Loaded | None:
    return passing(node) if isinstance(node, Stub) else node


def _note(leaf: Leaf, storage: dict[bytes, Trie[int]]) -> None:
    value = leaf.value
    if type(value) is Contract:
        storage[leaf.key] = value.storage


def _parts(node: Loaded | None) -> dict[int, Named]:
    """Return what hangs below a node, one nibble further on."""
    if isinstance(node, Branch):
        return {nibble: child_at(node, nibble) for nibble in range(16) if node.mask >> nibble & 1}
    if not isinstance(node, Extension):
        return {}
    first, rest = node.nibbles[0], node.nibbles[1:]
    below: Named = (node.child, node.reference)
    return {first: (Extension(rest, node.child, node.reference), _NO_ROW) if rest else below}
