"""Executing whole transactions: checks, gas bought and given back, fees, authorizations."""

from typing import Any

import msgspec
import pytest

from contracts.delegation import designator
from contracts.evm import Evm
from contracts.result import ExecutionResult
from contracts.transaction import execute_transaction
from primitives.address import ZERO_ADDRESS, address_from_private_key, contract_address
from primitives.fork import LATEST, Fork
from primitives.ids import Address, Gas, Hash32, Wei
from primitives.transaction import (
    AccessListEntry,
    Authorization,
    BlobTransaction,
    DynamicFeeTransaction,
    LegacyTransaction,
    SetCodeTransaction,
    Transaction,
    sign_authorization,
)
from primitives.transaction.errors import (
    BlobGasExceeded,
    BlockGasExceeded,
    InsufficientFunds,
    IntrinsicGasTooLow,
    InvalidTransaction,
    MaxFeeBelowBaseFee,
    MaxFeeBelowBlobBaseFee,
    NonceTooHigh,
    NonceTooLow,
    SenderHasCode,
)
from tests.unit.contracts.naive_state import NaiveAccount, NaiveState
from tests.unit.contracts.rig import FEE_RECIPIENT, HERE, ORIGIN, OTHER, block_of, push, pushes

WEALTH = 10**18
KEY = b"\x01" * 32
AUTHORITY = address_from_private_key(KEY)
OTHER_INT = int.from_bytes(OTHER, "big")
PLAIN = DynamicFeeTransaction(1, 0, Wei(2), Wei(20), Gas(100_000), OTHER, Wei(5), b"", (), 0, 1, 1)
BLOB = BlobTransaction(
    1, 0, Wei(2), Wei(20), Gas(100_000), OTHER, Wei(5), b"", (), Wei(4), (Hash32(b"\x01" * 32),)
)


def state_of(code: str = "", **fields: Any) -> NaiveState:
    """Return a state with a rich sender and a contract at `HERE`."""
    return NaiveState(
        {
            ORIGIN: NaiveAccount(0, WEALTH),
            HERE: NaiveAccount(1, 0, bytes.fromhex(code), dict(fields.get("storage", {}))),
            **fields.get("others", {}),
        }
    )


def execute(
    tx: Transaction,
    state: NaiveState,
    fork: Fork = LATEST,
    gas_left: int = 30_000_000,
    blob_gas_left: int = 786_432,
) -> ExecutionResult:
    return execute_transaction(
        Evm(fork), state, tx, ORIGIN, block_of(fork), gas_left, blob_gas_left
    )


def change(tx: Transaction, **fields: Any) -> Transaction:
    return msgspec.structs.replace(tx, **fields)


def test_a_transfer_moves_value_and_pays_the_tip() -> None:
    state = state_of()
    result = execute(PLAIN, state)
    assert result == ExecutionResult(True, Gas(21_000), b"", None, None, Wei(42_000), Wei(147_000))
    assert state.balance(ORIGIN) == WEALTH - 5 - 21_000 * 9
    assert (state.balance(OTHER), state.balance(FEE_RECIPIENT)) == (5, 42_000)
    assert state.nonce(ORIGIN) == 1


@pytest.mark.parametrize(
    ("tx", "leaf"),
    [
        (change(PLAIN, nonce=1), NonceTooHigh),
        (change(PLAIN, gas_limit=20_999), IntrinsicGasTooLow),
        (change(PLAIN, data=b"\x01" * 2_000, gas_limit=100_999), IntrinsicGasTooLow),
        (change(PLAIN, gas_limit=30_000_001), BlockGasExceeded),
        (change(PLAIN, max_fee_per_gas=6), MaxFeeBelowBaseFee),
        (change(PLAIN, value=WEALTH - 1_999_999), InsufficientFunds),
        (change(BLOB, max_fee_per_blob_gas=2), MaxFeeBelowBlobBaseFee),
        (change(BLOB, blob_versioned_hashes=BLOB.blob_versioned_hashes * 7), BlobGasExceeded),
        (change(BLOB, value=WEALTH - 2_000_000 - 4 * 131_072 + 1), InsufficientFunds),
    ],
)
def test_what_may_not_stand_here_changes_nothing(
    tx: Transaction, leaf: type[InvalidTransaction]
) -> None:
    state = state_of()
    before = state.now.copy()
    with pytest.raises(leaf):
        execute(tx, state)
    assert state.now == before


