"""The short way through a payment gives what the virtual machine and the journal give."""

from hypothesis import given, settings, strategies as st

from node.execution_transaction import run_in_machine, run_transaction
from node.execution_transfer import run_transfer
from node.validation import check_transaction
from primitives.ids import Address, Gas, Hash32, Wei
from primitives.keccak import keccak256
from primitives.transaction import (
    AccessListEntry,
    AccessListTransaction,
    BlobTransaction,
    DynamicFeeTransaction,
    InvalidTransaction,
    LegacyTransaction,
    Transaction,
    encode_transaction,
    sign_transaction,
)
from storage.account import Account
from storage.changes import StateChanges
from storage.state import StateLayer
from tests.unit.node.transfers import GWEI, PARAMS, account, execution_on, private_key, stranger

PEOPLE = 3
CODE = b"\x60\x01\x5f\x55"
DELEGATION = b"\xef\x01\x00" + stranger(7)
CODES = {keccak256(code): code for code in (b"", CODE, DELEGATION)}
PLACES = [
    *(account(index) for index in range(PEOPLE)),
    stranger(0),
    stranger(7),
    Address(bytes(20)),
    Address(bytes(19) + b"\x04"),
    Address(bytes(18) + b"\x01\x00"),
]
RICH = 10**20
ACCOUNTS = st.tuples(
    st.sampled_from([0, 1]),
    st.sampled_from([0, 21_000, RICH, RICH, RICH, RICH]),
    st.sampled_from([keccak256(b"")] * 4 + list(CODES)),
)
TRANSACTIONS = st.tuples(
    st.sampled_from([0, 1, 2, 2, 3]),
    st.integers(0, PEOPLE - 1),
    st.sampled_from([*PLACES, None]),
    st.sampled_from([0, 0, 0, 0, 0, 1]),
    st.sampled_from([0, 1, 1]),
    st.sampled_from([0, 1, 3 * GWEI, 3 * GWEI]),
    st.sampled_from([0, GWEI]),
    st.sampled_from([60_000, 60_000, 21_000, 16_777_216]),
    st.sampled_from([b"", b"", b"\x00\x01"]),
)


def signed(
    tx_type: int,
    sender: int,
    to: Address | None,
    nonce: int,
    value: int,
    cap: int,
    tip: int,
    gas: int,
    data: bytes,
) -> bytes:
    price, limit, paid = Wei(cap), Gas(gas), Wei(value)
    listed = (AccessListEntry(stranger(1), (Hash32(bytes(32)),)),)
    tx: Transaction
    if tx_type == 0:
        tx = LegacyTransaction(1337, nonce, price, limit, to, paid, data)
    elif tx_type == 1:
        tx = AccessListTransaction(1337, nonce, price, limit, to, paid, data, listed)
    elif tx_type == 2 or to is None:
        tx = DynamicFeeTransaction(1337, nonce, Wei(min(tip, cap)), price, limit, to, paid, data)
    else:
        tip, blobs = min(tip, cap), (Hash32(b"\x01" * 32),)
        tx = BlobTransaction(1337, nonce, Wei(tip), price, limit, to, paid, data, (), Wei(1), blobs)
    return encode_transaction(sign_transaction(tx, private_key(sender)))


@settings(max_examples=16 * settings().max_examples)
@given(
    st.dictionaries(st.sampled_from(PLACES[:5]), ACCOUNTS, min_size=3),
    TRANSACTIONS,
    st.sampled_from([0, 1, GWEI]),
    st.sampled_from([*PLACES, stranger(3)]),
)
def test_the_short_way_gives_what_the_long_way_gives(
    places: dict[Address, tuple[int, int, Hash32]],
    fields: tuple[int, int, Address | None, int, int, int, int, int, bytes],
    base_fee: int,
    recipient: Address,
) -> None:
    tx_type, sender, to, ahead, value, cap, tip, gas, data = fields
    nonce = places[account(sender)][0] if account(sender) in places else 0
    try:
        raw = signed(tx_type, sender, to, nonce + ahead, value, cap, tip, gas, data)
        transaction = check_transaction(raw, PARAMS)
    except InvalidTransaction:
        return
    accounts = {
        key: Account(nonce, Wei(balance), code_hash)
        for key, (nonce, balance, code_hash) in places.items()
        if nonce or balance or CODES[code_hash]
    }
    state = StateLayer(None, StateChanges(accounts, {}, {}, CODES))
    run = execution_on(state, recipient, base_fee=base_fee)
    short = run_transfer(transaction, run.state, run.setting)
    try:
        long = run_in_machine(transaction, run.state, run.setting)
    except InvalidTransaction:
        assert short is None, "a refusal takes the long way"
        return
    if short is not None:
        assert short == (long.result, long.outcome)
    assert run_transaction(transaction, run.state, run.setting) == long


def test_a_usual_payment_takes_the_short_way() -> None:
    state = StateLayer(None, {account(0): Account(0, Wei(10**18))})
    run = execution_on(state)
    transaction = check_transaction(
        signed(2, 0, stranger(0), 0, 1, 3 * GWEI, GWEI, 21_000, b""), PARAMS
    )
    assert run_transfer(transaction, run.state, run.setting) is not None
