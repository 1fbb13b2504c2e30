"""Short names of transactions, good for one block: 48 bits of a keyed hash.

A transaction's hash has 32 bytes because somebody may search for another with the same one. A
name that is only looked up among the transactions that a node holds needs far fewer, as long as
nobody can search for two with the same name beforehand: so the names are keyed, and the key comes
from the block's header and a nonce that its sender draws when the block is there.

Who searches afterwards, with the key known, gains little: a pair costs about 2**24 hashes, and
makes one node fetch two transactions.

Reference: BIP 152, "Short transaction IDs"; Aumasson and Bernstein, "SipHash: a fast short-input
PRF" (2012). The hash is of the transaction's own (keccak-256) hash.
"""

from collections.abc import Iterable
from hashlib import sha256

from siphashc import siphash

SHORT_ID_BYTES = 6
"""Length of a short id, which is little-endian in a message."""

NONCE_BYTES = 8
"""Length of the nonce, a little-endian number, that the ids of a block are keyed with."""

SHORT_ID_MASK = (1 << 8 * SHORT_ID_BYTES) - 1


def short_id_key(header: bytes, nonce: bytes) -> bytes:
    """Return the 16-byte key of a block's short ids.

    Args:
        header: encoding of the block's header.
        nonce: `NONCE_BYTES`, the same for all who get this block, never used for another.
    """
    return sha256(header + nonce).digest()[:16]


def short_id(key: bytes, transaction: bytes) -> int:
    """Return the short id of the transaction with this hash."""
    return siphash(key, transaction) & SHORT_ID_MASK


def short_ids(key: bytes, transactions: Iterable[bytes]) -> list[int]:
    """Return the short ids of many transactions, given by their hashes."""
    hashed, mask = siphash, SHORT_ID_MASK
    return [hashed(key, transaction) & mask for transaction in transactions]


def pack_ids(ids: Iterable[int]) -> bytes:
    """Return short ids as they stand in a message, without anything between them."""
    return b"".join([each.to_bytes(SHORT_ID_BYTES, "little") for each in ids])


def unpack_ids(packed: bytes) -> list[int]:
    """Return the short ids of a message; its length is a multiple of `SHORT_ID_BYTES`."""
    return [
        int.from_bytes(packed[start : start + SHORT_ID_BYTES], "little")
        for start in range(0, len(packed), SHORT_ID_BYTES)
    ]
