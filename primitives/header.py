"""Block headers of the forks since London.

Forks have appended fields and never taken one away, so a header has a field if it has the ones
before it. Which fields a block must have is a rule of its fork (`node.validation_header`).
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from primitives import rlp
from primitives.errors import InvalidEncoding, InvalidInput
from primitives.fork import Fork
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
EMPTY_ACCESS_LIST_HASH = EMPTY_OMMERS_HASH
"""Hash of the access list of a block that accessed nothing (EIP-7928): an empty list as well."""
ZERO_NONCE = bytes(8)
EXTRA_DATA_BYTES_MAX = 32
FIELDS_OF_FORK: Mapping[Fork, int] = MappingProxyType(
    {
        Fork.LONDON: 16,
        Fork.PARIS: 16,
        Fork.SHANGHAI: 17,
        Fork.CANCUN: 20,
        Fork.PRAGUE: 21,
        Fork.OSAKA: 21,
    }
)
"""How many fields a fork's headers have; earlier ones lack the base fee, and are not read."""
FIELDS_WITH_ACCESS_LIST = 22
"""With the hash of the block's access list (EIP-7928)."""
FIELDS_MAX = 23
_FIELD_COUNTS = (16, 17, 20, 21, 22, 23)
HEADER_BYTES_MAX = 1_024
"""More than any valid header's encoding takes. A list of millions of empty lists, which takes
sixty times its bytes when it is decoded, is refused unread."""


class Header(msgspec.Struct, frozen=True, gc=False):
    """A block's header. Its hash names the block."""

    parent_hash: Hash32
    """Hash of the block below; zero for genesis."""
    ommers_hash: Hash32
    """`EMPTY_OMMERS_HASH` from Paris on."""
    fee_recipient: Address
    """Gets the tips."""
    state_root: Hash32
    """Root of the accounts after this block."""
    transactions_root: Hash32
    receipts_root: Hash32
    logs_bloom: bytes
    """256 bytes over all logs of the block."""
    difficulty: int
    """0 from Paris on."""
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
    """8 bytes, zero from Paris on."""
    base_fee_per_gas: Wei
    withdrawals_root: Hash32 | None = None
    """From Shanghai on (EIP-4895)."""
    blob_gas_used: Gas | None = None
    """From Cancun on (EIP-4844)."""
    excess_blob_gas: Gas | None = None
    """From Cancun on (EIP-4844)."""
    parent_beacon_block_root: Hash32 | None = None
    """From Cancun on (EIP-4788)."""
    requests_hash: Hash32 | None = None
    """From Prague on (EIP-7685)."""
    block_access_list_hash: Hash32 | None = None
    """Where the chain has block access lists (EIP-7928)."""
    slot_number: int | None = None
    """In Amsterdam (EIP-7843). Orrery's own chains have no slots."""


def field_count(header: Header) -> int:
    """Return how many fields a header has.

    Raises:
        InvalidInput: it has a field without one that comes before it.
    """
    optional = header_options(header)
    present = [value is not None for value in optional]
    count = _REQUIRED + sum(present)
    if not all(present[: count - _REQUIRED]):
        raise InvalidInput("header", "each field together with those before it", "a gap")
    return count


_REQUIRED = 16


def header_options(header: Header) -> tuple[bytes | int | None, ...]:
    """Return the fields that not every fork has, in order; None for what is not there."""
    return (
        header.withdrawals_root,
        header.blob_gas_used,
        header.excess_blob_gas,
        header.parent_beacon_block_root,
        header.requests_hash,
        header.block_access_list_hash,
        header.slot_number,
    )


def encode_header(header: Header) -> bytes:
    """Return the RLP of a header: what `header_hash` hashes.

    Raises:
        InvalidInput: it has a field without one that comes before it.
    """
    items = [
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
    ]
    for value in header_options(header)[: field_count(header) - _REQUIRED]:
        assert value is not None
        items.append(encode_int(value) if isinstance(value, int) else encode_bytes(value))
    return rlp.encode_list(items)


def header_hash(header: Header) -> Hash32:
    """Return the keccak-256 of the header's RLP: the block's hash."""
    return keccak256(encode_header(header))


def decode_header(data: bytes) -> Header:
    """Return the header that `data` encodes.

    Raises:
        InvalidEncoding: too large, not canonical RLP, a number of fields that no fork since
            London has, or a field of another size.
    """
    if len(data) > HEADER_BYTES_MAX:
        raise InvalidEncoding("header", f"at most {HEADER_BYTES_MAX} bytes", f"{len(data)} bytes")
    items = rlp.read_items(rlp.decode(data), "header")
    if len(items) not in _FIELD_COUNTS:
        counts = ", ".join(map(str, _FIELD_COUNTS))
        raise InvalidEncoding("header", f"{counts} items", f"{len(items)} items")
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
        *[read(item) for read, item in zip(_OPTIONS, items[_REQUIRED:], strict=False)],
    )


def _hash(item: Decoded, name: str) -> Hash32:
    return Hash32(read_bytes(item, f"header.{name}", 32))


_OPTIONS: tuple[Callable[[Decoded], Any], ...] = (
    lambda item: _hash(item, "withdrawals_root"),
    lambda item: Gas(read_int(item, "header.blob_gas_used", 64)),
    lambda item: Gas(read_int(item, "header.excess_blob_gas", 64)),
    lambda item: _hash(item, "parent_beacon_block_root"),
    lambda item: _hash(item, "requests_hash"),
    lambda item: _hash(item, "block_access_list_hash"),
    lambda item: read_int(item, "header.slot_number", 64),
)
"""Readers of the fields that not every fork has, in order."""
