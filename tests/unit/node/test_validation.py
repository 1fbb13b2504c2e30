"""What can be refused without looking at the state."""

import pytest

from node.validation import check_transaction
from primitives.fork import Fork
from primitives.ids import Address, Gas, Hash32, Wei
from primitives.params import ChainParams
from primitives.transaction import (
    Authorization,
    BlobTransaction,
    DynamicFeeTransaction,
    InvalidTransaction,
    LegacyTransaction,
    SetCodeTransaction,
    encode_transaction,
    sign_transaction,
    transaction_hash,
)
from tests.unit.node.transfers import (
    GWEI,
    PARAMS,
    account,
    private_key,
    raw_transfer,
    stranger,
    transfer,
)


def numbered(number: int) -> Address:
    return Address(number.to_bytes(20, "big"))


def refusal(raw: bytes, params: ChainParams = PARAMS) -> InvalidTransaction:
    with pytest.raises(InvalidTransaction) as caught:
        check_transaction(raw, params)
    return caught.value


def test_a_checked_transaction_knows_its_numbers() -> None:
    raw = raw_transfer(3, 7, stranger(1), 55, cap=9 * GWEI, tip=2 * GWEI, gas=50_000, data=b"\x01")
    checked = check_transaction(raw, PARAMS)
    assert checked.sender == account(3)
    assert (checked.to, checked.nonce, checked.value) == (stranger(1), 7, 55)
    assert (checked.raw, checked.hash) == (raw, transaction_hash(raw))
    assert (checked.gas_limit, checked.gas_minimum) == (50_000, 21_040)
    assert checked.cost_max == 50_000 * 9 * GWEI + 55


@pytest.mark.parametrize(("base_fee", "tip"), [(0, 2), (7, 2), (8, 1), (9, 0), (10, -1)])
def test_the_effective_tip_is_what_cap_and_base_fee_leave(base_fee: int, tip: int) -> None:
    checked = transfer(cap=9 * GWEI, tip=2 * GWEI)
    assert checked.effective_tip(base_fee * GWEI) == tip * GWEI


@pytest.mark.parametrize(
    ("code", "raw"),
    [
        ("malformed", b""),
        ("malformed", raw_transfer()[:-1]),
        ("malformed", raw_transfer() + b"\x00"),
        ("type_not_supported", b"\x05" + raw_transfer()[1:]),
        ("wrong_chain_id", raw_transfer(chain_id=5)),
        ("intrinsic_gas_too_low", raw_transfer(gas=20_999)),
        ("intrinsic_gas_too_low", raw_transfer(gas=21_039, data=b"\x01")),
        ("gas_limit_above_cap", raw_transfer(gas=16_777_217)),
        ("priority_fee_above_max_fee", raw_transfer(cap=GWEI, tip=GWEI + 1)),
    ],
)
def test_rules_without_state_are_checked(code: str, raw: bytes) -> None:
    assert refusal(raw).code == code


def test_what_an_earlier_fork_did_not_know_is_refused() -> None:
    params = ChainParams(fork=Fork.BERLIN)
    assert refusal(raw_transfer(), params).code == "type_not_supported"
    assert check_transaction(raw_transfer(tx_type=1), params).sender == account(0)


REST = (Wei(GWEI), Wei(9 * GWEI), Gas(200_000))


def creation() -> bytes:
    tx = LegacyTransaction(1337, 0, Wei(9 * GWEI), Gas(200_000), None, Wei(0), b"\x00")
    return encode_transaction(sign_transaction(tx, private_key(0)))


def precompile_call(number: int = 2) -> bytes:
    return raw_transfer(to=numbered(number), gas=50_000)


def blob() -> bytes:
    hashes = (Hash32(b"\x01" + bytes(31)),)
    tx = BlobTransaction(1337, 0, *REST, stranger(0), Wei(0), b"", (), Wei(1), hashes)
    return encode_transaction(sign_transaction(tx, private_key(0)))


def set_code() -> bytes:
    permits = (Authorization(1337, stranger(1), 0, 0, 1, 1),)
    tx = SetCodeTransaction(1337, 0, *REST, stranger(0), Wei(0), b"", (), permits)
    return encode_transaction(sign_transaction(tx, private_key(0)))


def test_every_kind_is_checked_and_kept_with_the_numbers_that_are_read_again() -> None:
    made = check_transaction(creation(), PARAMS)
    assert (made.to, made.gas_minimum) == (None, 21_000 + 32_000 + 2 + 4)
    assert check_transaction(precompile_call(), PARAMS).to == numbered(2)
    with_code = check_transaction(set_code(), PARAMS)
    assert (with_code.gas_minimum, with_code.blob_gas) == (21_000 + 25_000, 0)
    with_blobs = check_transaction(blob(), PARAMS)
    assert with_blobs.blob_gas == 131_072
    assert with_blobs.cost_max == 200_000 * 9 * GWEI + 131_072 * 1
    assert with_blobs.sender == made.sender == with_code.sender == account(0)


def test_an_unsigned_transaction_is_refused() -> None:
    tx = DynamicFeeTransaction(1337, 0, *REST, stranger(0), Wei(0), b"")
    assert refusal(encode_transaction(tx)).code == "invalid_signature"
