"""Which accesses make two transactions wait for one another: the edge rules.

A speed-up bound means little until one says what counts as an edge, so the rule is a policy of its
own. A rule maps what a transaction accessed to what of it counts; the graph's builder does the
same with all of them.

* `DeltaRule` is what the executors here need: balances that nobody sees commute (ADR 13).
* `StrictRule` lets every balance conflict like any other cell, the fee recipient's excepted, which
  each transaction pays.
* `LazyRule` looks at storage, nonces and code only, as if balances always commuted. It is
  optimistic where contracts ask for balances, and it is the rule of most published figures.

Under each of them transactions of one sender are ordered, because each reads and writes the
sender's nonce.
"""

from typing import Protocol

import msgspec

from primitives.access import ADDRESS_BYTES, BALANCE, CODE, NONCE, SLOT_KEY_BYTES, AccessSet
from primitives.ids import Address

_LAZY_FIELDS = (NONCE, CODE)


class EdgeRule(Protocol):
    """Says what counts as an access."""

    @property
    def name(self) -> str:
        """The rule's name in reports."""
        ...

    def counted(self, access: AccessSet) -> AccessSet:
        """Return what counts of a transaction's accesses; keys may come twice."""
        ...


class DeltaRule(msgspec.Struct, frozen=True):
    """Everything counts, and deltas commute."""

    name: str = "deltas"

    def counted(self, access: AccessSet) -> AccessSet:
        """Return the accesses as they are."""
        return access


class StrictRule(msgspec.Struct, frozen=True):
    """A balance that was moved counts as read and written.

    Args:
        fee_recipient: whose balance does not count; None if all do.
    """

    fee_recipient: Address | None = None
    name: str = "strict"

    def counted(self, access: AccessSet) -> AccessSet:
        """Return the accesses without deltas."""
        reads, writes = access.reads + access.deltas, access.writes + access.deltas
        if self.fee_recipient is None:
            return AccessSet(reads, writes)
        free = self.fee_recipient + BALANCE
        return AccessSet(
            tuple([key for key in reads if key != free]),
            tuple([key for key in writes if key != free]),
        )


class LazyRule(msgspec.Struct, frozen=True):
    """Only storage slots, nonces and code count."""

    name: str = "lazy"

    def counted(self, access: AccessSet) -> AccessSet:
        """Return the accesses without balances and existence."""
        return AccessSet(
            tuple([key for key in access.reads if _is_lazy(key)]),
            tuple([key for key in access.writes if _is_lazy(key)]),
        )


def _is_lazy(key: bytes) -> bool:
    return len(key) == SLOT_KEY_BYTES or key[ADDRESS_BYTES:] in _LAZY_FIELDS
