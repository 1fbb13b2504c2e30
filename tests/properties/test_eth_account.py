"""Another library signs, we read; and we sign, to the same bytes."""

from typing import Any

import pytest
from eth_account import Account
from hypothesis import given, strategies as st

from primitives.address import format_address
from primitives.ids import Address
from primitives.transaction import (
    Authorization,
    BlobTransaction,
    LegacyTransaction,
    SetCodeTransaction,
    Transaction,
    decode_transaction,
    encode_transaction,
    recover_authority,
    recover_sender,
    sign_transaction,
    transaction_hash,
)
from tests.properties import any_transaction as strategies

KINDS: dict[str, st.SearchStrategy[Any]] = {
    "legacy": strategies.LEGACY,
    "access-list": strategies.ACCESS_LIST,
    "dynamic-fee": strategies.DYNAMIC_FEE,
    "blob": strategies.BLOB,
    "set-code": strategies.SET_CODE,
}


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data(), key=strategies.KEYS)
def test_both_sign_to_the_same_bytes(kind: str, data: st.DataObject, key: bytes) -> None:
    tx = data.draw(KINDS[kind])
    theirs = Account.sign_transaction(_as_dictionary(tx), key)
    raw = bytes(theirs.raw_transaction)
    assert encode_transaction(sign_transaction(tx, key)) == raw
    assert transaction_hash(raw) == bytes(theirs.hash)
    decoded = decode_transaction(raw)
    assert (decoded.r, decoded.s) == (theirs.r, theirs.s)
    assert format_address(recover_sender(decoded, raw)) == Account.from_key(key).address
    if not isinstance(tx, BlobTransaction):
        assert Account.recover_transaction(raw) == Account.from_key(key).address


def _as_dictionary(tx: Transaction) -> dict[str, Any]:
    found: dict[str, Any] = {
        "nonce": tx.nonce,
        "gas": tx.gas_limit,
        "to": "" if tx.to is None else format_address(tx.to),
        "value": tx.value,
        "data": "0x" + tx.data.hex(),
    }
    if tx.chain_id is not None:
        found["chainId"] = tx.chain_id
    if isinstance(tx, LegacyTransaction):
        return found | {"gasPrice": tx.gas_price}
    found["type"] = tx.tx_type
    found["accessList"] = [
        {
            "address": format_address(entry.address),
            "storageKeys": ["0x" + key.hex() for key in entry.storage_keys],
        }
        for entry in tx.access_list
    ]
    if tx.tx_type == 1:
        return found | {"gasPrice": tx.max_fee_per_gas}
    found["maxFeePerGas"] = tx.max_fee_per_gas
    found["maxPriorityFeePerGas"] = tx.max_priority_fee_per_gas
    if isinstance(tx, BlobTransaction):
        found["maxFeePerBlobGas"] = tx.max_fee_per_blob_gas
        found["blobVersionedHashes"] = ["0x" + name.hex() for name in tx.blob_versioned_hashes]
    if isinstance(tx, SetCodeTransaction):
        found["authorizationList"] = [
            {
                "chainId": each.chain_id,
                "address": format_address(each.address),
                "nonce": each.nonce,
                "yParity": each.y_parity,
                "r": each.r,
                "s": each.s,
            }
            for each in tx.authorizations
        ]
    return found


@given(
    strategies.CHAIN_IDS,
    strategies.ADDRESSES,
    st.integers(0, 2**64 - 2),
    strategies.KEYS,
)
def test_authorizations_that_they_sign(
    chain_id: int, address: bytes, nonce: int, key: bytes
) -> None:
    theirs = Account.from_key(key).sign_authorization(
        {"chainId": chain_id, "address": "0x" + address.hex(), "nonce": nonce}
    )
    ours = Authorization(chain_id, Address(address), nonce, theirs.y_parity, theirs.r, theirs.s)
    authority = recover_authority(ours)
    assert authority is not None
    assert format_address(authority) == Account.from_key(key).address
