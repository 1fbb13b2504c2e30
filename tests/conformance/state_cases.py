"""Reads public state tests: one transaction on one small state, for each of several forks.

Both forms are the same but for fields that one of them leaves out: `GeneralStateTests` of
ethereum/tests, and `state_test` of execution-spec-tests. What is not known here, be it a fork, a
field, or the name of an error, is a failure and never passed over.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from primitives.fork import Fork
from primitives.ids import Address, Gas, Hash32, Wei
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
from tests.conformance.material import FORKS, from_hex

TEST_FIELDS = frozenset({"_info", "config", "env", "post", "pre", "transaction"})
CONFIG_FIELDS = frozenset({"blobSchedule", "chainid"})
POST_FIELDS = frozenset(
    {"hash", "logs", "txbytes", "indexes", "state", "expectException", "receipt"}
)
ACCOUNT_FIELDS = frozenset({"nonce", "balance", "code", "storage"})
ENV_FIELDS = frozenset(
    {
        "currentBaseFee",
        "currentCoinbase",
        "currentDifficulty",
        "currentExcessBlobGas",
        "currentGasLimit",
        "currentNumber",
        "currentRandom",
        "currentTimestamp",
        "previousHash",
    }
)
"""The previous hash is not looked at: clients agree on another one (`state_runs.block_context`)."""
TRANSACTION_FIELDS = frozenset(
    {
        "accessLists",
        "authorizationList",
        "blobVersionedHashes",
        "data",
        "gasLimit",
        "gasPrice",
        "maxFeePerBlobGas",
        "maxFeePerGas",
        "maxPriorityFeePerGas",
        "nonce",
        "secretKey",
        "sender",
        "to",
        "value",
    }
)


OVERSIZED = ":bigint"
"""Marks a number that does not fit its field."""


class BlobSchedule(msgspec.Struct, frozen=True):
    """The numbers of EIP-4844 that a fork may change."""

    blobs_max: int
    """Of one block."""
    update_fraction: int
    """How slowly the fee follows demand."""


NO_BLOBS = BlobSchedule(0, 1)
"""Before Cancun."""

BLOB_SCHEDULES: Mapping[Fork, BlobSchedule] = MappingProxyType(
    {
        Fork.CANCUN: BlobSchedule(6, 3_338_477),
        Fork.PRAGUE: BlobSchedule(9, 5_007_716),
        Fork.OSAKA: BlobSchedule(9, 5_007_716),
    }
)
"""EIP-4844 and EIP-7691: what holds where a test's configuration says nothing."""


class StateCase(msgspec.Struct, frozen=True):
    """One transaction under one fork, and what must come of it."""

    name: str
    """File, test, fork and indexes."""
    fork: Fork
    chain_id: int
    blobs: BlobSchedule
    env: Mapping[str, str]
    pre: Mapping[str, Any]
    fields: Transaction | None
    """The transaction as the test's fields say; None if they cannot be those of any."""
    raw: bytes
    """The same as bytes, signed."""
    sender: Address | None
    """None where the test leaves it to the signature."""
    errors: tuple[str, ...]
    """Names of the errors of which one is due; empty if the transaction is valid."""
    root: Hash32
    logs_hash: Hash32
    """Keccak-256 of the RLP of the logs."""
    state: Mapping[str, Any] | None
    """All accounts afterwards; many tests give only the root."""


class UnreadableCase(ValueError):
    """A test with something in it that is not known here."""


def read_cases(path: Path, content: Mapping[str, Any]) -> Iterator[StateCase]:
    """Yield every case of a file: all forks, all combinations of data, gas limit and value.

    Raises:
        UnreadableCase: an unknown fork or field.
    """
    for name, test in content.items():
        where = f"{path.name} {name.rpartition('::')[2]}"
        _require_known(where, test, TEST_FIELDS)
        _require_known(f"{where} env", test["env"], ENV_FIELDS)
        _require_known(f"{where} transaction", test["transaction"], TRANSACTION_FIELDS)
        _require_known(f"{where} config", test.get("config", {}), CONFIG_FIELDS)
        for address, account in test["pre"].items():
            _require_known(f"{where} pre {address}", account, ACCOUNT_FIELDS)
        for fork_name, posts in test["post"].items():
            if fork_name not in FORKS:
                raise UnreadableCase(f"{where}: unknown fork {fork_name}")
            for post in posts:
                _require_known(f"{where} post", post, POST_FIELDS)
                yield _case(f"{where} {fork_name}", fork_name, test, post)


def _require_known(where: str, found: Mapping[str, Any], known: frozenset[str]) -> None:
    unknown = sorted(set(found) - known)
    if unknown:
        raise UnreadableCase(f"{where}: unknown fields {unknown}")


