"""The rules that need no state: each broken alone, each with its words."""

from typing import Any

import msgspec
import pytest

from primitives.fork import Fork
from primitives.ids import Hash32
from primitives.secp256k1 import HALF_ORDER
from primitives.transaction import Transaction, check_static, errors
from primitives.transaction.errors import InvalidTransaction
from tests.unit.primitives.samples import BLOB, CHAIN_ID, NAMES, SIGNED

PLAIN, LEGACY, ACCESS_LIST, DYNAMIC_FEE, BLOBS, SET_CODE = SIGNED


@pytest.mark.parametrize("tx", SIGNED, ids=NAMES)
def test_the_samples_keep_all_rules(tx: Transaction) -> None:
    gas = check_static(tx, CHAIN_ID)
    assert 21_000 <= gas.minimum <= tx.gas_limit


BROKEN: list[tuple[Transaction, dict[str, Any], type[InvalidTransaction], str]] = [
    (
        LEGACY,
        {"nonce": 2**64 - 1},
        errors.NonceOverflow,
        "nonce: expected at most 18446744073709551614",
    ),
    (
        LEGACY,
        {"gas_limit": 2**64},
        errors.GasLimitOverflow,
        "gas_limit: expected at most 18446744073",
    ),
    (
        LEGACY,
        {"gas_limit": 20_999},
        errors.IntrinsicGasTooLow,
        "expected at least 21000, got 20999",
    ),
    (LEGACY, {"value": 2**256}, errors.ValueOverflow, "value: expected at most 11579"),
    (LEGACY, {"gas_price": 2**256 // 100_000 + 1}, errors.CostOverflow, "gas limit times fee cap"),
    (LEGACY, {"chain_id": 1}, errors.WrongChainId, "chain_id: expected 1337, got 1"),
    (LEGACY, {"chain_id": 0}, errors.WrongChainId, "chain_id: expected 1337, got 0"),
    (DYNAMIC_FEE, {"chain_id": 0}, errors.WrongChainId, "chain_id: expected 1337, got 0"),
    (LEGACY, {"r": 0}, errors.InvalidSignature, "r: expected a value in [1, group order), got 0x0"),
    (LEGACY, {"s": HALF_ORDER + 1}, errors.InvalidSignature, "s: expected a value in [1, 0x7"),
    (LEGACY, {"y_parity": 2}, errors.InvalidSignature, "y_parity: expected 0 or 1, got 2"),
    (
        DYNAMIC_FEE,
        {"max_priority_fee_per_gas": 2 * 10**9 + 1},
        errors.PriorityFeeAboveMaxFee,
        "expected at most the fee cap 2000000000, got 2000000001",
    ),
    (
        LEGACY,
        {"gas_limit": 16_777_217},
        errors.GasLimitAboveCap,
        "gas_limit: expected at most 16777216, got 16777217",
    ),
    (
        LEGACY,
        {"to": None, "data": bytes(49_153), "gas_limit": 10**6},
        errors.InitcodeTooLarge,
        "data: expected at most 49152 bytes of creation code, got 49153",
    ),
    (
        LEGACY,
        {"data": b"a" * 5_000, "gas_limit": 21_000 + 40 * 5_000 - 1},
        errors.IntrinsicGasTooLow,
        "expected at least 221000, got 220999",
    ),
    (BLOBS, {"to": None}, errors.CreationRefused, "to: expected a recipient in type 3, got none"),
    (BLOBS, {"blob_versioned_hashes": ()}, errors.NoBlobs, "expected at least one, got none"),
    (BLOBS, {"blob_versioned_hashes": (BLOB,) * 7}, errors.TooManyBlobs, "at most 6, got 7"),
    (
        BLOBS,
        {"blob_versioned_hashes": (BLOB, Hash32(bytes(32)))},
        errors.InvalidBlobHash,
        "expected 32 bytes with version 1, got 0000",
    ),
    (
        BLOBS,
        {"blob_versioned_hashes": (Hash32(b"\x01" * 31),)},
        errors.InvalidBlobHash,
        "expected 32 bytes with version 1, got 0101",
    ),
    (
        SET_CODE,
        {"to": None},
        errors.CreationRefused,
        "to: expected a recipient in type 4, got none",
    ),
    (
        SET_CODE,
        {"authorizations": ()},
        errors.NoAuthorizations,
        "authorizations: expected at least",
    ),
]


@pytest.mark.parametrize(("tx", "change", "reason", "message"), BROKEN)
def test_a_broken_rule_is_named(
    tx: Transaction, change: dict[str, Any], reason: type[InvalidTransaction], message: str
) -> None:
    with pytest.raises(InvalidTransaction) as caught:
        check_static(msgspec.structs.replace(tx, **change), CHAIN_ID)
    assert type(caught.value) is reason
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("tx", "change"),
    [
        (LEGACY, {"nonce": 2**64 - 2}),
        (LEGACY, {"gas_limit": 16_777_216}),
        (LEGACY, {"gas_limit": 21_000}),
        (LEGACY, {"value": 2**256 - 1}),
        (LEGACY, {"gas_price": (2**256 - 1) // 100_000}),
        (LEGACY, {"s": HALF_ORDER}),
        (LEGACY, {"to": None, "data": bytes(49_152), "gas_limit": 10**6}),
        (LEGACY, {"data": b"a" * 5_000, "gas_limit": 221_000}),
        (DYNAMIC_FEE, {"max_priority_fee_per_gas": 2 * 10**9}),
        (DYNAMIC_FEE, {"max_priority_fee_per_gas": 0, "max_fee_per_gas": 0}),
        (BLOBS, {"blob_versioned_hashes": (BLOB,) * 6}),
    ],
)
def test_the_last_value_allowed(tx: Transaction, change: dict[str, Any]) -> None:
    check_static(msgspec.structs.replace(tx, **change), CHAIN_ID)


def test_without_a_chain_id_every_chain_will_do() -> None:
    for chain_id in (1, CHAIN_ID, 2**60):
        check_static(PLAIN, chain_id)


def test_before_eip_155_a_chain_id_was_a_bad_signature() -> None:
    check_static(LEGACY, CHAIN_ID, Fork.SPURIOUS_DRAGON)
    with pytest.raises(errors.InvalidSignature, match="v: expected 27 or 28 in TANGERINE_WHISTLE"):
        check_static(LEGACY, CHAIN_ID, Fork.TANGERINE_WHISTLE)


@pytest.mark.parametrize(
    ("tx", "fork"),
    [
        (ACCESS_LIST, Fork.BERLIN),
        (DYNAMIC_FEE, Fork.LONDON),
        (BLOBS, Fork.CANCUN),
        (SET_CODE, Fork.PRAGUE),
    ],
    ids=NAMES[2:],
)
def test_types_come_with_their_forks(tx: Transaction, fork: Fork) -> None:
    check_static(tx, CHAIN_ID, fork)
    with pytest.raises(errors.UnsupportedType, match=f"a type of {Fork(fork - 1).name}"):
        check_static(tx, CHAIN_ID, Fork(fork - 1))


def test_the_gas_cap_comes_with_osaka_and_can_be_a_chains_own() -> None:
    tx = msgspec.structs.replace(LEGACY, gas_limit=30_000_000)
    check_static(tx, CHAIN_ID, Fork.PRAGUE)
    check_static(tx, CHAIN_ID, Fork.OSAKA, gas_cap=30_000_000)
    with pytest.raises(errors.GasLimitAboveCap, match="at most 29999999, got 30000000"):
        check_static(tx, CHAIN_ID, Fork.OSAKA, gas_cap=29_999_999)


def test_the_size_of_creation_code_was_free_before_shanghai() -> None:
    tx = msgspec.structs.replace(LEGACY, to=None, data=bytes(49_153), gas_limit=10**6)
    check_static(tx, CHAIN_ID, Fork.PARIS)
    with pytest.raises(errors.InitcodeTooLarge):
        check_static(tx, CHAIN_ID, Fork.SHANGHAI)


@pytest.mark.parametrize("fork", [Fork.CANCUN, Fork.PRAGUE])
def test_before_osaka_only_the_block_limits_a_transactions_blobs(fork: Fork) -> None:
    tx = msgspec.structs.replace(BLOBS, blob_versioned_hashes=(BLOB,) * 15)
    check_static(tx, CHAIN_ID, fork)
    with pytest.raises(errors.TooManyBlobs, match="at most 6, got 15"):
        check_static(tx, CHAIN_ID, Fork.OSAKA)


def test_high_s_was_valid_on_frontier() -> None:
    tx = msgspec.structs.replace(PLAIN, s=HALF_ORDER + 1)
    check_static(tx, CHAIN_ID, Fork.FRONTIER)
    with pytest.raises(errors.InvalidSignature, match=r"transaction\.s"):
        check_static(tx, CHAIN_ID, Fork.HOMESTEAD)
