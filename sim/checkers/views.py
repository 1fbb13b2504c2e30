"""What checkers need of an executed block and its state, as small Protocols."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from primitives.block import Block
from primitives.epoch import Epoch
from primitives.ids import Address, Wei


class CheckedAccount(Protocol):
    """One account: `storage.account.Account`."""

    @property
    def nonce(self) -> int:
        """Nonce of the next transaction."""
        ...

    @property
    def balance(self) -> Wei:
        """Balance in wei."""
        ...


class CheckedState(Protocol):
    """The accounts after a block: `storage.state.StateLayer`."""

    @property
    def changes(self) -> Mapping[Address, CheckedAccount | None]:
        """Accounts that the block changed; None where one ceased to exist."""
        ...

    def balance(self, address: Address) -> Wei:
        """Return a balance in wei; 0 without an account."""
        ...

    def accounts(self) -> Mapping[Address, CheckedAccount]:
        """Return all accounts. Costs time for each of them."""
        ...


class CheckedBlock(Protocol):
    """A block with what its execution found: `node.execution.ExecutedBlock`."""

    @property
    def block(self) -> Block:
        """Header and raw transactions."""
        ...

    @property
    def senders(self) -> Sequence[Address]:
        """The recovered sender of each transaction."""
        ...

    @property
    def epoch(self) -> Epoch:
        """What the block's child belongs to."""
        ...

    @property
    def state(self) -> CheckedState:
        """The accounts after the block."""
        ...

    @property
    def destroyed(self) -> Wei:
        """What contracts have destroyed with themselves, in wei."""
        ...
