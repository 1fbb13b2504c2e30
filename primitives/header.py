"""Block headers with the fields of the Osaka fork (the same 21 as since Prague)."""

import msgspec

from primitives import rlp
from primitives.errors import InvalidEncoding
from primitives.ids import Address, Gas, Hash32, Wei
from primitives.keccak import keccak256
from primitives.rlp import Decoded, encode_bytes, encode_int, read_bytes, read_int
from primitives.trie import EMPTY_ROOT

EMPTY_OMMERS_HASH = keccak256(rlp.EMPTY_LIST)
"""Hash of the empty list: after the merge a block has no ommers."""
EMPTY_WITHDRAWALS_ROOT = EMPTY_ROOT
EMPTY_REQUESTS_HASH = Hash32(
    bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
)
"""SHA-256 of nothing: no execution requests (EIP-7685)."""
ZERO_NONCE = bytes(8)
EXTRA_DATA_BYTES_MAX = 32
HEADER_FIELDS = 21
HEADER_BYTES_MAX = 1_024
"""More than any valid header's encoding takes. A list of millions of empty lists, which takes
sixty times its bytes when it is decoded, is refused unread."""


class Header(msgspec.Struct, frozen=True, gc=False):
    """A block's header. Its hash names the block."""

    parent_hash: Hash32
    """Hash of the block below; zero for genesis."""
    ommers_hash: Hash32
    """Always `EMPTY_OMMERS_HASH`."""
    fee_recipient: Address
    """Gets the tips."""
    state_root: Hash32
    """Root of the accounts after this block."""
    transactions_root: Hash32
    receipts_root: Hash32
    logs_bloom: bytes
    """256 bytes over all logs of the block."""
    difficulty: int
    """Always 0."""
    number: int
    """Height; genesis is 0. Equals the PBFT sequence."""
    gas_limit: Gas
    gas_used: Gas
    timestamp: int
    """Seconds."""
    extra_data: bytes
    """At most 32 bytes."""
    prev_randao: Hash32
    nonce: bytes
    """Always 8 zero bytes."""
    base_fee_per_gas: Wei
    withdrawals_root: Hash32
    blob_gas_used: Gas
    excess_blob_gas: Gas
    parent_beacon_block_root: Hash32
    requests_hash: Hash32


def encode_header(header: Header) -> bytes:
    """Return the RLP of a header: what `header_hash` hashes."""
    return rlp.encode_list(
        (
            encode_bytes(header.parent_hash),
            encode_bytes(header.ommers_hash),
            encode_bytes(header.fee_recipient),
            encode_bytes(header.state_root),
            encode_bytes(header.transactions_root),
            encode_bytes(header.receipts_root),
            encode_bytes(header.logs_bloom),
            encode_int(header.difficulty),
            encode_int(header.number),
            encode_int(header.gas_limit),
            encode_int(header.gas_used),
            encode_int(header.timestamp),
            encode_bytes(header.extra_data),
            encode_bytes(header.prev_randao),
            encode_bytes(header.nonce),
            encode_int(header.base_fee_per_gas),
            encode_bytes(header.withdrawals_root),
            encode_int(header.blob_gas_used),
            encode_int(header.excess_blob_gas),
            encode_bytes(header.parent_beacon_block_root),
            encode_bytes(header.requests_hash),
        )
    )


def header_hash(header: Header) -> Hash32:
    """Return the keccak-256 of the header's RLP: the block's hash."""
    return keccak256(encode_header(header))


def decode_header(data: bytes) -> Header:
    """Return the header that `data` encodes.

    Raises:
        InvalidEncoding: too large, not canonical RLP, another number of fields, or a field of
            another size.
    """
    if len(data) > HEADER_BYTES_MAX:
        raise InvalidEncoding("header", f"at most {HEADER_BYTES_MAX} bytes", f"{len(data)} bytes")
    items = rlp.read_items(rlp.decode(data), "header", HEADER_FIELDS)
    return Header(
        _hash(items[0], "parent_hash"),
        _hash(items[1], "ommers_hash"),
        Address(read_bytes(items[2], "header.fee_recipient", 20)),
        _hash(items[3], "state_root"),
        _hash(items[4], "transactions_root"),
        _hash(items[5], "receipts_root"),
        read_bytes(items[6], "header.logs_bloom", 256),
        read_int(items[7], "header.difficulty", 256),
        read_int(items[8], "header.number", 64),
        Gas(read_int(items[9], "header.gas_limit", 64)),
        Gas(read_int(items[10], "header.gas_used", 64)),
        read_int(items[11], "header.timestamp", 64),
        read_bytes(items[12], "header.extra_data"),
        _hash(items[13], "prev_randao"),
        read_bytes(items[14], "header.nonce", 8),
        Wei(read_int(items[15], "header.base_fee_per_gas", 256)),
        _hash(items[16], "withdrawals_root"),
        Gas(read_int(items[17], "header.blob_gas_used", 64)),
        Gas(read_int(items[18], "header.excess_blob_gas", 64)),
        _hash(items[19], "parent_beacon_block_root"),
        _hash(items[20], "requests_hash"),
    )


def _hash(item: Decoded, name: str) -> Hash32:
    return Hash32(read_bytes(item, f"header.{name}", 32))
