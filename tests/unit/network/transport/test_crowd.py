"""Ten thousand connections at once, of which none says a word: what they cost, in figures."""

import asyncio
import contextlib
import resource
import socket
from collections.abc import Iterator

import pytest

from network.transport import TransportConfig
from primitives.ids import NodeId
from tests.unit.network.transport.conftest import Loops
from tests.unit.network.transport.world import CONFIG, Node, Vote, nodes, poll, run

CROWD = 10_000
SPARE_FILES = 500


def memory() -> int:
    """Return the resident memory of this process in bytes."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
        return int(file.read().split()[1]) * resource.getpagesize()


@pytest.fixture
def crowd() -> Iterator[int]:
    """Yield how many connections this process may hold open, at most `CROWD`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CROWD + SPARE_FILES
    reachable = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, reachable), hard))
    yield reachable - SPARE_FILES
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.slow
@pytest.mark.parametrize("every_one_is_let_in", [False, True])
def test_a_crowd_costs_bounded_memory_and_keeps_nobody_out(
    loops: Loops, crowd: int, every_one_is_let_in: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        config = CONFIG if every_one_is_let_in else TransportConfig()
        async with nodes(Node(0, config)) as (a,):
            address = (a.address.host, a.address.port)
            before = memory()
            held = [socket.socket() for _ in range(crowd)]
            most = 0
            for number, each in enumerate(held):
                each.setblocking(False)
                with contextlib.suppress(ConnectionError):
                    await loop.sock_connect(each, address)
                if number % 100 == 0:
                    most = max(most, a.transport.connections)
            counters = a.transport.counters
            await poll(lambda: counters.accepted + counters.turned_away == crowd)
            grown = memory() - before
            if every_one_is_let_in:  # otherwise who has the crowd's address has to wait
                async with nodes(Node(3, config, targets={0: a.address})) as (friend,):
                    await friend.until_open(0)
                    friend.transport.send(NodeId(0), Vote(1))
                    await a.until_received(1)
            for each in held:
                each.close()
            with capsys.disabled():
                print(  # noqa: T201
                    f"\n{crowd} connections: {counters.accepted} accepted, {counters.evicted}"
                    f" driven out, {counters.turned_away} turned away, at most {most} at once,"
                    f" {grown / 2**20:.0f} MiB more, the sockets of both ends included"
                )
            assert most <= 40
            assert grown < 60 << 20

    run(main(), loops, seconds=300)
