"""The fast path to a signed transfer gives the bytes of the general one, and valid transactions."""

import pytest
from hypothesis import given, settings, strategies as st

from primitives.account_key import AccountKey
from primitives.address import address_from_private_key
from primitives.errors import CryptoError
from primitives.ids import Address, Gas, Hash32, Wei
from primitives.params import ChainParams
from primitives.secp256k1 import ORDER, sign
from primitives.transaction import (
    DynamicFeeTransaction,
    check_static,
    decode_transaction,
    encode_transaction,
    recover_sender,
    sign_transaction,
    transaction_hash,
)
from sim.workload.accounts import account_secret, derive_accounts, equal_alloc
from sim.workload.minting import Mint, transfer_mint
from sim.workload.options import TransferOptions
from tests.unit.sim.workload_worlds import GWEI, context


def mint(**options: object) -> Mint:
    return transfer_mint(TransferOptions(rate=1.0, accounts=5, **options), context())  # type: ignore[arg-type]


def test_bytes_are_those_of_the_general_path():
    made = mint()
    for turn in range(200):
        raw, digest = made.next(turn % 5, 3 * GWEI)
        transaction = decode_transaction(raw)
        assert isinstance(transaction, DynamicFeeTransaction)
        secret = account_secret(1, turn % 5)
        assert encode_transaction(sign_transaction(transaction, secret)) == raw
        assert transaction_hash(raw) == digest
        assert recover_sender(transaction) == made.address(turn % 5)


def test_short_signature_values_lose_their_leading_zeros():
    made = mint()
    lengths = {len(made.next(0, GWEI)[0]) for _ in range(600)}
    # One r or s in 128 starts with a zero byte; all must decode, or the set could not exist.
    for _ in range(600):
        decode_transaction(made.next(1, GWEI)[0])
    assert len(lengths) > 1


def test_transfers_pass_the_static_rules_of_their_chain():
    params = ChainParams()
    made = mint()
    for _ in range(20):
        transaction = decode_transaction(made.next(0, GWEI)[0])
        check_static(transaction, params.chain_id, params.fork, params.max_transaction_gas)
        assert transaction.gas_limit == 21_000


def test_nonces_count_for_each_account():
    made = mint()
    order = [0, 1, 0, 0, 2, 1]
    nonces = [decode_transaction(made.next(each, GWEI)[0]).nonce for each in order]
    assert nonces == [0, 0, 1, 2, 0, 1]


def test_tips_and_values_lie_in_their_ranges():
    made = mint(tip_min=5, tip_max=7, value_min=100, value_max=103)
    seen = [decode_transaction(made.next(0, GWEI)[0]) for _ in range(100)]
    assert {each.max_priority_fee_per_gas for each in seen} == {5, 6, 7}
    assert {each.value for each in seen} == {100, 101, 102, 103}


def test_fee_cap_follows_the_base_fee():
    made = mint(tip_min=5, tip_max=5, fee_headroom=2.5)
    caps = [decode_transaction(made.next(0, fee)[0]).max_fee_per_gas for fee in (0, 7, 10 * GWEI)]
    assert caps == [5, 5 + 17, 5 + 25 * GWEI]


def test_fee_cap_never_exceeds_what_the_account_can_pay():
    made = mint(balance=10**18, in_flight_max=8)
    transaction = decode_transaction(made.next(0, 10**30)[0])
    assert transaction.max_fee_per_gas * transaction.gas_limit * 8 <= 10**18
    assert transaction.max_priority_fee_per_gas <= transaction.max_fee_per_gas


def test_nobody_pays_itself_unless_alone():
    made = mint(skew=3.0)
    for turn in range(300):
        transaction = decode_transaction(made.next(turn % 5, GWEI)[0])
        assert transaction.to != made.address(turn % 5)
    alone = transfer_mint(TransferOptions(rate=1.0, accounts=1), context())
    assert decode_transaction(alone.next(0, GWEI)[0]).to == alone.address(0)


def test_receivers_are_skewed_as_told():
    made = transfer_mint(TransferOptions(rate=1.0, accounts=50, receiver_skew=2.0), context())
    receivers = [decode_transaction(made.next(k % 50, GWEI)[0]).to for k in range(500)]
    hottest = max(receivers.count(each) for each in set(receivers))
    assert hottest > 200


def test_accounts_follow_from_seed_and_index():
    assert account_secret(7, 3) == account_secret(7, 3)
    secrets = {account_secret(seed, index) for seed in range(5) for index in range(5)}
    assert len(secrets) == 25
    keys = derive_accounts(7, 4)
    assert [key.address for key in keys] == [
        address_from_private_key(account_secret(7, index)) for index in range(4)
    ]


def test_alloc_funds_every_account_once():
    made = mint(balance=123)
    assert made.alloc == tuple((made.address(k), 123) for k in range(5))
    twice = equal_alloc([Address(b"x" * 20), Address(b"y" * 20), Address(b"x" * 20)], Wei(1))
    assert [address for address, _ in twice] == [b"x" * 20, b"y" * 20]


@pytest.mark.parametrize("key", [b"", bytes(32), ORDER.to_bytes(32, "big"), b"\x01" * 31])
def test_account_key_refuses_what_is_no_key(key):
    with pytest.raises(CryptoError, match=r"32 bytes in \[1, order\)"):
        AccountKey(key)


@settings(max_examples=25)
@given(st.integers(1, ORDER - 1), st.binary(min_size=32, max_size=32))
def test_account_key_signs_as_the_plain_function_does(number, digest):
    secret = number.to_bytes(32, "big")
    signature = AccountKey(secret).sign(Hash32(digest))
    parity, r, s = sign(Hash32(digest), secret)
    assert signature == r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([parity])


def test_a_transfer_may_be_long_or_short():
    """The list header changes its form at 56 bytes of payload; both must be canonical."""
    large = mint(value_min=2**62, value_max=2**63 - 1, tip_min=2**40, tip_max=2**41)
    small = mint(value_min=0, value_max=0, tip_min=0, tip_max=0)
    for made, fee in ((large, 2**50), (small, 0)):
        transaction = decode_transaction(made.next(0, fee)[0])
        assert recover_sender(transaction) == made.address(0)
        assert transaction.gas_limit == Gas(21_000)
