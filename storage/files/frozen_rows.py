"""Rows of a store and records of an archive as one sequence: keys are heights of eight bytes."""

from collections.abc import Iterator

HEIGHT_BYTES = 8
HEIGHT_END = 1 << (8 * HEIGHT_BYTES)
"""Above all heights."""


def first_height(bound: bytes | None) -> int:
    """Return the lowest height whose key is not below a bound; None bounds nothing."""
    if bound is None:
        return HEIGHT_END
    height = int.from_bytes(bound[:HEIGHT_BYTES].ljust(HEIGHT_BYTES, b"\x00"), "big")
    return height + (len(bound) > HEIGHT_BYTES)


def merged(
    rows: Iterator[tuple[bytes, bytes]], records: Iterator[tuple[int, bytes]]
) -> Iterator[tuple[bytes, bytes]]:
    """Yield rows and records in ascending key order; where both have a key, the row counts."""
    row, record = next(rows, None), next(records, None)
    while record is not None:
        key = record[0].to_bytes(HEIGHT_BYTES, "big")
        while row is not None and row[0] < key:
            yield row
            row = next(rows, None)
        if row is None or row[0] != key:
            yield key, record[1]
        record = next(records, None)
    while row is not None:
        yield row
        row = next(rows, None)
