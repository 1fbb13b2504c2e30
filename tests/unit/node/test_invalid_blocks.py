"""One valid block with everything in it, spoiled in each way that there is a reason for."""

from dataclasses import replace

import msgspec
import pytest

from contracts.deposits import EVENT_BYTES
from node import validation_errors as invalid
from node.builder import BuildContext, build_block
from node.execution import ExecutedBlock, genesis_executed
from node.validation_block import execute_block
from node.validation_errors import InvalidBlock, InvalidBlockTransaction
from node.validation_header import check_timestamp_drift
from primitives.block import Withdrawal, encode_block
from primitives.genesis import Genesis
from primitives.ids import Address, Duration, Gas, Hash32, Instant, Wei
from primitives.keccak import keccak256
from primitives.params import ChainParams
from primitives.system_contracts import (
    CONSOLIDATION_REQUESTS_ADDRESS,
    DEPOSIT_ADDRESS,
    WITHDRAWAL_REQUESTS_ADDRESS,
)
from primitives.transaction import InvalidTransaction, errors
from storage.account import Account
from storage.changes import StateChanges
from storage.state import StateLayer
from tests.unit.node.full_block import (
    BLOB_HASHES,
    GOOD,
    HEADER,
    PARAMS,
    PARENT,
    RAWS,
    TOOL,
    WITHDRAWALS,
    blobs,
    call,
    deposit_event,
    unsigned,
    with_body,
    with_header,
    with_transaction,
    with_withdrawals,
)
from tests.unit.node.transfers import COMMITTEE, GWEI, account, stranger

OTHER = Hash32(b"\x13" * 32)
MANY_BLOBS = (Hash32(b"\x01" * 32),) * 6


def refusal(
    payload: bytes, params: ChainParams = PARAMS, parent: ExecutedBlock = PARENT
) -> InvalidBlock:
    with pytest.raises(InvalidBlock) as caught:
        execute_block(parent, payload, params)
    return caught.value


def test_the_block_itself_is_valid_and_has_everything() -> None:
    again = execute_block(PARENT, GOOD.payload, PARAMS)
    assert (again.digest, again.receipts, again.requests) == (
        GOOD.digest,
        GOOD.receipts,
        GOOD.requests,
    )
    assert [request[0] for request in again.requests] == [0, 1, 2]
    assert [len(request) for request in again.requests] == [1 + 192, 1 + 76, 1 + 116]
    assert again.block.withdrawals == WITHDRAWALS
    assert again.issued == 32 * 10**18
    assert again.state.balance(stranger(60)) == 32 * 10**18
    assert again.state.account(stranger(61)) is None
    assert again.block.header.blob_gas_used == len(BLOB_HASHES) * 131_072
    assert sum(len(receipt.logs) for receipt in again.receipts) >= 3
    assert all(receipt.status for receipt in again.receipts)
    assert again.access_list


HEADERS: list[tuple[type[InvalidBlock], dict[str, object]]] = [
    (invalid.WrongHeaderFields, {"block_access_list_hash": None}),
    (invalid.WrongHeaderFields, {"slot_number": 5}),
    (
        invalid.WrongHeaderFields,
        {"block_access_list_hash": None, "requests_hash": None},
    ),
    (invalid.WrongParent, {"parent_hash": OTHER}),
    (invalid.WrongNumber, {"number": HEADER.number + 1}),
    (invalid.WrongGasLimit, {"gas_limit": HEADER.gas_limit - 1}),
    (invalid.GasUsedAboveLimit, {"gas_used": HEADER.gas_limit + 1}),
    (invalid.WrongBaseFee, {"base_fee_per_gas": HEADER.base_fee_per_gas + 1}),
    (invalid.WrongOmmers, {"ommers_hash": OTHER}),
    (invalid.WrongDifficulty, {"difficulty": 1}),
    (invalid.WrongNonce, {"nonce": b"\x01" + bytes(7)}),
    (invalid.WrongExcessBlobGas, {"excess_blob_gas": 131_072}),
    (invalid.BlobGasAboveLimit, {"blob_gas_used": 10 * 131_072}),
    (invalid.WrongBlobGasUsed, {"blob_gas_used": 131_072}),
    (invalid.WrongBlobGasUsed, {"blob_gas_used": 2 * 131_072 + 1}),
    (invalid.WrongPrevRandao, {"prev_randao": OTHER}),
    (invalid.WrongBeaconRoot, {"parent_beacon_block_root": OTHER}),
    (invalid.TimestampTooEarly, {"timestamp": PARENT.block.header.timestamp}),
    (invalid.ExtraDataTooLong, {"extra_data": bytes(33)}),
    (invalid.WrongWithdrawalsRoot, {"withdrawals_root": OTHER}),
    (invalid.WrongTransactionsRoot, {"transactions_root": OTHER}),
    (invalid.WrongGasUsed, {"gas_used": HEADER.gas_used - 1}),
    (invalid.WrongReceiptsRoot, {"receipts_root": OTHER}),
    (invalid.WrongLogsBloom, {"logs_bloom": bytes(256)}),
    (invalid.WrongRequestsHash, {"requests_hash": OTHER}),
    (invalid.WrongAccessListHash, {"block_access_list_hash": OTHER}),
    (invalid.WrongStateRoot, {"state_root": OTHER}),
]


