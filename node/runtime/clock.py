"""The time of a live node: nanoseconds since the chain began, on this machine's clock.

The machine's clock may be set back while the node runs. A turn's `now` never decreases, so the
node's clock stands still then until the machine's has caught up.
"""

import time
from collections.abc import Callable

from primitives.ids import Instant

SECOND_NS = 1_000_000_000


class ChainClock:
    """Tells a node the time.

    Args:
        genesis_timestamp: of the chain, Unix seconds. Before it the clock stands at 0.
        wall: Unix nanoseconds.
    """

    __slots__ = ("_begun", "_last", "_wall")

    def __init__(self, genesis_timestamp: int, wall: Callable[[], int] = time.time_ns) -> None:
        self._begun = genesis_timestamp * SECOND_NS
        self._wall = wall
        self._last = 0

    def now(self) -> Instant:
        """Return the present instant."""
        passed = self._wall() - self._begun
        if passed > self._last:
            self._last = passed
        return Instant(self._last)
