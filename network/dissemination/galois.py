"""Arithmetic in GF(2^8), and fast products of a small matrix with long rows.

The field has 256 elements, one for each byte; addition is exclusive or. A product of two single
elements goes over logarithms. A product of a matrix with rows of many thousands of elements does
not: looking up each byte costs about a nanosecond, 32 times for every byte of every row.

So a row is laid out in bit planes. Multiplication by a constant is linear over single bits: bit i
of the product is the exclusive or of some of the eight bits of the factor. If bit j of all
elements of a row stands in one plane, a product is made of whole planes, by exclusive ors of
machine words. And since eight planes have only 256 combinations, all of them are made once for
each row (255 exclusive ors, by doubling), and each plane of each output takes the one it needs:
the method of the four Russians. The work on planes goes in chunks that fit a cache.

Reference: Plank et al. 2009 (bit matrices for Cauchy Reed-Solomon); Arlazarov et al. 1970.
"""

from typing import Final

import numpy
from numpy.typing import NDArray

from primitives.errors import InvalidInput

Bytes = NDArray[numpy.uint8]
Words = NDArray[numpy.uint64]

POLYNOMIAL: Final = 0x11D
"""x^8 + x^4 + x^3 + x^2 + 1, under which 2 generates all elements but zero."""

ORDER: Final = 255
ELEMENTS: Final = 256
BITS: Final = 8
ROW_BYTES_MULTIPLE: Final = 64
"""A row is eight planes of whole 64-bit words."""

_CHUNK_WORDS: Final = 128
"""Words of a plane that are worked on at a time: 256 combinations of them take 256 KiB."""


def _powers() -> Bytes:
    """Return the powers of 2, twice around, so that sums of logarithms need no modulo."""
    powers = numpy.zeros(2 * ORDER, numpy.uint8)
    element = 1
    for exponent in range(ORDER):
        powers[exponent] = powers[exponent + ORDER] = element
        element <<= 1
        if element >= ELEMENTS:
            element ^= POLYNOMIAL
    return powers


def _logarithms(powers: Bytes) -> NDArray[numpy.int64]:
    """Return the exponent for each element; that of zero is never used."""
    logarithms = numpy.zeros(ELEMENTS, numpy.int64)
    logarithms[powers[:ORDER]] = numpy.arange(ORDER)
    return logarithms


POWERS: Final = _powers()
LOGARITHMS: Final = _logarithms(POWERS)


def multiply(left: Bytes, right: Bytes) -> Bytes:
    """Return the products of elements, position by position, broadcast as numpy does."""
    products: Bytes = POWERS[LOGARITHMS[left] + LOGARITHMS[right]]
    return numpy.where((left == 0) | (right == 0), numpy.uint8(0), products)


def inverse(elements: Bytes) -> Bytes:
    """Return 1 / element for each of them.

    Raises:
        InvalidInput: one of them is zero.
    """
    if not elements.all():
        raise InvalidInput("galois.inverse", "elements that are not zero", "a zero")
    inverses: Bytes = POWERS[(ORDER - LOGARITHMS[elements]) % ORDER]
    return inverses


def _combinations() -> Bytes:
    """Return for each constant and output bit i the set of input bits that it sums, as a byte."""
    constants = numpy.arange(ELEMENTS, dtype=numpy.uint8)[:, None]
    inputs = (1 << numpy.arange(BITS)).astype(numpy.uint8)[None, :]
    products = multiply(constants, inputs)
    out_bits = (products[:, None, :] >> numpy.arange(BITS, dtype=numpy.uint8)[None, :, None]) & 1
    sets: Bytes = (out_bits << numpy.arange(BITS, dtype=numpy.uint8)).sum(axis=2, dtype=numpy.uint8)
    return sets


COMBINATIONS: Final = _combinations()
"""Shape (256, 8), uint8."""


def multiply_rows(matrix: Bytes, rows: Bytes) -> Bytes:
    """Return the product of a matrix with rows whose elements lie in bit planes.

    Args:
        matrix: shape (m, k), ordinary elements.
        rows: shape (k, size), contiguous; `size` is a multiple of 64. The first eighth of a row
            holds bit 0 of its elements, and so on.

    Returns:
        Shape (m, size), laid out like `rows`.

    Raises:
        InvalidInput: the shapes do not fit.
    """
    count, size = rows.shape
    if matrix.shape[1] != count or size % ROW_BYTES_MULTIPLE:
        expected = f"{matrix.shape[1]} rows of a multiple of {ROW_BYTES_MULTIPLE} bytes"
        raise InvalidInput("galois.rows", expected, rows.shape)
    planes: Words = rows.view(numpy.uint64).reshape(count, BITS, -1)
    width = planes.shape[2]
    chosen = COMBINATIONS[matrix].transpose(1, 0, 2).reshape(count, -1).astype(numpy.intp)
    product = numpy.zeros((len(matrix) * BITS, width), numpy.uint64)
    for start in range(0, width, _CHUNK_WORDS):
        chunk = planes[:, :, start : start + _CHUNK_WORDS]
        part = numpy.zeros((len(product), chunk.shape[2]), numpy.uint64)
        taken = numpy.empty_like(part)
        sums = numpy.zeros((ELEMENTS, chunk.shape[2]), numpy.uint64)
        for row in range(count):
            for bit in range(BITS):
                half = 1 << bit
                numpy.bitwise_xor(sums[:half], chunk[row, bit], out=sums[half : 2 * half])
            # With the mode "clip" the result goes straight into `out`.
            part ^= sums.take(chosen[row], axis=0, out=taken, mode="clip")
        product[:, start : start + _CHUNK_WORDS] = part
    return product.reshape(len(matrix), BITS * width).view(numpy.uint8)


def invert(matrix: Bytes) -> Bytes:
    """Return the inverse of a square matrix by Gauss and Jordan.

    Raises:
        InvalidInput: it has none.
    """
    size = len(matrix)
    work = numpy.concatenate([matrix, numpy.eye(size, dtype=numpy.uint8)], axis=1)
    for column in range(size):
        pivots = numpy.flatnonzero(work[column:, column])
        if not len(pivots):
            raise InvalidInput("galois.invert", "a matrix of full rank", f"rank below {size}")
        pivot = column + int(pivots[0])
        work[[column, pivot]] = work[[pivot, column]]
        work[column] = multiply(work[column], inverse(work[column, column : column + 1]))
        factors = work[:, column].copy()
        factors[column] = 0
        work ^= multiply(factors[:, None], work[column][None, :])
    return numpy.ascontiguousarray(work[:, size:])
