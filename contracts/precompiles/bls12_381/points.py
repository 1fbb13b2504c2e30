"""Points of BLS12-381 as EIP-2537 writes them, from and to those of the library.

A field element is 64 bytes, big-endian, of which the first 16 are zeros. A point of G1 is x and y;
one of G2 is the two parts of x, then those of y, real part first. All zeros is infinity. The
library reads 48 bytes for an element, refuses what is not below the modulus and what is not on the
curve, and reads all zeros as infinity; "unchecked" in its names means the subgroup only.

Reference: EIP-2537.
"""

from py_arkworks_bls12381 import G1Point, G2Point, Scalar

ELEMENT_BYTES, CORE_BYTES = 64, 48
G1_BYTES, G2_BYTES, SCALAR_BYTES = 128, 256, 32

_ZEROS = bytes(ELEMENT_BYTES - CORE_BYTES)


def read_elements(data: bytes) -> bytes:
    """Return field elements without their leading zeros.

    Args:
        data: elements of 64 bytes each.

    Raises:
        ValueError: one does not begin with zeros.
    """
    starts = range(0, len(data), ELEMENT_BYTES)
    if any(data[at : at + len(_ZEROS)] != _ZEROS for at in starts):
        raise ValueError("a field element must begin with 16 zero bytes")
    return b"".join(data[at + len(_ZEROS) : at + ELEMENT_BYTES] for at in starts)


def write_elements(data: bytes) -> bytes:
    """Return field elements of 48 bytes each with their leading zeros."""
    starts = range(0, len(data), CORE_BYTES)
    return b"".join(_ZEROS + data[at : at + CORE_BYTES] for at in starts)


def read_g1(data: bytes) -> G1Point:
    """Read a point of the curve, in the subgroup or not.

    Raises:
        ValueError: it is none.
    """
    return G1Point.from_xy_bytes_unchecked_be(read_elements(data))


def read_g1_in_subgroup(data: bytes) -> G1Point:
    """Read a point of the subgroup.

    Raises:
        ValueError: it is none.
    """
    return G1Point.from_xy_bytes_be(read_elements(data))


def read_g2(data: bytes) -> G2Point:
    """Read a point of the twist, in the subgroup or not.

    Raises:
        ValueError: it is none.
    """
    return G2Point.from_xy_bytes_unchecked_be(read_elements(data))


def read_g2_in_subgroup(data: bytes) -> G2Point:
    """Read a point of the subgroup.

    Raises:
        ValueError: it is none.
    """
    return G2Point.from_xy_bytes_be(read_elements(data))


def read_scalar(data: bytes) -> Scalar:
    """Read any number of 32 bytes; it counts modulo the group's order."""
    return Scalar.from_be_bytes_mod_order(data)


def write_point(point: G1Point | G2Point) -> bytes:
    """Return a point as 128 bytes, or 256 if it is of G2."""
    return write_elements(point.to_xy_bytes_be())
