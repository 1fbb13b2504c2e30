"""From bytes to a transaction. Whatever is accepted encodes to the same bytes again."""

from collections.abc import Callable
from types import MappingProxyType

from primitives import rlp
from primitives.errors import InvalidEncoding
from primitives.fork import LATEST, Fork
from primitives.ids import Address
from primitives.rlp import Decoded
from primitives.transaction import fields
from primitives.transaction.errors import (
    BlobWrapperRefused,
    CreationRefused,
    InvalidSignature,
    MalformedTransaction,
    TransactionTooLarge,
    UnsupportedType,
)
from primitives.transaction.fields import (
    read_access_list,
    read_data,
    read_gas,
    read_recipient,
    read_uint,
    read_wei,
)
from primitives.transaction.types import (
    AccessListTransaction,
    BlobTransaction,
    DynamicFeeTransaction,
    LegacyTransaction,
    SetCodeTransaction,
    Transaction,
)

MAX_TRANSACTION_BYTES = 8_388_608
"""No block may be larger (EIP-7934), so no transaction can be. A pool's own limit is lower."""

FIRST_FORK = (Fork.FRONTIER, Fork.BERLIN, Fork.LONDON, Fork.CANCUN, Fork.PRAGUE)
"""The fork that each type, by number, came with."""


def decode_transaction(
    raw: bytes, fork: Fork = LATEST, bytes_max: int = MAX_TRANSACTION_BYTES
) -> Transaction:
    """Return the transaction whose canonical encoding (EIP-2718) is `raw`.

    Shapes and ranges of fields are checked here; `check_static` has the rules between fields.

    Args:
        raw: the type byte and payload, or a legacy transaction's list.
        fork: types of later forks are unknown.
        bytes_max: refuse longer input unread.

    Raises:
        InvalidTransaction: its leaf says why.
    """
    if len(raw) > bytes_max:
        raise TransactionTooLarge("transaction", f"at most {bytes_max} bytes", len(raw))
    if not raw:
        raise MalformedTransaction("transaction", "at least one byte", "none")
    kind = raw[0]
    try:
        if kind >= 0xC0:
            return _decode_legacy(rlp.decode_list(raw))
        if kind >= 0x80:
            raise MalformedTransaction(
                "transaction", "a type byte below 0x80 or a list", f"a byte string ({kind:#04x})"
            )
        if not 0 < kind < len(FIRST_FORK) or fork < FIRST_FORK[kind]:
            raise UnsupportedType("transaction.type", f"a type of {fork.name}", f"{kind:#04x}")
        return _DECODERS[kind](rlp.decode_list(raw[1:]))
    except MalformedTransaction:
        raise
    except InvalidEncoding as error:
        raise MalformedTransaction(
            f"transaction: {error.where}", error.expected, error.actual
        ) from error


def _decode_legacy(items: list[Decoded]) -> LegacyTransaction:
    if len(items) != 9:
        raise _wrong_count("a legacy transaction", 9, items)
    nonce, gas_price, gas_limit, to, value, data, v_item, r, s = items
    v = read_uint(v_item, fields.V)
    chain_id: int | None
    if v >= 35:
        chain_id, y_parity = divmod(v - 35, 2)
    elif v in (27, 28):
        chain_id, y_parity = None, v - 27
    else:
        raise InvalidSignature("transaction.v", "27, 28, or 35 and above", v)
    return LegacyTransaction(
        chain_id,
        read_uint(nonce, fields.NONCE),
        read_wei(gas_price, fields.GAS_PRICE),
        read_gas(gas_limit, fields.GAS_LIMIT),
        read_recipient(to),
        read_wei(value, fields.VALUE),
        read_data(data),
        y_parity,
        read_uint(r, fields.R),
        read_uint(s, fields.S),
    )


