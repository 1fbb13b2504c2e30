"""Whoever is told to end while a connection is being made ends, and closes its own socket only."""

import asyncio
import contextlib
import os
import socket

import pytest

import network.transport.dialler
from network.transport import DropReason
from network.transport.certificates import make_credentials
from network.transport.config import SocketOptions
from network.transport.face import Address
from network.transport.sockets import connect, hand_over
from network.transport.tls import dialling_context
from primitives.ids import NodeId
from tests.unit.network.transport.conftest import Loops
from tests.unit.network.transport.world import GENESIS, Node, nodes, poll, run, seed_of


@pytest.mark.parametrize("turns", [1, 2, 3, 4])
def test_a_cancelled_hand_over_says_so_and_closes_the_socket(loops: Loops, turns: int) -> None:
    context = dialling_context(make_credentials(seed_of(0), GENESIS))

    async def main() -> None:
        loop = asyncio.get_running_loop()
        with socket.create_server(("127.0.0.1", 0)) as server:
            made = await connect(Address(*server.getsockname()), SocketOptions())

            async def take(made: socket.socket) -> None:
                await loop.create_connection(
                    asyncio.Protocol,
                    sock=made,
                    ssl=context,
                    server_hostname="",
                    ssl_shutdown_timeout=0.1,
                )

            task = loop.create_task(hand_over(made, take))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert task.cancelled()
            await poll(lambda: made.fileno() == -1)

    run(main(), loops)


@pytest.mark.parametrize("host", ["10.0..1", "x" * 70, "a\0b"])
def test_a_name_that_no_host_can_have_is_like_one_that_none_has(loops: Loops, host: str) -> None:
    """Any other error would end the task that dials, in silence."""

    async def main() -> None:
        with pytest.raises(OSError, match=r"host|known|null"):
            await connect(Address(host, 1), SocketOptions())

    run(main(), loops)


def test_what_has_got_the_number_of_a_closed_socket_stays_open(loops: Loops) -> None:
    async def main() -> None:
        made, other = socket.socket(), socket.socket()

        async def take(made: socket.socket) -> None:
            # As a loop does, after which somebody else opens something.
            number = made.fileno()
            os.close(number)
            assert os.dup2(other.fileno(), number) == number
            raise asyncio.CancelledError

        number = made.fileno()
        task = asyncio.get_running_loop().create_task(hand_over(made, take))
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()
        assert os.fstat(number).st_ino == os.fstat(other.fileno()).st_ino
        os.close(number)
        other.close()

    run(main(), loops)


@pytest.mark.parametrize("turns", range(4))
def test_a_dial_that_nobody_wants_any_more_does_not_fail(
    loops: Loops, turns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected = asyncio.Event()

    async def tell(address: Address, options: SocketOptions) -> socket.socket:
        made = await connect(address, options)
        connected.set()
        return made

    monkeypatch.setattr(network.transport.dialler, "connect", tell)

    async def main() -> None:
        async with nodes(Node(0), Node(1)) as (a, b):
            b.transport.add_target(NodeId(0), a.address)
            await connected.wait()
            for _ in range(turns):
                await asyncio.sleep(0)
            b.transport.remove_target(NodeId(0))
            await poll(lambda: b.open or not b.transport.connections)
            assert DropReason.BROKEN not in b.transport.counters.dropped

    run(main(), loops)


def test_a_dialler_ends_though_an_error_has_hidden_that_it_should(
    loops: Loops, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialling = asyncio.Event()

    async def hide(address: Address, options: SocketOptions) -> socket.socket:
        dialling.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.get_running_loop().create_future()
        raise OSError(f"nobody reaches {address} with {options}")

    monkeypatch.setattr(network.transport.dialler, "connect", hide)

    async def main() -> None:
        async with nodes(Node(1, targets={0: Address("127.0.0.1", 1)})) as (b,):
            await dialling.wait()
            await b.transport.close()

    run(main(), loops)
