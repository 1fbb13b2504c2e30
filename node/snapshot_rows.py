"""Contracts as rows of bytes, as they are sent beside their accounts."""

from collections.abc import Mapping

from primitives.ids import Address
from storage.change_rows import SlotRow, slot_rows

ContractRow = tuple[bytes, bytes, tuple[SlotRow, ...]]
"""Address, code, and all slots that are set."""


def contract_row(address: Address, code: bytes, slots: Mapping[int, int]) -> ContractRow:
    """Return an account with code or storage as it is sent beside its account."""
    return address, code, slot_rows(slots)