def _decode_access_list(items: list[Decoded]) -> AccessListTransaction:
    if len(items) != 11:
        raise _wrong_count("an access-list transaction", 11, items)
    chain_id, nonce, gas_price, gas_limit, to, value, data, access_list, y_parity, r, s = items
    return AccessListTransaction(
        read_uint(chain_id, fields.CHAIN_ID),
        read_uint(nonce, fields.NONCE),
        read_wei(gas_price, fields.GAS_PRICE),
        read_gas(gas_limit, fields.GAS_LIMIT),
        read_recipient(to),
        read_wei(value, fields.VALUE),
        read_data(data),
        read_access_list(access_list),
        _read_parity(y_parity),
        read_uint(r, fields.R),
        read_uint(s, fields.S),
    )


def _decode_dynamic_fee(items: list[Decoded]) -> DynamicFeeTransaction:
    if len(items) != 12:
        raise _wrong_count("a dynamic-fee transaction", 12, items)
    chain_id, nonce, tip, fee, gas_limit, to, value, data, access_list, y_parity, r, s = items
    return DynamicFeeTransaction(
        read_uint(chain_id, fields.CHAIN_ID),
        read_uint(nonce, fields.NONCE),
        read_wei(tip, fields.PRIORITY_FEE),
        read_wei(fee, fields.MAX_FEE),
        read_gas(gas_limit, fields.GAS_LIMIT),
        read_recipient(to),
        read_wei(value, fields.VALUE),
        read_data(data),
        read_access_list(access_list),
        _read_parity(y_parity),
        read_uint(r, fields.R),
        read_uint(s, fields.S),
    )


def _decode_blob(items: list[Decoded]) -> BlobTransaction:
    if len(items) in (4, 5) and not isinstance(items[0], bytes):
        raise BlobWrapperRefused(
            "transaction", "a blob transaction as it stands in a block", "one wrapped with blobs"
        )
    if len(items) != 14:
        raise _wrong_count("a blob transaction", 14, items)
    return BlobTransaction(
        read_uint(items[0], fields.CHAIN_ID),
        read_uint(items[1], fields.NONCE),
        read_wei(items[2], fields.PRIORITY_FEE),
        read_wei(items[3], fields.MAX_FEE),
        read_gas(items[4], fields.GAS_LIMIT),
        _require_recipient(items[5], "a blob transaction"),
        read_wei(items[6], fields.VALUE),
        read_data(items[7]),
        read_access_list(items[8]),
        read_wei(items[9], fields.BLOB_FEE),
        fields.read_blob_hashes(items[10]),
        _read_parity(items[11]),
        read_uint(items[12], fields.R),
        read_uint(items[13], fields.S),
    )


def _decode_set_code(items: list[Decoded]) -> SetCodeTransaction:
    if len(items) != 13:
        raise _wrong_count("a set-code transaction", 13, items)
    return SetCodeTransaction(
        read_uint(items[0], fields.CHAIN_ID),
        read_uint(items[1], fields.NONCE),
        read_wei(items[2], fields.PRIORITY_FEE),
        read_wei(items[3], fields.MAX_FEE),
        read_gas(items[4], fields.GAS_LIMIT),
        _require_recipient(items[5], "a set-code transaction"),
        read_wei(items[6], fields.VALUE),
        read_data(items[7]),
        read_access_list(items[8]),
        fields.read_authorizations(items[9]),
        _read_parity(items[10]),
        read_uint(items[11], fields.R),
        read_uint(items[12], fields.S),
    )


_DECODERS: MappingProxyType[int, Callable[[list[Decoded]], Transaction]] = MappingProxyType(
    {
        1: _decode_access_list,
        2: _decode_dynamic_fee,
        3: _decode_blob,
        4: _decode_set_code,
    }
)


def _read_parity(item: Decoded) -> int:
    parity = read_uint(item, fields.Y_PARITY)
    if parity > 1:
        raise InvalidSignature("transaction.y_parity", "0 or 1", parity)
    return parity


def _require_recipient(item: Decoded, kind: str) -> Address:
    recipient = read_recipient(item)
    if recipient is None:
        raise CreationRefused("transaction.to", f"the recipient that {kind} needs", "none")
    return recipient


def _wrong_count(kind: str, expected: int, items: list[Decoded]) -> MalformedTransaction:
    return MalformedTransaction("transaction", f"{expected} fields in {kind}", len(items))
