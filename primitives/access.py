"""What a transaction read and wrote, at the granularity at which transactions conflict.

A *key* names one cell of the state: an account's balance, nonce, code or existence, or one slot of
its storage. Keys are bytes, because they are hashed, sorted and sent: the address, then one letter
for a field of the account, or the slot's 32 bytes.

Balances need a third kind of access. Paying somebody does not depend on what he owned before, so
two payments to one account commute; taking from an account commutes as well, as long as there is
enough. `deltas` are such changes: the amount was moved, but no instruction saw the balance. Without
them every block would be one chain through the accounts that everybody pays.

Existence is a cell of its own because a call with value asks only whether the account is empty
(EIP-161), which hardly ever changes, and not what it owns. A payment to an account that did not
exist begins it, whichever of several comes first: so that is a delta as well.
"""

import msgspec

from primitives.ids import Address

BALANCE = b"b"
"""Suffix of the key of an account's balance."""
NONCE = b"n"
CODE = b"c"
EXISTENCE = b"e"
"""Whether the account is not empty (EIP-161)."""

ADDRESS_BYTES = 20
SLOT_KEY_BYTES = 52
"""Length of the key of a storage slot; keys of fields have 21 bytes."""


class AccessSet(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The accesses of one transaction. Each tuple is ascending and has a key once."""

    reads: tuple[bytes, ...]
    """Cells whose value before the transaction may have influenced it."""
    writes: tuple[bytes, ...]
    """Cells whose value it has changed, `deltas` excepted."""
    deltas: tuple[bytes, ...] = ()
    """Cells changed unseen; the order of such changes does not matter. They are balances that were
    only added to or taken from, and existences that a payment has begun."""


def slot_key(address: Address, slot: int) -> bytes:
    """Return the key of a storage slot."""
    return address + slot.to_bytes(32, "big")
