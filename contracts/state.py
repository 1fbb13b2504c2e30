"""What the virtual machine asks of the state: four small Protocols, and their union.

`storage` implements them in one object that lives for one transaction (`storage.journal`). Every
change can be taken back to a snapshot, warmth included (EIP-2929 undoes it with a revert).

The methods are as narrow as they are because their caller's knowledge decides what conflicts: who
asks for a balance has seen it, and conflicts with everybody who changes it; who moves an amount has
not (`primitives.access`).
"""

from typing import Protocol

from primitives.ids import Address, Hash32
from primitives.receipt import Log


class AccountReader(Protocol):
    """What instructions can learn of an account. An address without account reads as empty."""

    def balance(self, address: Address) -> int:
        """Return the balance in wei, which counts as seen."""
        ...

    def nonce(self, address: Address) -> int:
        """Return the nonce of its next transaction or creation."""
        ...

    def code(self, address: Address) -> bytes:
        """Return the code as it is stored: a delegation designator is not followed."""
        ...

    def code_hash(self, address: Address) -> Hash32:
        """Return the hash of the code; that of the empty string without one."""
        ...

    def is_empty(self, address: Address) -> bool:
        """Whether it has no nonce, no balance and no code (EIP-161)."""
        ...


class AccountWriter(Protocol):
    """Changes of accounts."""

    def add_balance(self, address: Address, amount: int) -> None:
        """Add `amount` wei, unseen. 0 touches the account: if empty, it goes (EIP-161)."""
        ...

    def take_balance(self, address: Address, amount: int) -> bool:
        """Take `amount` wei, unseen; return False and change nothing if there is less."""
        ...

    def set_nonce(self, address: Address, nonce: int) -> None:
        """Set the nonce."""
        ...

    def set_code(self, address: Address, code: bytes) -> None:
        """Set the code."""
        ...

    def destroy(self, address: Address) -> None:
        """Remove the account with its code and storage when the transaction ends.

        Until then it goes on as it is. Its balance has been moved before.
        """
        ...


class StorageAccess(Protocol):
    """Slots of contracts. Slots and values are below 2**256; an unset slot is 0."""

    def load(self, address: Address, slot: int) -> int:
        """Return a slot's value."""
        ...

    def store(self, address: Address, slot: int, value: int) -> None:
        """Set a slot's value; 0 unsets it."""
        ...

    def original(self, address: Address, slot: int) -> int:
        """Return the value that the slot had when the transaction began (EIP-2200)."""
        ...

    def load_transient(self, address: Address, slot: int) -> int:
        """Return a transient slot's value (EIP-1153)."""
        ...

    def store_transient(self, address: Address, slot: int, value: int) -> None:
        """Set a transient slot's value."""
        ...


class CreationRecord(Protocol):
    """What creating contracts needs to know and to note."""

    def begin_contract(self, address: Address) -> None:
        """Make the account a contract being created: its storage is empty from now on."""
        ...

    def was_created(self, address: Address) -> bool:
        """Whether `begin_contract` was called for it in this transaction (EIP-6780)."""
        ...

    def has_storage(self, address: Address) -> bool:
        """Whether any slot was set before this transaction (EIP-7610)."""
        ...


class TransactionJournal(Protocol):
    """What is taken back when a call fails, beside accounts and slots."""

    def snapshot(self) -> int:
        """Return a mark to `revert` to; marks nest."""
        ...

    def revert(self, mark: int) -> None:
        """Take back everything since the mark."""
        ...

    def warm_address(self, address: Address) -> bool:
        """Mark an address as accessed; return whether it was before (EIP-2929)."""
        ...

    def warm_slot(self, address: Address, slot: int) -> bool:
        """Mark a slot as accessed; return whether it was before (EIP-2929)."""
        ...

    def append_log(self, log: Log) -> None:
        """Note an event; `logs` of the outcome has those that were not taken back."""
        ...


class State(
    AccountReader, AccountWriter, StorageAccess, CreationRecord, TransactionJournal, Protocol
):
    """All of it: what one transaction runs on."""
