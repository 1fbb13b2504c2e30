"""A block in the form in which JSON-RPC gives it, with whole transactions.

Reference: execution-apis, `eth_getBlockByNumber`.
"""

from typing import Annotated

import msgspec

from primitives.errors import InvalidInput
from primitives.ids import Address, Gas, Hash32, Wei
from primitives.transaction import (
    AccessListEntry,
    AccessListTransaction,
    Authorization,
    BlobTransaction,
    DynamicFeeTransaction,
    LegacyTransaction,
    SetCodeTransaction,
    Transaction,
    encode_transaction,
    transaction_hash,
)

Quantity = Annotated[str, msgspec.Meta(pattern="^0x[0-9a-fA-F]{1,64}$")]
Octets = Annotated[str, msgspec.Meta(pattern="^0x([0-9a-fA-F]{2})*$")]
AddressText = Annotated[str, msgspec.Meta(pattern="^0x[0-9a-fA-F]{40}$")]
HashText = Annotated[str, msgspec.Meta(pattern="^0x[0-9a-fA-F]{64}$")]

LEGACY_V_MIN = 35
"""Least `v` of a signature that is bound to a chain (EIP-155)."""


class RpcEntry(msgspec.Struct, frozen=True, rename="camel"):
    """An account and slots on a transaction's access list."""

    address: AddressText
    storage_keys: tuple[HashText, ...]


class RpcAuthorization(msgspec.Struct, frozen=True, rename="camel"):
    """An account's permission to run other code as its own (EIP-7702)."""

    chain_id: Quantity
    address: AddressText
    nonce: Quantity
    y_parity: Quantity
    r: Quantity
    s: Quantity


class RpcTransaction(msgspec.Struct, frozen=True, rename="camel"):
    """A transaction of any type; what its type lacks is absent."""

    hash: HashText
    nonce: Quantity
    gas: Quantity
    value: Quantity
    input: Octets
    v: Quantity
    r: Quantity
    s: Quantity
    type: Quantity = "0x0"
    to: AddressText | None = None
    gas_price: Quantity | None = None
    chain_id: Quantity | None = None
    max_fee_per_gas: Quantity | None = None
    max_priority_fee_per_gas: Quantity | None = None
    max_fee_per_blob_gas: Quantity | None = None
    access_list: tuple[RpcEntry, ...] | None = None
    blob_versioned_hashes: tuple[HashText, ...] | None = None
    authorization_list: tuple[RpcAuthorization, ...] | None = None


class RpcBlock(msgspec.Struct, frozen=True, rename="camel"):
    """A block, as far as its execution needs it."""

    hash: HashText
    parent_hash: HashText
    number: Quantity
    timestamp: Quantity
    miner: AddressText
    gas_limit: Quantity
    gas_used: Quantity
    receipts_root: HashText
    mix_hash: HashText
    transactions: tuple[RpcTransaction, ...]
    difficulty: Quantity = "0x0"
    base_fee_per_gas: Quantity = "0x0"
    excess_blob_gas: Quantity = "0x0"
    parent_beacon_block_root: HashText | None = None


def rebuild_transaction(fields: RpcTransaction, where: str) -> Transaction:
    """Return the transaction itself.

    Args:
        fields: of it.
        where: its name in errors.

    Raises:
        InvalidInput: a field is missing, the type is unknown, or the hash is another's.
    """
    kind = number(fields.type)
    maker = _MAKERS.get(kind)
    if maker is None:
        raise InvalidInput(f"{where}.type", "a transaction type from 0 to 4", fields.type)
    try:
        transaction = maker(fields)
    except _Missing as missing:
        raise InvalidInput(f"{where}.{missing}", f"a value for type {kind}", "nothing") from None
    found = transaction_hash(encode_transaction(transaction))
    if found != octets(fields.hash):
        raise InvalidInput(f"{where}.hash", f"0x{found.hex()}, which its fields give", fields.hash)
    return transaction


