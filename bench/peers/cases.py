"""The blocks that virtual machines are compared on: three of mainnet, and one of a single loop."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.peers.case import Case
from node.execution_blob_gas import fake_exponential
from primitives.address import address_from_public_key
from primitives.errors import InvalidInput
from primitives.ids import Address, Gas, Hash32, Wei
from primitives.keccak import keccak256
from primitives.secp256k1 import public_key
from primitives.transaction import (
    AccessListEntry,
    AccessListTransaction,
    BlobTransaction,
    DynamicFeeTransaction,
    LegacyTransaction,
    Transaction,
    encode_transaction,
    sign_transaction,
)

ROOT = Path(__file__).resolve().parents[2]
MAINNET = ("13287210", "16257471", "19932148")
"""1,414 transactions, nearly all plain transfers (London); 98 of heavy contracts (Paris); 227, a
mixed block (Cancun)."""
CANCUN_UPDATE_FRACTION = 3_338_477

LOOP = (
    "5f5f"  # i = 0, sum = 0
    "5b"  # loop:
    "600302"  # sum *= 3
    "8101"  # sum += i
    "90600101"  # i += 1
    "90"
    "62{iterations:06x}8210"  # i < iterations?
    "600257"  # then again
    "5f5260205ff3"  # return sum
)
"""Fourteen instructions and 49 gas an iteration. PUSH0 needs Shanghai."""
LOOP_ITERATIONS = 100_000
LOOP_ADDRESS = "00" * 18 + "c0de"
LOOP_KEY = bytes(31) + b"\x01"


def vectors_directory() -> Path:
    """Return the directory of public test vectors.

    Raises:
        InvalidInput: it has no blocks of mainnet.
    """
    named = os.environ.get("ORRERY_VECTORS")
    directory = Path(named) if named else ROOT.parent / "shared" / "vectors"
    if not (directory / "blocks").is_dir():
        raise InvalidInput(
            "ORRERY_VECTORS", "a directory with blocks/N/block.json in it", str(directory)
        )
    return directory


def loop_case(iterations: int = LOOP_ITERATIONS) -> Case:
    """Return a block of one transaction that calls a contract with a loop.

    Args:
        iterations: below 2**24.
    """
    code = LOOP.format(iterations=iterations)
    sender = address_from_public_key(public_key(LOOP_KEY))
    gas_limit, to = Gas(100_000 + 49 * iterations), Address(bytes.fromhex(LOOP_ADDRESS))
    unsigned = DynamicFeeTransaction(1, 0, Wei(0), Wei(1), gas_limit, to, Wei(0), b"", ())
    raw = encode_transaction(sign_transaction(unsigned, LOOP_KEY))
    return {
        "name": "loop",
        "fork": "cancun",
        "gas_used": 21_000 + 4 + 49 * iterations + LOOP_FRAME_GAS,
        "header": {
            "coinbase": "00" * 19 + "fe",
            "number": 20_000_000,
            "timestamp": 1_720_000_000,
            "gas_limit": gas_limit,
            "base_fee": 1,
            "mix_hash": "00" * 32,
            "difficulty": 0,
            "parent_hash": "00" * 32,
            "excess_blob_gas": 0,
            "blob_base_fee": 1,
        },
        "transactions": [{"raw": raw.hex(), "sender": sender.hex()}],
        "accounts": {
            sender.hex(): {"nonce": 0, "balance": 10**18, "code": "", "storage": {}},
            LOOP_ADDRESS: {"nonce": 1, "balance": 0, "code": code, "storage": {}},
        },
    }


LOOP_FRAME_GAS = 13
"""After the loop: two PUSH0, PUSH1, and MSTORE with its word of memory."""


def mainnet_case(folder: Path) -> Case:
    """Return a block of mainnet with the accounts that it needs.

    Args:
        folder: of the test vectors.

    Raises:
        InvalidInput: what was read is not the block.
    """
    block, oracle = _load(folder, "block"), _load(folder, "oracle")
    codes = _load(folder, "bytecodes")
    return {
        "name": folder.name,
        "fork": oracle["result"]["fork"],
        "gas_used": _number(block["gasUsed"]),
        "header": _header(block),
        "transactions": [_transaction(each) for each in block["transactions"]],
        "accounts": {
            address.removeprefix("0x"): {
                "nonce": _number(each["nonce"]),
                "balance": _number(each["balance"]),
                "code": codes[each["code_hash"]].removeprefix("0x") if "code_hash" in each else "",
                "storage": {
                    str(_number(slot)): _number(value)
                    for slot, value in each["storage"].items()
                    if _number(value)
                },
            }
            for address, each in _load(folder, "pre_state").items()
        },
    }


def _load(folder: Path, name: str) -> Any:
    return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))


def _header(block: Mapping[str, str]) -> dict[str, object]:
    excess = _number(block.get("excessBlobGas", "0x0"))
    return {
        "coinbase": block["miner"].removeprefix("0x"),
        "number": _number(block["number"]),
        "timestamp": _number(block["timestamp"]),
        "gas_limit": _number(block["gasLimit"]),
        "base_fee": _number(block["baseFeePerGas"]),
        "mix_hash": block["mixHash"].removeprefix("0x"),
        "difficulty": _number(block["difficulty"]),
        "parent_hash": block["parentHash"].removeprefix("0x"),
        "excess_blob_gas": excess,
        "blob_base_fee": fake_exponential(1, excess, CANCUN_UPDATE_FRACTION),
    }


def _transaction(fields: Mapping[str, Any]) -> dict[str, str]:
    raw = encode_transaction(_from_rpc(fields))
    if keccak256(raw).hex() != fields["hash"].removeprefix("0x"):
        raise InvalidInput("block.transactions", f"hash {fields['hash']}", keccak256(raw).hex())
    return {"raw": raw.hex(), "sender": fields["from"].removeprefix("0x")}


def _from_rpc(fields: Mapping[str, Any]) -> Transaction:
    kind, v = _number(fields["type"]), _number(fields["v"])
    to = Address(_bytes(fields["to"])) if fields["to"] else None
    call = (Gas(_number(fields["gas"])), to, Wei(_number(fields["value"])), _bytes(fields["input"]))
    signed = _number(fields["r"]), _number(fields["s"])
    nonce, price = _number(fields["nonce"]), Wei(_number(fields["gasPrice"]))
    if kind == 0:
        chain_id, parity = (None, v - 27) if v < 35 else divmod(v - 35, 2)
        return LegacyTransaction(chain_id, nonce, price, *call, parity, *signed)
    entries = tuple([_entry(each) for each in fields["accessList"]])
    if kind == 1:
        return AccessListTransaction(1, nonce, price, *call, entries, v, *signed)
    tip = Wei(_number(fields["maxPriorityFeePerGas"]))
    fee = Wei(_number(fields["maxFeePerGas"]))
    if kind == 2:
        return DynamicFeeTransaction(1, nonce, tip, fee, *call, entries, v, *signed)
    if kind != 3 or to is None:
        raise InvalidInput("block.transactions", "types 0 to 3", kind)
    gas, _, value, data = call
    blob_fee = Wei(_number(fields["maxFeePerBlobGas"]))
    names = tuple([Hash32(_bytes(each)) for each in fields["blobVersionedHashes"]])
    return BlobTransaction(
        1, nonce, tip, fee, gas, to, value, data, entries, blob_fee, names, v, *signed
    )


def _entry(fields: Mapping[str, Any]) -> AccessListEntry:
    keys = tuple([Hash32(_bytes(key)) for key in fields["storageKeys"]])
    return AccessListEntry(Address(_bytes(fields["address"])), keys)


def _number(text: str | int) -> int:
    return text if isinstance(text, int) else int(text, 0)


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
