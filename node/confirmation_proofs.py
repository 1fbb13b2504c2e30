"""Proof of a transaction's result: header, and Merkle proofs of the transaction and its receipt.

A block's hash is its header's, the header names the roots of transactions and receipts, and a
transaction and its receipt stand at the same index. So who trusts the hash needs nothing else.
"""

from collections.abc import Mapping, Sequence

import msgspec

from node.confirmation_messages import RESULTS_BYTES, RESULTS_PER_MESSAGE, BlockResults
from primitives.block import Block
from primitives.header import decode_header, encode_header
from primitives.ids import Hash32
from primitives.keccak import keccak256
from primitives.receipt import Receipt, encode_receipt
from primitives.trie_proof import InvalidProof, index_nodes, prove_ordered, proven_value


class ProvenResult(msgspec.Struct, frozen=True, gc=False):
    """The result of one transaction in a block."""

    transaction: Hash32
    index: int
    """Its place in the block."""
    receipt: bytes
    """Canonical encoding (EIP-2718)."""


class ProvenResults(msgspec.Struct, frozen=True):
    """What a `BlockResults` proves."""

    digest: Hash32
    """Of the block."""
    number: int
    """Its height, which is its sequence."""
    results: tuple[ProvenResult, ...]


class ProveResults(msgspec.Struct, frozen=True):
    """Make the proofs of one block for several gateways: a `Job`."""

    block: Block
    receipts: tuple[Receipt, ...]
    wanted: Mapping[int, Sequence[int]]
    """Indexes of transactions by the gateway that waits for them."""

    def run(self) -> dict[int, tuple[BlockResults, ...]]:
        """Return the messages for each gateway."""
        block, receipts = self.block, self.receipts
        return {
            to: tuple(prove_results(block, receipts, part) for part in portions(block, places))
            for to, places in self.wanted.items()
        }


def portions(block: Block, indexes: Sequence[int]) -> list[list[int]]:
    """Split the places of transactions into what one message holds: by their number and bytes."""
    found: list[list[int]] = []
    room = 0
    for index in dict.fromkeys(indexes):
        size = len(block.transactions[index])
        if not found or len(found[-1]) >= RESULTS_PER_MESSAGE or room < size:
            found.append([])
            room = RESULTS_BYTES
        found[-1].append(index)
        room -= size
    return found


def prove_results(
    block: Block, receipts: Sequence[Receipt], indexes: Sequence[int]
) -> BlockResults:
    """Return header and proofs of the transactions at `indexes`, distinct and within the block."""
    places = tuple(indexes)
    return BlockResults(
        encode_header(block.header),
        places,
        prove_ordered(block.transactions, places),
        prove_ordered([encode_receipt(receipt) for receipt in receipts], places),
    )


def check_results(message: BlockResults) -> ProvenResults:
    """Check everything that can be checked without knowing which block is meant.

    Raises:
        InvalidEncoding: the header is none.
        InvalidProof: too many results, one twice, or one that is not proven.
    """
    if len(message.indexes) > RESULTS_PER_MESSAGE:
        raise InvalidProof(
            "results", f"at most {RESULTS_PER_MESSAGE} results", f"{len(message.indexes)}"
        )
    if len(set(message.indexes)) != len(message.indexes):
        raise InvalidProof("results", "each index once", "one twice")
    header = decode_header(message.header)
    transactions = index_nodes(message.transaction_nodes)
    receipts = index_nodes(message.receipt_nodes)
    results = []
    for index in message.indexes:
        raw = proven_value(header.transactions_root, index, transactions)
        receipt = proven_value(header.receipts_root, index, receipts)
        results.append(ProvenResult(keccak256(raw), index, receipt))
    return ProvenResults(keccak256(message.header), header.number, tuple(results))
