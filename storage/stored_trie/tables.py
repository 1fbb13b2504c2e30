"""The keys of a trie's rows."""

from storage.trie_nodes import KEY_BYTES

TABLE = "state.trie"
ACCOUNTS = b"A"
"""Before the path of a node of the trie of accounts; one nibble in a byte, as in all keys here."""
STORAGE = b"O"
"""Before the 32-byte hashed address and the path of a node of an account's storage."""
STORAGE_PREFIX_BYTES = len(STORAGE) + KEY_BYTES


def storage_prefix(account: bytes) -> bytes:
    """Return what stands before the keys of an account's storage, by its hashed address."""
    return STORAGE + account
