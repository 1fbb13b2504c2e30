"""Reads mainnet blocks with the state before them and what a reference client made of them."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from contracts.context import BlockContext
from primitives.block import Withdrawal
from primitives.fork import Fork
from primitives.ids import Address, Gas, Hash32, Wei
from primitives.keccak import keccak256
from primitives.transaction import (
    AccessListEntry,
    AccessListTransaction,
    Authorization,
    BlobTransaction,
    DynamicFeeTransaction,
    LegacyTransaction,
    SetCodeTransaction,
    Transaction,
)
from tests.conformance.material import from_hex, number
from tests.conformance.state_cases import BLOB_SCHEDULES, NO_BLOBS, BlobSchedule
from tests.conformance.state_runs import Account, blob_base_fee

FILES = frozenset(
    {"block.json", "pre_state.json", "bytecodes.json", "block_hashes.json", "oracle.json"}
)
ACCOUNT_FIELDS = frozenset({"nonce", "balance", "code_hash", "storage"})
POST_FIELDS = frozenset({"nonce", "balance", "codeHash", "storage"})
ORACLE_FIELDS = frozenset({"result", "txs", "post"})
ORACLE_TRANSACTION_FIELDS = frozenset({"i", "from", "gasUsed", "reads", "writes"})
FORKS: Mapping[str, Fork] = MappingProxyType(
    {
        **{fork.name.lower(): fork for fork in Fork},
        "dao_fork": Fork.HOMESTEAD,
        "constantinople": Fork.PETERSBURG,
        "muir_glacier": Fork.ISTANBUL,
        "arrow_glacier": Fork.LONDON,
        "gray_glacier": Fork.LONDON,
    }
)
"""As the oracle names them. On mainnet Constantinople began together with Petersburg."""


class Expected(msgspec.Struct, frozen=True):
    """What the reference client says of one transaction."""

    sender: Address
    gas_used: int
    reads: frozenset[str]
    """Names of accounts ("address") and slots ("address:slot"), as the oracle spells them."""
    writes: frozenset[str]


class AccountAfter(msgspec.Struct, frozen=True):
    """An account after the block's transactions."""

    nonce: int
    balance: int
    code_hash: Hash32
    storage: Mapping[int, int]
    """Only slots that are not 0."""


class MainnetBlock(msgspec.Struct, frozen=True):
    """A block, the accounts and slots that it needs, and what must come of it."""

    name: str
    fork: Fork
    fields: Mapping[str, Any]
    """The block in the form of JSON-RPC."""
    transactions: tuple[Transaction, ...]
    hashes: tuple[Hash32, ...]
    withdrawals: tuple[Withdrawal, ...]
    accounts: Mapping[Address, Account]
    """Before the block: all that it touches, and of their slots likewise."""
    expected: tuple[Expected, ...]
    post: Mapping[Address, AccountAfter]
    """After the transactions, before withdrawals: all accounts and slots there are."""
    block_hash: Callable[[int], Hash32]

    @property
    def blobs(self) -> BlobSchedule:
        """How many it may have, and how their fee moves."""
        return BLOB_SCHEDULES.get(self.fork, NO_BLOBS)

    @property
    def parent_beacon_root(self) -> Hash32 | None:
        """From Cancun on."""
        root = self.fields.get("parentBeaconBlockRoot")
        return None if root is None else Hash32(from_hex(root))

    def context(self) -> BlockContext:
        """Return what its transactions can see of it."""
        fields, excess = self.fields, int(self.fields.get("excessBlobGas", "0x0"), 16)
        fee = blob_base_fee(excess, self.blobs.update_fraction) if self.fork >= Fork.CANCUN else 0
        difficulty = int(fields["difficulty"], 16).to_bytes(32, "big")
        return BlockContext(
            fork=self.fork,
            chain_id=1,
            number=number(fields["number"]),
            timestamp=number(fields["timestamp"]),
            fee_recipient=Address(from_hex(fields["miner"])),
            gas_limit=Gas(number(fields["gasLimit"])),
            base_fee=Wei(number(fields.get("baseFeePerGas", "0x0"))),
            prev_randao=Hash32(
                from_hex(fields["mixHash"]) if self.fork >= Fork.PARIS else difficulty
            ),
            blob_base_fee=Wei(fee),
            block_hash=self.block_hash,
        )


def block_folders(vectors: Path) -> list[Path]:
    """Return the folders with a block each, in order."""
    return sorted(path.parent for path in (vectors / "blocks").rglob("block.json"))