def test_a_used_nonce_and_a_sender_with_code() -> None:
    state = state_of()
    state.set_nonce(ORIGIN, 1)
    with pytest.raises(NonceTooLow):
        execute(PLAIN, state)
    state = state_of()
    state.set_code(ORIGIN, b"\0")
    with pytest.raises(SenderHasCode):
        execute(PLAIN, state)
    state.set_code(ORIGIN, designator(OTHER))
    assert execute(PLAIN, state).succeeded
    with pytest.raises(SenderHasCode):
        execute(change(PLAIN, nonce=1), state, Fork.CANCUN)


def test_all_that_it_may_cost_must_be_there_but_only_the_price_is_taken() -> None:
    state = state_of()
    assert execute(change(PLAIN, value=WEALTH - 2_000_000), state).succeeded
    assert state.balance(ORIGIN) == 2_000_000 - 21_000 * 9


def test_blob_gas_is_burnt() -> None:
    state = state_of()
    result = execute(BLOB, state)
    assert result.blob_gas_used == 131_072
    assert result.burnt == 21_000 * 7 + 131_072 * 3
    assert state.balance(ORIGIN) == WEALTH - 5 - 21_000 * 9 - 131_072 * 3


@pytest.mark.parametrize(("fork", "part"), [(Fork.BERLIN, 2), (Fork.LONDON, 5)])
def test_refunds_are_capped(fork: Fork, part: int) -> None:
    clear = "".join(pushes(slot, 0) + "55" for slot in range(10))
    state = state_of(clear, storage=dict.fromkeys(range(10), 1))
    result = execute(change(PLAIN, to=HERE), state, fork)
    gas = 21_000 + 10 * (6 + 5_000)
    assert result.gas_used == gas - gas // part


def test_calldata_has_a_floor() -> None:
    """EIP-7623: 10 gas a token, where execution takes less than 6 a token more."""
    tx = change(PLAIN, data=b"\x01" * 100)
    assert execute(tx, state_of()).gas_used == 21_000 + 4_000
    assert execute(tx, state_of(), Fork.CANCUN).gas_used == 21_000 + 1_600
    busy = state_of("5a50" * 1_000)
    assert execute(change(tx, to=HERE), busy).gas_used == 21_000 + 1_600 + 4_000


def test_a_creation_returns_its_address() -> None:
    state = state_of()
    result = execute(change(PLAIN, to=None, data=bytes.fromhex("60016000f3")), state)
    created = contract_address(ORIGIN, 0)
    assert (result.created, state.code(created), state.balance(created)) == (created, b"\0", 5)
    assert result.gas_used == 53_000 + 5 * 16 - 12 + 2 + 9 + 200


def test_a_creation_at_a_taken_address_uses_all_gas() -> None:
    state = state_of(others={contract_address(ORIGIN, 0): NaiveAccount(1)})
    result = execute(change(PLAIN, to=None), state)
    assert (result.failure, result.gas_used, result.created) == ("AddressCollision", 100_000, None)
    assert state.nonce(ORIGIN) == 1


def test_a_failed_call_keeps_the_fee() -> None:
    state = state_of("fe")
    result = execute(change(PLAIN, to=HERE), state)
    assert (result.succeeded, result.failure, result.gas_used) == (False, "InvalidOpcode", 100_000)
    assert state.balance(ORIGIN) == WEALTH - 100_000 * 9
    assert state.balance(HERE) == 0


def test_a_precompile_may_be_called() -> None:
    tx = change(PLAIN, to=Address(bytes(19) + b"\x04"), data=b"\0\1")
    result = execute(tx, state_of(), Fork.CANCUN)
    assert (result.output, result.gas_used) == (b"\0\1", 21_000 + 20 + 18)


@pytest.mark.parametrize(
    ("target", "fork", "price"),
    [
        (ORIGIN, LATEST, 100),
        (HERE, LATEST, 100),
        (FEE_RECIPIENT, Fork.PARIS, 2_600),
        (FEE_RECIPIENT, Fork.SHANGHAI, 100),
        (OTHER, LATEST, 2_600),
    ],
)
def test_what_is_warm_from_the_start(target: Address, fork: Fork, price: int) -> None:
    code = push(int.from_bytes(target, "big")) + "31"
    result = execute(change(PLAIN, to=HERE), state_of(code), fork)
    assert result.gas_used == 21_000 + 3 + price