@pytest.mark.parametrize(("leaf", "fields"), HEADERS)
def test_a_header_that_is_wrong_in_one_field(
    leaf: type[InvalidBlock], fields: dict[str, object]
) -> None:
    error = refusal(with_header(**fields))
    assert type(error) is leaf
    assert error.where == "header" or error.where.removeprefix("header.") in fields


def extended(**fields: object) -> bytes:
    """The good block with an ommer, or with something else beside the header."""
    return encode_block(msgspec.structs.replace(GOOD.block, **fields))


BODIES: list[tuple[type[InvalidBlock], bytes]] = [
    (invalid.MalformedBlock, GOOD.payload[:-1]),
    (invalid.MalformedBlock, GOOD.payload + b"\x00"),
    (invalid.WrongOmmers, extended(ommers=(HEADER,))),
    (invalid.WrongTransactionsRoot, extended(transactions=RAWS[:-1])),
    (invalid.WrongTransactionsRoot, extended(transactions=(RAWS[1], RAWS[0], *RAWS[2:]))),
    (invalid.WrongWithdrawalsRoot, extended(withdrawals=WITHDRAWALS[:1])),
    (
        invalid.WrongAccessListHash,
        with_withdrawals(Withdrawal(3, 1, stranger(60), 1), WITHDRAWALS[1]),
    ),
    (
        invalid.WrongAccessListHash,
        with_withdrawals(*WITHDRAWALS, Withdrawal(5, 1, stranger(62), 1)),
    ),
    (invalid.WrongDeposit, with_transaction(call(2, 1, DEPOSIT_ADDRESS, deposit_event()[:-1]))),
    (
        invalid.WrongDeposit,
        with_transaction(call(2, 1, DEPOSIT_ADDRESS, bytes(EVENT_BYTES))),
    ),
    (invalid.WrongGasUsed, with_body(*RAWS[:-1])),
    (invalid.WrongGasUsed, with_transaction(call(2, 1, stranger(7)))),
]


@pytest.mark.parametrize(("leaf", "payload"), BODIES)
def test_a_body_that_is_wrong(leaf: type[InvalidBlock], payload: bytes) -> None:
    assert type(refusal(payload)) is leaf


