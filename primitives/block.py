"""Blocks: a header and a body of raw transactions and withdrawals.

A block keeps its transactions as bytes. They are decoded where they are validated, and what is
hashed, sent and stored is then always what was signed.
"""

import msgspec

from primitives import rlp
from primitives.errors import InvalidEncoding
from primitives.header import Header, decode_header, encode_header, header_hash
from primitives.ids import Address, Hash32
from primitives.params import MAX_BLOCK_BYTES
from primitives.rlp import encode_bytes, encode_int, encode_list, read_bytes, read_int
from primitives.trie import ordered_root

WITHDRAWAL_BYTES_MAX = 49
"""Three integers of 64 bits, an address, their prefixes and the list's."""


class Withdrawal(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A payment out of the staking layer (EIP-4895)."""

    index: int
    validator_index: int
    address: Address
    amount: int
    """In gwei."""


class Block(msgspec.Struct, frozen=True, gc=False):
    """A block. Its hash is its header's."""

    header: Header
    transactions: tuple[bytes, ...]
    """Canonical encodings (EIP-2718), in order of execution."""
    withdrawals: tuple[Withdrawal, ...] = ()
    """In the encoding if the header commits to them, which it does from Shanghai on."""
    ommers: tuple[Header, ...] = ()
    """Always empty from Paris on."""


def block_hash(block: Block) -> Hash32:
    """Return the hash that names `block`."""
    return header_hash(block.header)


def encode_block(block: Block) -> bytes:
    """Return the RLP [header, transactions, ommers, withdrawals]; before Shanghai without the last.

    A legacy transaction stands in it as a list, a typed one as a byte string.

    Reference: EIP-2718, EIP-4895; devp2p, eth protocol.
    """
    transactions = [raw if raw[0] >= 0xC0 else encode_bytes(raw) for raw in block.transactions]
    parts = [
        encode_header(block.header),
        encode_list(transactions),
        encode_list([encode_header(ommer) for ommer in block.ommers]),
    ]
    if block.header.withdrawals_root is not None:
        parts.append(encode_list([encode_withdrawal(each) for each in block.withdrawals]))
    return encode_list(parts)


def decode_block(payload: bytes, bytes_max: int = MAX_BLOCK_BYTES) -> Block:
    """Return the block that `payload` encodes. Its transactions are not decoded.

    Raises:
        InvalidEncoding: too large, not canonical, or of another shape.
    """
    if len(payload) > bytes_max:
        raise InvalidEncoding("block", f"at most {bytes_max} bytes", f"{len(payload)}")
    parts = rlp.split_list(payload)
    if len(parts) not in (3, 4):
        raise InvalidEncoding(
            "block", "[header, transactions, ommers, withdrawals]", f"{len(parts)} items"
        )
    header = decode_header(parts[0])
    if (len(parts) == 4) != (header.withdrawals_root is not None):
        expected = "withdrawals if the header commits to them"
        raise InvalidEncoding("block", expected, f"{len(parts)} items")
    withdrawals = rlp.split_list(parts[3]) if len(parts) == 4 else []
    return Block(
        header,
        tuple([_raw_transaction(item) for item in rlp.split_list(parts[1])]),
        tuple([_decode_withdrawal(item) for item in withdrawals]),
        tuple([decode_header(item) for item in rlp.split_list(parts[2])]),
    )


def transactions_root(transactions: tuple[bytes, ...]) -> Hash32:
    """Return the root that a header commits to its transactions with."""
    return ordered_root(transactions)


def withdrawals_root(withdrawals: tuple[Withdrawal, ...]) -> Hash32:
    """Return the root that a header commits to its withdrawals with."""
    return ordered_root([encode_withdrawal(each) for each in withdrawals])


def encode_withdrawal(withdrawal: Withdrawal) -> bytes:
    """Return the RLP of a withdrawal."""
    return encode_list(
        (
            encode_int(withdrawal.index),
            encode_int(withdrawal.validator_index),
            encode_bytes(withdrawal.address),
            encode_int(withdrawal.amount),
        )
    )


def _decode_withdrawal(encoded: bytes) -> Withdrawal:
    if len(encoded) > WITHDRAWAL_BYTES_MAX:
        expected = f"at most {WITHDRAWAL_BYTES_MAX} bytes"
        raise InvalidEncoding("withdrawal", expected, f"{len(encoded)} bytes")
    items = rlp.read_items(rlp.decode(encoded), "withdrawal", 4)
    return Withdrawal(
        read_int(items[0], "withdrawal.index", 64),
        read_int(items[1], "withdrawal.validator_index", 64),
        Address(read_bytes(items[2], "withdrawal.address", 20)),
        read_int(items[3], "withdrawal.amount", 64),
    )


def _raw_transaction(item: bytes) -> bytes:
    if item[0] >= 0xC0:
        return item
    raw = read_bytes(rlp.decode(item), "block.transactions")
    if not raw or raw[0] >= 0x80:
        raise InvalidEncoding("block.transactions", "a type byte below 0x80", raw[:1].hex())
    return raw
