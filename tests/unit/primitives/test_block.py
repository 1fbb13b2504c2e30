import re

import msgspec
import pytest

from primitives import rlp
from primitives.block import (
    Block,
    Withdrawal,
    block_hash,
    decode_block,
    encode_block,
    transactions_root,
    withdrawals_root,
)
from primitives.errors import InvalidEncoding
from primitives.header import encode_header, header_hash
from primitives.ids import Address
from primitives.transaction import encode_transaction
from primitives.trie import EMPTY_ROOT
from tests.unit.primitives.samples import SIGNED
from tests.unit.primitives.test_header import HEADER, before

RAW = tuple(encode_transaction(tx) for tx in SIGNED)
WITHDRAWALS = (
    Withdrawal(0, 0, Address(b"\x07" * 20), 0),
    Withdrawal(2**64 - 1, 5, Address(bytes(20)), 32 * 10**9),
)
BLOCK = Block(HEADER, RAW, WITHDRAWALS)


@pytest.mark.parametrize(
    "block", [BLOCK, Block(HEADER, ()), Block(HEADER, RAW[2:]), Block(HEADER, RAW[:2])]
)
def test_what_is_encoded_decodes_to_the_same(block: Block) -> None:
    payload = encode_block(block)
    assert decode_block(payload) == block
    assert block_hash(block) == header_hash(HEADER)


def test_legacy_transactions_stand_as_lists_and_typed_ones_as_strings() -> None:
    header, transactions, ommers, withdrawals = rlp.decode_list(encode_block(BLOCK))
    assert header == rlp.decode(encode_header(HEADER))
    kinds = [type(item) for item in rlp.read_items(transactions, "test")]
    assert kinds == [list, list, bytes, bytes, bytes, bytes]
    assert ommers == []
    assert len(rlp.read_items(withdrawals, "test")) == 2


def test_the_body_does_not_enter_the_hash() -> None:
    """The header's roots stand for it: whoever takes a block must compare them."""
    assert block_hash(msgspec.structs.replace(BLOCK, transactions=())) == block_hash(BLOCK)


def parts() -> list[bytes]:
    return rlp.split_list(encode_block(BLOCK))


def refusal(payload: bytes, message: str) -> None:
    with pytest.raises(InvalidEncoding, match=re.escape(message)):
        decode_block(payload)


def test_another_shape_is_refused() -> None:
    header, transactions, ommers, withdrawals = parts()
    wanted = "block: expected [header, transactions, ommers, withdrawals], got "
    refusal(rlp.encode_list([header, transactions]), wanted + "2 items")
    refusal(rlp.encode_list([header, transactions, ommers, withdrawals, b"\x80"]), wanted + "5")
    refusal(b"", "expected an item at byte 0")
    refusal(b"\x80", "expected a list, got a byte string")
    refusal(encode_block(BLOCK) + b"\x00", "expected the item to end at byte")
    refusal(rlp.encode_list([header, b"\x80", ommers, withdrawals]), "expected a list, got a byte")


def test_withdrawals_are_there_if_the_header_commits_to_them() -> None:
    header, transactions, ommers, withdrawals = parts()
    refusal(rlp.encode_list([header, transactions, ommers]), "withdrawals if the header commits")
    older = Block(before("withdrawals_root"), RAW)
    payload = encode_block(older)
    assert len(rlp.split_list(payload)) == 3
    assert decode_block(payload) == older
    forged = rlp.encode_list([*rlp.split_list(payload), withdrawals])
    refusal(forged, "withdrawals if the header commits to them, got 4 items")


def test_ommers_are_read() -> None:
    """Whether there may be any is a rule of the fork."""
    block = Block(before("withdrawals_root"), RAW, (), (HEADER, before("requests_hash")))
    assert decode_block(encode_block(block)) == block
    header, transactions, _, withdrawals = parts()
    payload = rlp.encode_list([header, transactions, rlp.encode_list([b"\xc0"]), withdrawals])
    refusal(payload, "header: expected 16, 17, 20, 21, 22, 23 items, got 0 items")


@pytest.mark.parametrize("length", range(0, 600, 7))
def test_truncated_blocks_are_refused(length: int) -> None:
    with pytest.raises(InvalidEncoding):
        decode_block(encode_block(BLOCK)[:length])


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (b"\x80", "block.transactions: expected a type byte below 0x80, got "),
        (b"\x82\x80\x01", "block.transactions: expected a type byte below 0x80, got 80"),
        (b"\x83\xc1\x01\x01", "block.transactions: expected a type byte below 0x80, got c1"),
        (b"\x81\x01", "expected the byte 0x01 to stand without a prefix"),
        (b"\xb8\x01\x01", "expected the short form for 1 bytes"),
    ],
)
def test_what_no_transaction_can_be(item: bytes, message: str) -> None:
    header, _, ommers, withdrawals = parts()
    refusal(rlp.encode_list([header, rlp.encode_list([item]), ommers, withdrawals]), message)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ([b"", b"", bytes(20)], "withdrawal: expected 4 items, got 3 items"),
        ([b"", b"", bytes(19), b""], "withdrawal.address: expected 20 bytes, got 19 bytes"),
        ([b"\x00", b"", bytes(20), b""], "withdrawal.index: expected an integer without leading"),
        ([b"", b"\x01" * 9, bytes(20), b""], "withdrawal.validator_index: expected an integer of"),
        (
            [b"", b"", bytes(20), b"\x01" * 9],
            "withdrawal.amount: expected an integer of at most 64",
        ),
    ],
)
def test_spoiled_withdrawals_are_refused(fields: list[bytes], message: str) -> None:
    header, transactions, ommers, _ = parts()
    body = rlp.encode_list([rlp.encode(fields)])
    refusal(rlp.encode_list([header, transactions, ommers, body]), message)


def test_the_widest_withdrawal_passes_and_a_larger_one_is_refused_unread() -> None:
    widest = Withdrawal(2**64 - 1, 2**64 - 1, Address(b"\xff" * 20), 2**64 - 1)
    block = Block(HEADER, (), (widest,))
    assert decode_block(encode_block(block)) == block
    header, transactions, ommers, _ = parts()
    flood = rlp.encode_list([rlp.list_header(60) + b"\xc0" * 60])
    message = "withdrawal: expected at most 49 bytes, got 62 bytes"
    refusal(rlp.encode_list([header, transactions, ommers, flood]), message)


def test_an_oversized_block_is_refused_unread() -> None:
    payload = encode_block(BLOCK)
    assert decode_block(payload, bytes_max=len(payload)) == BLOCK
    with pytest.raises(InvalidEncoding, match=f"block: expected at most {len(payload) - 1} bytes"):
        decode_block(payload, bytes_max=len(payload) - 1)
    with pytest.raises(InvalidEncoding, match="block: expected at most 8388608 bytes, got 8388609"):
        decode_block(bytes(8_388_609))


def test_roots() -> None:
    assert transactions_root(()) == withdrawals_root(()) == EMPTY_ROOT
    assert transactions_root(RAW) != transactions_root(RAW[::-1])
    assert withdrawals_root(WITHDRAWALS) != withdrawals_root(WITHDRAWALS[:1])
