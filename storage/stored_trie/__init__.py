"""The state trie in a durable store: its rows, and tries that load their nodes when needed."""

from storage.stored_trie.checking import trie_faults as trie_faults
from storage.stored_trie.errors import (
    CorruptTrieNode as CorruptTrieNode,
    MissingTrieNode as MissingTrieNode,
    StoredTrieError as StoredTrieError,
    SuperfluousRow as SuperfluousRow,
)
from storage.stored_trie.opening import stored_trie as stored_trie
from storage.stored_trie.records import trie_records as trie_records
from storage.stored_trie.tables import TABLE as TABLE
