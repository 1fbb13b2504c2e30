"""eth_ methods about final blocks, their transactions and receipts."""

import asyncio
from collections.abc import Callable, Iterator
from time import monotonic_ns
from typing import Any

from node.builder import BuildContext, build_block
from node.execution_blob_gas import blob_base_fee
from node.execution_setting import ExecutionEngine
from node.rpc.arguments import boolean, hash32, optional, quantity64, required
from node.rpc.backend import Backend
from node.rpc.block_id import BlockId, ByHash, Tag, block_id, block_number
from node.rpc.block_shapes import block_shape
from node.rpc.chain import ChainReader, FinalBlock
from node.rpc.hexes import data_hex, quantity_hex
from node.rpc.methods import Method, Parameters
from node.rpc.transaction_shapes import log_shape, receipt_shape, transaction_shape
from primitives.block import encode_block
from primitives.header import header_hash
from primitives.ids import Hash32

SLICE_NS = 2_000_000
"""For which an answer that needs many senders keeps the node's thread."""


class BlockMethods:
    """Methods about blocks.

    Args:
        chain: reads them.
    """

    def __init__(self, chain: ChainReader) -> None:
        self._chain = chain
        self._engine = ExecutionEngine()

    def methods(self) -> tuple[Method, ...]:
        """Return them."""
        return (
            Method("eth_blockNumber", self.height),
            Method("eth_getBlockByNumber", self.block_by_number, 2, cost=4),
            Method("eth_getBlockByHash", self.block_by_hash, 2, cost=4),
            Method("eth_getBlockTransactionCountByNumber", self.count_by_number, 1),
            Method("eth_getBlockTransactionCountByHash", self.count_by_hash, 1),
            Method("eth_getUncleCountByBlockNumber", self.uncles_by_number, 1),
            Method("eth_getUncleCountByBlockHash", self.uncles_by_hash, 1),
            Method("eth_getUncleByBlockNumberAndIndex", self.no_uncle, 2),
            Method("eth_getUncleByBlockHashAndIndex", self.no_uncle, 2),
            Method("eth_getTransactionByHash", self.transaction, 1, cost=2),
            Method(
                "eth_getTransactionByBlockNumberAndIndex", self.transaction_by_number, 2, cost=2
            ),
            Method("eth_getTransactionByBlockHashAndIndex", self.transaction_by_hash, 2, cost=2),
            Method("eth_getTransactionReceipt", self.receipt, 1, cost=2),
            Method("eth_getBlockReceipts", self.receipts, 1, cost=20),
        )

    def height(self, backend: Backend, parameters: Parameters) -> str:
        """eth_blockNumber."""
        return hex(backend.node.ledger.height)

    def block_by_number(self, backend: Backend, parameters: Parameters) -> object:
        """eth_getBlockByNumber."""
        named = required(parameters, 0, block_number)
        is_full = optional(parameters, 1, boolean, default=False)
        if named is Tag.PENDING:
            return self._pending(backend)
        return self._block(backend, named, is_full)

    def block_by_hash(self, backend: Backend, parameters: Parameters) -> object:
        """eth_getBlockByHash."""
        digest = Hash32(required(parameters, 0, hash32))
        return self._block(backend, ByHash(digest), optional(parameters, 1, boolean, default=False))

    def count_by_number(self, backend: Backend, parameters: Parameters) -> str | None:
        """eth_getBlockTransactionCountByNumber."""
        return self._count(backend, required(parameters, 0, block_number))

    def count_by_hash(self, backend: Backend, parameters: Parameters) -> str | None:
        """eth_getBlockTransactionCountByHash."""
        return self._count(backend, ByHash(Hash32(required(parameters, 0, hash32))))

    def uncles_by_number(self, backend: Backend, parameters: Parameters) -> str | None:
        """eth_getUncleCountByBlockNumber."""
        block = self._chain.named(backend, required(parameters, 0, block_number))
        return None if block is None else quantity_hex(len(block.block.ommers))

    def uncles_by_hash(self, backend: Backend, parameters: Parameters) -> str | None:
        """eth_getUncleCountByBlockHash."""
        named = ByHash(Hash32(required(parameters, 0, hash32)))
        block = self._chain.named(backend, named)
        return None if block is None else quantity_hex(len(block.block.ommers))

    def no_uncle(self, backend: Backend, parameters: Parameters) -> None:
        """eth_getUncleBy...: no block of this chain has any."""
        required(parameters, 0, block_id)
        required(parameters, 1, quantity64)

    def transaction(self, backend: Backend, parameters: Parameters) -> object:
        """eth_getTransactionByHash."""
        digest = Hash32(required(parameters, 0, hash32))
        pooled = backend.node.pool.get(digest)
        if pooled is not None:
            return transaction_shape(pooled.transaction, digest, pooled.sender, None)
        found = self._chain.find(backend, digest)
        return None if found is None else shown_transaction(*found)

    def transaction_by_number(self, backend: Backend, parameters: Parameters) -> object:
        """eth_getTransactionByBlockNumberAndIndex."""
        named = required(parameters, 0, block_number)
        return self._at(backend, named, required(parameters, 1, quantity64))

    def transaction_by_hash(self, backend: Backend, parameters: Parameters) -> object:
        """eth_getTransactionByBlockHashAndIndex."""
        named = ByHash(Hash32(required(parameters, 0, hash32)))
        return self._at(backend, named, required(parameters, 1, quantity64))

    def receipt(self, backend: Backend, parameters: Parameters) -> object:
        """eth_getTransactionReceipt."""
        found = self._chain.find(backend, Hash32(required(parameters, 0, hash32)))
        return None if found is None else shown_receipt(backend, *found)

    async def receipts(self, backend: Backend, parameters: Parameters) -> object:
        """eth_getBlockReceipts."""
        named = required(parameters, 0, block_id)
        if named is Tag.PENDING:
            return []
        block = self._chain.named(backend, named)
        if block is None:
            return None
        return await gathered(block, lambda index: shown_receipt(backend, block, index))

    def _block(self, backend: Backend, named: BlockId, is_full: bool) -> object:
        block = self._chain.named(backend, named)
        if block is None:
            return None
        if is_full and block.hashes:
            return self._full(block)
        return shown_block(block, [data_hex(each) for each in block.hashes])

    async def _full(self, block: FinalBlock) -> dict[str, Any]:
        shown = await gathered(block, lambda index: shown_transaction(block, index))
        return shown_block(block, shown)

    def _pending(self, backend: Backend) -> dict[str, Any]:
        """Return the next block as it would be without transactions; it has no hash yet."""
        tip = backend.node.ledger.tip
        context = BuildContext(backend.config.fee_recipient, tip.block.header.timestamp)
        params = backend.environment.genesis.params
        block = build_block(tip, (), context, params, self._engine).block
        header = block.header
        shape = block_shape(header, header_hash(header), len(encode_block(block)), [], (), ())
        return shape | {"hash": None, "nonce": None, "miner": None}

    def _count(self, backend: Backend, named: BlockId) -> str | None:
        if named is Tag.PENDING:
            return "0x0"
        block = self._chain.named(backend, named)
        return None if block is None else quantity_hex(len(block.block.transactions))

    def _at(self, backend: Backend, named: BlockId, index: int) -> object:
        if named is Tag.PENDING:
            return None
        block = self._chain.named(backend, named)
        if block is None or index >= len(block.block.transactions):
            return None
        return shown_transaction(block, index)


