"""Any transaction that a chain could carry, as hypothesis strategies."""

from typing import Any

from hypothesis import strategies as st

from primitives.ids import Address, Gas, Hash32, Wei
from primitives.secp256k1 import ORDER
from primitives.transaction import (
    AccessListEntry,
    AccessListTransaction,
    Authorization,
    BlobTransaction,
    DynamicFeeTransaction,
    LegacyTransaction,
    SetCodeTransaction,
    Transaction,
    sign_authorization,
)


def numbers(bits: int) -> st.SearchStrategy[int]:
    """Draw small and wide numbers, and those around the widths where encodings change."""
    edges = [0, 1, 0x7F, 0x80, 0xFF, 0x100, 2**bits - 1]
    return st.one_of(st.sampled_from(edges), st.integers(0, 2**bits - 1))


KEYS = st.integers(1, ORDER - 1).map(lambda number: number.to_bytes(32, "big"))
ADDRESSES = st.binary(min_size=20, max_size=20).map(Address)
HASHES = st.binary(min_size=32, max_size=32).map(Hash32)
BLOB_HASHES = st.binary(min_size=31, max_size=31).map(lambda rest: Hash32(b"\x01" + rest))
ACCESS_LISTS = st.lists(
    st.builds(AccessListEntry, ADDRESSES, st.lists(HASHES, max_size=3).map(tuple)), max_size=3
).map(tuple)
AUTHORIZATIONS = st.lists(
    st.builds(
        lambda chain_id, address, nonce, key: sign_authorization(
            Authorization(chain_id, address, nonce), key
        ),
        numbers(63),
        ADDRESSES,
        numbers(64),
        KEYS,
    ),
    min_size=1,
    max_size=3,
).map(tuple)

CALL: dict[str, Any] = {
    "nonce": numbers(64).map(lambda nonce: min(nonce, 2**64 - 2)),
    "gas_limit": st.integers(1_000_000, 16_777_216).map(Gas),
    "value": numbers(256).map(Wei),
    "data": st.one_of(st.binary(max_size=80), st.integers(0, 300).map(bytes)),
}
RECIPIENTS = st.one_of(st.none(), ADDRESSES)
PRICES = numbers(200).map(Wei)


def fees() -> st.SearchStrategy[dict[str, Wei]]:
    """Draw a fee cap and a priority fee below it."""
    pairs = st.tuples(PRICES, PRICES).map(sorted)
    return pairs.map(lambda pair: {"max_priority_fee_per_gas": pair[0], "max_fee_per_gas": pair[1]})


@st.composite
def dynamic(draw: st.DrawFn, /, kind: Any, **special: Any) -> Transaction:
    """Draw a transaction of one of the types with dynamic fees, its own fields by keyword."""
    drawn = {name: draw(each) for name, each in {**CALL, **special}.items()}
    made: Transaction = kind(
        chain_id=draw(CHAIN_IDS), access_list=draw(ACCESS_LISTS), **draw(fees()), **drawn
    )
    return made


CHAIN_IDS = st.integers(1, 2**63 - 1)
LEGACY = st.builds(
    LegacyTransaction,
    chain_id=st.one_of(st.none(), CHAIN_IDS),
    gas_price=PRICES,
    to=RECIPIENTS,
    **CALL,
)
ACCESS_LIST = st.builds(
    AccessListTransaction,
    chain_id=CHAIN_IDS,
    gas_price=PRICES,
    to=RECIPIENTS,
    access_list=ACCESS_LISTS,
    **CALL,
)
DYNAMIC_FEE = dynamic(DynamicFeeTransaction, to=RECIPIENTS)
BLOB = dynamic(
    BlobTransaction,
    to=ADDRESSES,
    max_fee_per_blob_gas=PRICES,
    blob_versioned_hashes=st.lists(BLOB_HASHES, min_size=1, max_size=6).map(tuple),
)
SET_CODE = dynamic(SetCodeTransaction, to=ADDRESSES, authorizations=AUTHORIZATIONS)
TRANSACTIONS: st.SearchStrategy[Transaction] = st.one_of(
    LEGACY, ACCESS_LIST, DYNAMIC_FEE, BLOB, SET_CODE
)
