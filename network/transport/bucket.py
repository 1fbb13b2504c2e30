"""A token bucket in integers: a rate, a burst, and how long to wait when both are used up."""

from primitives.ids import Duration, Instant

SECOND = 1_000_000_000


class TokenBucket:
    """Lets `rate` tokens a second pass, and `burst` at once.

    What is taken beyond that is a debt: the taker is told how long to wait until it is paid. So
    a thing larger than the burst passes too, and the average holds.

    Args:
        rate: tokens a second, at least 1.
        burst: tokens, at least 1.
        now: when it is full.
    """

    __slots__ = ("_burst", "_nanotokens", "_rate", "_since")

    def __init__(self, rate: int, burst: int, now: Instant) -> None:
        self._rate = rate
        self._burst = burst * SECOND
        self._nanotokens = self._burst
        self._since = now

    def take(self, now: Instant, tokens: int) -> Duration:
        """Take tokens; return how long it is until they are paid for, 0 if they are."""
        self._refill(now)
        self._nanotokens -= tokens * SECOND
        return self.debt

    def try_take(self, now: Instant, tokens: int = 1) -> bool:
        """Take tokens if they are there."""
        self._refill(now)
        if self._nanotokens < tokens * SECOND:
            return False
        self._nanotokens -= tokens * SECOND
        return True

    def is_full(self, now: Instant) -> bool:
        """Tell whether it is as if nothing had been taken."""
        self._refill(now)
        return self._nanotokens == self._burst

    @property
    def debt(self) -> Duration:
        """How long it takes to pay for what was taken, in ns; rounded up."""
        return Duration(max(0, -(self._nanotokens // self._rate)))

    def _refill(self, now: Instant) -> None:
        gained = max(0, now - self._since) * self._rate
        self._since = max(now, self._since)
        self._nanotokens = min(self._burst, self._nanotokens + gained)