def shown_block(block: FinalBlock, transactions: list[Any]) -> dict[str, Any]:
    """Return a block with its transactions as they are to be shown."""
    ommers = [header_hash(each) for each in block.block.ommers]
    withdrawals = block.block.withdrawals
    return block_shape(block.header, block.digest, block.size, transactions, withdrawals, ommers)


def shown_transaction(block: FinalBlock, index: int) -> dict[str, Any]:
    """Return a transaction of a block."""
    digest, sender = block.hash(index), block.sender(index)
    return transaction_shape(block.transaction(index), digest, sender, block.place(index))


def shown_receipt(backend: Backend, block: FinalBlock, index: int) -> dict[str, Any]:
    """Return the receipt of a transaction of a block."""
    header = block.header
    params = backend.environment.genesis.params.at(header.timestamp)
    excess = header.excess_blob_gas
    return receipt_shape(
        block.transaction(index),
        block.receipts[index],
        block.hash(index),
        block.sender(index),
        block.place(index),
        block.gas_used(index),
        list(shown_logs(block, index)),
        0 if excess is None else blob_base_fee(excess, params),
    )


def shown_logs(block: FinalBlock, index: int) -> Iterator[dict[str, Any]]:
    """Yield the logs of a transaction of a block."""
    place, digest, first = block.place(index), block.hash(index), block.first_logs[index]
    for number, log in enumerate(block.receipts[index].logs):
        yield log_shape(log, digest, place, first + number)


async def gathered(block: FinalBlock, show: Callable[[int], Any]) -> list[Any]:
    """Return what is shown of each transaction; other things go on meanwhile."""
    shown: list[Any] = []
    begun = monotonic_ns()
    for index in range(len(block.block.transactions)):
        shown.append(show(index))
        if monotonic_ns() - begun > SLICE_NS:
            await asyncio.sleep(0)
            begun = monotonic_ns()
    return shown
