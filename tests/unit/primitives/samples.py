"""One signed transaction of each kind, and the parts they are made of."""

from primitives.address import address_from_private_key
from primitives.ids import Address, Gas, Hash32, Wei
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
    sign_transaction,
)

CHAIN_ID = 1337
KEY = bytes.fromhex("4646464646464646464646464646464646464646464646464646464646464646")
OTHER_KEY = bytes(31) + b"\x07"
SENDER = address_from_private_key(KEY)
TO = Address(b"\x35" * 20)
GWEI = Wei(10**9)
ETHER = Wei(10**18)
LIST = (
    AccessListEntry(Address(b"\x01" * 20), ()),
    AccessListEntry(Address(b"\x02" * 20), (Hash32(bytes(32)), Hash32(b"\xff" * 32))),
)
BLOB = Hash32(b"\x01" + bytes(31))
GAS = Gas(100_000)

PLAIN = LegacyTransaction(None, 9, Wei(20 * GWEI), GAS, TO, ETHER, b"")
LEGACY = LegacyTransaction(CHAIN_ID, 9, Wei(20 * GWEI), GAS, TO, ETHER, b"")
ACCESS_LIST = AccessListTransaction(CHAIN_ID, 1, GWEI, GAS, TO, ETHER, b"\x00\x01", LIST)
DYNAMIC_FEE = DynamicFeeTransaction(CHAIN_ID, 0, GWEI, Wei(2 * GWEI), GAS, TO, ETHER, b"", LIST)
BLOBS = BlobTransaction(CHAIN_ID, 3, GWEI, Wei(2 * GWEI), GAS, TO, Wei(0), b"", (), GWEI, (BLOB,))
PERMISSION = sign_authorization(Authorization(CHAIN_ID, TO, 0), OTHER_KEY)
SET_CODE = SetCodeTransaction(
    CHAIN_ID, 4, GWEI, Wei(2 * GWEI), GAS, TO, Wei(0), b"\x05", LIST, (PERMISSION,)
)

SIGNED: tuple[Transaction, ...] = (
    sign_transaction(PLAIN, KEY),
    sign_transaction(LEGACY, KEY),
    sign_transaction(ACCESS_LIST, KEY),
    sign_transaction(DYNAMIC_FEE, KEY),
    sign_transaction(BLOBS, KEY),
    sign_transaction(SET_CODE, KEY),
)
NAMES = ("plain", "legacy", "access-list", "dynamic-fee", "blob", "set-code")
