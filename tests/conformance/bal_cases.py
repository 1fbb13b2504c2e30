"""Reads public blocks with access lists (EIP-7928), as execution-spec-tests writes them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from primitives.block_access_list import AccountChanges, BlockAccessList, SlotChanges
from primitives.ids import Address, Hash32
from tests.conformance.material import from_hex, read_files

TEST_FIELDS = frozenset(
    {
        "_info",
        "blocks",
        "config",
        "genesisBlockHeader",
        "genesisRLP",
        "lastblockhash",
        "network",
        "postState",
        "pre",
        "sealEngine",
    }
)
BLOCK_FIELDS = frozenset(
    {
        "blockAccessList",
        "blockHeader",
        "blocknumber",
        "expectException",
        "receipts",
        "rlp",
        "rlp_decoded",
        "transactions",
        "uncleHeaders",
        "withdrawals",
    }
)
NETWORKS = frozenset({"Amsterdam"})


class ListedBlock(msgspec.Struct, frozen=True):
    """A block with its access list."""

    name: str
    header: Mapping[str, str]
    rlp: bytes
    """The whole block; empty where only its parts are given."""
    transactions: tuple[Mapping[str, Any], ...]
    withdrawals: tuple[Mapping[str, str], ...]
    access_list: BlockAccessList
    access_list_hash: Hash32
    gas_used: tuple[int, ...] | None
    """Of each transaction, from the receipts; None if the test gives none."""
    error: str
    """Name of the rule that the block breaks; empty if it is valid."""


class ListedChain(msgspec.Struct, frozen=True):
    """A test: accounts, and blocks on top of them."""

    name: str
    chain_id: int
    pre: Mapping[str, Any]
    post: Mapping[str, Any]
    blob_update_fraction: int
    genesis_hash: Hash32
    blocks: tuple[ListedBlock, ...]


def read_chains(folder: Path) -> Iterator[ListedChain]:
    """Yield every test below a folder; assert that there is nothing unknown in it."""
    for path, content in read_files(folder):
        for name, test in content.items():
            where = f"{path.name} {name.rpartition('::')[2]}"
            _require_known(where, test, TEST_FIELDS)
            assert test["network"] in NETWORKS, f"{where}: unknown network {test['network']}"
            config = test["config"]
            _require_known(where, config, frozenset({"network", "chainid", "blobSchedule"}))
            yield ListedChain(
                name=where,
                chain_id=int(config["chainid"], 16),
                pre=test["pre"],
                post=test["postState"],
                blob_update_fraction=int(
                    config["blobSchedule"][test["network"]]["baseFeeUpdateFraction"], 16
                ),
                genesis_hash=Hash32(from_hex(test["genesisBlockHeader"]["hash"])),
                blocks=tuple([_block(where, block) for block in test["blocks"]]),
            )


def _require_known(where: str, found: Mapping[str, Any], known: frozenset[str]) -> None:
    unknown = sorted(set(found) - known)
    assert not unknown, f"{where}: unknown fields {unknown}"


def _block(where: str, block: Mapping[str, Any]) -> ListedBlock:
    _require_known(f"{where} block", block, BLOCK_FIELDS)
    parts = {**block, **block.get("rlp_decoded", {})}
    receipts = parts.get("receipts")
    totals = None if receipts is None else [int(r["cumulativeGasUsed"], 16) for r in receipts]
    return ListedBlock(
        name=f"{where} block {int(parts['blockHeader']['number'], 16)}",
        header=parts["blockHeader"],
        rlp=from_hex(parts["rlp"]),
        transactions=tuple(parts["transactions"]),
        withdrawals=tuple(parts.get("withdrawals") or ()),
        access_list=read_access_list(parts["blockAccessList"]),
        access_list_hash=Hash32(from_hex(parts["blockHeader"]["blockAccessListHash"])),
        gas_used=None
        if totals is None
        else tuple([b - a for a, b in zip([0, *totals], totals, strict=False)]),
        error=block.get("expectException", "").removeprefix("BlockException."),
    )


def read_access_list(accounts: list[Mapping[str, Any]]) -> BlockAccessList:
    """Return a list from its JSON form."""
    return tuple([_account(each) for each in accounts])


def _account(fields: Mapping[str, Any]) -> AccountChanges:
    known = {"address", "nonceChanges", "balanceChanges", "codeChanges"}
    _require_known("account", fields, frozenset({*known, "storageChanges", "storageReads"}))
    return AccountChanges(
        Address(from_hex(fields["address"])),
        tuple([_slot(each) for each in fields["storageChanges"]]),
        tuple([int(slot, 16) for slot in fields["storageReads"]]),
        _numbers(fields["balanceChanges"], "postBalance"),
        _numbers(fields["nonceChanges"], "postNonce"),
        tuple(
            [
                (int(each["blockAccessIndex"], 16), from_hex(each["newCode"]))
                for each in fields["codeChanges"]
            ]
        ),
    )


def _slot(fields: Mapping[str, Any]) -> SlotChanges:
    _require_known("slot", fields, frozenset({"slot", "slotChanges"}))
    return SlotChanges(int(fields["slot"], 16), _numbers(fields["slotChanges"], "postValue"))


def _numbers(changes: list[Mapping[str, str]], value: str) -> tuple[tuple[int, int], ...]:
    for each in changes:
        _require_known("change", each, frozenset({"blockAccessIndex", value}))
    return tuple([(int(each["blockAccessIndex"], 16), int(each[value], 16)) for each in changes])
