"""Folders with a small block of the main network, made here."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from primitives.bloom import logs_bloom
from primitives.ids import Address, Gas, Wei
from primitives.keccak import keccak256
from primitives.receipt import Receipt, encode_receipt
from primitives.transaction import (
    AccessListEntry,
    AccessListTransaction,
    DynamicFeeTransaction,
    LegacyTransaction,
    Transaction,
    encode_transaction,
    recover_sender,
    sign_transaction,
    transaction_hash,
)
from primitives.trie import ordered_root

HEIGHT = 15_000_000
"""In London."""
GWEI = 10**9
MINER = "0x" + "77" * 20
COUNTER = Address(b"\x99" * 20)
COUNTER_CODE = bytes.fromhex("600054600101600055")
"""PUSH1 0 SLOAD PUSH1 1 ADD PUSH1 0 SSTORE: adds one to slot 0."""
COUNTER_GAS = 21_000 + 3 + 2_100 + 3 + 3 + 3 + 2_900
"""Of a call once the slot is set; EIP-2929 and EIP-2200."""
KEYS = tuple(keccak256(b"graph %d" % k) for k in range(4))


def signed(transaction: Transaction, key: int) -> Transaction:
    return sign_transaction(transaction, KEYS[key])


def transfer(key: int, nonce: int, to: Address) -> Transaction:
    plain = LegacyTransaction(1, nonce, Wei(9 * GWEI), Gas(21_000), to, Wei(5), b"")
    return signed(plain, key)


def count(key: int, nonce: int) -> Transaction:
    fees = (Wei(GWEI), Wei(9 * GWEI))
    plain = DynamicFeeTransaction(1, nonce, *fees, Gas(60_000), COUNTER, Wei(0), b"", ())
    return signed(plain, key)


def sender_of(transaction: Transaction) -> Address:
    return recover_sender(transaction, encode_transaction(transaction))


def listed(key: int, nonce: int, to: Address) -> Transaction:
    entry = AccessListEntry(COUNTER, ())
    plain = AccessListTransaction(1, nonce, Wei(9 * GWEI), Gas(30_000), to, Wei(1), b"", (entry,))
    return signed(plain, key)


def standard() -> tuple[tuple[Transaction, ...], tuple[int, ...]]:
    """Return transactions and their gas: two count, two transfers go to one account, one listed."""
    receiver = Address(b"\x55" * 20)
    transactions = (
        count(0, 0),
        transfer(1, 0, receiver),
        count(2, 0),
        transfer(3, 0, receiver),
        listed(1, 1, receiver),
    )
    return transactions, (COUNTER_GAS, 21_000, COUNTER_GAS, 21_000, 23_400)


def rpc(transaction: Transaction) -> dict[str, Any]:
    """Return a transaction as JSON-RPC gives it."""
    typed = not isinstance(transaction, LegacyTransaction)
    fields: dict[str, Any] = {
        "type": hex(transaction.tx_type),
        "hash": "0x" + transaction_hash(encode_transaction(transaction)).hex(),
        "nonce": hex(transaction.nonce),
        "gas": hex(transaction.gas_limit),
        "value": hex(transaction.value),
        "input": "0x" + transaction.data.hex(),
        "to": None if transaction.to is None else "0x" + transaction.to.hex(),
        "v": hex(transaction.y_parity if typed else transaction.v),  # type: ignore[union-attr]
        "r": hex(transaction.r),
        "s": hex(transaction.s),
        "gasPrice": hex(transaction.max_fee_per_gas),
        "from": "0x" + sender_of(transaction).hex(),
    }
    if typed:
        fields["chainId"] = "0x1"
        fields["accessList"] = [
            {"address": "0x" + each.address.hex(), "storageKeys": []}
            for each in transaction.access_list
        ]
    if transaction.tx_type == 2:
        fields["maxFeePerGas"] = hex(transaction.max_fee_per_gas)
        fields["maxPriorityFeePerGas"] = hex(transaction.max_priority_fee_per_gas)
    return fields


def block_files() -> dict[str, Any]:
    """Return the content of a good folder by file name."""
    transactions, gas = standard()
    receipts, total = [], 0
    for transaction, used in zip(transactions, gas, strict=True):
        total += used
        receipts.append(Receipt(transaction.tx_type, 1, Gas(total), logs_bloom(()), ()))
    root = ordered_root([encode_receipt(each) for each in receipts])
    accounts = {
        "0x" + sender_of(each).hex(): {"balance": hex(10**18), "nonce": 0, "storage": {}}
        for each in transactions
    }
    code_hash = "0x" + keccak256(COUNTER_CODE).hex()
    accounts["0x" + COUNTER.hex()] = {
        "balance": "0x0",
        "nonce": 1,
        "code_hash": code_hash,
        "storage": {"0x0": "0x7"},
    }
    block = {
        "hash": "0x" + "ab" * 32,
        "parentHash": "0x" + "cd" * 32,
        "number": hex(HEIGHT),
        "timestamp": hex(1_655_000_000),
        "miner": MINER,
        "gasLimit": hex(30_000_000),
        "gasUsed": hex(total),
        "receiptsRoot": "0x" + root.hex(),
        "mixHash": "0x" + "00" * 32,
        "difficulty": "0x2088aba8def511",
        "baseFeePerGas": hex(GWEI),
        "transactions": [rpc(each) for each in transactions],
    }
    codes = {code_hash: "0x" + COUNTER_CODE.hex()}
    return {"block.json": block, "pre_state.json": accounts, "bytecodes.json": codes}


def write_folder(folder: Path, files: Mapping[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / name).write_text(text)
    return folder
