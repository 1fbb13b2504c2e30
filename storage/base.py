"""What layers may stand on instead of on nothing: a whole state that is kept elsewhere."""

from typing import Protocol

from primitives.ids import Address
from storage.account import Account
from storage.changes import StateChanges
from storage.commitment import StateTrie
from storage.reader import StorageReader


class StateBase(StorageReader, Protocol):
    """A whole state, such as one on disk (`storage.flat.DiskState`). It never changes."""

    def accounts(self) -> dict[Address, Account]:
        """Return all accounts, by ascending address. Costs time for each of them."""
        ...

    def everything(self) -> StateChanges:
        """Return the whole state as changes of nothing. Costs time for each cell."""
        ...

    def trie(self) -> StateTrie:
        """Return the state as a Merkle Patricia trie, keyed by hashed address."""
        ...
