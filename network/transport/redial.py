"""When to dial a peer again: waits that double, jitter, and a breaker.

Without jitter, nodes that lost one another at the same moment come back at the same moment, again
and again. Without the breaker, a peer that is gone for good costs a dial every few seconds for
ever; with it, one for each rest. A connection that ends at once is a failure too, or a peer that
lets us in only to throw us out would be dialled without a pause.

Reference: M. Nygard, "Release It!" (circuit breaker); the jitter is the "equal" one of the AWS
architecture blog, "Exponential Backoff And Jitter".
"""

from enum import Enum

from network.draws import Draw
from network.transport.config import Redial
from primitives.ids import Duration, Instant

_DOUBLINGS_MAX = 62


class Breaker(Enum):
    """Where a circuit breaker stands."""

    CLOSED = "closed"
    """Dial."""
    OPEN = "open"
    """Do not, for some time."""
    HALF_OPEN = "half-open"
    """One try decides."""


class DialPlan:
    """What is known of one peer's willingness to be reached.

    Args:
        config: waits and breaker.
        draw: for the jitter.
    """

    __slots__ = ("_config", "_draw", "_failures", "_not_before", "breaker")

    def __init__(self, config: Redial, draw: Draw) -> None:
        self._config = config
        self._draw = draw
        self._failures = 0
        self._not_before = Instant(0)
        self.breaker = Breaker.CLOSED

    @property
    def failures(self) -> int:
        """How many there were in a row."""
        return self._failures

    def wait(self, now: Instant) -> Duration:
        """Return how long not to dial, 0 to do it now."""
        left = max(0, self._not_before - now)
        if self.breaker is Breaker.OPEN and not left:
            self.breaker = Breaker.HALF_OPEN
        return Duration(left)

    def succeeded(self) -> None:
        """There is a connection that has lasted, or the peer has come by itself."""
        self._failures = 0
        self._not_before = Instant(0)
        self.breaker = Breaker.CLOSED

    def failed(self, now: Instant) -> Duration:
        """Note a failure; return how long to wait."""
        self._failures += 1
        if self.breaker is Breaker.HALF_OPEN or self._failures >= self._config.failures:
            self.breaker = Breaker.OPEN
            delay = self._jittered(self._config.rest)
        else:
            doublings = min(self._failures - 1, _DOUBLINGS_MAX)
            delay = self._jittered(min(self._config.last, self._config.first << doublings))
        self._not_before = Instant(now + delay)
        return delay

    def _jittered(self, delay: int) -> Duration:
        half = delay // 2
        return Duration(half + int(self._draw.random() * (delay - half)))
