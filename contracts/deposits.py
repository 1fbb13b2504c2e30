"""Deposit requests, read from the logs of the deposit contract (EIP-6110)."""

from collections.abc import Iterable

from primitives.errors import InvalidInput
from primitives.ids import Address, Hash32
from primitives.receipt import Log
from primitives.system_contracts import DEPOSIT_ADDRESS

DEPOSIT_EVENT = Hash32(
    bytes.fromhex("649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5")
)
"""First topic: hash of DepositEvent(bytes,bytes,bytes,bytes,bytes)."""

FIELDS: tuple[tuple[str, int], ...] = (
    ("pubkey", 48),
    ("withdrawal_credentials", 32),
    ("amount", 8),
    ("signature", 96),
    ("index", 8),
)
"""The event's fields, in order, with their sizes in bytes."""
EVENT_BYTES = 576
"""Five offsets, and for each field its length and its bytes, filled up to whole words."""


class MalformedDeposit(InvalidInput):
    """A deposit event of another layout than the contract writes: the block is invalid."""


def deposit_requests(logs: Iterable[Log], contract: Address = DEPOSIT_ADDRESS) -> bytes:
    """Return the deposits of a block, concatenated in the order of its logs.

    Raises:
        MalformedDeposit: an event whose layout is not exactly that of the contract.
    """
    return b"".join(
        read_deposit(log.data)
        for log in logs
        if log.address == contract and log.topics[:1] == (DEPOSIT_EVENT,)
    )


def read_deposit(data: bytes) -> bytes:
    """Return the fields of one event's data, concatenated: 192 bytes.

    Raises:
        MalformedDeposit: another size, offset or length than expected.
    """
    if len(data) != EVENT_BYTES:
        raise MalformedDeposit("deposit event", f"{EVENT_BYTES} bytes", len(data))
    parts = []
    place = 32 * len(FIELDS)
    for number, (name, size) in enumerate(FIELDS):
        _expect(f"deposit event, offset of {name}", place, _word(data, 32 * number))
        _expect(f"deposit event, size of {name}", size, _word(data, place))
        parts.append(data[place + 32 : place + 32 + size])
        place += 32 + (size + 31) // 32 * 32
    return b"".join(parts)


def _word(data: bytes, place: int) -> int:
    return int.from_bytes(data[place : place + 32], "big")


def _expect(where: str, expected: int, actual: int) -> None:
    if expected != actual:
        raise MalformedDeposit(where, str(expected), actual)
