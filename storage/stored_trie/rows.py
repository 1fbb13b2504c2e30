"""Where a trie's nodes lie in a store, and reading one of them.

A row holds the RLP of one node, and its key is the node's path from the root, so the next version
of a node takes the place of the one before and nothing has to be pruned. A node whose encoding is
shorter than a hash stands in its parent and has no row. The nodes of the accounts and of each
storage lie together, in the order of their paths: what is below a node is one range of keys.

Nodes are read one by one. Reading those for all keys of a block together, level by level, was
measured (a million accounts, 2,000 of them changed, 7,200 rows): of 88 ms it would save 4 when the
rows are in memory, and nothing when they are on disk, because RocksDB fetches one after another.

Every node is hashed when it is read. A row that was damaged, or that belongs to another state,
gives an error and never a wrong value.

Reference: go-ethereum, core/rawdb/schema.go, which has the same keys.
"""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from primitives.errors import InvalidEncoding
from primitives.keccak import keccak256
from storage.store import RowSource
from storage.stored_trie.errors import CorruptTrieNode, MissingTrieNode
from storage.stored_trie.tables import TABLE


class Rows(msgspec.Struct, frozen=True, gc=False):
    """The rows of one trie: that of the accounts, or an account's storage."""

    source: RowSource
    prefix: bytes
    """Before all their keys."""
    decode: "Callable[[RowSource, bytes, bytes], Any]"
    """Returns a leaf's value from the source, the leaf's key and what it commits to."""

    def read(self, path: bytes, name: bytes) -> bytes:
        """Return the encoded node at a path.

        Args:
            path: one nibble in a byte.
            name: its hash, with the byte 0xa0 before it.

        Raises:
            MissingTrieNode: there is none.
            CorruptTrieNode: another node is there.
        """
        return self.checked(path, name, self.source.get(TABLE, self.prefix + path))

    def checked(self, path: bytes, name: bytes, row: bytes | None) -> bytes:
        """Return the row that was found at a path, if it is the node that is named."""
        if row is None:
            raise MissingTrieNode(self.prefix + path, f"node {name[1:].hex()}", "no row")
        digest = keccak256(row)
        if digest != name[1:]:
            found = f"node {digest.hex()}"
            raise CorruptTrieNode(self.prefix + path, f"node {name[1:].hex()}", found)
        return row

    def refusal(self, path: bytes, error: InvalidEncoding) -> CorruptTrieNode:
        """Return the error for a row that has the right hash and is no node."""
        return CorruptTrieNode(self.prefix + path, "a node of a trie", str(error))

    def keys_below(self, path: bytes) -> Iterator[bytes]:
        """Yield the keys of all nodes at or below a path. Costs a scan, and no hashing."""
        start = self.prefix + path
        for key, _ in self.source.scan(TABLE, start, start + b"\x10"):
            yield key
