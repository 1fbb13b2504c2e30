"""Changes of a state as bytes: what a node stores of a run of blocks, and what undoes a block.

Numbers are written without leading zeros. Reading is lenient about that: stored rows are a node's
own, and slots that are sent are proven by the root that they make, not by their bytes.
"""

from collections.abc import Iterable, Mapping
from typing import TypeVar

import msgspec

from primitives.codec import decode_canonical, encode_canonical
from primitives.errors import InvalidEncoding
from primitives.ids import Address
from primitives.keccak import keccak256
from storage.account import decode_slim, encode_slim
from storage.changes import StateChanges

ADDRESS_BYTES = 20
RUN_BYTES_MAX = 1 << 32
"""A run is a node's own; only its form is checked."""
WORD_BYTES = 32

_Key = TypeVar("_Key", bound=bytes)
_Value = TypeVar("_Value")

SlotRow = tuple[bytes, bytes]
"""Slot and value."""


class StorageRow(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Changed slots of one account."""

    address: bytes
    is_wiped: bool
    """Whether all slots were unset before."""
    slots: tuple[SlotRow, ...]
    """Ascending; an empty value where one is not set any more."""


class Run(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Changes as they are stored."""

    accounts: tuple[tuple[bytes, bytes], ...]
    """Address and slim account, by address; nothing where it ceased to exist."""
    storage: tuple[StorageRow, ...]
    """By address."""
    codes: tuple[bytes, ...]
    """By their hashes."""


def encode_run(changes: StateChanges) -> bytes:
    """Return changes as they are stored."""
    return encode_canonical(run_of(changes))


def run_of(changes: StateChanges) -> Run:
    """Return changes as rows."""
    accounts = [
        (address, b"" if account is None else encode_slim(account))
        for address, account in _ascending(changes.accounts)
    ]
    changed = {**changes.wiped, **dict.fromkeys(changes.slots)}
    storage = [
        StorageRow(address, address in changes.wiped, slot_rows(changes.slots.get(address, {})))
        for address, _ in _ascending(changed)
    ]
    codes = tuple([code for _, code in _ascending(changes.codes)])
    return Run(tuple(accounts), tuple(storage), codes)


def decode_run(data: bytes) -> StateChanges:
    """Return the changes of a stored run.

    Raises:
        InvalidEncoding: it is none.
    """
    run = decode_canonical(data, Run, RUN_BYTES_MAX)
    return StateChanges(
        {read_address(key): decode_slim(slim)[0] if slim else None for key, slim in run.accounts},
        {read_address(row.address): read_slots(row.slots) for row in run.storage if row.slots},
        {read_address(row.address): None for row in run.storage if row.is_wiped},
        {keccak256(code): code for code in run.codes},
    )


def slot_rows(slots: Mapping[int, int]) -> tuple[SlotRow, ...]:
    """Return slots as they are stored and sent, ascending."""
    return tuple([(_number(slot), _number(slots[slot])) for slot in sorted(slots)])


def read_slots(rows: Iterable[SlotRow]) -> dict[int, int]:
    """Return slots with their values.

    Raises:
        InvalidEncoding: a number is too wide.
    """
    found: dict[int, int] = {}
    for slot, value in rows:
        if max(len(slot), len(value)) > WORD_BYTES:
            raise InvalidEncoding("storage", f"numbers of at most {WORD_BYTES} bytes", "more")
        found[int.from_bytes(slot, "big")] = int.from_bytes(value, "big")
    return found


def read_address(key: bytes) -> Address:
    """Return an address.

    Raises:
        InvalidEncoding: it has another length.
    """
    if len(key) != ADDRESS_BYTES:
        raise InvalidEncoding("account.address", f"{ADDRESS_BYTES} bytes", key.hex())
    return Address(key)


def _ascending(rows: Mapping[_Key, _Value]) -> list[tuple[_Key, _Value]]:
    return [(key, rows[key]) for key in sorted(rows)]


def _number(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")
