"""Reads public blockchain tests: a genesis, blocks on top of it, and what must come of them.

Both forms are the same but for fields that one of them leaves out: `BlockchainTests` of
ethereum/tests, and `blockchain_test` of execution-spec-tests. What is not known here, be it a
network, a field, or the name of an error, is a failure and never passed over.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from primitives.blob_schedule import BlobSchedule
from primitives.fork import Fork
from primitives.params import ChainParams, Upgrade
from tests.conformance.material import FORKS, from_hex, number

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
        "postStateHash",
        "pre",
        "sealEngine",
    }
)
BLOCK_FIELDS = frozenset(
    {
        "blockHeader",
        "blocknumber",
        "chainname",
        "expectException",
        "expectExceptionALL",
        "hasBigInt",
        "receipts",
        "rlp",
        "rlp_decoded",
        "transactions",
        "uncleHeaders",
        "withdrawals",
    }
)
CONFIG_FIELDS = frozenset({"blobSchedule", "chainid", "network"})
ACCOUNT_FIELDS = frozenset({"nonce", "balance", "code", "storage"})
SCHEDULE_FIELDS = frozenset({"target", "max", "baseFeeUpdateFraction"})

TRANSITION_AT = 15_000
"""Seconds at which the rules change in networks called XToYAtTime15k."""
TIMED = "AtTime15k"
NOT_TIMED: Mapping[str, str] = MappingProxyType(
    {
        "FrontierToHomesteadAt5": "rules before London",
        "HomesteadToDaoAt5": "rules before London",
        "HomesteadToEIP150At5": "rules before London",
        "EIP158ToByzantiumAt5": "rules before London",
        "ByzantiumToConstantinopleAt5": "rules before London",
        "ByzantiumToConstantinopleFixAt5": "rules before London",
        "BerlinToLondonAt5": "rules before London",
    }
)
"""Networks that change their rules at a height, and why they are left out."""
TERMINAL = "AtDiffC0000"
TERMINAL_DIFFICULTY = 0xC0000
"""Total difficulty from which on a block's children follow the later rules (EIP-3675), in networks
called XToYAtDiffC0000."""
OTHER_RULES: Mapping[str, str] = MappingProxyType(
    {"Amsterdam": "Amsterdam's gas differs from Osaka's"}
)
NO_LIMIT = 2**30
"""Bytes of a block before Osaka: more than any test has."""


class UnreadableTest(ValueError):
    """A test with something in it that is not known here."""


class ChainBlock(msgspec.Struct, frozen=True):
    """A block that is offered to the chain."""

    name: str
    payload: bytes
    errors: tuple[str, ...]
    """Names of the errors of which one is due; empty if the block is valid."""
    header: Mapping[str, str] | None
    """What is said of a valid block's header."""


class ChainTest(msgspec.Struct, frozen=True):
    """One test."""

    name: str
    params: ChainParams
    genesis: bytes
    genesis_hash: bytes
    pre: Mapping[str, Any]
    blocks: tuple[ChainBlock, ...]
    last_hash: bytes
    post: Mapping[str, Any] | None
    post_root: bytes | None
    """One of both says what the state is in the end."""
    terminal_params: ChainParams | None
    """Rules of blocks whose parent has the `TERMINAL_DIFFICULTY` behind it; None if those rules
    never come."""


class LeftOut(msgspec.Struct, frozen=True):
    """A test that is not run, and why."""

    name: str
    reason: str


def read_tests(path: Path, content: Mapping[str, Any]) -> Iterator[ChainTest | LeftOut]:
    """Yield every test of a file.

    Raises:
        UnreadableTest: an unknown network or field.
    """
    for name, test in content.items():
        where = f"{path.name} {name.rpartition('::')[2]}"
        _require_known(where, test, TEST_FIELDS)
        _require_known(f"{where} config", test.get("config", {}), CONFIG_FIELDS)
        reason = _reason_to_leave_out(test["network"])
        yield LeftOut(where, reason) if reason else _read_test(where, test)


def _read_test(where: str, test: Mapping[str, Any]) -> ChainTest:
    if test["sealEngine"] != "NoProof":
        raise UnreadableTest(f"{where}: unknown seal {test['sealEngine']}")
    accounts = [test["pre"], test.get("postState") or {}]
    for address, account in [pair for each in accounts for pair in each.items()]:
        _require_known(f"{where} {address}", account, ACCOUNT_FIELDS)
    root = test.get("postStateHash")
    network, config = test["network"], test.get("config", {})
    later = None
    if network.endswith(TERMINAL):
        network, _, name = network.removesuffix(TERMINAL).partition("To")
        later = read_params(where, name, config)
    return ChainTest(
        name=where,
        params=read_params(where, network, config),
        genesis=from_hex(test["genesisRLP"]),
        genesis_hash=from_hex(test["genesisBlockHeader"]["hash"]),
        pre=test["pre"],
        blocks=tuple(
            [_read_block(f"{where}[{index}]", each) for index, each in enumerate(test["blocks"])]
        ),
        last_hash=from_hex(test["lastblockhash"]),
        post=test.get("postState"),
        post_root=None if root is None else from_hex(root),
        terminal_params=later,
    )


def _read_block(where: str, block: Mapping[str, Any]) -> ChainBlock:
    _require_known(where, block, BLOCK_FIELDS)
    named = block.get("expectException") or block.get("expectExceptionALL") or ""
    return ChainBlock(
        where,
        from_hex(block["rlp"]),
        tuple([name.rpartition(".")[2] for name in named.split("|") if name]),
        block.get("blockHeader"),
    )


def _reason_to_leave_out(network: str) -> str:
    if network in NOT_TIMED:
        return NOT_TIMED[network]
    if network in OTHER_RULES:
        return OTHER_RULES[network]
    fork = FORKS.get(network)
    return "rules before London" if fork is not None and fork < Fork.LONDON else ""


def read_params(where: str, network: str, config: Mapping[str, Any]) -> ChainParams:
    """Return the rules of a network by its name.

    Raises:
        UnreadableTest: no such network.
    """
    names = network.removesuffix(TIMED).split("To") if network.endswith(TIMED) else [network]
    unknown = [name for name in names if name not in FORKS]
    if unknown or len(names) > 2:
        raise UnreadableTest(f"{where}: unknown network {network}")
    schedules = config.get("blobSchedule", {})
    upgrades = [
        Upgrade(TRANSITION_AT, FORKS[name], _read_schedule(where, schedules.get(name)))
        for name in names[1:]
    ]
    return ChainParams(
        chain_id=number(config.get("chainid", 1)),
        fork=FORKS[names[0]],
        timestamp_rule="strict",
        gas_limit_rule="ethereum",
        beacon_rule="given",
        withdrawal_rule="given",
        blobs=_read_schedule(where, schedules.get(names[0])),
        upgrades=tuple(upgrades),
        checkpoint_interval=2**31 - 1,
    )


def _read_schedule(where: str, given: Mapping[str, str] | None) -> BlobSchedule | None:
    if given is None:
        return None
    _require_known(f"{where} blobSchedule", given, SCHEDULE_FIELDS)
    fraction = number(given["baseFeeUpdateFraction"])
    return BlobSchedule(number(given["target"]), number(given["max"]), fraction)


def _require_known(where: str, found: Mapping[str, Any], known: frozenset[str]) -> None:
    unknown = sorted(set(found) - known)
    if unknown:
        raise UnreadableTest(f"{where}: unknown fields {unknown}")
