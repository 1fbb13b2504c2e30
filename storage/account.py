"""What the state holds for one address.

An account that is empty (no nonce, no balance, no code) does not exist: it is never written to
the state, and a transaction that leaves one empty removes it. Otherwise a transfer of nothing to
a random address would leave a row for ever.

Reference: Yellow Paper, section 4.1; EIP-161.
"""

import msgspec

from primitives import rlp
from primitives.account import encode_account
from primitives.errors import InvalidEncoding
from primitives.ids import Hash32, Wei
from primitives.keccak import EMPTY_KECCAK
from primitives.rlp import (
    EMPTY_STRING,
    encode_bytes,
    encode_int,
    list_header,
    read_bytes,
    read_int,
)
from primitives.trie import EMPTY_ROOT

SLIM_BYTES_MAX = 120
"""Longest slim account: 8 and 32 bytes of numbers, two hashes, their prefixes and the list's."""


class Account(msgspec.Struct, frozen=True, gc=False):
    """One account. Immutable: a change is a new object, so that layers may share it.

    The root of its storage is not in it: it is computed once for each block, with the state root.
    """

    nonce: int = 0
    """Transactions sent, below 2**64."""
    balance: Wei = Wei(0)
    """Wei, below 2**256."""
    code_hash: Hash32 = EMPTY_KECCAK
    """Keccak-256 of the code; that of the empty string when there is none."""


ABSENT = Account()
"""What reading an address that has no account amounts to."""


def is_empty(account: Account) -> bool:
    """Whether the account has no nonce, no balance and no code. Reference: EIP-161."""
    return not account.nonce and not account.balance and account.code_hash == EMPTY_KECCAK


def has_code(account: Account) -> bool:
    """Whether calls to the account would run code."""
    return account.code_hash != EMPTY_KECCAK


def account_leaf(account: Account, storage_root: Hash32 = EMPTY_ROOT) -> bytes:
    """Return the account's value in the state trie."""
    return encode_account(account.nonce, account.balance, storage_root, account.code_hash)


def encode_slim(account: Account, storage_root: Hash32 = EMPTY_ROOT) -> bytes:
    """Return the account as it is stored and sent: what an ordinary account has not takes no room.

    Reference: devp2p, snap/1, "slim" accounts.
    """
    code = account.code_hash
    payload = (
        encode_int(account.nonce)
        + encode_int(account.balance)
        + (EMPTY_STRING if storage_root == EMPTY_ROOT else encode_bytes(storage_root))
        + (EMPTY_STRING if code == EMPTY_KECCAK else encode_bytes(code))
    )
    return list_header(len(payload)) + payload


def decode_slim(encoded: bytes) -> tuple[Account, Hash32]:
    """Return the account that `encode_slim` has encoded, and the root of its storage.

    Raises:
        InvalidEncoding: another shape, not canonical, or an account that is empty.
    """
    if len(encoded) > SLIM_BYTES_MAX:
        expected = f"at most {SLIM_BYTES_MAX} bytes"
        raise InvalidEncoding("account", expected, f"{len(encoded)} bytes")
    items = rlp.read_items(rlp.decode(encoded), "account", 4)
    account = Account(
        read_int(items[0], "account.nonce", 64),
        Wei(read_int(items[1], "account.balance", 256)),
        _read_hash(items[3], "account.code_hash", EMPTY_KECCAK),
    )
    if is_empty(account):
        raise InvalidEncoding("account", "an account that is not empty", encoded.hex())
    return account, _read_hash(items[2], "account.storage_root", EMPTY_ROOT)


def _read_hash(item: rlp.Decoded, field: str, otherwise: Hash32) -> Hash32:
    found = read_bytes(item, field)
    if not found:
        return otherwise
    if len(found) != 32 or found == otherwise:
        raise InvalidEncoding(field, "32 bytes, or none for the usual value", found.hex())
    return Hash32(found)
