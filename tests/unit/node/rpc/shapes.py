"""What the execution-apis specification says of the JSON of blocks, transactions and receipts.

Fields and forms of execution-apis src/schemas/base-types.yaml, block.yaml, transaction.yaml,
receipt.yaml and withdrawal.yaml, in the words of regular expressions.
"""

import re
from typing import Any

QUANTITY = re.compile(r"0x(0|[1-9a-f][0-9a-f]*)")
DATA = re.compile(r"0x([0-9a-f]{2})*")
ADDRESS = re.compile(r"0x[0-9a-f]{40}")
HASH = re.compile(r"0x[0-9a-f]{64}")
BLOOM = re.compile(r"0x[0-9a-f]{512}")
EIGHT = re.compile(r"0x[0-9a-f]{16}")

BLOCK = {
    "number": QUANTITY, "hash": HASH, "parentHash": HASH, "nonce": EIGHT, "mixHash": HASH,
    "sha3Uncles": HASH, "logsBloom": BLOOM, "transactionsRoot": HASH, "stateRoot": HASH,
    "receiptsRoot": HASH, "miner": ADDRESS, "difficulty": QUANTITY, "extraData": DATA,
    "size": QUANTITY, "gasLimit": QUANTITY, "gasUsed": QUANTITY, "timestamp": QUANTITY,
    "baseFeePerGas": QUANTITY, "withdrawalsRoot": HASH, "blobGasUsed": QUANTITY,
    "excessBlobGas": QUANTITY, "parentBeaconBlockRoot": HASH, "requestsHash": HASH,
}  # fmt: skip
LISTS_OF_BLOCK = {"transactions", "uncles", "withdrawals"}

TRANSACTION = {
    "blockHash": HASH, "blockNumber": QUANTITY, "blockTimestamp": QUANTITY,
    "transactionIndex": QUANTITY, "hash": HASH,
    "from": ADDRESS, "to": ADDRESS, "type": QUANTITY, "nonce": QUANTITY, "gas": QUANTITY,
    "value": QUANTITY, "input": DATA, "gasPrice": QUANTITY, "chainId": QUANTITY, "v": QUANTITY,
    "r": QUANTITY, "s": QUANTITY,
}  # fmt: skip
TYPED = {"yParity": QUANTITY}
DYNAMIC = {"maxFeePerGas": QUANTITY, "maxPriorityFeePerGas": QUANTITY}

RECEIPT = {
    "type": QUANTITY, "transactionHash": HASH, "transactionIndex": QUANTITY, "blockHash": HASH,
    "blockNumber": QUANTITY, "from": ADDRESS, "to": ADDRESS, "cumulativeGasUsed": QUANTITY,
    "gasUsed": QUANTITY, "contractAddress": ADDRESS, "logsBloom": BLOOM, "status": QUANTITY,
    "effectiveGasPrice": QUANTITY,
}  # fmt: skip

LOG = {
    "logIndex": QUANTITY, "transactionIndex": QUANTITY, "transactionHash": HASH, "blockHash": HASH,
    "blockNumber": QUANTITY, "blockTimestamp": QUANTITY, "address": ADDRESS, "data": DATA,
}  # fmt: skip


def check(shown: dict[str, Any], fields: dict[str, re.Pattern[str]], *others: str) -> None:
    """Check names and forms: no field is missing, none is unknown; null stands for `None`."""
    assert set(shown) == {*fields, *others}
    for name, form in fields.items():
        value = shown[name]
        assert value is None or form.fullmatch(value), f"{name}: {value!r}"


def check_block(shown: dict[str, Any]) -> None:
    check(shown, BLOCK, *LISTS_OF_BLOCK)


def check_transaction(shown: dict[str, Any]) -> None:
    kind = int(shown["type"], 16)
    fields = TRANSACTION | (TYPED if kind else {}) | (DYNAMIC if kind >= 2 else {})
    lists = ("accessList",) if kind else ()
    check(shown, fields, *lists, *(("authorizationList",) if kind == 4 else ()))


def check_log(shown: dict[str, Any]) -> None:
    check(shown, LOG, "topics", "removed")
    assert shown["removed"] is False
    assert all(HASH.fullmatch(topic) for topic in shown["topics"])


def check_receipt(shown: dict[str, Any]) -> None:
    check(shown, RECEIPT, "logs")
    for log in shown["logs"]:
        check_log(log)
