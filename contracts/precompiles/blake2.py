"""BLAKE2F: the compression function of BLAKE2b, with as many rounds as are paid for.

The rounds are those of a library in Rust: a round costs 1 gas and would take microseconds here.

Reference: EIP-152.
"""

from blake2b import decode_and_compress

from contracts.kzg import KzgVerifier

INPUT_BYTES = 213
"""Rounds (4), state (64), block (128), counters (16), final flag (1)."""


def blake2f_gas(data: bytes) -> int:
    """Return the number of rounds; 0 for an input of the wrong length, which fails."""
    return int.from_bytes(data[:4], "big") if len(data) == INPUT_BYTES else 0


def blake2f(data: bytes, _kzg: KzgVerifier | None) -> bytes | None:
    """Return the new state, 64 bytes, or fail unless the length is right and the flag is 0 or 1."""
    if len(data) != INPUT_BYTES or data[-1] > 1:
        return None
    return bytes(decode_and_compress(data))