def number(text: str) -> int:
    """Read a quantity."""
    return int(text, 16)


def octets(text: str) -> bytes:
    """Read bytes."""
    return bytes.fromhex(text[2:])


class _Missing(Exception):
    """A field that the transaction's type needs is absent; its name."""


def _need(name: str, text: str | None) -> int:
    if text is None:
        raise _Missing(name)
    return number(text)


def _to(fields: RpcTransaction) -> Address | None:
    return None if fields.to is None else Address(octets(fields.to))


def _required_to(fields: RpcTransaction) -> Address:
    to = _to(fields)
    if to is None:
        raise _Missing("to")
    return to


def _listed(fields: RpcTransaction) -> tuple[AccessListEntry, ...]:
    entries = fields.access_list or ()
    return tuple(
        [
            AccessListEntry(
                Address(octets(entry.address)),
                tuple([Hash32(octets(key)) for key in entry.storage_keys]),
            )
            for entry in entries
        ]
    )


def _signature(fields: RpcTransaction) -> tuple[int, int, int]:
    return number(fields.v), number(fields.r), number(fields.s)


def _legacy(fields: RpcTransaction) -> Transaction:
    v, r, s = _signature(fields)
    chain_id, parity = (None, v - 27) if v < LEGACY_V_MIN else divmod(v - LEGACY_V_MIN, 2)
    return LegacyTransaction(
        chain_id,
        number(fields.nonce),
        Wei(_need("gasPrice", fields.gas_price)),
        Gas(number(fields.gas)),
        _to(fields),
        Wei(number(fields.value)),
        octets(fields.input),
        parity,
        r,
        s,
    )


def _access_list(fields: RpcTransaction) -> Transaction:
    return AccessListTransaction(
        _need("chainId", fields.chain_id),
        number(fields.nonce),
        Wei(_need("gasPrice", fields.gas_price)),
        Gas(number(fields.gas)),
        _to(fields),
        Wei(number(fields.value)),
        octets(fields.input),
        _listed(fields),
        *_signature(fields),
    )


def _fees(fields: RpcTransaction) -> tuple[int, int, Wei, Wei, Gas]:
    return (
        _need("chainId", fields.chain_id),
        number(fields.nonce),
        Wei(_need("maxPriorityFeePerGas", fields.max_priority_fee_per_gas)),
        Wei(_need("maxFeePerGas", fields.max_fee_per_gas)),
        Gas(number(fields.gas)),
    )


def _dynamic_fee(fields: RpcTransaction) -> Transaction:
    value, data = Wei(number(fields.value)), octets(fields.input)
    return DynamicFeeTransaction(
        *_fees(fields), _to(fields), value, data, _listed(fields), *_signature(fields)
    )


def _blob(fields: RpcTransaction) -> Transaction:
    fee = Wei(_need("maxFeePerBlobGas", fields.max_fee_per_blob_gas))
    names = tuple([Hash32(octets(name)) for name in fields.blob_versioned_hashes or ()])
    value, data = Wei(number(fields.value)), octets(fields.input)
    return BlobTransaction(
        *_fees(fields),
        _required_to(fields),
        value,
        data,
        _listed(fields),
        fee,
        names,
        *_signature(fields),
    )


def _set_code(fields: RpcTransaction) -> Transaction:
    granted = tuple(
        [
            Authorization(
                number(each.chain_id),
                Address(octets(each.address)),
                number(each.nonce),
                number(each.y_parity),
                number(each.r),
                number(each.s),
            )
            for each in fields.authorization_list or ()
        ]
    )
    value, data = Wei(number(fields.value)), octets(fields.input)
    return SetCodeTransaction(
        *_fees(fields),
        _required_to(fields),
        value,
        data,
        _listed(fields),
        granted,
        *_signature(fields),
    )


_MAKERS = {0: _legacy, 1: _access_list, 2: _dynamic_fee, 3: _blob, 4: _set_code}
