"""What the server knows of one connection that calls."""

from collections.abc import Callable
from itertools import count

from network.transport.bucket import TokenBucket
from node.rpc.limits import Rates
from primitives.ids import Instant

Push = Callable[[str, bytes], None]
"""Takes the id of a subscription and an encoded result that is news to its owner."""


class Caller:
    """One connection, as dispatch sees it.

    Args:
        number: names it among all of this server's.
        bucket: what it may still ask for.
        push: takes news for it; None where the connection cannot carry any (HTTP).
    """

    __slots__ = ("admin", "bucket", "number", "push")

    def __init__(self, number: int, bucket: TokenBucket, push: Push | None = None) -> None:
        self.number = number
        self.bucket = bucket
        self.push = push
        self.admin = False
        """Whether the request that is being answered shows the token."""


class Callers:
    """Makes callers."""

    __slots__ = ("_clock", "_numbers", "_rates")

    def __init__(self, rates: Rates, clock: Callable[[], int]) -> None:
        self._rates = rates
        self._clock = clock
        self._numbers = count(1)

    def new(self, push: Push | None = None) -> Caller:
        """Return the caller of a new connection."""
        now = Instant(self._clock())
        bucket = TokenBucket(self._rates.cost_per_second, self._rates.cost_burst, now)
        return Caller(next(self._numbers), bucket, push)
