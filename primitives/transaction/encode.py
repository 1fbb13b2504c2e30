"""From a transaction to bytes, and the two hashes: its name, and what its sender signs."""

from primitives.ids import Hash32
from primitives.keccak import keccak256
from primitives.rlp import (
    EMPTY_STRING,
    encode_bytes,
    encode_int,
    encode_list,
    item_span,
    list_header,
)
from primitives.transaction.types import (
    AccessListEntry,
    AccessListTransaction,
    Authorization,
    BlobTransaction,
    LegacyTransaction,
    SetCodeTransaction,
    Transaction,
)


def encode_transaction(tx: Transaction) -> bytes:
    """Return the canonical encoding (EIP-2718): what is hashed, sent and put into blocks."""
    v = tx.v if isinstance(tx, LegacyTransaction) else tx.y_parity
    signature = (encode_int(v), encode_int(tx.r), encode_int(tx.s))
    return _type_byte(tx) + encode_list((*_encode_fields(tx), *signature))


def transaction_hash(raw: bytes) -> Hash32:
    """Return the hash that names a transaction, from its canonical encoding."""
    return keccak256(raw)


def signing_hash(tx: Transaction, raw: bytes | None = None) -> Hash32:
    """Return the hash that the sender signs.

    Args:
        tx: the transaction; its signature does not matter.
        raw: its canonical encoding, if at hand: saves encoding the fields anew.

    Reference: EIP-155 for legacy transactions, else the EIP of the type.
    """
    payload = b"".join(_encode_fields(tx)) if raw is None else _unsigned_payload(tx, raw)
    if isinstance(tx, LegacyTransaction) and tx.chain_id is not None:
        payload += encode_int(tx.chain_id) + EMPTY_STRING + EMPTY_STRING
    return keccak256(_type_byte(tx) + list_header(len(payload)) + payload)


def authorization_hash(authorization: Authorization) -> Hash32:
    """Return the hash that an authority signs (EIP-7702, with its magic byte 0x05)."""
    parts = (
        encode_int(authorization.chain_id),
        encode_bytes(authorization.address),
        encode_int(authorization.nonce),
    )
    return keccak256(b"\x05" + encode_list(parts))


def _unsigned_payload(tx: Transaction, raw: bytes) -> bytes:
    """Cut list header and signature off: the signature's encoded size follows from its values."""
    v = tx.v if isinstance(tx, LegacyTransaction) else tx.y_parity
    tail = _int_size(v) + _int_size(tx.r) + _int_size(tx.s)
    start = item_span(raw, 1 if tx.tx_type else 0, len(raw))[0]
    return raw[start : len(raw) - tail]


def _int_size(value: int) -> int:
    """Return the encoded size, in bytes, of an integer below 2**256."""
    return 1 if value < 0x80 else 1 + ((value.bit_length() + 7) >> 3)


def _type_byte(tx: Transaction) -> bytes:
    return b"" if tx.tx_type == 0 else tx.tx_type.to_bytes(1, "big")


def _encode_fields(tx: Transaction) -> list[bytes]:
    """Return the encoded fields in front of the signature, in the order of the type's EIP."""
    if isinstance(tx, LegacyTransaction):
        return [encode_int(tx.nonce), encode_int(tx.gas_price), *_encode_call(tx)]
    parts = [encode_int(tx.chain_id), encode_int(tx.nonce)]
    if isinstance(tx, AccessListTransaction):
        parts.append(encode_int(tx.gas_price))
    else:
        parts += (encode_int(tx.max_priority_fee_per_gas), encode_int(tx.max_fee_per_gas))
    parts += _encode_call(tx)
    parts.append(encode_list([_encode_entry(entry) for entry in tx.access_list]))
    if isinstance(tx, BlobTransaction):
        parts.append(encode_int(tx.max_fee_per_blob_gas))
        parts.append(encode_list([encode_bytes(name) for name in tx.blob_versioned_hashes]))
    elif isinstance(tx, SetCodeTransaction):
        parts.append(encode_list([_encode_authorization(each) for each in tx.authorizations]))
    return parts


def _encode_call(tx: Transaction) -> tuple[bytes, bytes, bytes, bytes]:
    recipient = EMPTY_STRING if tx.to is None else encode_bytes(tx.to)
    return encode_int(tx.gas_limit), recipient, encode_int(tx.value), encode_bytes(tx.data)


def _encode_entry(entry: AccessListEntry) -> bytes:
    keys = encode_list([encode_bytes(key) for key in entry.storage_keys])
    return encode_list((encode_bytes(entry.address), keys))


def _encode_authorization(authorization: Authorization) -> bytes:
    return encode_list(
        (
            encode_int(authorization.chain_id),
            encode_bytes(authorization.address),
            encode_int(authorization.nonce),
            encode_int(authorization.y_parity),
            encode_int(authorization.r),
            encode_int(authorization.s),
        )
    )
