"""MODEXP: powers of large integers, at four prices.

The input is three lengths in bytes, each a word, then base, exponent and modulus. Prices need only
the lengths and the exponent's first 32 bytes. They are asked before anything of those lengths is
read, so that a length of 2**255 costs more than there is, and not our memory.

Reference: EIP-198; EIP-2565 (Berlin); EIP-7883 and EIP-7823 (Osaka).
"""

from contracts.kzg import KzgVerifier
from contracts.precompiles.precompile import padded

LENGTH_MAX = 1_024
"""Longest base, exponent and modulus since Osaka, in bytes."""


def gas_byzantium(data: bytes) -> int:
    """Return the price of EIP-198."""
    base, exponent, modulus = _lengths(data)
    size = max(base, modulus)
    if size <= 64:
        complexity = size * size
    elif size <= 1_024:
        complexity = size * size // 4 + 96 * size - 3_072
    else:
        complexity = size * size // 16 + 480 * size - 199_680
    return complexity * _iterations(data, base, exponent, per_byte=8) // 20


def gas_berlin(data: bytes) -> int:
    """Return the price of EIP-2565."""
    base, exponent, modulus = _lengths(data)
    complexity = ((max(base, modulus) + 7) // 8) ** 2
    return max(200, complexity * _iterations(data, base, exponent, per_byte=8) // 3)


def gas_osaka(data: bytes) -> int:
    """Return the price of EIP-7883."""
    base, exponent, modulus = _lengths(data)
    size = max(base, modulus)
    complexity = 16 if size <= 32 else 2 * ((size + 7) // 8) ** 2
    return max(500, complexity * _iterations(data, base, exponent, per_byte=16))


def _lengths(data: bytes) -> tuple[int, int, int]:
    """Return the lengths of base, exponent and modulus."""
    head = padded(data, 0, 96)
    return (
        int.from_bytes(head[:32], "big"),
        int.from_bytes(head[32:64], "big"),
        int.from_bytes(head[64:], "big"),
    )


def _iterations(data: bytes, base: int, exponent: int, *, per_byte: int) -> int:
    """Return how many squarings are charged, at least 1.

    Args:
        base: length of the base, after which the exponent begins.
        exponent: length of the exponent.
        per_byte: charged for each byte of the exponent after the first 32.
    """
    head = int.from_bytes(padded(data, 96 + base, min(exponent, 32)), "big")
    bits = max(head.bit_length() - 1, 0)
    return max(1, bits + per_byte * max(exponent - 32, 0))


def modexp(data: bytes, _kzg: KzgVerifier | None) -> bytes:
    """Return base ** exponent % modulus in as many bytes as the modulus has.

    A modulus of 0 gives 0, and anything ** 0 is 1.
    """
    base_size, exponent_size, size = _lengths(data)
    if not size:
        return b""
    modulus = _number(data, 96 + base_size + exponent_size, size)
    if not modulus:
        return bytes(size)
    base = _number(data, 96, base_size)
    exponent = _number(data, 96 + base_size, exponent_size)
    return pow(base, exponent, modulus).to_bytes(size, "big")


def modexp_bounded(data: bytes, kzg: KzgVerifier | None) -> bytes | None:
    """Return what `modexp` does, or fail if a length is beyond `LENGTH_MAX`."""
    return None if max(_lengths(data)) > LENGTH_MAX else modexp(data, kzg)


def _number(data: bytes, start: int, length: int) -> int:
    return int.from_bytes(padded(data, start, length), "big")
