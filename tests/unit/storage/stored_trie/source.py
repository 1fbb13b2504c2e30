"""A store that counts how it is read, and tries to put into it."""

from collections.abc import Iterator

from primitives.ids import Address, Wei
from storage.account import Account
from storage.changes import StateChanges
from storage.commitment import StateTrie, empty_state_trie, update_state_trie
from storage.memory import MemoryStore
from storage.stored_trie import TABLE, trie_records


class CountingSource:
    """Rows, and the keys that were read of them.

    Args:
        store: the rows.
    """

    def __init__(self, store: MemoryStore) -> None:
        self.store = store
        self.read: list[bytes] = []
        self.scans = 0

    def get(self, table: str, key: bytes) -> bytes | None:
        """Return a row."""
        assert table == TABLE
        self.read.append(key)
        return self.store.get(table, key)

    def scan(
        self, table: str, start: bytes = b"", end: bytes | None = None
    ) -> Iterator[tuple[bytes, bytes]]:
        """Yield rows by their keys."""
        self.scans += 1
        return self.store.scan(table, start, end)


def address(number: int) -> Address:
    return Address(number.to_bytes(20, "big"))


def rich(numbers: range) -> dict[Address, Account | None]:
    return {address(number): Account(0, Wei(number + 1)) for number in numbers}


def state(accounts: int, slots: int = 0) -> StateTrie:
    """Return a trie of accounts, the first of which has slots."""
    values = {address(0): {slot: slot + 1 for slot in range(slots)}} if slots else {}
    return update_state_trie(empty_state_trie(), StateChanges(rich(range(accounts)), values))


def source_of(trie: StateTrie) -> CountingSource:
    store = MemoryStore()
    store.write(trie_records(empty_state_trie(), trie))
    return CountingSource(store)
