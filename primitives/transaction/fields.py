"""Readers of single fields. Each names its field, and each limit has its own error."""

from collections.abc import Callable
from typing import cast

from primitives.ids import Address, Gas, Hash32, Wei
from primitives.rlp import Decoded
from primitives.transaction.errors import (
    FeeOverflow,
    GasLimitOverflow,
    InvalidAccessList,
    InvalidAuthorization,
    InvalidBlobHash,
    InvalidRecipient,
    InvalidSignature,
    InvalidTransaction,
    MalformedTransaction,
    NonceOverflow,
    ValueOverflow,
    WrongChainId,
)
from primitives.transaction.types import AccessListEntry, Authorization

IntField = tuple[str, int, type[InvalidTransaction]]
"""Name of an integer field, its widest value in bytes, the error of a wider one."""

CHAIN_ID: IntField = ("transaction.chain_id", 32, WrongChainId)
NONCE: IntField = ("transaction.nonce", 8, NonceOverflow)
GAS_PRICE: IntField = ("transaction.gas_price", 32, FeeOverflow)
MAX_FEE: IntField = ("transaction.max_fee_per_gas", 32, FeeOverflow)
PRIORITY_FEE: IntField = ("transaction.max_priority_fee_per_gas", 32, FeeOverflow)
BLOB_FEE: IntField = ("transaction.max_fee_per_blob_gas", 32, FeeOverflow)
GAS_LIMIT: IntField = ("transaction.gas_limit", 8, GasLimitOverflow)
VALUE: IntField = ("transaction.value", 32, ValueOverflow)
V: IntField = ("transaction.v", 32, InvalidSignature)
Y_PARITY: IntField = ("transaction.y_parity", 1, InvalidSignature)
R: IntField = ("transaction.r", 32, InvalidSignature)
S: IntField = ("transaction.s", 32, InvalidSignature)

AUTHORIZATION_CHAIN_ID: IntField = ("authorization.chain_id", 32, InvalidAuthorization)
AUTHORIZATION_NONCE: IntField = ("authorization.nonce", 8, InvalidAuthorization)
AUTHORIZATION_Y_PARITY: IntField = ("authorization.y_parity", 1, InvalidAuthorization)
AUTHORIZATION_R: IntField = ("authorization.r", 32, InvalidAuthorization)
AUTHORIZATION_S: IntField = ("authorization.s", 32, InvalidAuthorization)


def read_uint(item: Decoded, field: IntField) -> int:
    """Return an integer field.

    Raises:
        MalformedTransaction: a list, or a leading zero.
        InvalidTransaction: wider than the field; the leaf is the field's own.
    """
    if type(item) is bytes:
        if not item:
            return 0
        if item[0] and len(item) <= field[1]:
            return int.from_bytes(item, "big")
    raise _refusal(item, field)


read_wei = cast("Callable[[Decoded, IntField], Wei]", read_uint)
"""`read_uint` for an amount: the same function, so that no field pays for a second call."""

read_gas = cast("Callable[[Decoded, IntField], Gas]", read_uint)
"""`read_uint` for an amount of gas."""


def _refusal(item: Decoded, field: IntField) -> InvalidTransaction:
    name, size, overflow = field
    if not isinstance(item, bytes):
        return MalformedTransaction(name, "an integer", "a list")
    if item[0] == 0:
        return MalformedTransaction(name, "no leading zeros", f"0x{item[:8].hex()}")
    return overflow(name, f"at most {8 * size} bits", f"{len(item)} bytes")


def read_data(item: Decoded) -> bytes:
    """Return the data field.

    Raises:
        MalformedTransaction: a list.
    """
    if not isinstance(item, bytes):
        raise MalformedTransaction("transaction.data", "a byte string", "a list")
    return item


def read_recipient(item: Decoded) -> Address | None:
    """Return the recipient; None for the empty string, which creates a contract.

    Raises:
        MalformedTransaction: a list.
        InvalidRecipient: neither 0 nor 20 bytes.
    """
    if not isinstance(item, bytes):
        raise MalformedTransaction("transaction.to", "an address or nothing", "a list")
    if len(item) == 20:
        return Address(item)
    if item:
        raise InvalidRecipient("transaction.to", "20 bytes or none", f"{len(item)} bytes")
    return None


def read_access_list(item: Decoded) -> tuple[AccessListEntry, ...]:
    """Return the access list.

    Raises:
        InvalidAccessList: another shape than [[20 bytes, [32 bytes, ...]], ...].
    """
    if isinstance(item, bytes):
        raise InvalidAccessList("transaction.access_list", "a list", "a byte string")
    return tuple([_read_entry(entry) for entry in item])


def _read_entry(item: Decoded) -> AccessListEntry:
    where = "transaction.access_list"
    if isinstance(item, bytes) or len(item) != 2:
        raise InvalidAccessList(where, "entries [address, keys]", "another shape")
    address, keys = item
    if not isinstance(address, bytes) or len(address) != 20:
        raise InvalidAccessList(f"{where}.address", "20 bytes", _shape(address))
    if isinstance(keys, bytes):
        raise InvalidAccessList(f"{where}.storage_keys", "a list", _shape(keys))
    names = tuple([_read_hash(key, InvalidAccessList, f"{where}.storage_keys") for key in keys])
    return AccessListEntry(Address(address), names)


def read_blob_hashes(item: Decoded) -> tuple[Hash32, ...]:
    """Return the versioned hashes of a blob transaction.

    Raises:
        MalformedTransaction: not a list.
        InvalidBlobHash: an element that is not 32 bytes.
    """
    where = "transaction.blob_versioned_hashes"
    if isinstance(item, bytes):
        raise MalformedTransaction(where, "a list", "a byte string")
    return tuple([_read_hash(element, InvalidBlobHash, where) for element in item])


def read_authorizations(item: Decoded) -> tuple[Authorization, ...]:
    """Return the authorization list of a set-code transaction.

    Raises:
        MalformedTransaction: not a list, or an integer with leading zeros.
        InvalidAuthorization: an element of another shape, or a field out of range.
    """
    if isinstance(item, bytes):
        raise MalformedTransaction("transaction.authorizations", "a list", "a byte string")
    return tuple([_read_authorization(element) for element in item])


def _read_authorization(item: Decoded) -> Authorization:
    if isinstance(item, bytes) or len(item) != 6:
        raise InvalidAuthorization("transaction.authorizations", "lists of 6", _shape(item))
    chain_id, address, nonce, y_parity, r, s = item
    if not isinstance(address, bytes) or len(address) != 20:
        raise InvalidAuthorization("authorization.address", "20 bytes", _shape(address))
    return Authorization(
        read_uint(chain_id, AUTHORIZATION_CHAIN_ID),
        Address(address),
        read_uint(nonce, AUTHORIZATION_NONCE),
        read_uint(y_parity, AUTHORIZATION_Y_PARITY),
        read_uint(r, AUTHORIZATION_R),
        read_uint(s, AUTHORIZATION_S),
    )


def _read_hash(item: Decoded, error: type[InvalidTransaction], where: str) -> Hash32:
    if not isinstance(item, bytes) or len(item) != 32:
        raise error(where, "32 bytes", _shape(item))
    return Hash32(item)


def _shape(item: Decoded) -> str:
    return f"{len(item)} bytes" if isinstance(item, bytes) else f"a list of {len(item)}"
