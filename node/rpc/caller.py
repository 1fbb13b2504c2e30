"""What the server knows of one connection that calls."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from contextvars import ContextVar
from ipaddress import IPv6Address, ip_address
from itertools import count
from typing import Any

from network.transport.bucket import TokenBucket
from node.rpc.limits import Rates
from primitives.ids import Instant

Push = Callable[[str, bytes], None]
"""Takes the id of a subscription and an encoded result that is news to its owner."""


HOST: ContextVar[str] = ContextVar("host", default="")
"""The address for which the running task computes; for who shares time out among addresses."""
NOWHERE = ""
"""The address of a caller that is not known to have one."""
_HOSTS_REMEMBERED = 4_096
_NETWORK_BITS = 64
"""Of an IPv6 address, what a provider gives to one customer at least."""


class Caller:
    """One connection, as dispatch sees it.

    Args:
        number: names it among all of this server's.
        host: where it comes from (`host_of`).
        bucket: what all callers from there may still ask for.
        push: takes news for it; None where the connection cannot carry any (HTTP).
    """

    __slots__ = ("_waits", "admin", "bucket", "has_left", "host", "number", "push")

    def __init__(
        self, number: int, host: str, bucket: TokenBucket, push: Push | None = None
    ) -> None:
        self.number = number
        self.host = host
        self.bucket = bucket
        self.push = push
        self.admin = False
        """Whether the request that is being answered shows the token."""
        self.has_left = False
        self._waits: dict[asyncio.Task[Any], None] = {}

    def begin_wait(self, task: "asyncio.Task[Any]") -> None:
        """Note a task that computes for this caller alone; it is cancelled if the caller leaves."""
        self._waits[task] = None
        if self.has_left:
            task.cancel()

    def end_wait(self, task: "asyncio.Task[Any]") -> None:
        """Note that it does not do so any more."""
        self._waits.pop(task, None)

    def leave(self) -> None:
        """Compute for this caller no more: its connection is gone."""
        self.has_left = True
        for task in self._waits:
            task.cancel()


class Callers:
    """Makes callers; those of one address share what they may ask for.

    Otherwise two connections could ask for twice as much, and a new one would begin anew.

    Args:
        rates: what may be asked for.
        clock: nanoseconds that never go back.
    """

    __slots__ = ("_buckets", "_clock", "_numbers", "_rates")

    def __init__(self, rates: Rates, clock: Callable[[], int]) -> None:
        self._rates = rates
        self._clock = clock
        self._numbers = count(1)
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()
        """By address; the one that has connected last is last."""

    def new(self, host: str = NOWHERE, push: Push | None = None) -> Caller:
        """Return the caller of a new connection."""
        bucket = self._buckets.pop(host, None)
        if bucket is None:
            while len(self._buckets) >= _HOSTS_REMEMBERED:
                self._buckets.popitem(last=False)
            now = Instant(self._clock())
            bucket = TokenBucket(self._rates.cost_per_second, self._rates.cost_burst, now)
        self._buckets[host] = bucket
        return Caller(next(self._numbers), host, bucket, push)


def host_of(transport: asyncio.BaseTransport) -> str:
    """Return where a connection comes from: an address, of IPv6 the network that it is in."""
    peer = transport.get_extra_info("peername")
    if not isinstance(peer, tuple):
        return NOWHERE
    address = str(peer[0]).partition("%")[0]
    if ":" not in address:
        return address
    found = ip_address(address)
    assert isinstance(found, IPv6Address), "there is a colon in it"
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return f"{IPv6Address(int(found) >> _NETWORK_BITS << _NETWORK_BITS)}/{_NETWORK_BITS}"
