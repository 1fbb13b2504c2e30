"""ECADD, ECMUL and ECPAIRING over bn254: reading points, and writing them.

A point of G1 is x and y, each a word; (0, 0) is infinity. A point of G2 is four words: x and y,
each with its imaginary part first. ECADD and ECMUL read zeros beyond the end of the input.

Reference: EIP-196; EIP-197; EIP-1108 (prices since Istanbul).
"""

from contracts.kzg import KzgVerifier
from contracts.precompiles.bn254 import g1
from contracts.precompiles.bn254.field import P
from contracts.precompiles.bn254.pairing import (
    TWIST_3B,
    G1Affine,
    G2Affine,
    product_is_one,
)
from contracts.precompiles.precompile import Gas, padded

PAIR_BYTES = 192


class NotAPoint(ValueError):
    """A coordinate is not below the modulus, or the point is not on its curve."""


def add(data: bytes, _kzg: KzgVerifier | None) -> bytes | None:
    """Return the sum of two points, or fail if one is none."""
    try:
        a, b = read_g1(padded(data, 0, 64)), read_g1(padded(data, 64, 64))
    except NotAPoint:
        return None
    return write_g1(g1.add(a, b))


def multiply(data: bytes, _kzg: KzgVerifier | None) -> bytes | None:
    """Return a point times a number of 256 bits, or fail if it is no point."""
    try:
        point = read_g1(padded(data, 0, 64))
    except NotAPoint:
        return None
    return write_g1(g1.multiply(point, int.from_bytes(padded(data, 64, 32), "big")))


def pairing_gas(base: int, per_pair: int) -> Gas:
    """Return the `gas` of the pairing check at the given prices."""
    return lambda data: base + per_pair * (len(data) // PAIR_BYTES)


def pairing(data: bytes, _kzg: KzgVerifier | None) -> bytes | None:
    """Return as a word whether the product of the pairings is 1, or fail on what is no point."""
    if len(data) % PAIR_BYTES:
        return None
    try:
        pairs = [
            (read_g1(data[at : at + 64]), read_g2(data[at + 64 : at + PAIR_BYTES]))
            for at in range(0, len(data), PAIR_BYTES)
        ]
    except NotAPoint:
        return None
    result = product_is_one(pairs)
    return None if result is None else int(result).to_bytes(32, "big")


def read_g1(data: bytes) -> G1Affine | None:
    """Read a point of G1 from 64 bytes; None is infinity.

    Raises:
        NotAPoint: it is none.
    """
    x, y = int.from_bytes(data[:32], "big"), int.from_bytes(data[32:], "big")
    if not x and not y:
        return None
    if x >= P or y >= P or not g1.is_on_curve(x, y):
        raise NotAPoint
    return x, y


def read_g2(data: bytes) -> G2Affine | None:
    """Read a point of the twist from 128 bytes; None is infinity. Its order is not checked.

    Raises:
        NotAPoint: it is none.
    """
    b, a, d, c = (int.from_bytes(data[at : at + 32], "big") for at in (0, 32, 64, 96))
    if not (a or b or c or d):
        return None
    if max(a, b, c, d) >= P:
        raise NotAPoint
    # y^2 = x^3 + b', times 3, since the constant at hand is 3 b'.
    r, s = a * a - b * b, 2 * a * b
    real = 3 * ((c + d) * (c - d) - r * a + s * b) - TWIST_3B[0]
    imaginary = 3 * (2 * c * d - r * b - s * a) - TWIST_3B[1]
    if real % P or imaginary % P:
        raise NotAPoint
    return a, b, c, d


def write_g1(point: G1Affine | None) -> bytes:
    """Return a point of G1 as 64 bytes."""
    x, y = point or (0, 0)
    return x.to_bytes(32, "big") + y.to_bytes(32, "big")