def read_block(folder: Path) -> MainnetBlock:
    """Read a block; assert that there is nothing unknown in its folder."""
    unknown = sorted({path.name for path in folder.iterdir()} - FILES)
    assert not unknown, f"{folder}: unknown files {unknown}"
    fields, oracle = _load(folder, "block"), _load(folder, "oracle")
    assert set(oracle) == ORACLE_FIELDS, f"{folder}: unknown fields in {sorted(oracle)}"
    codes = {
        Hash32(from_hex(name)): from_hex(code) for name, code in _load(folder, "bytecodes").items()
    }
    assert all(keccak256(code) == name for name, code in codes.items()), f"{folder}: wrong code"
    codes[keccak256(b"")] = b""
    return MainnetBlock(
        name=folder.name,
        fork=FORKS[oracle["result"]["fork"]],
        fields=fields,
        transactions=tuple([transaction_from_rpc(each) for each in fields["transactions"]]),
        hashes=tuple([Hash32(from_hex(each["hash"])) for each in fields["transactions"]]),
        withdrawals=tuple([_withdrawal(each) for each in fields.get("withdrawals", ())]),
        accounts={
            Address(from_hex(address)): _account(each, codes)
            for address, each in _load(folder, "pre_state").items()
        },
        expected=tuple([_expected(each) for each in oracle["txs"]]),
        post={
            Address(from_hex(address)): _account_after(each)
            for address, each in oracle["post"].items()
        },
        block_hash=_block_hashes(folder),
    )


def _load(folder: Path, name: str) -> Any:
    return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))


def _block_hashes(folder: Path) -> Callable[[int], Hash32]:
    path = folder / "block_hashes.json"
    known = _load(folder, "block_hashes") if path.is_file() else {}
    hashes = {number(name): Hash32(from_hex(value)) for name, value in known.items()}
    return hashes.__getitem__


def _account(fields: Mapping[str, Any], codes: Mapping[Hash32, bytes]) -> Account:
    unknown = sorted(set(fields) - ACCOUNT_FIELDS)
    assert not unknown, f"unknown fields {unknown}"
    return Account(
        number(fields["nonce"]),
        number(fields["balance"]),
        codes[Hash32(from_hex(fields["code_hash"]))] if fields.get("code_hash") else b"",
        _slots(fields["storage"]),
    )


def _account_after(fields: Mapping[str, Any]) -> AccountAfter:
    assert set(fields) == POST_FIELDS, f"unknown fields in {sorted(fields)}"
    return AccountAfter(
        number(fields["nonce"]),
        number(fields["balance"]),
        Hash32(from_hex(fields["codeHash"])),
        _slots(fields["storage"]),
    )


def _slots(values: Mapping[str, str]) -> dict[int, int]:
    return {number(slot): number(value) for slot, value in values.items() if number(value)}


def _expected(fields: Mapping[str, Any]) -> Expected:
    assert set(fields) == ORACLE_TRANSACTION_FIELDS, f"unknown fields in {sorted(fields)}"
    return Expected(
        Address(from_hex(fields["from"])),
        fields["gasUsed"],
        frozenset(fields["reads"]),
        frozenset(fields["writes"]),
    )


def _withdrawal(fields: Mapping[str, str]) -> Withdrawal:
    return Withdrawal(
        number(fields["index"]),
        number(fields["validatorIndex"]),
        Address(from_hex(fields["address"])),
        number(fields["amount"]),
    )


def transaction_from_rpc(fields: Mapping[str, Any]) -> Transaction:
    """Rebuild a transaction from its RPC form."""
    kind, v = number(fields["type"]), number(fields["v"])
    nonce, gas, value = (
        number(fields["nonce"]),
        Gas(number(fields["gas"])),
        Wei(number(fields["value"])),
    )
    to = Address(from_hex(fields["to"])) if fields.get("to") else None
    data, r, s = from_hex(fields["input"]), number(fields["r"]), number(fields["s"])
    price = Wei(number(fields["gasPrice"]))
    if kind == 0:
        chain_id, y_parity = (None, v - 27) if v < 35 else divmod(v - 35, 2)
        return LegacyTransaction(chain_id, nonce, price, gas, to, value, data, y_parity, r, s)
    listed = tuple([_entry(each) for each in fields["accessList"]])
    if kind == 1:
        return AccessListTransaction(1, nonce, price, gas, to, value, data, listed, v, r, s)
    tip, fee = (
        Wei(number(fields["maxPriorityFeePerGas"])),
        Wei(number(fields["maxFeePerGas"])),
    )
    if kind == 2:
        return DynamicFeeTransaction(1, nonce, tip, fee, gas, to, value, data, listed, v, r, s)
    assert kind in (3, 4), f"no reader for type {kind}"
    assert to is not None
    if kind == 4:
        signed = tuple([_authorization(each) for each in fields["authorizationList"]])
        return SetCodeTransaction(1, nonce, tip, fee, gas, to, value, data, listed, signed, v, r, s)
    blob_fee = Wei(number(fields["maxFeePerBlobGas"]))
    names = tuple([Hash32(from_hex(each)) for each in fields["blobVersionedHashes"]])
    return BlobTransaction(
        1, nonce, tip, fee, gas, to, value, data, listed, blob_fee, names, v, r, s
    )


def _entry(fields: Mapping[str, Any]) -> AccessListEntry:
    keys = tuple([Hash32(from_hex(key)) for key in fields["storageKeys"]])
    return AccessListEntry(Address(from_hex(fields["address"])), keys)


def _authorization(fields: Mapping[str, Any]) -> Authorization:
    return Authorization(
        number(fields["chainId"]),
        Address(from_hex(fields["address"])),
        number(fields["nonce"]),
        number(fields["yParity"]),
        number(fields["r"]),
        number(fields["s"]),
    )
