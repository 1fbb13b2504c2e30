"""Final blocks, wherever they are: in the node's memory, or in its store.

Blocks that the store is not known to have stand in the ledger with all that executing them gave.
Of others the ledger or the store has the encoding, and the store the receipts. What was decoded is
remembered for some blocks, because who asks for one receipt of a block asks for the next one soon.
"""

from collections import OrderedDict
from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate

from node.execution import ExecutedBlock
from node.flat_rows import HEADERS, RECEIPTS
from node.ledger import BLOCKS, height_key
from node.rpc.backend import ChainBackend
from node.rpc.block_id import BlockId, ByHash, Tag
from node.rpc.errors import RpcError, server_error
from node.rpc.log_filter import LogKeys, log_keys
from node.rpc.transaction_shapes import Place
from node.transaction_index import block_height, is_indexed, transaction_place
from primitives import rlp
from primitives.block import Block, decode_block
from primitives.header import Header, decode_header, header_hash
from primitives.ids import Address, Hash32
from primitives.receipt import Receipt, decode_receipt
from primitives.transaction import (
    Transaction,
    decode_transaction,
    effective_tip,
    recover_sender,
    transaction_hash,
)

PRUNED = 4444
"""Code of what a node does not hold any more (EIP-4444; execution-apis)."""

BLOCKS_KEPT = 32
"""Decoded blocks that are remembered."""
HEADERS_KEPT = 4_096
"""Decoded headers, which are some 1.5 kB each: a query for logs looks at all of a range."""


class FinalBlock:
    """A final block; its parts are decoded when somebody asks for them.

    Args:
        block: decoded as far as header and body.
        digest: its hash.
        size: bytes of its encoding.
        receipts_row: the row of its receipts; nothing for a block without transactions.
    """

    def __init__(self, block: Block, digest: Hash32, size: int, receipts_row: bytes = b"") -> None:
        self.block = block
        self.header: Header = block.header
        self.digest = digest
        self.size = size
        self._receipts_row = receipts_row
        self._senders: list[Address | None] = [None] * len(block.transactions)
        self._decoded: dict[int, Transaction] = {}
        """Of the transactions, those that somebody has asked for one by one."""

    @staticmethod
    def of(executed: ExecutedBlock) -> "FinalBlock":
        """Return a block that this node has executed: nothing of it needs to be computed."""
        made = FinalBlock(executed.block, executed.digest, len(executed.payload))
        pooled = executed.transactions
        made._senders = [each.sender for each in pooled]
        made.__dict__["hashes"] = [each.hash for each in pooled]
        made.__dict__["transactions"] = [each.transaction for each in pooled]
        made.__dict__["receipts"] = executed.receipts
        return made

    @property
    def number(self) -> int:
        """Height."""
        return self.header.number

    @cached_property
    def hashes(self) -> list[Hash32]:
        """Hash of each transaction, in order."""
        return [transaction_hash(raw) for raw in self.block.transactions]

    @cached_property
    def places(self) -> dict[Hash32, int]:
        """Index of each transaction, by its hash."""
        return {digest: index for index, digest in enumerate(self.hashes)}

    @cached_property
    def transactions(self) -> list[Transaction]:
        """The transactions, decoded, in order."""
        return [decode_transaction(raw) for raw in self.block.transactions]

    def transaction(self, index: int) -> Transaction:
        """Return one transaction: decoding all takes some milliseconds."""
        all_ = self.__dict__.get("transactions")
        if all_ is not None:
            found: Transaction = all_[index]
            return found
        known = self._decoded.get(index)
        if known is None:
            known = self._decoded[index] = decode_transaction(self.block.transactions[index])
        return known

    def hash(self, index: int) -> Hash32:
        """Return the hash of one transaction."""
        if "hashes" in self.__dict__:
            return self.hashes[index]
        return transaction_hash(self.block.transactions[index])

    @cached_property
    def tips(self) -> list[int]:
        """What each transaction pays the proposer, in wei per gas."""
        base_fee = self.header.base_fee_per_gas
        return [effective_tip(each, base_fee) for each in self.transactions]

    @cached_property
    def ascending_tips(self) -> list[int]:
        """The same, the smallest first."""
        return sorted(self.tips)

    @cached_property
    def receipts(self) -> Sequence[Receipt]:
        """The receipt of each transaction, in order."""
        items = rlp.split_list(self._receipts_row) if self._receipts_row else []
        return [decode_receipt(rlp.read_bytes(rlp.decode(item), "receipt")) for item in items]

    @cached_property
    def first_logs(self) -> list[int]:
        """Index in the block of what would be the first log of each transaction."""
        return [0, *accumulate([len(receipt.logs) for receipt in self.receipts])]

    @cached_property
    def log_keys(self) -> LogKeys:
        """What its logs can be found by."""
        return log_keys([log for receipt in self.receipts for log in receipt.logs])

    def sender(self, index: int) -> Address:
        """Return who signed a transaction; recovering it takes a tenth of a millisecond, once."""
        known = self._senders[index]
        if known is None:
            known = recover_sender(self.transaction(index), self.block.transactions[index])
            self._senders[index] = known
        return known

    def gas_used(self, index: int) -> int:
        """Return what a transaction used alone."""
        before = self.receipts[index - 1].cumulative_gas_used if index else 0
        return self.receipts[index].cumulative_gas_used - before

    def place(self, index: int) -> Place:
        """Return the place of a transaction."""
        return Place(self.header, self.digest, index)


