"""The 2,048-bit filter over the addresses and topics of logs."""

from collections.abc import Iterable

from primitives.keccak import keccak256
from primitives.receipt import Log

BLOOM_BYTES = 256
EMPTY_BLOOM = bytes(BLOOM_BYTES)
"""The bloom of a block or receipt without logs."""


def logs_bloom(logs: Iterable[Log]) -> bytes:
    """Return the 256-byte bloom over the address and every topic of every log.

    Reference: Yellow Paper, section 4.3.1 (M3:2048).
    """
    bits = 0
    for log in logs:
        for entry in (log.address, *log.topics):
            bits |= entry_bits(entry)
    return bits.to_bytes(BLOOM_BYTES, "big") if bits else EMPTY_BLOOM


def merge_blooms(blooms: Iterable[bytes]) -> bytes:
    """Return the union of 256-byte blooms: a block's bloom from its receipts'."""
    bits = 0
    for bloom in blooms:
        if bloom != EMPTY_BLOOM:
            bits |= int.from_bytes(bloom, "big")
    return bits.to_bytes(BLOOM_BYTES, "big") if bits else EMPTY_BLOOM


def bloom_may_contain(bloom: bytes, entry: bytes) -> bool:
    """Tell whether an address or topic may be in `bloom`; False is certain."""
    bits = entry_bits(entry)
    return int.from_bytes(bloom, "big") & bits == bits


def entry_bits(entry: bytes) -> int:
    """Return the three bits of an address or topic, as a number; for who looks for it often."""
    digest = keccak256(entry)
    bits = 0
    for start in (0, 2, 4):
        bits |= 1 << (int.from_bytes(digest[start : start + 2], "big") & 2047)
    return bits
