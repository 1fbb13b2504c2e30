"""Public blocks: decoding, hashes and roots of whole blocks with all their transactions."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from primitives.block import (
    block_hash,
    decode_block,
    encode_block,
    transactions_root,
    withdrawals_root,
)
from primitives.fork import Fork
from primitives.rlp import split_list
from primitives.transaction import (
    BlobTransaction,
    decode_transaction,
    encode_transaction,
    errors,
    recover_sender,
)
from tests.conformance.material import from_hex, read_files, report
from tests.conformance.transaction_cases import judge

HEADER_FORKS = frozenset({"Prague", "Osaka"})
"""Forks whose headers have the fields that ours has."""


def test_blocks_of_blockchain_tests(vectors: Path) -> None:
    failures: list[str] = []
    cases = 0
    for _, content in read_files(vectors / "ethereum" / "blockchain"):
        for name, case in content.items():
            if case["network"] not in HEADER_FORKS:
                continue
            for block in case["blocks"]:
                if "blockHeader" not in block:
                    continue
                cases += 1
                failures += [f"{name}: {problem}" for problem in _block_problems(block)]
    report(failures, cases)


def _block_problems(expected: Mapping[str, Any]) -> Iterator[str]:
    payload = from_hex(expected["rlp"])
    block, header = decode_block(payload), expected["blockHeader"]
    if encode_block(block) != payload:
        yield "encodes to other bytes"
    if block_hash(block) != from_hex(header["hash"]):
        yield f"hash {block_hash(block).hex()}"
    if transactions_root(block.transactions) != from_hex(header["transactionsTrie"]):
        yield "transactions root"
    if withdrawals_root(block.withdrawals) != from_hex(header["withdrawalsRoot"]):
        yield "withdrawals root"
    for raw, transaction in zip(block.transactions, expected["transactions"], strict=True):
        decoded = decode_transaction(raw)
        if encode_transaction(decoded) != raw:
            yield "a transaction encodes to other bytes"
        if recover_sender(decoded, raw) != from_hex(transaction["sender"]):
            yield "sender of a transaction"


def test_blob_wrappers_are_no_block_transactions(vectors: Path) -> None:
    """A blob transaction with its blobs is for the network; without them it is for a block."""
    failures: list[str] = []
    paths = sorted((vectors / "blobtx").rglob("*.rlp"))
    if not paths:
        pytest.skip("this set of vectors has no blobtx")
    for path in paths:
        wrapped = from_hex(path.read_text(encoding="ascii").strip())
        outcome = judge(wrapped, Fork.OSAKA)
        if not isinstance(outcome, errors.BlobWrapperRefused):
            failures.append(f"{path.name} wrapped: {outcome}")
        inner = b"\x03" + split_list(wrapped[1:])[0]
        transaction = decode_transaction(inner)
        if not isinstance(transaction, BlobTransaction):
            failures.append(f"{path.name} inside: {transaction}")
        elif encode_transaction(transaction) != inner:
            failures.append(f"{path.name} encodes to other bytes")
    report(failures, len(paths))
