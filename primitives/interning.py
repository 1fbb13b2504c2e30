"""Equal bytes as one object: rows that many nodes of one process write are in memory once.

Transactions and blocks of a shared run are one object for all nodes anyway, because whoever
decodes or executes them looks them up by content (`node.shared`). What each node encodes for
itself is not: a hundred replicas that accept one proposal write a hundred equal rows with the
whole block in them.

`bytes` can't be referred to weakly. So the latest values are held in turn, up to a number of
bytes: equal rows are written within a moment of virtual time, and who comes later pays with a
copy and nothing else. A value is looked up by the name under which it is written, not by its
content, for a hash of the content costs more than the comparison with the one that has that name.

What is returned is equal to what was given, so that nobody can tell the difference by the values.
`orrery bench memory` says what it saves (ADR 23).
"""

from collections import deque
from collections.abc import Hashable

import msgspec

from primitives.errors import InvalidInput

HELD_BYTES_MAX = 8 * 1024 * 1024
VALUE_BYTES_MIN = 512
"""Shorter values are not worth a look."""


class InterningStatistics(msgspec.Struct, frozen=True):
    """What was interned so far."""

    held_bytes: int
    """Of the values that are remembered now."""
    shared: int
    """Values for which an equal one was returned."""
    shared_bytes: int
    """Their bytes: what would have been in memory twice, if all of them were still needed."""
    different: int
    """Values whose name was remembered with another value."""


class Interning:
    """Remembers the latest values by name.

    Args:
        held_bytes_max: of values that are remembered.
        value_bytes_min: shorter values are returned as they are.

    Raises:
        InvalidInput: a negative bound.
    """

    __slots__ = (
        "_different", "_held_bytes", "_held_bytes_max", "_order", "_shared", "_shared_bytes",
        "_value_bytes_min", "_values",
    )  # fmt: skip

    def __init__(
        self, held_bytes_max: int = HELD_BYTES_MAX, value_bytes_min: int = VALUE_BYTES_MIN
    ) -> None:
        bounds = {"held_bytes_max": held_bytes_max, "value_bytes_min": value_bytes_min}
        for name, value in bounds.items():
            if value < 0:
                raise InvalidInput(f"interning.{name}", "0 or more", value)
        self._held_bytes_max = held_bytes_max
        self._value_bytes_min = value_bytes_min
        self._values: dict[Hashable, bytes] = {}
        self._order: deque[Hashable] = deque()
        self._held_bytes = 0
        self._shared = 0
        self._shared_bytes = 0
        self._different = 0

    def one(self, name: Hashable, value: bytes) -> bytes:
        """Return the value, or the equal one that was given under this name before."""
        if len(value) < self._value_bytes_min:
            return value
        known = self._values.get(name)
        if known is None:
            self._remember(name, value)
            return value
        if known is value:
            return value
        if known != value:
            self._different += 1
            return value
        self._shared += 1
        self._shared_bytes += len(value)
        return known

    def statistics(self) -> InterningStatistics:
        """Return the counts so far."""
        return InterningStatistics(
            self._held_bytes, self._shared, self._shared_bytes, self._different
        )

    def _remember(self, name: Hashable, value: bytes) -> None:
        self._values[name] = value
        self._order.append(name)
        self._held_bytes += len(value)
        while self._held_bytes > self._held_bytes_max:
            self._held_bytes -= len(self._values.pop(self._order.popleft()))
