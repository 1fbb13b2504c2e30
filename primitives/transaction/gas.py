"""Gas that a transaction costs before its first instruction runs."""

import msgspec

from primitives.fork import Fork
from primitives.ids import Gas
from primitives.transaction.types import Transaction

TRANSACTION = 21_000
CREATION = 32_000
ZERO_BYTE = 4
NONZERO_BYTE = 16
NONZERO_BYTE_BEFORE_ISTANBUL = 68
ACCESS_LIST_ADDRESS = 2_400
ACCESS_LIST_KEY = 1_900
INITCODE_WORD = 2
AUTHORIZATION = 25_000
FLOOR_TOKEN = 10
TOKENS_PER_NONZERO_BYTE = 4


class IntrinsicGas(msgspec.Struct, frozen=True, gc=False):
    """Two amounts: what is charged before execution, and the least charged in all."""

    required: Gas
    """Taken off the gas limit before execution."""
    floor: Gas
    """Gas used is at least this (EIP-7623); 0 before Prague."""

    @property
    def minimum(self) -> Gas:
        """The lowest gas limit that is valid."""
        return max(self.required, self.floor)


PLAIN_TRANSFER = IntrinsicGas(Gas(TRANSACTION), Gas(TRANSACTION))
"""From Prague on, without data, access list and authorizations."""


def intrinsic_gas(tx: Transaction, fork: Fork) -> IntrinsicGas:
    """Return the intrinsic gas of `tx` and its calldata floor under the rules of `fork`.

    Reference: Yellow Paper (g0), EIP-2, EIP-2028, EIP-2930, EIP-3860, EIP-7623, EIP-7702.
    """
    is_plain = not (tx.data or tx.access_list or tx.authorizations)
    if is_plain and tx.to is not None and fork >= Fork.PRAGUE:
        return PLAIN_TRANSFER
    size = len(tx.data)
    zeros = tx.data.count(0)
    nonzero_byte = NONZERO_BYTE if fork >= Fork.ISTANBUL else NONZERO_BYTE_BEFORE_ISTANBUL
    gas = TRANSACTION + ZERO_BYTE * zeros + nonzero_byte * (size - zeros)
    if tx.to is None:
        gas += CREATION if fork >= Fork.HOMESTEAD else 0
        gas += INITCODE_WORD * ((size + 31) // 32) if fork >= Fork.SHANGHAI else 0
    for entry in tx.access_list:
        gas += ACCESS_LIST_ADDRESS + ACCESS_LIST_KEY * len(entry.storage_keys)
    gas += AUTHORIZATION * len(tx.authorizations)
    if fork < Fork.PRAGUE:
        return IntrinsicGas(Gas(gas), Gas(0))
    tokens = zeros + TOKENS_PER_NONZERO_BYTE * (size - zeros)
    return IntrinsicGas(Gas(gas), Gas(TRANSACTION + FLOOR_TOKEN * tokens))
