"""The seven precompiles of EIP-2537. Each fails on an input of the wrong length or no point.

Additions take any point of the curve; sums of multiples and pairings only those of the subgroup.
"""

from py_arkworks_bls12381 import GT, G1Point, G2Point

from contracts.kzg import KzgVerifier
from contracts.precompiles.bls12_381 import points
from contracts.precompiles.bls12_381.points import G1_BYTES, G2_BYTES, SCALAR_BYTES

PAIR_BYTES = G1_BYTES + G2_BYTES


def g1_add(data: bytes, _kzg: KzgVerifier | None) -> bytes | None:
    """Return the sum of two points of G1."""
    if len(data) != 2 * G1_BYTES:
        return None
    try:
        total = points.read_g1(data[:G1_BYTES]) + points.read_g1(data[G1_BYTES:])
    except ValueError:
        return None
    return points.write_point(total)


def g2_add(data: bytes, _kzg: KzgVerifier | None) -> bytes | None:
    """Return the sum of two points of G2."""
    if len(data) != 2 * G2_BYTES:
        return None
    try:
        total = points.read_g2(data[:G2_BYTES]) + points.read_g2(data[G2_BYTES:])
    except ValueError:
        return None
    return points.write_point(total)


def g1_msm(data: bytes, _kzg: KzgVerifier | None) -> bytes | None:
    """Return the sum of points of G1, each times a number."""
    size = G1_BYTES + SCALAR_BYTES
    if not data or len(data) % size:
        return None
    starts = range(0, len(data), size)
    try:
        terms = [points.read_g1_in_subgroup(data[at : at + G1_BYTES]) for at in starts]
    except ValueError:
        return None
    factors = [points.read_scalar(data[at + G1_BYTES : at + size]) for at in starts]
    return points.write_point(G1Point.multiexp_unchecked(terms, factors))


def g2_msm(data: bytes, _kzg: KzgVerifier | None) -> bytes | None:
    """Return the sum of points of G2, each times a number."""
    size = G2_BYTES + SCALAR_BYTES
    if not data or len(data) % size:
        return None
    starts = range(0, len(data), size)
    try:
        terms = [points.read_g2_in_subgroup(data[at : at + G2_BYTES]) for at in starts]
    except ValueError:
        return None
    factors = [points.read_scalar(data[at + G2_BYTES : at + size]) for at in starts]
    return points.write_point(G2Point.multiexp_unchecked(terms, factors))


def pairing_check(data: bytes, _kzg: KzgVerifier | None) -> bytes | None:
    """Return as a word whether the product of the pairings is 1."""
    if not data or len(data) % PAIR_BYTES:
        return None
    starts = range(0, len(data), PAIR_BYTES)
    try:
        left = [points.read_g1_in_subgroup(data[at : at + G1_BYTES]) for at in starts]
        right = [points.read_g2_in_subgroup(data[at + G1_BYTES : at + PAIR_BYTES]) for at in starts]
    except ValueError:
        return None
    return int(GT.pairing_check(left, right)).to_bytes(32, "big")


def map_fp_to_g1(data: bytes, _kzg: KzgVerifier | None) -> bytes | None:
    """Return the point of the subgroup that an element of the field maps to."""
    if len(data) != points.ELEMENT_BYTES:
        return None
    try:
        point = G1Point.map_from_fp_be(points.read_elements(data))
    except ValueError:
        return None
    return points.write_point(point)


def map_fp2_to_g2(data: bytes, _kzg: KzgVerifier | None) -> bytes | None:
    """Return the point of the subgroup that an element of the extension field maps to."""
    if len(data) != 2 * points.ELEMENT_BYTES:
        return None
    try:
        point = G2Point.map_from_fp2_be(points.read_elements(data))
    except ValueError:
        return None
    return points.write_point(point)
