"""The time of a live node: nanoseconds since the chain began, on this machine's clock.

The machine's clock may be set back while the node runs. A turn's `now` never decreases, and it may
not stand still either: what has been asked for would never be late, and whoever may ask once in a
while never again. So the node's clock then goes on at half speed, by the monotonic clock, until the
machine's has caught up.
"""

import time
from collections.abc import Callable

from primitives.ids import Instant

SECOND_NS = 1_000_000_000
SLOWED = 2
"""How many times slower the clock is while it is ahead of the machine's."""


class ChainClock:
    """Tells a node the time.

    Args:
        genesis_timestamp: of the chain, Unix seconds. Before it the clock stands at 0, for all
            nodes of the chain alike.
        wall: Unix nanoseconds.
        monotonic: nanoseconds, never going back.
    """

    __slots__ = ("_begun", "_behind", "_last", "_monotonic", "_wall")

    def __init__(
        self,
        genesis_timestamp: int,
        wall: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._begun = genesis_timestamp * SECOND_NS
        self._wall = wall
        self._monotonic = monotonic
        self._last = 0
        self._behind: tuple[int, int] | None = None
        """The node's time and the monotonic one when the machine's clock was found behind."""

    def now(self) -> Instant:
        """Return the present instant."""
        passed = self._wall() - self._begun
        if passed > self._last:
            self._last = passed
            self._behind = None
        elif self._last:
            self._last = self._slowed()
        return Instant(self._last)

    def _slowed(self) -> int:
        monotonic = self._monotonic()
        if self._behind is None:
            self._behind = self._last, monotonic
        last, since = self._behind
        return last + (monotonic - since) // SLOWED
