"""Reed-Solomon erasure code: k shreds of data, m of parity, and any k of them give the data back.

The code is systematic: the data shreds are the payload itself, cut, and nothing has to be computed
when all of them come. The parity rows are a Cauchy matrix, of which every square part has an
inverse; that is what makes any k shreds enough.

Reference: Bloemer et al. 1995, "An XOR-Based Erasure-Resilient Coding Scheme".
"""

from collections.abc import Mapping

import numpy

from network.dissemination.galois import (
    ELEMENTS,
    ROW_BYTES_MULTIPLE,
    Bytes,
    inverse,
    invert,
    multiply_rows,
)
from primitives.errors import InvalidInput


def shred_bytes(length: int, data: int) -> int:
    """Return the length of each shred of a payload of `length` bytes cut into `data` of them."""
    each = max(1, -(-length // data))
    return -(-each // ROW_BYTES_MULTIPLE) * ROW_BYTES_MULTIPLE


class ReedSolomon:
    """One code.

    Args:
        data: k, number of data shreds.
        parity: m, number of parity shreds.

    Raises:
        InvalidInput: the field is too small for them, or there is no data.
    """

    __slots__ = ("_rows", "data", "parity")

    def __init__(self, data: int, parity: int) -> None:
        if data < 1 or parity < 0 or data + parity > ELEMENTS:
            expected = f"at least 1 of data, and at most {ELEMENTS} together"
            raise InvalidInput("reed_solomon.shreds", expected, (data, parity))
        self.data = data
        self.parity = parity
        columns = numpy.arange(data, dtype=numpy.uint8)[None, :]
        rows = numpy.arange(data, data + parity, dtype=numpy.uint8)[:, None]
        # All differ, so no sum (which is an exclusive or) is zero.
        cauchy = inverse(rows ^ columns)
        self._rows = numpy.concatenate([numpy.eye(data, dtype=numpy.uint8), cauchy])

    @property
    def total(self) -> int:
        """Number of all shreds."""
        return self.data + self.parity

    def encode(self, payload: bytes) -> list[bytes]:
        """Return all shreds of a payload, which is filled up with zeros: data first."""
        size = shred_bytes(len(payload), self.data)
        padded = numpy.zeros(self.data * size, numpy.uint8)
        padded[: len(payload)] = numpy.frombuffer(payload, numpy.uint8)
        rows = padded.reshape(self.data, size)
        parity = multiply_rows(self._rows[self.data :], rows)
        return [row.tobytes() for row in rows] + [row.tobytes() for row in parity]

    def decode(self, shreds: Mapping[int, bytes], length: int) -> bytes:
        """Return the payload from any k shreds; more are not looked at.

        Args:
            shreds: by index, all of the same length.
            length: of the payload, in bytes.

        Raises:
            InvalidInput: too few, of wrong length, or an index that the code does not have.
        """
        size = shred_bytes(length, self.data)
        indexes = sorted(shreds)[: self.data]
        if len(indexes) < self.data or not 0 <= indexes[0] <= indexes[-1] < self.total:
            expected = f"{self.data} indexes below {self.total}"
            raise InvalidInput("reed_solomon.shreds", expected, indexes)
        if any(len(shreds[index]) != size for index in indexes):
            sizes = sorted({len(shreds[index]) for index in indexes})
            raise InvalidInput("reed_solomon.shreds", f"shreds of {size} bytes", sizes)
        missing = [index for index in range(self.data) if index not in shreds]
        if missing:
            held = numpy.frombuffer(b"".join(shreds[index] for index in indexes), numpy.uint8)
            found = self._recover(indexes, missing, held.reshape(self.data, size))
        else:
            found = numpy.empty((0, size), numpy.uint8)
        recovered = {index: row.tobytes() for index, row in zip(missing, found, strict=True)}
        parts = [recovered.get(index) or shreds[index] for index in range(self.data)]
        return b"".join(parts)[:length]

    def _recover(self, indexes: list[int], missing: list[int], held: Bytes) -> Bytes:
        """Return the missing data rows from k rows of any kind."""
        backwards = invert(self._rows[indexes])
        return multiply_rows(backwards[missing], held)
