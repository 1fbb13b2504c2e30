"""What two sets do not share, in a few bytes for each element of the difference.

A sketch is an invertible Bloom lookup table. Each element goes into one cell of each of three
parts of the table; a cell has the number of its elements, the exclusive or of their names, and
that of their checksums. Subtracting the sketch of another set leaves only what the sets do not
share, whatever their sizes. A cell in which one element is left tells its name; taken out of its
other cells, it leaves others alone in theirs, and so on until nothing is left.

With too few cells for the difference that comes to a halt. It shows, so a sketch is never wrong
silently, and a second one, with other cells for the same elements, helps the first on: both are
taken apart together.

Why not a Minisketch, which takes 4 bytes for each difference where this takes some 15: there is no
maintained binding of it for Python.

Reference: Eppstein, Goodrich, Uyeda, Varghese, "What's the Difference? Efficient Set
Reconciliation without Prior Context" (SIGCOMM 2011), without its strata: two nodes that reconcile
often know about how much their sets differ. Counts are modulo 256, because only differences are
ever looked at.
"""

from collections.abc import Iterable, Sequence
from math import isqrt

import msgspec
from siphashc import siphash

from primitives.errors import InvalidEncoding

NAME_BYTES = 6
"""Length of an element's name: its hash, keyed anew for each link and cut to 48 bits."""
CHECK_BYTES = 3
CELL_BYTES = 1 + NAME_BYTES + CHECK_BYTES
PARTS = 3
"""Cells that hold an element, each in its own part of the table."""
CELLS_MAX = 12_288
"""Most cells of a sketch that is sent or taken."""

NAME_MASK = (1 << 8 * NAME_BYTES) - 1
_CHECK_MASK = (1 << 8 * CHECK_BYTES) - 1
_PLACE_BITS = 40
"""Of a hash of 64 bits, these choose the cell and the others are the checksum."""


class Difference(msgspec.Struct, frozen=True, gc=False):
    """What two sets do not share, by names, ascending."""

    mine: tuple[int, ...]
    """In the set of the sketch that was subtracted from."""
    theirs: tuple[int, ...]


def element_name(key: bytes, element: bytes) -> int:
    """Return the name that an element has on a link.

    Args:
        key: 16 bytes that both ends have agreed on and nobody else knows. Then nobody can search
            for two elements with the same name, of which a sketch would see none.
        element: any bytes; a transaction's hash.
    """
    return siphash(key, element) & NAME_MASK


def cells_for(difference: int) -> int:
    """Return how many cells let about 19 of 20 differences of this size be found at once."""
    expected = max(1, difference)
    cells = 13 * expected // 10 + 4 * isqrt(expected) + 9
    return min(CELLS_MAX, cells + -cells % PARTS)


