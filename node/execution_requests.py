"""Deposits that a block's logs ask for (EIP-6110).

The deposit contract writes one event for each deposit: five byte strings in the ABI's encoding.
The request is these strings without the padding. The contract cannot write any other layout, so
one that is different means another contract at its address, and the block is invalid.
"""

from collections.abc import Iterable

from node.validation_errors import MalformedDeposit
from primitives.ids import Hash32
from primitives.receipt import Log, Receipt
from primitives.system_contracts import DEPOSIT_ADDRESS

DEPOSIT_EVENT = Hash32(
    bytes.fromhex("649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5")
)
"""Keccak-256 of `DepositEvent(bytes,bytes,bytes,bytes,bytes)`."""
EVENT_BYTES = 576
FIELDS = ((160, 48), (256, 32), (320, 8), (384, 96), (512, 8))
"""Offset and size of public key, withdrawal credentials, amount, signature and index."""
_WORD = 32


def deposit_requests(receipts: Iterable[Receipt]) -> bytes:
    """Return the deposits in a block's logs, concatenated.

    Raises:
        MalformedDeposit: an event of another layout.
    """
    deposits = [
        _deposit(log)
        for receipt in receipts
        for log in receipt.logs
        if log.address == DEPOSIT_ADDRESS and log.topics and log.topics[0] == DEPOSIT_EVENT
    ]
    return b"".join(deposits)


def _deposit(log: Log) -> bytes:
    data = log.data
    if len(data) != EVENT_BYTES:
        raise MalformedDeposit("deposit event", f"{EVENT_BYTES} bytes", f"{len(data)} bytes")
    parts = []
    for place, (offset, size) in enumerate(FIELDS):
        _require_number(data, place * _WORD, offset, "an offset of")
        _require_number(data, offset, size, "a size of")
        parts.append(data[offset + _WORD : offset + _WORD + size])
    return b"".join(parts)


def _require_number(data: bytes, at: int, expected: int, what: str) -> None:
    actual = int.from_bytes(data[at : at + _WORD], "big")
    if actual != expected:
        raise MalformedDeposit(f"deposit event, byte {at}", f"{what} {expected}", actual)
