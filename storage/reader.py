"""What a state is asked by those who only read it."""

from collections.abc import Collection
from typing import Protocol

from primitives.ids import Address, Hash32
from storage.account import Account


class AccountReader(Protocol):
    """Read access to accounts."""

    def account(self, address: Address) -> Account | None:
        """Return the account, or None when the address has none."""
        ...


class StateReader(AccountReader, Protocol):
    """Read access to accounts, their storage and their code: what a journal runs on."""

    def slot(self, address: Address, slot: int) -> int:
        """Return the value of a storage slot; 0 when it is not set."""
        ...

    def code(self, code_hash: Hash32) -> bytes:
        """Return the code with this hash; nothing for that of the empty string.

        Raises:
            KeyError: no account has ever had such code.
        """
        ...

    def has_storage(self, address: Address, but: Collection[int] = ()) -> bool:
        """Whether any slot is set, other than those of `but` (EIP-7610)."""
        ...


class StorageReader(StateReader, Protocol):
    """A state that can also tell which slots of an account are set."""

    def slots_of(self, address: Address) -> dict[int, int]:
        """Return the slots that are set with their values. Costs time for each of them."""
        ...
