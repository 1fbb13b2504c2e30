"""A block that is wrong in one field is refused with the reason for that field."""

from collections.abc import Callable

import msgspec
import pytest

from node.builder import BuildContext, build_block
from node.execution import ExecutedBlock
from node.validation_block import execute_block
from node.validation_errors import InvalidBlock, InvalidBlockTransaction
from node.validation_header import check_timestamp_drift
from primitives.block import Block, Withdrawal, encode_block, transactions_root
from primitives.header import Header
from primitives.ids import Address, Duration, Gas, Hash32, Instant
from primitives.params import ChainParams
from tests.unit.node.transfers import (
    CONTEXT,
    PARAMS,
    account,
    built,
    chain,
    raw_transfer,
    stranger,
    transfer,
)

PARENT = built(chain(), transfer(4, 0))
GOOD = built(PARENT, transfer(0, 0, account(1), 5), transfer(0, 1), transfer(2, 0, stranger(2), 7))
OTHER = Hash32(b"\x13" * 32)


def refusal(payload: bytes, params: ChainParams = PARAMS) -> InvalidBlock:
    with pytest.raises(InvalidBlock) as caught:
        execute_block(PARENT, payload, params)
    return caught.value


def altered(**fields: object) -> bytes:
    """The good block with other header fields."""
    header = msgspec.structs.replace(GOOD.block.header, **fields)
    return encode_block(Block(header, GOOD.block.transactions))


def with_body(*raws: bytes) -> bytes:
    """The good header, made to fit another body as far as its root goes."""
    header = msgspec.structs.replace(
        GOOD.block.header, transactions_root=transactions_root(tuple(raws))
    )
    return encode_block(Block(header, tuple(raws)))


def test_the_good_block_is_accepted_and_gives_what_its_builder_got() -> None:
    got = execute_block(PARENT, GOOD.payload, PARAMS)
    assert (got.digest, got.block, got.payload) == (GOOD.digest, GOOD.block, GOOD.payload)
    assert (got.receipts, got.transactions) == (GOOD.receipts, GOOD.transactions)
    assert (got.burnt, got.tips) == (GOOD.burnt, GOOD.tips)
    assert got.state.changes == GOOD.state.changes
    assert got.senders == (account(0), account(0), account(2))


HEADER = GOOD.block.header
WRONG_FIELDS: list[tuple[str, str, object]] = [
    ("wrong_parent", "parent_hash", OTHER),
    ("wrong_ommers", "ommers_hash", OTHER),
    ("wrong_state_root", "state_root", OTHER),
    ("wrong_transactions_root", "transactions_root", OTHER),
    ("wrong_receipts_root", "receipts_root", OTHER),
    ("wrong_logs_bloom", "logs_bloom", b"\x01" + bytes(255)),
    ("wrong_difficulty", "difficulty", 1),
    ("wrong_number", "number", HEADER.number + 1),
    ("wrong_number", "number", HEADER.number - 1),
    ("wrong_gas_limit", "gas_limit", HEADER.gas_limit + 1),
    ("wrong_gas_used", "gas_used", HEADER.gas_used + 1),
    ("wrong_gas_used", "gas_used", HEADER.gas_used - 1),
    ("timestamp_too_early", "timestamp", PARENT.block.header.timestamp - 1),
    ("extra_data_too_long", "extra_data", bytes(33)),
    ("wrong_prev_randao", "prev_randao", OTHER),
    ("wrong_nonce", "nonce", b"\x00" * 7 + b"\x01"),
    ("wrong_base_fee", "base_fee_per_gas", HEADER.base_fee_per_gas + 1),
    ("wrong_base_fee", "base_fee_per_gas", HEADER.base_fee_per_gas - 1),
    ("wrong_withdrawals_root", "withdrawals_root", OTHER),
    ("wrong_blob_gas_used", "blob_gas_used", 131_072),
    ("wrong_excess_blob_gas", "excess_blob_gas", 1),
    ("wrong_beacon_root", "parent_beacon_block_root", OTHER),
    ("wrong_requests_hash", "requests_hash", OTHER),
]


@pytest.mark.parametrize(("code", "field", "value"), WRONG_FIELDS)
def test_each_wrong_header_field_has_its_reason(code: str, field: str, value: object) -> None:
    error = refusal(altered(**{field: value}))
    assert error.code == code
    assert error.where == f"header.{field}"


def test_every_header_field_that_is_not_free_is_covered() -> None:
    """The fee recipient is the proposer's choice; another one changes the state root."""
    covered = {field for _, field, _ in WRONG_FIELDS}
    other_chains = {"block_access_list_hash", "slot_number"}
    assert set(Header.__struct_fields__) - covered - other_chains == {"fee_recipient"}
    assert refusal(altered(fee_recipient=Address(stranger(8)))).code == "wrong_state_root"


def test_extra_data_is_free_and_a_later_timestamp_enters_the_state() -> None:
    """EIP-4788 stores the parent beacon root under it."""
    fields = {"extra_data": bytes(32)}
    assert execute_block(PARENT, altered(**fields), PARAMS).state.root() == HEADER.state_root
    assert refusal(altered(timestamp=HEADER.timestamp + 10)).code == "wrong_state_root"


