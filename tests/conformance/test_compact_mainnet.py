"""Mainnet blocks of Ethereum, of plain transfers and of heavy contracts, by their compact forms."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from network.codec import Codec
from network.compact.form import BlockParts, make_form
from network.compact.messages import (
    LIMITS,
    BlockTransactions,
    CompactBlock,
    GetBlockTransactions,
    WholeBlock,
)
from network.compact.relay import CompactRelay
from network.compact.state import BlockRebuilt, CompactConfig
from primitives.block import transactions_root
from primitives.ids import Hash32, NodeId
from primitives.machine import Send
from primitives.transaction import encode_transaction, transaction_hash
from tests.conformance.mainnet import MainnetBlock, block_folders, read_block
from tests.unit.network.books import Book
from tests.unit.network.compact_material import NONCE, NOW, Layout, Pool
from tests.vectors import vectors_directory

PEER = NodeId(1)
FOLDERS = block_folders(vectors_directory())


class MainnetLayout(Layout):
    """The header is the root of the transactions, with as many bytes behind as a header has."""

    def commits(self, parts: BlockParts) -> bool:
        return parts.header[:32] == transactions_root(parts.transactions)

    def transaction_hash(self, raw: bytes) -> Hash32:
        return transaction_hash(raw)


@pytest.fixture(name="block", params=FOLDERS, ids=lambda folder: folder.name)
def fixture_block(request: Any) -> MainnetBlock:
    return read_block(request.param)


def test_there_are_mainnet_blocks(vectors: Path) -> None:
    assert FOLDERS


def test_mainnet_blocks_are_rebuilt_for_some_bytes_a_transaction(block: MainnetBlock) -> None:
    raws = tuple([encode_transaction(each) for each in block.transactions])
    parts = BlockParts(transactions_root(raws) + bytes(550), raws, b"withdrawals")
    form = make_form(parts, block.hashes, NONCE)
    held = Pool()
    held.held = dict(zip(block.hashes, raws, strict=True))
    absent = block.hashes[:: max(1, len(raws) // 5)]
    for name in absent:
        del held.held[name]
    layout = MainnetLayout()
    core = CompactRelay(CompactConfig(), layout, held, Book(), lambda *_: True)
    effects = core.receiver.begin(NOW, PEER, form)
    (request,) = [effect.message for effect in effects if isinstance(effect, Send)]
    assert isinstance(request, GetBlockTransactions)
    fetched = BlockTransactions(
        request.request, tuple([raws[block.hashes.index(name)] for name in absent])
    )
    effects = core.on_message(NOW, PEER, fetched)
    (rebuilt,) = [effect for effect in effects if isinstance(effect, BlockRebuilt)]
    assert rebuilt.payload == msgspec.msgpack.encode(parts)
    assert rebuilt.fetched == absent
    codec = Codec(LIMITS, LIMITS)
    compact, full = codec.size(CompactBlock(0, form)), codec.size(WholeBlock(0, rebuilt.payload))
    assert compact < 6 * len(raws) + 700
    assert compact < full
