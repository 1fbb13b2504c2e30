"""The five transaction types as immutable structures.

Common to all: `y_parity`, `r` and `s` are the signature (zero when unsigned); the properties
`max_fee_per_gas` and `max_priority_fee_per_gas` exist on all, and what a type lacks (an access
list, blobs, authorizations) is an empty tuple on its class, so that one rule reads them all.

A structure is checked when it is decoded, not when it is made.

Reference: EIP-155, EIP-2718, EIP-2930, EIP-1559, EIP-4844, EIP-7702.
"""

from typing import ClassVar, TypeAlias

import msgspec

from primitives.ids import Address, Gas, Hash32, Wei


class AccessListEntry(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """An account, and slots of its storage, that the transaction announces (EIP-2930)."""

    address: Address
    storage_keys: tuple[Hash32, ...]


class Authorization(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """An account's signed permission to run the code of `address` as its own (EIP-7702)."""

    chain_id: int
    """The chain it is for; 0 for any."""
    address: Address
    nonce: int
    """The signer's nonce, below 2**64."""
    y_parity: int = 0
    r: int = 0
    s: int = 0


class LegacyTransaction(msgspec.Struct, frozen=True, gc=False):
    """The original form, with or without a chain id in its signature (EIP-155)."""

    tx_type: ClassVar[int] = 0
    access_list: ClassVar[tuple[AccessListEntry, ...]] = ()
    blob_versioned_hashes: ClassVar[tuple[Hash32, ...]] = ()
    authorizations: ClassVar[tuple[Authorization, ...]] = ()

    chain_id: int | None
    """None: signed without a chain id, valid on every chain."""
    nonce: int
    gas_price: Wei
    gas_limit: Gas
    to: Address | None
    """None creates a contract."""
    value: Wei
    data: bytes
    y_parity: int = 0
    r: int = 0
    s: int = 0

    @property
    def v(self) -> int:
        """The signature's v as it stands in the encoding."""
        if self.chain_id is None:
            return 27 + self.y_parity
        return 35 + 2 * self.chain_id + self.y_parity

    @property
    def max_fee_per_gas(self) -> Wei:
        """The gas price: what is paid whatever the base fee."""
        return self.gas_price

    @property
    def max_priority_fee_per_gas(self) -> Wei:
        """The gas price: all above the base fee is the tip."""
        return self.gas_price


class AccessListTransaction(msgspec.Struct, frozen=True, gc=False):
    """Type 1: a gas price and an access list (EIP-2930)."""

    tx_type: ClassVar[int] = 1
    blob_versioned_hashes: ClassVar[tuple[Hash32, ...]] = ()
    authorizations: ClassVar[tuple[Authorization, ...]] = ()

    chain_id: int
    nonce: int
    gas_price: Wei
    gas_limit: Gas
    to: Address | None
    value: Wei
    data: bytes
    access_list: tuple[AccessListEntry, ...] = ()
    y_parity: int = 0
    r: int = 0
    s: int = 0

    @property
    def max_fee_per_gas(self) -> Wei:
        """The gas price: what is paid whatever the base fee."""
        return self.gas_price

    @property
    def max_priority_fee_per_gas(self) -> Wei:
        """The gas price: all above the base fee is the tip."""
        return self.gas_price


class DynamicFeeTransaction(msgspec.Struct, frozen=True, gc=False):
    """Type 2: a fee cap and a priority fee (EIP-1559)."""

    tx_type: ClassVar[int] = 2
    blob_versioned_hashes: ClassVar[tuple[Hash32, ...]] = ()
    authorizations: ClassVar[tuple[Authorization, ...]] = ()

    chain_id: int
    nonce: int
    max_priority_fee_per_gas: Wei
    max_fee_per_gas: Wei
    gas_limit: Gas
    to: Address | None
    value: Wei
    data: bytes
    access_list: tuple[AccessListEntry, ...] = ()
    y_parity: int = 0
    r: int = 0
    s: int = 0


class BlobTransaction(msgspec.Struct, frozen=True, gc=False):
    """Type 3: commits to blobs, which travel beside it (EIP-4844)."""

    tx_type: ClassVar[int] = 3
    authorizations: ClassVar[tuple[Authorization, ...]] = ()

    chain_id: int
    nonce: int
    max_priority_fee_per_gas: Wei
    max_fee_per_gas: Wei
    gas_limit: Gas
    to: Address
    value: Wei
    data: bytes
    access_list: tuple[AccessListEntry, ...]
    max_fee_per_blob_gas: Wei
    blob_versioned_hashes: tuple[Hash32, ...]
    y_parity: int = 0
    r: int = 0
    s: int = 0


class SetCodeTransaction(msgspec.Struct, frozen=True, gc=False):
    """Type 4: lets accounts point their code at a contract (EIP-7702)."""

    tx_type: ClassVar[int] = 4
    blob_versioned_hashes: ClassVar[tuple[Hash32, ...]] = ()

    chain_id: int
    nonce: int
    max_priority_fee_per_gas: Wei
    max_fee_per_gas: Wei
    gas_limit: Gas
    to: Address
    value: Wei
    data: bytes
    access_list: tuple[AccessListEntry, ...]
    authorizations: tuple[Authorization, ...]
    y_parity: int = 0
    r: int = 0
    s: int = 0


Transaction: TypeAlias = (
    LegacyTransaction
    | AccessListTransaction
    | DynamicFeeTransaction
    | BlobTransaction
    | SetCodeTransaction
)
"""Any of the five."""
