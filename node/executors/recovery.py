"""Signatures packed side by side, so that a worker gets and gives bytes and nothing else.

A record is the signed digest, r, s and the y parity: 97 bytes. A result is the sender's address.
"""

from collections.abc import Sequence

from primitives.address import ADDRESS_BYTES, ZERO_ADDRESS, address_from_public_key
from primitives.errors import CryptoError
from primitives.ids import Address, Hash32
from primitives.secp256k1 import recover
from primitives.transaction import Transaction
from primitives.transaction.encode import signing_hash

RECORD_BYTES = 97


def pack(transaction: Transaction, raw: bytes) -> bytes:
    """Return what is needed to recover the sender of a transaction.

    Args:
        transaction: its signature's values are in range (`check_signature`).
        raw: its canonical encoding.
    """
    return b"%b%b%b%b" % (
        signing_hash(transaction, raw),
        transaction.r.to_bytes(32, "big"),
        transaction.s.to_bytes(32, "big"),
        b"\x01" if transaction.y_parity else b"\x00",
    )


def recover_packed(records: bytes) -> bytes:
    """Return the address of each record's signer, the zero address where there is none.

    Nobody can sign for the zero address: it is the hash of no known key.
    """
    return b"".join(
        [
            _recovered(records[start : start + RECORD_BYTES])
            for start in range(0, len(records), RECORD_BYTES)
        ]
    )


def unpack(addresses: bytes) -> Sequence[Address | None]:
    """Return the senders that `recover_packed` has found; None where there is none."""
    found = [
        Address(addresses[start : start + ADDRESS_BYTES])
        for start in range(0, len(addresses), ADDRESS_BYTES)
    ]
    return [None if each == ZERO_ADDRESS else each for each in found]


def _recovered(record: bytes) -> Address:
    r, s = int.from_bytes(record[32:64], "big"), int.from_bytes(record[64:96], "big")
    try:
        key = recover(Hash32(record[:32]), record[96], r, s)
    except CryptoError:
        return ZERO_ADDRESS
    return address_from_public_key(key)
