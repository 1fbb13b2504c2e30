"""What `network.compact` does not know of Ethereum's blocks: their parts, and what binds them.

A block is its header, its transactions, and the rest: ommers and withdrawals, as they stand in
the encoding. That is canonical, so parts that were taken from a block make the same bytes again;
parts that a block cannot have are refused.
"""

import msgspec

from network.compact.form import BlockParts
from node.shared import Memo
from node.validation_ommers import ommers_hash
from primitives import rlp
from primitives.block import Block, decode_block, transactions_root, withdrawals_root
from primitives.errors import InvalidEncoding
from primitives.header import decode_header, header_hash
from primitives.ids import Hash32
from primitives.rlp import encode_bytes, encode_list
from primitives.transaction import transaction_hash

BLOCKS_MAX = 64
"""Blocks that an `EthereumBlocks` remembers."""

LEGACY_PREFIX = 0xC0
"""First byte from which on an encoding is a list, hence a legacy transaction."""


class Joined(msgspec.Struct, frozen=True):
    """A block that was put together."""

    payload: bytes
    bound: bool
    """Whether its header commits to the body."""


class EthereumBlocks:
    """A `network.compact.BlockLayout` that does everything once for all nodes of a process."""

    __slots__ = ("_joined", "_parts")

    def __init__(self) -> None:
        self._parts: Memo[bytes, BlockParts] = Memo(BLOCKS_MAX)
        self._joined: Memo[BlockParts, Joined] = Memo(BLOCKS_MAX)

    def split(self, payload: bytes) -> BlockParts:
        """Take a block apart.

        Raises:
            InvalidEncoding: it is none.
        """
        known = self._parts.get(payload)
        if known is None:
            block = decode_block(payload)
            header, _, *rest = rlp.split_list(payload)
            known = BlockParts(header, block.transactions, b"".join(rest))
            self._parts.put(payload, known)
        return known

    def join(self, parts: BlockParts) -> bytes:
        """Put a block together.

        Raises:
            InvalidEncoding: no block has such parts.
        """
        return self._join(parts).payload

    def digest(self, header: bytes) -> Hash32:
        """Return a block's hash.

        Raises:
            InvalidEncoding: this is no header.
        """
        return header_hash(decode_header(header))

    def commits(self, parts: BlockParts) -> bool:
        """Tell whether the header commits to transactions, ommers and withdrawals.

        Raises:
            InvalidEncoding: no block has such parts.
        """
        return self._join(parts).bound

    def transaction_hash(self, raw: bytes) -> Hash32:
        """Return a transaction's hash."""
        return transaction_hash(raw)

    def _join(self, parts: BlockParts) -> Joined:
        known = self._joined.get(parts)
        if known is None:
            payload = encode_list((parts.header, _encoded(parts.transactions), parts.rest))
            block = decode_block(payload)
            if block.transactions != parts.transactions:
                raise InvalidEncoding("block.transactions", "encodings of one each", "others")
            known = Joined(payload, _is_bound(block))
            self._joined.put(parts, known)
        return known


def _encoded(transactions: tuple[bytes, ...]) -> bytes:
    """Return the list of a block's transactions as it stands in the block."""
    if not all(transactions):
        raise InvalidEncoding("block.transactions", "encodings", "an empty one")
    return encode_list(
        [raw if raw[0] >= LEGACY_PREFIX else encode_bytes(raw) for raw in transactions]
    )


def _is_bound(block: Block) -> bool:
    header = block.header
    if header.transactions_root != transactions_root(block.transactions):
        return False
    if header.ommers_hash != ommers_hash(block.ommers):
        return False
    root = header.withdrawals_root
    return root is None or root == withdrawals_root(block.withdrawals)
