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
    price, rest = Wei(cap), (Gas(gas), to, Wei(value), data)
    listed = (AccessListEntry(stranger(1), (Hash32(bytes(32)),)),)
    if tx_type == 0:
        return sealed(sender, LegacyTransaction(1337, nonce, price, *rest))
    if tx_type == 1:
        return sealed(sender, AccessListTransaction(1337, nonce, price, *rest, listed))
    fees = (Wei(min(tip, cap)), price)
    if tx_type == 2 or to is None:
        return sealed(sender, DynamicFeeTransaction(1337, nonce, *fees, *rest))
    blobs = (Hash32(b"\x01" * 32),)
    tx = BlobTransaction(1337, nonce, *fees, Gas(gas), to, Wei(value), data, (), Wei(1), blobs)
    return sealed(sender, tx)


def sealed(sender: int, tx: object) -> bytes:
    return encode_transaction(sign_transaction(tx, private_key(sender)))  # type: ignore[type-var]


@settings(max_examples=16 * settings.default.max_examples)
@given(
    st.dictionaries(st.sampled_from(PLACES[:5]), ACCOUNTS, min_size=3),
    TRANSACTIONS,
    st.sampled_from([0, 1, GWEI]),
    st.sampled_from([*PLACES, stranger(3)]),
)
def test_the_short_way_gives_what_the_long_way_gives(
    places: dict[Address, tuple[int, int, Hash32]],
    fields: tuple[object, ...],
    base_fee: int,
    recipient: Address,
) -> None:
    tx_type, sender, to, ahead, *rest = fields
    nonce, _, _ = places.get(account(sender), (0, 0, b""))  # type: ignore[arg-type]
    try:
        raw = signed(tx_type, sender, to, nonce + ahead, *rest)  # type: ignore[arg-type, operator]
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
