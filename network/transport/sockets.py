"""Sockets and loops: how they are set up."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Awaitable, Callable
from typing import cast

from network.transport.config import SocketOptions
from network.transport.face import Address

_KEEPALIVE_NAMES = ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT")


def listening_socket(address: Address, options: SocketOptions) -> socket.socket:
    """Return a socket that listens, without blocking.

    Buffers are set before it listens, because what it accepts inherits them, and the window that
    TCP offers is scaled by them.

    Raises:
        OSError: the address is not this machine's, or taken.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _set_buffers(listening, options)
        listening.settimeout(0.0)
        listening.bind((address.host, address.port))
        listening.listen(options.backlog)
    except OSError:
        listening.close()
        raise
    return listening


async def connect(address: Address, options: SocketOptions) -> socket.socket:
    """Return a socket that is connected.

    Raises:
        OSError: nobody can be reached there.
    """
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        # Of "10.0..1", say. No error of the system, but nobody is reached there either.
        raise OSError(f"{address.host!r} is no name of a host: {error}") from error
    failure: OSError | None = None
    for family, kind, protocol, _, target in found:
        made = socket.socket(family, kind, protocol)
        try:
            made.settimeout(0.0)
            set_up(made, options)
            await loop.sock_connect(made, target)
        except OSError as error:
            made.close()
            failure = error
        except BaseException:
            made.close()
            raise
        else:
            return made
    raise failure or OSError(f"{address} has no address")


def set_up(made: socket.socket, options: SocketOptions) -> None:
    """Set all options of a connection."""
    _set_buffers(made, options)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, options.nodelay)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, options.keepalive)
    values = (
        options.keepalive_idle_seconds,
        options.keepalive_interval_seconds,
        options.keepalive_probes,
    )
    for name, value in zip(_KEEPALIVE_NAMES, values, strict=True):
        option = getattr(socket, name, None)
        if option is not None:
            made.setsockopt(socket.IPPROTO_TCP, option, value)


async def hand_over(
    made: socket.socket, take: Callable[[socket.socket], Awaitable[object]]
) -> None:
    """Let a loop take a socket, and see to it that it is closed if the loop gives it up.

    uvloop that is cancelled early closes the descriptor and leaves its number with the socket.
    To close that again is an error, which would hide that this task is cancelled, or closes what
    somebody else has opened meanwhile.
    """
    own = _identity(made.fileno())
    try:
        await take(made)
    except BaseException:
        if _identity(made.fileno()) == own:
            made.close()
        else:
            made.detach()
        raise


def bound_address(listening: socket.socket) -> Address:
    """Return where a socket listens."""
    host, port = listening.getsockname()[:2]
    return Address(cast(str, host), cast(int, port))


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Return an event loop: uvloop's where that is installed, which takes a third of the time."""
    with contextlib.suppress(ImportError):
        import uvloop  # noqa: PLC0415

        return cast(asyncio.AbstractEventLoop, uvloop.new_event_loop())
    return asyncio.new_event_loop()


def _identity(descriptor: int) -> tuple[int, int] | None:
    """Return what is open there, if anything is."""
    try:
        found = os.fstat(descriptor)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _set_buffers(made: socket.socket, options: SocketOptions) -> None:
    if options.receive_bytes:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, options.receive_bytes)
    if options.send_bytes:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, options.send_bytes)
