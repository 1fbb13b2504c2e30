"""Transactions: nothing is lost, nothing has two encodings, no mutant has the same sender."""

from hypothesis import given, strategies as st

from primitives.address import address_from_private_key
from primitives.transaction import (
    InvalidTransaction,
    Transaction,
    check_static,
    decode_transaction,
    encode_transaction,
    recover_sender,
    sign_transaction,
    signing_hash,
    transaction_hash,
)
from tests.properties.any_transaction import KEYS, TRANSACTIONS
from tests.properties.mutants import mutants

SIGNED = st.builds(sign_transaction, TRANSACTIONS, KEYS)
MUTANTS = SIGNED.map(encode_transaction).flatmap(lambda raw: st.tuples(st.just(raw), mutants(raw)))


@given(TRANSACTIONS, KEYS)
def test_what_is_signed_and_encoded_comes_back(tx: Transaction, key: bytes) -> None:
    signed = sign_transaction(tx, key)
    raw = encode_transaction(signed)
    assert decode_transaction(raw) == signed
    assert recover_sender(signed) == address_from_private_key(key)
    assert recover_sender(signed, raw) == address_from_private_key(key)
    assert signing_hash(signed, raw) == signing_hash(tx)
    check_static(signed, 1 if signed.chain_id is None else signed.chain_id)


@given(MUTANTS)
def test_whatever_decodes_encodes_to_the_same_bytes(pair: tuple[bytes, bytes]) -> None:
    _, mutant = pair
    try:
        tx = decode_transaction(mutant)
    except InvalidTransaction:
        return
    assert encode_transaction(tx) == mutant
    assert signing_hash(tx, mutant) == signing_hash(tx)


@given(MUTANTS)
def test_no_mutant_passes_for_the_original(pair: tuple[bytes, bytes]) -> None:
    """Malleability: another encoding with the same sender and the same nonce is a theft."""
    raw, mutant = pair
    original = decode_transaction(raw)
    try:
        changed = decode_transaction(mutant)
        sender = recover_sender(changed, mutant)
    except InvalidTransaction:
        return
    if mutant != raw:
        assert transaction_hash(mutant) != transaction_hash(raw)
        assert sender != recover_sender(original)


@given(st.binary(max_size=200))
def test_any_bytes_are_decoded_or_refused(data: bytes) -> None:
    """No other error than the refusal may come out."""
    for raw in (data, b"\x01" + data, b"\x02" + data, b"\x03" + data, b"\x04" + data):
        try:
            tx = decode_transaction(raw)
        except InvalidTransaction:
            continue
        assert encode_transaction(tx) == raw