class Sketch:
    """A sketch of one set.

    Args:
        seed: 16 bytes that place elements in cells; the same for sketches to be subtracted.
        cells: a multiple of `PARTS`.
    """

    __slots__ = ("_checks", "_counts", "_names", "_part", "_seed")

    def __init__(self, seed: bytes, cells: int) -> None:
        self._seed = seed
        self._part = cells // PARTS
        self._counts = [0] * cells
        self._names = [0] * cells
        self._checks = [0] * cells

    def __len__(self) -> int:
        return len(self._counts)

    def add(self, names: Iterable[int]) -> None:
        """Put elements in, each once."""
        for name in names:
            self._toggle(name, 1)

    def pack(self) -> bytes:
        """Return the cells: all counts, then all names, then all checksums, little-endian."""
        names = [name.to_bytes(NAME_BYTES, "little") for name in self._names]
        checks = [check.to_bytes(CHECK_BYTES, "little") for check in self._checks]
        return b"".join([bytes([count & 0xFF for count in self._counts]), *names, *checks])

    def minus(self, packed: bytes) -> "Sketch":
        """Return the sketch of what this set has and another has not, and the reverse.

        Args:
            packed: the sketch of the other set, with the same seed and as many cells.

        Raises:
            InvalidEncoding: another number of cells.
        """
        cells = len(self)
        if len(packed) != cells * CELL_BYTES:
            expected = f"{cells * CELL_BYTES} bytes"
            raise InvalidEncoding("sketch.cells", expected, f"{len(packed)} bytes")
        left = Sketch(self._seed, cells)
        left._counts = [own - other for own, other in zip(self._counts, packed, strict=False)]
        names, checks = packed[cells : cells * (1 + NAME_BYTES)], packed[cells * (1 + NAME_BYTES) :]
        left._names = [
            own ^ int.from_bytes(names[at * NAME_BYTES : (at + 1) * NAME_BYTES], "little")
            for at, own in enumerate(self._names)
        ]
        left._checks = [
            own ^ int.from_bytes(checks[at * CHECK_BYTES : (at + 1) * CHECK_BYTES], "little")
            for at, own in enumerate(self._checks)
        ]
        return left

    def copy(self) -> "Sketch":
        """Return another sketch of the same."""
        other = Sketch(self._seed, len(self))
        other._counts = list(self._counts)
        other._names = list(self._names)
        other._checks = list(self._checks)
        return other

    def single(self, cell: int) -> int:
        """Return 1 or -1 if a cell holds one element, of this or the other set; 0 otherwise."""
        count = self._counts[cell] & 0xFF
        if count not in (1, 0xFF):
            return 0
        name = self._names[cell]
        if self._check(name) != self._checks[cell]:
            return 0
        return 1 if count == 1 else -1

    def name_at(self, cell: int) -> int:
        """Return the name of the only element of a cell."""
        return self._names[cell]

    def remove(self, name: int, side: int) -> tuple[int, ...]:
        """Take an element out; return the cells that it was in."""
        return self._toggle(name, -side)

    def is_empty(self) -> bool:
        """Tell whether nothing is left."""
        counted = any(count & 0xFF for count in self._counts)
        return not counted and not any(self._names) and not any(self._checks)

    def cells_of(self, name: int) -> tuple[int, ...]:
        """Return where an element is, one cell in each part."""
        part, spread = self._part, siphash(self._seed, name.to_bytes(8, "little"))
        places = spread >> (64 - _PLACE_BITS)
        first, rest = places % part, places // part
        second, rest = rest % part, rest // part
        return first, part + second, 2 * part + rest % part

    def _check(self, name: int) -> int:
        return siphash(self._seed, name.to_bytes(8, "little")) & _CHECK_MASK

    def _toggle(self, name: int, count: int) -> tuple[int, ...]:
        cells, check = self.cells_of(name), self._check(name)
        for cell in cells:
            self._counts[cell] += count
            self._names[cell] ^= name
            self._checks[cell] ^= check
        return cells


def decode(sketches: Sequence[Sketch]) -> Difference | None:
    """Take sketches of one difference apart; None if they have too few cells for it.

    The sketches are used up.

    Args:
        sketches: each the difference of the same two sets, with seeds of their own.
    """
    mine: dict[int, None] = {}
    theirs: dict[int, None] = {}
    waiting = [(sketch, cell) for sketch in sketches for cell in range(len(sketch))]
    most = len(waiting)
    while waiting:
        sketch, cell = waiting.pop()
        side = sketch.single(cell)
        if not side:
            continue
        name = sketch.name_at(cell)
        found = mine if side > 0 else theirs
        if name in mine or name in theirs or len(mine) + len(theirs) == most:
            # It was taken out of all of its cells, or no cells hold as many: all made up.
            return None
        found[name] = None
        for each in sketches:
            waiting += [(each, touched) for touched in each.remove(name, side)]
    if any(not sketch.is_empty() for sketch in sketches):
        return None
    return Difference(tuple(sorted(mine)), tuple(sorted(theirs)))
