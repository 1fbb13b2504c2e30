import re

import msgspec
import pytest

from primitives import rlp
from primitives.bloom import EMPTY_BLOOM
from primitives.errors import InvalidEncoding, InvalidInput
from primitives.header import (
    EMPTY_OMMERS_HASH,
    EMPTY_REQUESTS_HASH,
    EMPTY_WITHDRAWALS_ROOT,
    ZERO_NONCE,
    Header,
    decode_header,
    encode_header,
    field_count,
    header_hash,
)
from primitives.ids import Address, Gas, Hash32, Wei
from primitives.keccak import keccak256
from primitives.rlp import Decoded


def word(byte: int) -> Hash32:
    return Hash32(bytes([byte]) * 32)


HEADER = Header(
    parent_hash=word(1),
    ommers_hash=EMPTY_OMMERS_HASH,
    fee_recipient=Address(b"\x02" * 20),
    state_root=word(3),
    transactions_root=word(4),
    receipts_root=word(5),
    logs_bloom=EMPTY_BLOOM,
    difficulty=0,
    number=7,
    gas_limit=Gas(30_000_000),
    gas_used=Gas(21_000),
    timestamp=1_700_000_000,
    extra_data=b"orrery",
    prev_randao=word(6),
    nonce=ZERO_NONCE,
    base_fee_per_gas=Wei(7),
    withdrawals_root=EMPTY_WITHDRAWALS_ROOT,
    blob_gas_used=Gas(0),
    excess_blob_gas=Gas(0),
    parent_beacon_block_root=word(1),
    requests_hash=EMPTY_REQUESTS_HASH,
)


def before(name: str) -> Header:
    """The header as it was before a field and all later ones came."""
    names = Header.__struct_fields__
    return msgspec.structs.replace(HEADER, **dict.fromkeys(names[names.index(name) :]))


LONGEST = msgspec.structs.replace(HEADER, block_access_list_hash=word(8), slot_number=9)


def test_constants_are_ethereums() -> None:
    assert EMPTY_OMMERS_HASH.hex() == (
        "1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"
    )
    assert EMPTY_WITHDRAWALS_ROOT.hex() == (
        "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"
    )


@pytest.mark.parametrize(
    ("header", "count"),
    [
        (before("withdrawals_root"), 16),
        (before("blob_gas_used"), 17),
        (before("requests_hash"), 20),
        (HEADER, 21),
        (msgspec.structs.replace(LONGEST, slot_number=None), 22),
        (LONGEST, 23),
    ],
)
def test_what_is_encoded_decodes_to_the_same(header: Header, count: int) -> None:
    assert decode_header(encode_header(header)) == header
    assert field_count(header) == count == len(rlp.decode_list(encode_header(header)))


def test_a_field_does_not_come_without_the_ones_before_it() -> None:
    gap = msgspec.structs.replace(HEADER, excess_blob_gas=None)
    with pytest.raises(InvalidInput, match="header: expected each field together with those bef"):
        encode_header(gap)


def test_the_hash_is_over_the_encoding_and_every_field_counts() -> None:
    assert header_hash(LONGEST) == keccak256(encode_header(LONGEST))
    hashes = {header_hash(LONGEST)}
    for name in Header.__struct_fields__:
        value = getattr(LONGEST, name)
        changed = value + 1 if isinstance(value, int) else value[:-1] + b"\xaa"
        hashes.add(header_hash(msgspec.structs.replace(LONGEST, **{name: changed})))
    assert len(hashes) == 1 + len(Header.__struct_fields__) == 24


@pytest.mark.parametrize(
    ("index", "value", "message"),
    [
        (0, b"\x01" * 31, "header.parent_hash: expected 32 bytes, got 31 bytes"),
        (2, b"\x01" * 21, "header.fee_recipient: expected 20 bytes, got 21 bytes"),
        (6, b"", "header.logs_bloom: expected 256 bytes, got 0 bytes"),
        (8, b"\x00", "header.number: expected an integer without leading zeros"),
        (9, b"\x01" * 9, "header.gas_limit: expected an integer of at most 64 bits"),
        (11, [], "header.timestamp: expected an integer, got a list"),
        (12, [], "header.extra_data: expected a byte string, got a list"),
        (14, b"\x00" * 7, "header.nonce: expected 8 bytes, got 7 bytes"),
        (15, b"\x01" * 33, "header.base_fee_per_gas: expected an integer of at most 256 bits"),
        (20, b"", "header.requests_hash: expected 32 bytes, got 0 bytes"),
    ],
)
def test_a_spoiled_field_is_named(index: int, value: Decoded, message: str) -> None:
    items = rlp.decode_list(encode_header(HEADER))
    items[index] = value
    with pytest.raises(InvalidEncoding, match=re.escape(message)):
        decode_header(rlp.encode(items))


@pytest.mark.parametrize(
    ("index", "name", "bits"),
    [
        (7, "difficulty", 256),
        (8, "number", 64),
        (9, "gas_limit", 64),
        (10, "gas_used", 64),
        (11, "timestamp", 64),
        (15, "base_fee_per_gas", 256),
        (17, "blob_gas_used", 64),
        (18, "excess_blob_gas", 64),
    ],
)
def test_numbers_have_their_width(index: int, name: str, bits: int) -> None:
    items = rlp.decode_list(encode_header(HEADER))
    items[index] = b"\xff" * (bits // 8)
    assert getattr(decode_header(rlp.encode(items)), name) == 2**bits - 1
    items[index] = b"\x01" + bytes(bits // 8)
    with pytest.raises(InvalidEncoding, match=f"{name}: expected an integer of at most {bits} bi"):
        decode_header(rlp.encode(items))


@pytest.mark.parametrize("count", [0, 15, 18, 19, 24])
def test_headers_of_no_fork_since_london_are_refused(count: int) -> None:
    items = [*rlp.decode_list(encode_header(LONGEST)), b""][:count]
    with pytest.raises(InvalidEncoding, match=f"20, 21, 22, 23 items, got {count} items"):
        decode_header(rlp.encode(items))


def test_a_large_header_is_refused_unread() -> None:
    widest = HEADER
    for name in ("difficulty", "base_fee_per_gas"):
        widest = msgspec.structs.replace(widest, **{name: 2**256 - 1})
    for name in ("number", "gas_limit", "gas_used", "timestamp", "blob_gas_used"):
        widest = msgspec.structs.replace(widest, **{name: 2**64 - 1})
    widest = msgspec.structs.replace(widest, extra_data=b"\xff" * 32, excess_blob_gas=2**64 - 1)
    assert decode_header(encode_header(widest)) == widest
    for content in (b"\xc0" * 1_022, b"\xc0" * 100_000):
        data = rlp.list_header(len(content)) + content
        with pytest.raises(InvalidEncoding, match=f"at most 1024 bytes, got {len(data)} bytes"):
            decode_header(data)
