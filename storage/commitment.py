"""The state as a trie of accounts, each of which may hold a trie of its slots.

A leaf keeps the account as the flat state has it, which costs no room, and is encoded when it
changes. The storage of a contract hangs in its leaf, so a version of the trie of accounts is a
version of all storage as well.

Reference: Ethereum yellow paper, section 4.1.
"""

from collections.abc import Mapping
from typing import TypeAlias

import msgspec

from primitives.ids import Hash32, Wei
from primitives.keccak import EMPTY_KECCAK, keccak256
from primitives.rlp import (
    decode_list,
    encode_bytes,
    encode_int,
    read_bytes,
    read_int,
    read_items,
)
from primitives.trie import EMPTY_ROOT
from storage.account import Account
from storage.changes import StateChanges
from storage.trie import Form, Trie, replace


class Contract(msgspec.Struct, frozen=True, gc=False):
    """An account that has storage."""

    account: Account
    storage: Trie[int]
    """By hashed slot; never empty."""


class StorageChange(msgspec.Struct, frozen=True, gc=False):
    """An account of which storage has changed."""

    account: Account
    slots: Mapping[int, int]
    is_wiped: bool


StateLeaf: TypeAlias = Account | Contract
StateTrie: TypeAlias = Trie[StateLeaf]

_NO_STORAGE = encode_bytes(EMPTY_ROOT)
_SMALL = tuple([encode_int(number) for number in range(0x80)])
_PREFIX = tuple([(0x80 + width).to_bytes(1, "big") for width in range(33)])
_NO_CODE = encode_bytes(EMPTY_KECCAK)


def encode_state_leaf(leaf: StateLeaf) -> bytes:
    """Return what the state trie commits to for an account."""
    if type(leaf) is Contract:
        account, storage = leaf.account, encode_bytes(leaf.storage.root)
    else:
        assert type(leaf) is Account
        account, storage = leaf, _NO_STORAGE
    code_hash = account.code_hash
    code = _NO_CODE if code_hash == EMPTY_KECCAK else encode_bytes(code_hash)
    nonce, balance = account.nonce, account.balance
    width = (balance.bit_length() + 7) >> 3
    payload = (
        (_SMALL[nonce] if nonce < 0x80 else encode_int(nonce))
        + (_PREFIX[width] + balance.to_bytes(width, "big") if balance > 0x7F else _SMALL[balance])
        + storage
        + code
    )
    # Two hashes take 66 bytes: always more than 55 in all, and never 256.
    return b"\xf8" + len(payload).to_bytes(1, "big") + payload


def decode_state_leaf(value: bytes) -> tuple[Account, Hash32]:
    """Return the account to which a value of the state trie commits, and its storage's root.

    Raises:
        InvalidEncoding: it is no such value.
    """
    usual = _decode_usual(value)
    if usual is not None:
        return usual
    items = read_items(decode_list(value), "account", 4)
    code_hash = Hash32(read_bytes(items[3], "account.code_hash", 32))
    account = Account(
        read_int(items[0], "account.nonce", 64),
        Wei(read_int(items[1], "account.balance", 256)),
        EMPTY_KECCAK if code_hash == EMPTY_KECCAK else code_hash,
    )
    return account, Hash32(read_bytes(items[2], "account.storage_root", 32))


def _decode_usual(value: bytes) -> tuple[Account, Hash32] | None:
    """Return what a value commits to if its nonce is below 128; None for others."""
    if len(value) < 70 or value[0] != 0xF8 or value[1] != len(value) - 2:
        return None
    nonce, balance = value[2], value[3:-66]
    if value[-66] != 0xA0 or value[-33] != 0xA0 or not 0 < nonce <= 0x80:
        return None
    width = len(balance) - 1
    if not width and 0 < balance[0] <= 0x80:
        wei = balance[0] & 0x7F
    elif (
        0 < width <= 32 and balance[0] == 0x80 + width and balance[1] >= (0x80 if width == 1 else 1)
    ):
        wei = int.from_bytes(balance[1:], "big")
    else:
        return None
    code_hash = Hash32(value[-32:])
    account = Account(
        nonce & 0x7F, Wei(wei), EMPTY_KECCAK if code_hash == EMPTY_KECCAK else code_hash
    )
    return account, Hash32(value[-65:-33])


def account_of(leaf: StateLeaf) -> Account:
    """Return the account of a leaf."""
    return leaf.account if type(leaf) is Contract else leaf  # type: ignore[return-value]


def storage_of(leaf: StateLeaf | None) -> Trie[int]:
    """Return the trie of an account's slots, by hashed slot; empty without storage or account."""
    return leaf.storage if type(leaf) is Contract else empty_storage()


def storage_root(leaf: StateLeaf | None) -> Hash32:
    """Return the root of an account's storage."""
    return leaf.storage.root if type(leaf) is Contract else EMPTY_ROOT


def empty_state_trie() -> StateTrie:
    """Return the trie without accounts."""
    return Trie(_STATE)


def empty_storage() -> Trie[int]:
    """Return the trie without slots."""
    return _NO_SLOTS


def slot_hash(slot: int) -> Hash32:
    """Return the key of a slot in the trie of an account's storage."""
    return keccak256(slot.to_bytes(32, "big"))


def update_state_trie(before: StateTrie, changes: StateChanges) -> StateTrie:
    """Return the trie after some changes, each storage updated once and over dirty paths only."""
    leaves: dict[bytes, Account | StorageChange | None] = {}
    slots, wiped = changes.slots, changes.wiped
    for address, account in changes.accounts.items():
        if account is not None and (address in slots or address in wiped):
            change = StorageChange(account, slots.get(address, {}), address in wiped)
            leaves[keccak256(address)] = change
        else:
            leaves[keccak256(address)] = account
    return before.updated(leaves)


def updated_storage(storage: Trie[int], values: Mapping[int, int]) -> Trie[int]:
    """Return the trie of slots after some have new values; 0 unsets one."""
    return storage.updated({slot_hash(slot): value or None for slot, value in values.items()})


def _merge(old: StateLeaf | None, change: Account | StorageChange | None) -> StateLeaf | None:
    """Return an account's leaf after a change: storage stays unless the change speaks of it."""
    if type(change) is Account:
        return Contract(change, old.storage) if type(old) is Contract else change
    if type(change) is not StorageChange:
        return None
    storage = _NO_SLOTS if change.is_wiped else storage_of(old)
    storage = updated_storage(storage, change.slots)
    return change.account if storage.is_empty else Contract(change.account, storage)


_NO_SLOTS: Trie[int] = Trie(Form(encode_int, replace))
_STATE = Form(encode_state_leaf, _merge)
