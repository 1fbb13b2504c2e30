"""Blocks taken apart and put together again."""

import pytest
from hypothesis import given, strategies as st
from msgspec.structs import replace

from network.compact.form import BlockParts
from node.block_layout import EthereumBlocks
from primitives.block import (
    Block,
    Withdrawal,
    decode_block,
    encode_block,
    transactions_root,
    withdrawals_root,
)
from primitives.errors import InvalidEncoding
from primitives.header import encode_header, header_hash
from primitives.ids import Address
from primitives.rlp import encode_list
from tests.unit.node.driver import GENESIS, child

BLOCK = child(GENESIS, 0, 1, 2)
LEGACY = b"\xc8\x01\x02\x03\x04\x05\x06\x07\x08"


def block_of(transactions: tuple[bytes, ...], withdrawals: tuple[Withdrawal, ...] = ()) -> Block:
    header = replace(
        BLOCK.block.header,
        transactions_root=transactions_root(transactions),
        withdrawals_root=withdrawals_root(withdrawals),
    )
    return Block(header, transactions, withdrawals)


@given(
    st.lists(st.binary(max_size=60).map(lambda tail: b"\x02" + tail) | st.just(LEGACY), max_size=8),
    st.lists(st.integers(0, 1 << 40), max_size=3),
)
def test_parts_make_the_same_bytes_again(transactions: list[bytes], amounts: list[int]) -> None:
    paid = tuple(Withdrawal(i, i, Address(bytes(20)), amount) for i, amount in enumerate(amounts))
    payload = encode_block(block_of(tuple(transactions), paid))
    blocks = EthereumBlocks()
    parts = blocks.split(payload)
    assert blocks.join(parts) == payload
    assert blocks.commits(parts)
    assert parts.transactions == tuple(transactions)
    assert blocks.digest(parts.header) == header_hash(decode_block(payload).header)


def test_a_header_commits_to_everything() -> None:
    blocks = EthereumBlocks()
    parts = blocks.split(BLOCK.payload)
    first, second, third = parts.transactions
    for other in ((second, first, third), (first, second), (first, second, third, third)):
        assert not blocks.commits(replace(parts, transactions=other))
    paid = blocks.split(
        encode_block(block_of((first,), (Withdrawal(0, 0, Address(bytes(20)), 1),)))
    )
    assert not blocks.commits(replace(parts, rest=paid.rest))
    ommers = encode_list([encode_header(BLOCK.block.header)])
    assert not blocks.commits(replace(parts, rest=ommers + encode_list([])))


@pytest.mark.parametrize(
    "parts",
    [
        BlockParts(b"no header", (), b"\xc0\xc0"),
        BlockParts(encode_header(BLOCK.block.header), (b"",), b"\xc0\xc0"),
        BlockParts(encode_header(BLOCK.block.header), (LEGACY + LEGACY,), b"\xc0\xc0"),
        BlockParts(encode_header(BLOCK.block.header), (b"\x99a string",), b"\xc0\xc0"),
        BlockParts(encode_header(BLOCK.block.header), (), b""),
        BlockParts(encode_header(BLOCK.block.header), (), b"\xc0\xc0\xc0"),
        BlockParts(encode_header(BLOCK.block.header), (), b"\xff"),
    ],
)
def test_parts_that_no_block_has_are_refused(parts: BlockParts) -> None:
    with pytest.raises(InvalidEncoding):
        EthereumBlocks().join(parts)
    with pytest.raises(InvalidEncoding):
        EthereumBlocks().commits(parts)


def test_what_is_no_block_is_refused() -> None:
    with pytest.raises(InvalidEncoding):
        EthereumBlocks().split(b"\xc1\x80")
    with pytest.raises(InvalidEncoding):
        EthereumBlocks().digest(b"\x80")
