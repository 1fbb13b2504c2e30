"""What can be wrong with the rows of a trie."""

from storage.store import DamagedStore
from storage.stored_trie.tables import ACCOUNTS, STORAGE, STORAGE_PREFIX_BYTES, TABLE
from storage.trie_nodes import nibbles_text


class StoredTrieError(DamagedStore):
    """A row of the trie that cannot be used. `where` names the trie and the node's path.

    Args:
        key: of the row.
        expected: what should be there.
        actual: what was found.
    """

    def __init__(self, key: bytes, expected: str, actual: object) -> None:
        self.key = key
        super().__init__(_place(key), expected, actual)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.key, self.expected, str(self.actual))


class MissingTrieNode(StoredTrieError):
    """There is no row for a node to which the root commits."""


class CorruptTrieNode(StoredTrieError):
    """A row holds another node than the root commits to: a damaged one, or one of another state."""


class SuperfluousRow(StoredTrieError):
    """A row that no node of the trie needs."""


def _place(key: bytes) -> str:
    if key[:1] == ACCOUNTS:
        trie, path = "accounts", key[1:]
    elif key[:1] == STORAGE and len(key) >= STORAGE_PREFIX_BYTES:
        trie, path = f"storage of {key[1:STORAGE_PREFIX_BYTES].hex()}", key[STORAGE_PREFIX_BYTES:]
    else:
        return f"{TABLE}: key {key.hex()}"
    return f"{TABLE}: {trie}, path {nibbles_text(path) or '(top)'}"
