"""Where the entries of an archive file lie: for each kind three columns, ascending by number."""

import sys
from array import array
from bisect import bisect_left
from dataclasses import dataclass, field
from struct import Struct

from storage.files.records import HEAD

COLUMN = Struct("<HI")
"""Kind, and how many entries there are of it; the three columns follow."""
CELL_BYTES = 8
COLUMNS = 3


def _cells() -> "array[int]":
    return array("Q")


@dataclass(slots=True)
class Column:
    """The entries of one kind. All three lists are equally long; `numbers` ascends strictly."""

    numbers: "array[int]" = field(default_factory=_cells)
    offsets: "array[int]" = field(default_factory=_cells)
    """Of the entries' heads, in bytes from the beginning of the file."""
    lengths: "array[int]" = field(default_factory=_cells)
    """Of the entries with their heads, in bytes."""


@dataclass(slots=True)
class Index:
    """Entries by kind and number."""

    columns: dict[int, Column] = field(default_factory=dict)

    def add(self, kind: int, number: int, offset: int, length: int) -> None:
        """Note an entry; its number is above all others of its kind."""
        column = self.columns.get(kind)
        if column is None:
            column = self.columns[kind] = Column()
        column.numbers.append(number)
        column.offsets.append(offset)
        column.lengths.append(length)

    def find(self, kind: int, number: int) -> tuple[int, int] | None:
        """Return offset and length of an entry with its head, or None."""
        column = self.columns.get(kind)
        if column is None:
            return None
        at = bisect_left(column.numbers, number)
        if at == len(column.numbers) or column.numbers[at] != number:
            return None
        return column.offsets[at], column.lengths[at]

    def last(self, kind: int) -> int | None:
        """Return the highest number of a kind, or None when there is none."""
        column = self.columns.get(kind)
        return None if column is None else column.numbers[-1]

    def first(self, kind: int) -> int | None:
        """Return the lowest number of a kind, or None when there is none."""
        column = self.columns.get(kind)
        return None if column is None else column.numbers[0]

    def numbers(
        self, kind: int, start: int = 0, end: int = 1 << 64, count_max: int | None = None
    ) -> list[int]:
        """Return the numbers of a kind with start <= number < end, ascending.

        Args:
            kind: of the entries.
            start: the first number that may be among them.
            end: the first one that may not.
            count_max: how many are returned at most; None for all.
        """
        column = self.columns.get(kind)
        if column is None:
            return []
        numbers = column.numbers
        first, after = bisect_left(numbers, start), bisect_left(numbers, end)
        return list(numbers[first : after if count_max is None else min(after, first + count_max)])

    def fault(self, kinds: int, end: int) -> str:
        """Return what cannot be true of it, or "".

        Reads go where it says, so this is asked before the first one.

        Args:
            kinds: how many the file has.
            end: where its entries end.
        """
        for kind, column in self.columns.items():
            if kind >= kinds:
                return f"the index has a kind {kind}, the file has {kinds}"
            if min(column.lengths) < HEAD.size or max(column.offsets) + max(column.lengths) > end:
                # Looked at one by one only then: the longest entry need not be the last one.
                places = zip(column.offsets, column.lengths, strict=True)
                if any(length < HEAD.size or at + length > end for at, length in places):
                    return f"the index leads out of the file with kind {kind}"
        return ""

    def __len__(self) -> int:
        return sum(len(column.numbers) for column in self.columns.values())

    def encode(self) -> bytes:
        """Return it as the payload of an INDEX record: kinds ascending."""
        parts: list[bytes] = []
        for kind in sorted(self.columns):
            column = self.columns[kind]
            parts.append(COLUMN.pack(kind, len(column.numbers)))
            for cells in (column.numbers, column.offsets, column.lengths):
                parts.append(_little(cells).tobytes())
        return b"".join(parts)


def decode_index(payload: bytes) -> Index | str:
    """Return the index of an INDEX record's payload, or what is wrong with it."""
    index = Index()
    at = 0
    while at < len(payload):
        if len(payload) - at < COLUMN.size:
            return "the index ends inside of a kind"
        kind, count = COLUMN.unpack_from(payload, at)
        at += COLUMN.size
        end = at + COLUMNS * CELL_BYTES * count
        if not count or end > len(payload) or kind in index.columns:
            return f"the index has no {count} entries of kind {kind}"
        index.columns[kind] = Column(
            *(
                _decoded(payload[start : start + CELL_BYTES * count])
                for start in range(at, end, CELL_BYTES * count)
            )
        )
        at = end
    return index


def _decoded(data: bytes) -> "array[int]":
    cells = array("Q")
    cells.frombytes(data)
    return _little(cells)


def _little(cells: "array[int]") -> "array[int]":
    """Return the cells in little endian, or from it."""
    if sys.byteorder == "big":
        cells = array("Q", cells)
        cells.byteswap()
    return cells
