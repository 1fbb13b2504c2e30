"""A pool of connections to one place, for roles that ask and are answered: clients and gateways.

Opening a connection costs round trips and a TLS handshake; keeping too many costs the other end a
slot each. So some are always open, more are opened as they are needed up to a limit, and what
nobody uses is closed. Whoever finds none waits in line, and not for ever. A place that does not
answer is left alone for a while: the breaker refuses at once instead of letting each caller wait.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from network.draws import Draw
from network.transport.config import Redial
from network.transport.redial import Breaker, DialPlan
from primitives.errors import OrreryError
from primitives.ids import Duration, Instant

_SECOND = 1_000_000_000


class PooledConnection(Protocol):
    """What a pool keeps."""

    @property
    def is_usable(self) -> bool:
        """Whether it is open, as far as this end knows."""
        ...

    async def check(self) -> bool:
        """Ask the other end whether it is there."""
        ...

    async def close(self) -> None:
        """End it; must not raise."""
        ...


Connection = TypeVar("Connection", bound=PooledConnection)


class PoolUnavailable(OrreryError):
    """No connection can be had now.

    Args:
        reason: why, in words.
        wait: how long not to try again, in ns; 0 if that is not known.
    """

    def __init__(self, reason: str, wait: int) -> None:
        self.reason = reason
        self.wait = wait
        super().__init__(f"pool: expected a connection, got none: {reason}")


@dataclass(frozen=True, slots=True)
class PoolConfig:
    """Sizes and times."""

    connections_min: int = 1
    """So many stay open though nobody uses them."""
    connections_max: int = 8
    waiting_max: int = 1_024
    """Callers that wait in line; one more is refused."""
    wait: Duration = Duration(5 * _SECOND)
    """Longest wait for a connection."""
    idle: Duration = Duration(30 * _SECOND)
    """What is beyond the minimum and was not used for so long is closed."""
    check_after: Duration = Duration(10 * _SECOND)
    """What was not used for so long is checked before it is lent."""
    redial: Redial = field(default_factory=Redial)


@dataclass(slots=True)
class PoolCounters:
    """What a pool has done."""

    opened: int = 0
    reused: int = 0
    closed_idle: int = 0
    found_dead: int = 0
    failed: int = 0
    refused: int = 0


class Pool(Generic[Connection]):
    """Lends connections.

    Args:
        config: sizes and times.
        connect: makes one; raises OSError or TimeoutError if it cannot.
        draw: for the jitter of waits.
        clock: nanoseconds, never going back.
    """

    def __init__(
        self,
        config: PoolConfig,
        connect: Callable[[], Awaitable[Connection]],
        draw: Draw,
        clock: Callable[[], int],
    ) -> None:
        self._config = config
        self._connect = connect
        self._clock = clock
        self._plan = DialPlan(config.redial, draw)
        self._idle: deque[tuple[Connection, Instant]] = deque()
        """The one used last at the right end, so that those at the left grow old."""
        self._turn = asyncio.Semaphore(config.connections_max)
        self._waiting = 0
        self._lent = 0
        self._closed = False
        self.counters = PoolCounters()

    @property
    def size(self) -> int:
        """Connections that are open, lent or not."""
        return self._lent + len(self._idle)

    @property
    def breaker(self) -> Breaker:
        """Whether the place answers, as far as is known."""
        return self._plan.breaker

    @contextlib.asynccontextmanager
    async def lease(self) -> AsyncIterator[Connection]:
        """Lend a connection for the time of a `with`; it is closed if that ends by an error.

        Raises:
            PoolUnavailable: the line is too long, the wait was, or the place does not answer.
        """
        await self._wait_in_line()
        self._lent += 1
        connection: Connection | None = None
        healthy = False
        try:
            connection = await self._reuse() or await self._open()
            yield connection
            healthy = connection.is_usable and not self._closed
        finally:
            self._lent -= 1
            if connection is not None and healthy:
                self._idle.append((connection, Instant(self._clock())))
            self._turn.release()
            if connection is not None and not healthy:
                await connection.close()

    async def tend(self) -> None:
        """Close what nobody uses, drop what is dead, and open what the minimum lacks.

        Whoever owns the pool calls it from time to time.
        """
        now = self._clock()
        kept: deque[tuple[Connection, Instant]] = deque()
        closing: list[Connection] = []
        spare = self.size - self._config.connections_min
        for connection, since in self._idle:
            if not connection.is_usable:
                self.counters.found_dead += 1
                closing.append(connection)
            elif spare > 0 and now - since >= self._config.idle:
                self.counters.closed_idle += 1
                closing.append(connection)
            else:
                kept.append((connection, since))
                continue
            spare -= 1
        self._idle = kept
        for connection in closing:
            await connection.close()
        while self.size < self._config.connections_min and not self._closed:
            opened = await self._open()
            self._idle.appendleft((opened, Instant(self._clock())))

    async def close(self) -> None:
        """Close what is not lent; what is lent is closed when it comes back."""
        self._closed = True
        while self._idle:
            connection, _ = self._idle.pop()
            await connection.close()

    async def _wait_in_line(self) -> None:
        if self._closed or self._waiting >= self._config.waiting_max:
            self.counters.refused += 1
            reason = "it is closed" if self._closed else f"{self._waiting} others wait"
            raise PoolUnavailable(reason, 0)
        self._waiting += 1
        try:
            async with asyncio.timeout(self._config.wait / _SECOND):
                await self._turn.acquire()
        except TimeoutError as error:
            self.counters.refused += 1
            text = f"all {self._config.connections_max} were in use for {self._config.wait} ns"
            raise PoolUnavailable(text, 0) from error
        finally:
            self._waiting -= 1

    async def _reuse(self) -> Connection | None:
        """Return an open connection, the one used last, if there is any."""
        while self._idle:
            connection, since = self._idle.pop()
            rested = self._clock() - since >= self._config.check_after
            if connection.is_usable and (not rested or await connection.check()):
                self.counters.reused += 1
                return connection
            self.counters.found_dead += 1
            await connection.close()
        return None

    async def _open(self) -> Connection:
        wait = self._plan.wait(Instant(self._clock()))
        if wait and self._plan.breaker is Breaker.OPEN:
            self.counters.refused += 1
            raise PoolUnavailable("the place has not answered lately", wait)
        if wait:
            await asyncio.sleep(wait / _SECOND)
        try:
            connection = await self._connect()
        except (OSError, TimeoutError) as error:
            self.counters.failed += 1
            wait = self._plan.failed(Instant(self._clock()))
            raise PoolUnavailable(str(error) or type(error).__name__, wait) from error
        self._plan.succeeded()
        self.counters.opened += 1
        return connection
