"""The pool's policy, and its answers to an admission."""

from dataclasses import dataclass
from typing import Protocol

import msgspec

from primitives.ids import Address, Hash32
from primitives.transaction import InvalidTransaction
from storage.account import Account


class SenderReader(Protocol):
    """What the pool asks of a state: who sends, and whether code stands in the way."""

    def account(self, address: Address) -> Account | None:
        """Return the account, or None when the address has none."""
        ...

    def code(self, code_hash: Hash32) -> bytes:
        """Return the code with this hash, which some account has."""
        ...


@dataclass(frozen=True, slots=True)
class MempoolLimits:
    """One node's policy for its pool."""

    count: int = 16_384
    """Transactions in all."""
    byte_count: int = 64 * 1024 * 1024
    """Bytes of their encodings in all."""
    per_sender: int = 1_024
    """Transactions of one sender; also how far ahead of the account a nonce may be."""
    queued: int = 4_096
    """Transactions behind nonce gaps, in all. Such a one costs its sender nothing; beyond the
    limit, those of the sender that has stood behind a gap longest give way."""
    transaction_bytes: int = 128 * 1024
    """Bytes of one transaction."""
    price_bump_percent: int = 10
    """How much a replacement must raise both fee fields."""


class Admitted(msgspec.Struct, frozen=True, gc=False):
    """The transaction is in the pool."""

    pending: bool
    """Whether all lower nonces of its sender are used or pooled."""
    evicted: tuple[Hash32, ...] = ()
    """Transactions that gave way to it: cheaper ones, or an older one behind a nonce gap."""


class Replaced(msgspec.Struct, frozen=True, gc=False):
    """The transaction is in the pool, in the place of another."""

    old: Hash32
    """Hash of the other, which has left the pool."""
    evicted: tuple[Hash32, ...] = ()
    """Cheaper transactions that gave way to it, beside `old`."""


class Refused(msgspec.Struct, frozen=True, gc=False):
    """The transaction is not in the pool, and the pool is as it was."""

    error: InvalidTransaction


Admission = Admitted | Replaced | Refused