@pytest.mark.parametrize(
    ("reason", "index", "raws"),
    [
        ("nonce_too_high", 0, [raw_transfer(0, 1)]),
        ("nonce_too_low", 1, [raw_transfer(0, 0), raw_transfer(0, 0)]),
        ("insufficient_funds", 0, [raw_transfer(9, 0)]),
        ("max_fee_below_base_fee", 0, [raw_transfer(0, 0, cap=1, tip=1)]),
        ("wrong_chain_id", 0, [raw_transfer(0, 0, chain_id=1)]),
        ("intrinsic_gas_too_low", 0, [raw_transfer(0, 0, gas=20_000)]),
        ("malformed", 1, [raw_transfer(0, 0), b"\x02\xc0"]),
    ],
)
def test_an_invalid_transaction_is_named_by_its_place(
    reason: str, index: int, raws: list[bytes]
) -> None:
    error = refusal(with_body(*raws))
    assert isinstance(error, InvalidBlockTransaction)
    assert (error.code, error.index, error.reason.code) == ("invalid_transaction", index, reason)
    assert error.where == f"block.transactions[{index}]"


def test_a_transaction_that_the_block_has_no_gas_for_is_named_too() -> None:
    params = ChainParams(gas_limit=Gas(100_000))
    parent = chain(params=params)
    raws = (raw_transfer(0, 0), raw_transfer(1, 0, gas=79_001))
    header = msgspec.structs.replace(
        build_block(parent, (), CONTEXT, params).block.header,
        transactions_root=transactions_root(raws),
    )
    with pytest.raises(InvalidBlockTransaction) as caught:
        execute_block(parent, encode_block(Block(header, raws)), params)
    assert (caught.value.index, caught.value.reason.code) == (1, "block_gas_exceeded")


def test_more_transactions_than_fit_are_refused_before_any_is_looked_at() -> None:
    params = ChainParams(gas_limit=Gas(62_999))
    parent = chain(params=params)
    header = build_block(parent, (), CONTEXT, params).block.header
    reasons = []
    for count in (2, 3):
        payload = encode_block(Block(header, (b"\x01",) * count))
        with pytest.raises(InvalidBlock) as caught:
            execute_block(parent, payload, params)
        reasons.append((caught.value.code, str(caught.value)))
    assert reasons[0][0] == "wrong_transactions_root"
    assert reasons[1] == (
        "invalid_transaction",
        "block.transactions[2]: expected at most 2 transactions in 62999 gas, got 3",
    )


@pytest.mark.parametrize(
    "payload",
    [b"", b"\xc0", b"\x00", GOOD.payload[:-1], GOOD.payload + b"\x00", b"\xff" * 20],
)
def test_bytes_that_are_no_block_are_malformed(payload: bytes) -> None:
    assert refusal(payload).code == "malformed"


def test_withdrawals_are_refused() -> None:
    block = Block(HEADER, GOOD.block.transactions, (Withdrawal(0, 0, stranger(0), 1),))
    assert refusal(encode_block(block)).code == "wrong_withdrawals"


def test_a_block_of_too_many_bytes_is_refused_unread() -> None:
    payload = bytes(2_001)
    small = ChainParams(max_block_bytes=2_000)
    assert refusal(payload[:2_000], small).code == "malformed"
    with pytest.raises(InvalidBlock, match="at most 2000 bytes, got 2001 bytes") as caught:
        execute_block(PARENT, payload, small)
    assert caught.value.code == "too_large"


def child(parent: ExecutedBlock, timestamp: int, params: ChainParams) -> bytes:
    block = build_block(parent, (), BuildContext(stranger(0), timestamp), params)
    header = msgspec.structs.replace(block.block.header, timestamp=timestamp)
    return encode_block(Block(header, ()))


@pytest.mark.parametrize(("rule", "accepted"), [("nondecreasing", True), ("strict", False)])
def test_the_second_of_the_parent_is_allowed_by_one_rule_only(rule: str, accepted: bool) -> None:
    params = ChainParams(timestamp_rule=rule)  # type: ignore[arg-type]
    parent = chain(params=params)
    execute: Callable[[int], ExecutedBlock] = lambda at: execute_block(  # noqa: E731
        parent, child(parent, at, params), params
    )
    assert execute(1).number == 1
    if accepted:
        assert execute(0).number == 1
    else:
        with pytest.raises(InvalidBlock, match="at least 1"):
            execute(0)


def test_a_proposal_from_the_future_is_refused() -> None:
    now = Instant(HEADER.timestamp * 10**9)
    check_timestamp_drift(HEADER, now, Duration(0))
    check_timestamp_drift(HEADER, Instant(now - 10**9), Duration(10**9))
    with pytest.raises(InvalidBlock) as caught:
        check_timestamp_drift(HEADER, Instant(now - 1), Duration(0))
    assert caught.value.code == "timestamp_too_late"


def test_every_reason_has_its_own_code() -> None:
    codes = [leaf.code for leaf in InvalidBlock.__subclasses__()]
    assert len(set(codes)) == len(codes) >= 25