def _case(
    where: str, fork_name: str, test: Mapping[str, Any], post: Mapping[str, Any]
) -> StateCase:
    indexes, fields, fork = post["indexes"], test["transaction"], FORKS[fork_name]
    chain_id = int(test.get("config", {}).get("chainid", "0x1"), 16)
    _require_known(f"{where} indexes", indexes, frozenset({"data", "gas", "value"}))
    sender = fields.get("sender")
    named = post.get("expectException", "")
    return StateCase(
        name=f"{where} d{indexes['data']} g{indexes['gas']} v{indexes['value']}",
        fork=fork,
        chain_id=chain_id,
        blobs=_blob_schedule(fork_name, fork, test.get("config", {})),
        env=test["env"],
        pre=test["pre"],
        fields=read_transaction(fields, indexes, chain_id),
        raw=from_hex(post["txbytes"]),
        sender=None if sender is None else Address(from_hex(sender)),
        errors=tuple(
            each.removeprefix("TransactionException.") for each in named.split("|") if each
        ),
        root=Hash32(from_hex(post["hash"])),
        logs_hash=Hash32(from_hex(post["logs"])),
        state=post.get("state"),
    )


def _blob_schedule(fork_name: str, fork: Fork, config: Mapping[str, Any]) -> BlobSchedule:
    listed = config.get("blobSchedule", {}).get(fork_name)
    if listed is None:
        return BLOB_SCHEDULES.get(fork, NO_BLOBS)
    _require_known(
        f"blobSchedule of {fork_name}",
        listed,
        frozenset({"target", "max", "baseFeeUpdateFraction"}),
    )
    return BlobSchedule(int(listed["max"], 16), int(listed["baseFeeUpdateFraction"], 16))


def read_transaction(
    fields: Mapping[str, Any], indexes: Mapping[str, int], chain_id: int
) -> Transaction | None:
    """Put together the transaction that the fields describe; its signature is left open."""
    gas_text, value_text = fields["gasLimit"][indexes["gas"]], fields["value"][indexes["value"]]
    if any(OVERSIZED in text for text in (gas_text, value_text, *fields.values())):
        return None  # A number is too large for its field: only bytes can say so.
    to = fields["to"]
    gas = Gas(int(gas_text, 16))
    data = from_hex(fields["data"][indexes["data"]])
    recipient = Address(from_hex(to)) if to else None
    value = Wei(int(value_text, 16))
    nonce = int(fields["nonce"], 16)
    lists = fields.get("accessLists")
    listed = None if lists is None else lists[indexes["data"]]
    access_list = tuple([_entry(each) for each in listed or ()])
    if "maxFeePerGas" not in fields:
        price = Wei(int(fields["gasPrice"], 16))
        if listed is None:
            return LegacyTransaction(None, nonce, price, gas, recipient, value, data)
        return AccessListTransaction(
            chain_id, nonce, price, gas, recipient, value, data, access_list
        )
    tip, fee = Wei(int(fields["maxPriorityFeePerGas"], 16)), Wei(int(fields["maxFeePerGas"], 16))
    if "maxFeePerBlobGas" not in fields and "authorizationList" not in fields:
        return DynamicFeeTransaction(
            chain_id, nonce, tip, fee, gas, recipient, value, data, access_list
        )
    if recipient is None:
        return None  # Neither type can create a contract: only bytes can say that one does.
    if "authorizationList" in fields:
        signed = tuple([_authorization(each) for each in fields["authorizationList"]])
        return SetCodeTransaction(
            chain_id, nonce, tip, fee, gas, recipient, value, data, access_list, signed
        )
    hashes = tuple([Hash32(from_hex(each)) for each in fields["blobVersionedHashes"]])
    blob_fee = Wei(int(fields["maxFeePerBlobGas"], 16))
    return BlobTransaction(
        chain_id, nonce, tip, fee, gas, recipient, value, data, access_list, blob_fee, hashes
    )


def _entry(fields: Mapping[str, Any]) -> AccessListEntry:
    _require_known("access list", fields, frozenset({"address", "storageKeys"}))
    keys = tuple([Hash32(from_hex(key)) for key in fields["storageKeys"]])
    return AccessListEntry(Address(from_hex(fields["address"])), keys)


def _authorization(fields: Mapping[str, Any]) -> Authorization:
    known = frozenset({"chainId", "address", "nonce", "v", "yParity", "r", "s", "signer"})
    _require_known("authorization", fields, known)
    return Authorization(
        int(fields["chainId"], 16),
        Address(from_hex(fields["address"])),
        int(fields["nonce"], 16),
        int(fields.get("yParity", fields["v"]), 16),
        int(fields["r"], 16),
        int(fields["s"], 16),
    )
