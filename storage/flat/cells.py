"""The values of cells as bytes: in the rows of the state and in those of its index.

Each value has one encoding; all others are refused, for a row that says something else than what
was written is damaged, even where it can be read.
"""

from primitives.errors import InvalidEncoding
from primitives.keccak import keccak256
from primitives.rlp import int_bytes
from primitives.trie import EMPTY_ROOT
from storage.account import Account, decode_slim, encode_slim, has_code
from storage.cache import Kind
from storage.flat.tables import ACCOUNTS, CODE, STORAGE
from storage.store import MalformedRow

WORD_BYTES = 32
ACCOUNT_MEMORY = 110
"""Bytes of an account in memory, with its balance and without a hash of code of its own."""
HASH_MEMORY = 65
NUMBER_MEMORY = 44
"""Bytes of a number of up to 128 bits; wider ones need up to 24 more."""


def encode_account(account: Account) -> bytes:
    """Return an account's value. The root of its storage is in its trie only."""
    return encode_slim(account)


def decode_account(row: bytes) -> Account:
    """Return the account of a value.

    Raises:
        InvalidEncoding: it is none.
    """
    account, storage_root = decode_slim(row)
    if storage_root != EMPTY_ROOT:
        raise InvalidEncoding("account.storage_root", "none in a flat row", storage_root.hex())
    return account


def encode_slot(value: int) -> bytes:
    """Return the value of a slot that is set."""
    return int_bytes(value)


def decode_slot(row: bytes) -> int:
    """Return the number of a value.

    Raises:
        InvalidEncoding: it is no number of 1 to 32 bytes without leading zeros.
    """
    if not row or not row[0] or len(row) > WORD_BYTES:
        raise InvalidEncoding("slot", "1 to 32 bytes without leading zeros", row.hex())
    return int.from_bytes(row, "big")


def read_account(key: bytes, row: bytes) -> Account:
    """Return the account of a row of `ACCOUNTS`.

    Raises:
        MalformedRow: it is none.
    """
    try:
        return decode_account(row)
    except InvalidEncoding as error:
        raise MalformedRow(ACCOUNTS, key, f"{error.where}: {error.expected}", row.hex()) from error


def read_slot(key: bytes, row: bytes) -> int:
    """Return the value of a row of `STORAGE`.

    Raises:
        MalformedRow: it is none.
    """
    try:
        return decode_slot(row)
    except InvalidEncoding as error:
        raise MalformedRow(STORAGE, key, f"{error.where}: {error.expected}", row.hex()) from error


def read_code(key: bytes, row: bytes) -> bytes:
    """Return the code of a row of `CODE`, which is what its key is the hash of.

    Raises:
        MalformedRow: it is another.
    """
    found = keccak256(row)
    if found != key:
        raise MalformedRow(CODE, key, "code with this hash", found.hex())
    return row


def _account_memory(account: Account) -> int:
    return ACCOUNT_MEMORY + (HASH_MEMORY if has_code(account) else 0)


def _slot_memory(value: int) -> int:
    return NUMBER_MEMORY


ACCOUNT_KIND = Kind[Account](ACCOUNTS, encode_account, decode_account, _account_memory)
SLOT_KIND = Kind[int](STORAGE, encode_slot, decode_slot, _slot_memory)
CODE_KIND = Kind[bytes](CODE, bytes, bytes, len)
"""Whoever reads code checks its hash where it is loaded; a value alone does not tell its key."""