class ChainReader:
    """Reads the final blocks of one node.

    Args:
        kept: decoded blocks that are remembered.
        headers_kept: decoded headers.
    """

    def __init__(self, kept: int = BLOCKS_KEPT, headers_kept: int = HEADERS_KEPT) -> None:
        self._kept = kept
        self._headers_kept = headers_kept
        self._headers: dict[int, Header] = {}
        self._blocks: OrderedDict[int, FinalBlock] = OrderedDict()

    def height(self, backend: ChainBackend, block: BlockId) -> int | None:
        """Return the height of a block that a caller names, `pending` counting as the head.

        None if there is no such block. A height above the head's is none.
        """
        head = backend.node.ledger.height
        if isinstance(block, Tag):
            return 0 if block is Tag.EARLIEST else head
        if isinstance(block, ByHash):
            return self.height_of(backend, block.digest)
        return block if block <= head else None

    def height_of(self, backend: ChainBackend, digest: Hash32) -> int | None:
        """Return the height of a final block by its hash; None if it is not known."""
        ledger = backend.node.ledger
        if digest == ledger.tip.digest:
            return ledger.height
        if digest == backend.environment.genesis_block.digest:
            return 0
        for height, executed in ledger.unsettled.items():
            if executed.digest == digest:
                return height
        return block_height(backend.store, digest)

    def header(self, backend: ChainBackend, height: int) -> Header | None:
        """Return the header of a final block; None above the head.

        Raises:
            RpcError: it is not held any more.
        """
        ledger = backend.node.ledger
        if height == ledger.height:
            return ledger.tip.block.header
        if height > ledger.height:
            return None
        known = self._headers.get(height)
        if known is None:
            known = self._headers[height] = self._read_header(backend, height)
            if len(self._headers) > self._headers_kept:
                del self._headers[next(iter(self._headers))]
        return known

    def at(self, backend: ChainBackend, height: int) -> FinalBlock | None:
        """Return the final block of a height; None above the head.

        Raises:
            RpcError: it is not held any more, or only its state has ever come to this node.
        """
        if height > backend.node.ledger.height:
            return None
        known = self._blocks.get(height)
        if known is not None:
            self._blocks.move_to_end(height)
            return known
        found = self._read(backend, height)
        self._blocks[height] = found
        while len(self._blocks) > self._kept:
            self._blocks.popitem(last=False)
        return found

    def named(self, backend: ChainBackend, block: BlockId) -> FinalBlock | None:
        """Return the final block that a caller names; None if there is none."""
        height = self.height(backend, block)
        return None if height is None else self.at(backend, height)

    def find(self, backend: ChainBackend, digest: Hash32) -> tuple[FinalBlock, int] | None:
        """Return the block of a transaction and its index there; None if it is in none.

        Raises:
            RpcError: this node keeps no index.
        """
        for height in reversed(backend.node.ledger.unsettled):
            block = self.at(backend, height)
            if block is not None and digest in block.places:
                return block, block.places[digest]
        if not backend.config.index_transactions and not is_indexed(backend.store):
            raise server_error("transaction indexing is disabled")
        place = transaction_place(backend.store, digest)
        if place is None:
            return None
        block = self.at(backend, place[0])
        return None if block is None else (block, place[1])

    def _read_header(self, backend: ChainBackend, height: int) -> Header:
        """Read a header alone: most blocks of a range have nothing that is asked for."""
        executed = backend.node.ledger.unsettled.get(height)
        if executed is not None:
            return executed.block.header
        if height == 0:
            return backend.environment.genesis_block.block.header
        row = backend.store.get(HEADERS, height_key(height))
        if row is None:
            raise RpcError(PRUNED, "pruned history unavailable")
        return decode_header(row)

    def _read(self, backend: ChainBackend, height: int) -> FinalBlock:
        ledger = backend.node.ledger
        executed = ledger.unsettled.get(height)
        if executed is not None:
            return FinalBlock.of(executed)
        if height == 0:
            return FinalBlock.of(backend.environment.genesis_block)
        held = ledger.certified_block(height)
        key = height_key(height)
        payload = backend.store.get(BLOCKS, key) if held is None else held.payload
        if payload is None:
            raise RpcError(PRUNED, "pruned history unavailable")
        block = decode_block(payload)
        digest = header_hash(block.header)
        row = b"" if not block.transactions else backend.store.get(RECEIPTS, key)
        if row is None:
            raise RpcError(PRUNED, "pruned history unavailable")
        return FinalBlock(block, digest, len(payload), row)
