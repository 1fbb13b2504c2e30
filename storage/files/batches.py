"""Which system calls a list of positioned reads or writes becomes.

Pieces are sorted by offset. Neighbours become one call, with the bytes between them where the gap
is small: reading a few kilobytes too many costs less than one more way to the disk.
"""

from collections.abc import Sequence

import msgspec

from primitives.errors import InvalidInput

GAP_BYTES = 4_096
"""A larger gap between two pieces is not read."""
RUN_BYTES_MAX = 1 << 20
"""Runs end beyond this size. Larger pieces are runs of their own."""
Piece = tuple[int, int]
"""Offset and length, in bytes."""


class Placed(msgspec.Struct, frozen=True, gc=False):
    """Where a piece lies in the run that it is read with."""

    number: int
    """Of the piece in the request."""
    start: int
    """In bytes from the run's beginning."""
    length: int


class Run(msgspec.Struct, frozen=True, gc=False):
    """Bytes that are read together."""

    offset: int
    length: int
    pieces: tuple[Placed, ...]


def read_runs(
    pieces: Sequence[Piece], gap_bytes: int = GAP_BYTES, run_bytes_max: int = RUN_BYTES_MAX
) -> list[Run]:
    """Return the runs that cover all pieces, ascending; pieces may overlap, and come in any order.

    Pieces of no bytes are in no run: there may be nothing to read where they are.

    Args:
        pieces: offset and length of each.
        gap_bytes: the widest gap between two pieces that is read along.
        run_bytes_max: the longest run of several pieces.

    Raises:
        InvalidInput: an offset or a length is negative.
    """
    runs: list[Run] = []
    inside: list[Placed] = []
    begin = end = 0
    for number in sorted(range(len(pieces)), key=lambda each: pieces[each]):
        offset, length = pieces[number]
        if offset < 0 or length < 0:
            raise InvalidInput("read.pieces", "offsets and lengths of 0 or more", pieces[number])
        if not length:
            continue
        apart = offset > end + gap_bytes or max(end, offset + length) - begin > run_bytes_max
        if inside and apart:
            runs.append(Run(begin, end - begin, tuple(inside)))
            inside = []
        if not inside:
            begin = end = offset
        inside.append(Placed(number, offset - begin, length))
        end = max(end, offset + length)
    if inside:
        runs.append(Run(begin, end - begin, tuple(inside)))
    return runs


def write_runs(
    pieces: Sequence[tuple[int, bytes | memoryview]],
) -> list[tuple[int, list[bytes | memoryview]]]:
    """Return (offset, buffers) for each call; buffers that touch are written by one.

    Raises:
        InvalidInput: two pieces overlap (which of them should win?), or an offset is negative.
    """
    runs: list[tuple[int, list[bytes | memoryview]]] = []
    end = 0
    for offset, data in sorted(pieces, key=lambda piece: piece[0]):
        if offset < end or offset < 0:
            raise InvalidInput("write.pieces", f"an offset from {end} on", offset)
        if runs and offset == end:
            runs[-1][1].append(data)
        else:
            runs.append((offset, [data]))
        end = offset + len(data)
    return runs
