"""What can be wrong with the rows of a trie."""

from storage.store import DamagedStore


class StoredTrieError(DamagedStore):
    """A row of the trie that cannot be used. `where` names the trie and the node's path."""


class MissingTrieNode(StoredTrieError):
    """There is no row for a node to which the root commits."""


class CorruptTrieNode(StoredTrieError):
    """A row holds another node than the root commits to: a damaged one, or one of another state."""


class SuperfluousRow(StoredTrieError):
    """A row that no node of the trie needs."""