def test_the_access_list_is_warm() -> None:
    code = push(OTHER_INT) + "31" + push(7) + "54" + push(8) + "54"
    entries = (AccessListEntry(OTHER, ()), AccessListEntry(HERE, (Hash32(bytes(31) + b"\7"),)))
    result = execute(change(PLAIN, to=HERE, access_list=entries), state_of(code))
    assert result.gas_used == 21_000 + 2 * 2_400 + 1_900 + 9 + 100 + 100 + 2_100


def test_legacy_transactions_pay_their_price() -> None:
    tx = LegacyTransaction(1, 0, Wei(11), Gas(21_000), OTHER, Wei(1), b"")
    state = state_of()
    assert execute(tx, state).tip == 21_000 * 4
    assert state.balance(ORIGIN) == WEALTH - 1 - 21_000 * 11


def set_code(*authorizations: Authorization, **fields: Any) -> SetCodeTransaction:
    tx = SetCodeTransaction(
        1, 0, Wei(2), Wei(20), Gas(200_000), HERE, Wei(0), b"", (), authorizations
    )
    return msgspec.structs.replace(tx, **fields)


def signed(chain_id: int = 1, address: Address = OTHER, nonce: int = 0) -> Authorization:
    return sign_authorization(Authorization(chain_id, address, nonce), KEY)


def test_an_authorization_sets_code_and_counts_the_nonce() -> None:
    state = state_of()
    result = execute(set_code(signed()), state)
    assert (state.code(AUTHORITY), state.nonce(AUTHORITY)) == (designator(OTHER), 1)
    assert result.gas_used == 21_000 + 25_000


def test_an_existing_authority_is_refunded() -> None:
    state = state_of(others={AUTHORITY: NaiveAccount(0, 1)})
    assert execute(set_code(signed()), state).gas_used == 46_000 - 46_000 // 5


def test_authorizations_outlive_a_failed_call() -> None:
    state = state_of("fe")
    assert not execute(set_code(signed(0)), state).succeeded
    assert state.code(AUTHORITY) == designator(OTHER)


def test_the_zero_address_takes_the_delegation_back() -> None:
    state = state_of(others={AUTHORITY: NaiveAccount(3, 0, designator(OTHER))})
    execute(set_code(signed(address=ZERO_ADDRESS, nonce=3)), state)
    assert (state.code(AUTHORITY), state.nonce(AUTHORITY)) == (b"", 4)


@pytest.mark.parametrize(
    "authorization",
    [
        signed(chain_id=2),
        signed(nonce=1),
        signed(nonce=2**64 - 1),
        msgspec.structs.replace(signed(), r=0),
        msgspec.structs.replace(signed(), s=2**256 - 2**32),
    ],
)
def test_authorizations_that_do_not_hold_are_skipped_but_paid(authorization: Authorization) -> None:
    state = state_of()
    result = execute(set_code(authorization), state)
    assert result.succeeded
    assert result.gas_used == 46_000
    assert state.code(AUTHORITY) == b""


def test_a_contract_cannot_delegate() -> None:
    state = state_of(others={AUTHORITY: NaiveAccount(0, 0, b"\0")})
    execute(set_code(signed()), state)
    assert state.code(AUTHORITY) == b"\0"


def test_a_delegating_recipient_runs_with_a_warm_delegate() -> None:
    code = bytes.fromhex(push(OTHER_INT) + "31")
    others = {AUTHORITY: NaiveAccount(0, 1), OTHER: NaiveAccount(1, 0, code)}
    state = state_of(others=others)
    result = execute(set_code(signed(), to=AUTHORITY), state)
    gas = 46_000 + 3 + 100
    assert result.gas_used == gas - gas // 5


def test_cold_and_warm_caches_of_code_give_the_same() -> None:
    evm = Evm(code_bytes_kept=0)
    tx = change(PLAIN, to=HERE)
    results = []
    for _ in range(3):
        state = state_of(pushes(1, 2) + "01600055")
        results.append(execute_transaction(evm, state, tx, ORIGIN, block_of(), 30_000_000, 0))
    assert results[0] == results[1] == results[2]
