"""Looking at every row of a stored trie once, in the order in which they lie.

A node's path is the beginning of the paths of all nodes below it, so rows in the order of their
keys are the nodes from the top down and from left to right. What each node says of its children
is what the next rows must be. One scan therefore finds all rows that are damaged, missing or left
over, in memory for one way down, where reading node by node would seek each row anew.

What is below a node that is damaged or missing cannot be judged, and is passed over.
"""

from bisect import bisect_right
from collections.abc import Iterator

from primitives.errors import InvalidEncoding
from primitives.ids import Hash32
from primitives.trie import EMPTY_ROOT
from storage.commitment import Contract
from storage.store import RowSource
from storage.stored_trie.errors import MissingTrieNode, StoredTrieError, SuperfluousRow
from storage.stored_trie.loading import NIBBLES, decode_node
from storage.stored_trie.opening import account_rows, storage_rows
from storage.stored_trie.rows import Rows
from storage.stored_trie.tables import (
    ACCOUNTS,
    STORAGE,
    STORAGE_PREFIX_BYTES,
    TABLE,
    storage_prefix,
)
from storage.trie_nodes import (
    KEY_BYTES,
    Branch,
    Extension,
    Leaf,
    Named,
    Stub,
    nibbles_between,
    references_of,
)

_EMPTY = b"\xa0" + EMPTY_ROOT
_AFTER_ACCOUNTS = ACCOUNTS + b"\x10"
_AFTER_STORAGE = bytes((STORAGE[0] + 1,))


def trie_faults(root: Hash32, source: RowSource) -> Iterator[StoredTrieError]:
    """Yield what is wrong with the rows of a state trie; nothing if they are what they must be.

    Args:
        root: the state root that is trusted.
        source: the rows.
    """
    accounts = _Check(account_rows(source), b"\xa0" + root)
    storage = _StorageCheck(source, accounts)
    yield from _left_over(source, b"", ACCOUNTS)
    for key, row in source.scan(TABLE, ACCOUNTS, _AFTER_ACCOUNTS):
        yield from accounts.row(key[1:], row)
        while accounts.leaves:
            yield from storage.leaf(accounts.leaves.pop())
    yield from accounts.before(None)
    yield from storage.before(_AFTER_STORAGE)
    yield from _left_over(source, _AFTER_ACCOUNTS, STORAGE)
    yield from _left_over(source, _AFTER_STORAGE, None)


class _Check:
    """One pass over the rows of one trie.

    Args:
        rows: of the trie.
        name: of its topmost node; that of the empty trie stands for no node.
    """

    __slots__ = ("_blind", "_expected", "_rows", "leaves")

    def __init__(self, rows: Rows, name: bytes) -> None:
        self._rows = rows
        self._expected: list[tuple[bytes, bytes]] = []
        """Paths and names of the nodes to come, the next one last."""
        self._blind: list[bytes] = []
        """Paths below which nothing can be judged, ascending."""
        self.leaves: list[Leaf] = []
        """Those that were met since somebody took them away: one at most."""
        if name != _EMPTY:
            self._expected.append((b"", name))

    def row(self, path: bytes, row: bytes) -> Iterator[StoredTrieError]:
        """Yield what is wrong before the next row, and with it."""
        yield from self.before(path)
        rows = self._rows
        if not self._expected or self._expected[-1][0] != path:
            if not self.is_blind(path):
                yield SuperfluousRow(rows.prefix + path, "no row", f"{len(row)} bytes")
            return
        name = self._expected.pop()[1]
        try:
            node = decode_node(rows, path, rows.checked(path, name, row))
        except StoredTrieError as error:
            self._blind.append(path)
            yield error
        except InvalidEncoding as error:
            self._blind.append(path)
            yield rows.refusal(path, error)
        else:
            self._expect((node, name), path)

    def before(self, path: bytes | None) -> Iterator[StoredTrieError]:
        """Yield the nodes that are missing before a path; all that are to come if it is None."""
        while self._expected and (path is None or self._expected[-1][0] < path):
            missing, name = self._expected.pop()
            self._blind.append(missing)
            key = self._rows.prefix + missing
            yield MissingTrieNode(key, f"node {name[1:].hex()}", "no row")

    def is_blind(self, path: bytes) -> bool:
        """Whether a path is below a node that was damaged or missing."""
        place = bisect_right(self._blind, path)
        return place > 0 and path.startswith(self._blind[place - 1])

    def _expect(self, named: Named, path: bytes) -> None:
        """Note which rows must come below a node, through nodes that stand in it."""
        node, name = named
        if isinstance(node, Stub):
            self._expected.append((path, name))
        elif isinstance(node, Leaf):
            self.leaves.append(node)
        elif isinstance(node, Extension):
            self._expect((node.child, node.reference), path + node.nibbles)
        elif isinstance(node, Branch):
            names = references_of(node)
            nibbles = [nibble for nibble in range(16) if node.mask >> nibble & 1]
            for nibble, child in zip(reversed(nibbles), reversed(node.children), strict=True):
                self._expect((child, names[nibble]), path + NIBBLES[nibble])


class _StorageCheck:
    """One pass over the rows of all storage, beside that over the accounts.

    Args:
        source: the rows.
        accounts: the pass over the accounts.
    """

    __slots__ = ("_accounts", "_next", "_rows", "_source")

    def __init__(self, source: RowSource, accounts: _Check) -> None:
        self._source = source
        self._accounts = accounts
        self._rows = source.scan(TABLE, STORAGE, _AFTER_STORAGE)
        self._next = next(self._rows, None)

    def leaf(self, leaf: Leaf) -> Iterator[StoredTrieError]:
        """Yield what is wrong before an account's storage, and with it."""
        prefix = storage_prefix(leaf.key)
        yield from self.before(prefix)
        name = leaf.value.storage.reference if isinstance(leaf.value, Contract) else _EMPTY
        check = _Check(storage_rows(leaf.key, self._source), name)
        while self._next is not None and self._next[0].startswith(prefix):
            key, row = self._next
            yield from check.row(key[len(prefix) :], row)
            check.leaves.clear()
            self._next = next(self._rows, None)
        yield from check.before(None)

    def before(self, prefix: bytes) -> Iterator[StoredTrieError]:
        """Yield the rows before a key: they belong to no account, if all accounts are known."""
        while self._next is not None and self._next[0] < prefix:
            key, row = self._next
            account = key[1:STORAGE_PREFIX_BYTES].ljust(KEY_BYTES, b"\0")
            if not self._accounts.is_blind(nibbles_between(account, 0, 2 * KEY_BYTES)):
                yield SuperfluousRow(key, "no row", f"{len(row)} bytes")
            self._next = next(self._rows, None)


def _left_over(source: RowSource, start: bytes, end: bytes | None) -> Iterator[StoredTrieError]:
    """Yield the rows that are of no trie."""
    for key, row in source.scan(TABLE, start, end):
        yield SuperfluousRow(key, "no row", f"{len(row)} bytes")
