"""What the state holds for one address.

An account that is empty (no nonce, no balance, no code) does not exist: it is never written to
the state, and a transaction that leaves one empty removes it. Otherwise a transfer of nothing to
a random address would leave a row for ever.

Reference: Yellow Paper, section 4.1; EIP-161.
"""

import msgspec

from primitives.account import encode_account
from primitives.ids import Hash32, Wei
from primitives.keccak import EMPTY_KECCAK
from primitives.trie import EMPTY_ROOT


class Account(msgspec.Struct, frozen=True, gc=False):
    """One account. Immutable: a change is a new object, so that layers may share it."""

    nonce: int = 0
    """Transactions sent, below 2**64."""
    balance: Wei = Wei(0)
    """Wei, below 2**256."""
    storage_root: Hash32 = EMPTY_ROOT
    """Root of the trie of storage slots."""
    code_hash: Hash32 = EMPTY_KECCAK
    """Keccak-256 of the code; that of the empty string when there is none."""


ABSENT = Account()
"""What reading an address that has no account amounts to."""


def is_empty(account: Account) -> bool:
    """Whether the account has no nonce, no balance and no code. Reference: EIP-161."""
    return not account.nonce and not account.balance and account.code_hash == EMPTY_KECCAK


def has_code(account: Account) -> bool:
    """Whether calls to the account would run code."""
    return account.code_hash != EMPTY_KECCAK


def account_leaf(account: Account) -> bytes:
    """Return the account's value in the state trie."""
    return encode_account(account.nonce, account.balance, account.storage_root, account.code_hash)