TRANSACTIONS: list[tuple[type[InvalidTransaction], bytes]] = [
    (errors.NonceTooLow, call(0, 0, TOOL)),
    (errors.NonceTooHigh, call(0, 3, TOOL)),
    (errors.InsufficientFunds, call(0, 2, TOOL, value=10**20)),
    (errors.InsufficientFunds, call(11, 0, TOOL)),
    (errors.MaxFeeBelowBaseFee, call(0, 2, TOOL, cap=GWEI // 10, tip=0)),
    (errors.MaxFeeBelowBlobBaseFee, blobs(4, 2, cap=0)),
    (errors.BlobGasExceeded, blobs(5, 3, MANY_BLOBS)),
    (errors.TooManyBlobs, blobs(5, 2, MANY_BLOBS + BLOB_HASHES)),
    (errors.NoBlobs, blobs(5, 2, ())),
    (errors.InvalidBlobHash, blobs(5, 2, (OTHER,))),
    (errors.GasLimitAboveCap, call(0, 2, TOOL, gas=16_777_217)),
    (errors.IntrinsicGasTooLow, call(0, 2, TOOL, gas=20_999)),
    (errors.InitcodeTooLarge, call(0, 2, None, bytes(49_153), gas=5_000_000)),
    (errors.PriorityFeeAboveMaxFee, call(0, 2, TOOL, cap=GWEI, tip=2 * GWEI)),
    (errors.WrongChainId, call(0, 2, TOOL, chain_id=5)),
    (errors.UnsupportedType, b"\x05" + RAWS[0][1:]),
    (errors.MalformedTransaction, RAWS[0][:-1]),
    (errors.InvalidSignature, unsigned()),
    (errors.SenderHasCode, call(0, 1, TOOL)),
    (errors.BlockGasExceeded, call(0, 2, TOOL, gas=29_900_000)),
]
"""Each at the end of a block that is valid without it; what else it needs is in the test."""


@pytest.mark.parametrize(("leaf", "raw"), TRANSACTIONS)
def test_a_transaction_that_may_not_stand_there(leaf: type[InvalidTransaction], raw: bytes) -> None:
    error = refusal(*prepared(leaf, raw))
    assert isinstance(error, InvalidBlockTransaction)
    assert type(error.reason) is leaf
    assert error.where == f"block.transactions[{error.index}]"


def prepared(
    leaf: type[InvalidTransaction], raw: bytes
) -> tuple[bytes, ChainParams, ExecutedBlock]:
    if leaf is errors.SenderHasCode:
        return with_body(raw), PARAMS, changed_parent(account(0), b"\x00")
    if leaf is errors.BlockGasExceeded:
        wide = replace(PARAMS, max_transaction_gas=Gas(40_000_000))
        return with_transaction(raw), wide, PARENT
    if leaf is errors.BlobGasExceeded:
        return with_body(*RAWS, blobs(5, 2), raw), PARAMS, PARENT
    return with_transaction(raw), PARAMS, PARENT


def changed_parent(address: Address, code: bytes) -> ExecutedBlock:
    """The parent with other code in a place, as if a chain had begun so."""
    digest = keccak256(code)
    account_after = Account(1, Wei(10**19), digest)
    changes = StateChanges({address: account_after}, {}, {}, {digest: code})
    return msgspec.structs.replace(PARENT, state=StateLayer(PARENT.state, changes))


@pytest.mark.parametrize("address", [WITHDRAWAL_REQUESTS_ADDRESS, CONSOLIDATION_REQUESTS_ADDRESS])
@pytest.mark.parametrize(
    ("leaf", "code"),
    [(invalid.SystemContractMissing, b""), (invalid.SystemContractFailed, b"\xfe")],
)
def test_a_contract_that_collects_requests_and_does_not_answer(
    leaf: type[InvalidBlock], code: bytes, address: Address
) -> None:
    """EIP-7002, EIP-7251."""
    error = refusal(with_body(RAWS[0]), PARAMS, changed_parent(address, code))
    assert type(error) is leaf
    assert address.hex() in error.where


OTHER_PARAMS: list[tuple[type[InvalidBlock], dict[str, object]]] = [
    (invalid.BlockTooLarge, {"max_block_bytes": len(GOOD.payload) - 1}),
    (invalid.WrongWithdrawals, {"withdrawal_rule": "none"}),
    (invalid.WrongCheckpoint, {"checkpoint_interval": 2}),
    (invalid.WrongHeaderFields, {"block_access_list": False}),
]


@pytest.mark.parametrize(("leaf", "fields"), OTHER_PARAMS)
def test_a_block_that_another_chain_would_take(
    leaf: type[InvalidBlock], fields: dict[str, object]
) -> None:
    assert type(refusal(GOOD.payload, replace(PARAMS, **fields))) is leaf  # type: ignore[arg-type]


def test_an_access_list_that_is_longer_than_the_gas_limit_allows() -> None:
    """EIP-7928. Withdrawals cost no gas, so a small block can have too many of them."""
    narrow = replace(PARAMS, gas_limit=Gas(100_000))
    genesis = genesis_executed(Genesis(narrow, (), COMMITTEE, 100))
    for count, leaf in ((30, None), (60, invalid.AccessListTooLarge)):
        paid = tuple([Withdrawal(index, 0, stranger(index), 1) for index in range(count)])
        context = BuildContext(stranger(8), 113, withdrawals=paid)
        payload = build_block(genesis, (), context, narrow).payload
        if leaf is None:
            assert execute_block(genesis, payload, narrow).block.withdrawals == paid
        else:
            assert type(refusal(payload, narrow, genesis)) is leaf


def test_every_reason_for_a_block_occurs_here() -> None:
    tested = {leaf for leaf, _ in (*HEADERS, *BODIES, *OTHER_PARAMS)} | {
        invalid.SystemContractMissing,
        invalid.SystemContractFailed,
        invalid.AccessListTooLarge,
        invalid.WrongDigest,  # in test_shared: the block itself is valid
        invalid.TimestampTooLate,
        InvalidBlockTransaction,
    }
    assert tested == set(InvalidBlock.__subclasses__())
    kinds = {leaf for leaf, _ in TRANSACTIONS}
    assert len(tested) >= 30
    assert len(kinds) >= 15


def test_a_block_from_the_future() -> None:
    with pytest.raises(InvalidBlock) as caught:
        check_timestamp_drift(HEADER, Instant(HEADER.timestamp * 10**9 - 1), Duration(0))
    assert type(caught.value) is invalid.TimestampTooLate
