"""The tables of the flat state and the keys of their rows. Numbers are big-endian."""

from primitives.ids import Address
from storage.store import MalformedRow

ACCOUNTS = "state.accounts"
"""Key: address (20 bytes). Value: the account in slim form, without the root of its storage."""

STORAGE = "state.storage"
"""Key: address and slot (52 bytes). Value: the slot's, without leading zeros; never nothing."""

CODE = "state.code"
"""Key: hash (32 bytes). Value: the code. Rows are never deleted: other accounts, and accounts of
earlier states, may have the same code, and nobody counts them."""

HISTORY = "state.history"
"""Key: height (8 bytes). Value: the reverse changes of that block, which turn the state after it
into the one before it."""

INDEX = "state.index"
"""Only for archives. Key: a kind, the key of a cell, and a height. Value: what the cell held
before the block of that height changed it; nothing where there was none."""

HEAD = "state.head"
"""Three rows: the newest block, and from where to where the index is complete."""

LATEST = b"head"
INDEXED_FROM = b"indexed-from"
INDEXED_TO = b"indexed-to"

ADDRESS_BYTES = 20
HEIGHT_BYTES = 8
STORAGE_KEY_BYTES = 52
SLOT_INDEX_KEY_BYTES = 1 + STORAGE_KEY_BYTES + HEIGHT_BYTES

_OF_ACCOUNT = b"\x00"
_OF_SLOT = b"\x01"
_PAST_HEIGHTS = b"\xff" * (HEIGHT_BYTES + 1)
_PAST_SLOTS = b"\xff" * (STORAGE_KEY_BYTES - ADDRESS_BYTES + HEIGHT_BYTES + 1)


def storage_key(address: Address, slot: int) -> bytes:
    """Return the key of a slot's row."""
    return address + slot.to_bytes(32, "big")


def storage_bounds(address: Address) -> tuple[bytes, bytes]:
    """Return between which keys the slots of an account lie."""
    return address, address + _PAST_SLOTS


def height_key(height: int) -> bytes:
    """Return the key of a block's row in the history."""
    return height.to_bytes(HEIGHT_BYTES, "big")


def account_index_key(address: bytes, height: int) -> bytes:
    """Return the key of an account's value before a block."""
    return _OF_ACCOUNT + address + height_key(height)


def slot_index_key(key: bytes, height: int) -> bytes:
    """Return the key of a slot's value before a block.

    Args:
        key: of the slot's row (`storage_key`).
        height: of the block.
    """
    return _OF_SLOT + key + height_key(height)


def slot_index_bounds(address: Address) -> tuple[bytes, bytes]:
    """Return between which keys the index of an account's slots lies."""
    first, after = storage_bounds(address)
    return _OF_SLOT + first, _OF_SLOT + after


def read_slot_index_key(key: bytes) -> tuple[int, int]:
    """Return the slot and the height of a key of the index.

    Raises:
        MalformedRow: it has another length.
    """
    if len(key) != SLOT_INDEX_KEY_BYTES:
        raise MalformedRow(INDEX, key, f"a key of {SLOT_INDEX_KEY_BYTES} bytes", len(key))
    slot, height = key[1 + ADDRESS_BYTES : -HEIGHT_BYTES], key[-HEIGHT_BYTES:]
    return int.from_bytes(slot, "big"), int.from_bytes(height, "big")


def later_heights(index_key: bytes) -> tuple[bytes, bytes]:
    """Return between which keys the same cell's rows lie, from that height on."""
    return index_key, index_key[:-HEIGHT_BYTES] + _PAST_HEIGHTS
