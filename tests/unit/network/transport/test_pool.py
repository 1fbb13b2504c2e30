"""A pool lends what is open, opens what is missing, and does not wait for ever."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest

from network.transport import Pool, PoolConfig, Redial
from network.transport.pool import PoolUnavailable
from network.transport.redial import Breaker
from primitives.ids import Duration
from tests.unit.network.transport.conftest import Loops
from tests.unit.network.transport.world import run

SECOND = 1_000_000_000


class Fake:
    """A connection that does what it is told."""

    def __init__(self) -> None:
        self.is_usable = True
        self.answers = True
        self.checked = 0

    async def check(self) -> bool:
        self.checked += 1
        return self.answers

    async def close(self) -> None:
        self.is_usable = False


class Place:
    """Where a pool connects to, with a clock."""

    def __init__(self) -> None:
        self.now = 0
        self.made: list[Fake] = []
        self.fails = False

    async def connect(self) -> Fake:
        if self.fails:
            raise ConnectionRefusedError("nobody is here")
        self.made.append(Fake())
        return self.made[-1]

    def pool(self, config: PoolConfig) -> Pool[Fake]:
        return Pool(config, self.connect, random.Random(1), lambda: self.now)


def drive(test: Callable[[Place], Awaitable[None]]) -> None:
    async def main() -> None:
        await test(Place())

    run(main(), asyncio.new_event_loop)


def test_a_connection_is_used_again() -> None:
    async def test(place: Place) -> None:
        pool = place.pool(PoolConfig())
        for _ in range(10):
            async with pool.lease() as connection:
                assert connection is place.made[0]
        assert (pool.size, pool.counters.opened, pool.counters.reused) == (1, 1, 9)
        await pool.close()
        assert not place.made[0].is_usable

    drive(test)


def test_no_more_than_the_maximum_is_open_and_the_others_wait() -> None:
    async def test(place: Place) -> None:
        pool = place.pool(PoolConfig(connections_max=3))
        most = 0

        async def use() -> None:
            nonlocal most
            async with pool.lease():
                most = max(most, pool.size)
                await asyncio.sleep(0)

        await asyncio.gather(*[use() for _ in range(50)])
        assert (most, len(place.made)) == (3, 3)
        await pool.close()

    drive(test)


def test_whoever_waits_too_long_or_in_too_long_a_line_is_told() -> None:
    async def test(place: Place) -> None:
        config = PoolConfig(connections_max=1, waiting_max=1, wait=Duration(20_000_000))
        pool = place.pool(config)
        async with pool.lease():
            first = asyncio.ensure_future(pool.lease().__aenter__())
            await asyncio.sleep(0)
            with pytest.raises(PoolUnavailable, match="1 others wait"):
                await pool.lease().__aenter__()
            with pytest.raises(PoolUnavailable, match="all 1 were in use"):
                await first
        assert pool.counters.refused == 2
        async with pool.lease():
            pass
        await pool.close()

    drive(test)


def test_idle_ones_beyond_the_minimum_are_closed_and_the_minimum_is_kept() -> None:
    async def test(place: Place) -> None:
        pool = place.pool(PoolConfig(connections_min=2, idle=Duration(SECOND)))
        await pool.tend()
        assert pool.size == 2
        leases = [pool.lease() for _ in range(5)]
        for lease in leases:
            await lease.__aenter__()
        for lease in leases:
            await lease.__aexit__(None, None, None)
        assert pool.size == 5
        await pool.tend()
        assert pool.size == 5
        place.now += SECOND
        await pool.tend()
        assert (pool.size, pool.counters.closed_idle) == (2, 3)
        await pool.close()

    drive(test)


def test_the_dead_are_not_lent() -> None:
    async def test(place: Place) -> None:
        pool = place.pool(PoolConfig(check_after=Duration(SECOND)))
        async with pool.lease() as first:
            pass
        first.is_usable = False
        async with pool.lease() as second:
            assert second is not first
        place.now += SECOND
        async with pool.lease() as same:
            assert (same, second.checked) == (second, 1)
        second.answers = False
        place.now += SECOND
        async with pool.lease() as third:
            assert third is not second
        assert not second.is_usable
        assert pool.counters.found_dead == 2
        await pool.close()

    drive(test)


def test_a_use_that_fails_ends_the_connection() -> None:
    async def test(place: Place) -> None:
        pool = place.pool(PoolConfig())
        with pytest.raises(KeyError):
            async with pool.lease():
                raise KeyError
        assert (pool.size, place.made[0].is_usable) == (0, False)
        await pool.close()

    drive(test)


def test_a_place_that_does_not_answer_is_left_alone() -> None:
    async def test(place: Place) -> None:
        redial = Redial(Duration(0), Duration(0), 3, Duration(SECOND))
        pool = place.pool(PoolConfig(redial=redial))
        place.fails = True
        for _ in range(3):
            with pytest.raises(PoolUnavailable, match="nobody is here"):
                await pool.lease().__aenter__()
        assert pool.breaker is Breaker.OPEN
        place.fails = False
        with pytest.raises(PoolUnavailable, match="not answered lately") as refused:
            await pool.lease().__aenter__()
        assert refused.value.wait > 0
        assert not place.made
        place.now += SECOND
        async with pool.lease():
            pass
        assert pool.breaker.value == "closed"
        await pool.close()

    drive(test)


def test_what_is_lent_when_the_pool_closes_is_closed_when_it_comes_back() -> None:
    async def test(place: Place) -> None:
        pool = place.pool(PoolConfig())
        async with pool.lease() as connection:
            await pool.close()
            assert connection.is_usable
        assert not connection.is_usable
        with pytest.raises(PoolUnavailable, match="closed"):
            await pool.lease().__aenter__()

    drive(test)


class Line:
    """A real connection: asks by a line, is answered by the same line."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @property
    def is_usable(self) -> bool:
        return not self.writer.is_closing() and not self.reader.at_eof()

    async def ask(self, text: bytes) -> bytes:
        self.writer.write(text + b"\n")
        return (await self.reader.readline()).strip()

    async def check(self) -> bool:
        return await self.ask(b"there?") == b"there?"

    async def close(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()


def test_real_connections_are_lent_over_and_over(loops: Loops) -> None:
    async def main() -> None:
        accepted = 0

        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal accepted
            accepted += 1
            while line := await reader.readline():
                writer.write(line)
            writer.close()

        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]

        async def connect() -> Line:
            return Line(*await asyncio.open_connection("127.0.0.1", port))

        config = PoolConfig(connections_max=4, check_after=Duration(0))
        pool = Pool(config, connect, random.Random(1), lambda: 0)

        async def ask(number: int) -> None:
            async with pool.lease() as line:
                assert await line.ask(b"%d" % number) == b"%d" % number

        await asyncio.gather(*[ask(number) for number in range(200)])
        assert accepted == pool.counters.opened <= 4
        await pool.close()
        server.close()
        await server.wait_closed()

    run(main(), loops)
