"""Public blocks: decoding, hashes and roots of whole blocks with all their transactions."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from primitives.block import (
    Withdrawal,
    block_hash,
    decode_block,
    encode_block,
    transactions_root,
    withdrawals_root,
)
from primitives.fork import Fork
from primitives.ids import Address, Gas, Hash32, Wei
from primitives.rlp import split_list
from primitives.transaction import (
    AccessListEntry,
    AccessListTransaction,
    BlobTransaction,
    DynamicFeeTransaction,
    LegacyTransaction,
    Transaction,
    decode_transaction,
    encode_transaction,
    errors,
    recover_sender,
    transaction_hash,
)
from tests.conformance.material import from_hex, number, read_files, report
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


@pytest.mark.parametrize("height", [13287210, 16257471, 19932148])
def test_transactions_of_mainnet_blocks(vectors: Path, height: int) -> None:
    """Rebuild each transaction from its RPC form: hash, sender and the block's root must fit."""
    [content] = [c for p, c in read_files(vectors / "blocks" / str(height)) if p.stem == "block"]
    failures: list[str] = []
    encoded: list[bytes] = []
    for rpc in content["transactions"]:
        raw = encode_transaction(_from_rpc(rpc))
        encoded.append(raw)
        if transaction_hash(raw) != from_hex(rpc["hash"]):
            failures.append(f"hash of {rpc['hash']}")
        elif recover_sender(decode_transaction(raw), raw) != from_hex(rpc["from"]):
            failures.append(f"sender of {rpc['hash']}")
    if transactions_root(tuple(encoded)) != from_hex(content["transactionsRoot"]):
        failures.append("transactions root")
    if "withdrawals" in content:
        withdrawals = tuple([_withdrawal(each) for each in content["withdrawals"]])
        if withdrawals_root(withdrawals) != from_hex(content["withdrawalsRoot"]):
            failures.append("withdrawals root")
    report(failures, len(encoded))


def _withdrawal(rpc: Mapping[str, str]) -> Withdrawal:
    return Withdrawal(
        number(rpc["index"]),
        number(rpc["validatorIndex"]),
        Address(from_hex(rpc["address"])),
        number(rpc["amount"]),
    )


def _from_rpc(rpc: Mapping[str, Any]) -> Transaction:
    kind, v = number(rpc["type"]), number(rpc["v"])
    nonce, gas, value = number(rpc["nonce"]), Gas(number(rpc["gas"])), Wei(number(rpc["value"]))
    to = Address(from_hex(rpc["to"])) if rpc.get("to") else None
    data, r, s = from_hex(rpc["input"]), number(rpc["r"]), number(rpc["s"])
    if kind == 0:
        chain_id, y_parity = (None, v - 27) if v < 35 else divmod(v - 35, 2)
        price = Wei(number(rpc["gasPrice"]))
        return LegacyTransaction(chain_id, nonce, price, gas, to, value, data, y_parity, r, s)
    access_list = tuple([_entry(each) for each in rpc["accessList"]])
    rest = (gas, to, value, data, access_list, v, r, s)
    if kind == 1:
        return AccessListTransaction(1, nonce, Wei(number(rpc["gasPrice"])), *rest)
    assert kind == 2, f"no reader for type {kind}"
    tip, fee = Wei(number(rpc["maxPriorityFeePerGas"])), Wei(number(rpc["maxFeePerGas"]))
    return DynamicFeeTransaction(1, nonce, tip, fee, *rest)


def _entry(rpc: Mapping[str, Any]) -> AccessListEntry:
    keys = tuple([Hash32(from_hex(key)) for key in rpc["storageKeys"]])
    return AccessListEntry(Address(from_hex(rpc["address"])), keys)


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
