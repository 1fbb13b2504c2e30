"""Servers that misbehave as tests want."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from sim.load.http import Endpoint

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]

ANSWER = b'{"jsonrpc":"2.0","id":1,"result":"0x1"}'


def response(body: bytes = ANSWER, extra: bytes = b"") -> bytes:
    """Return a whole response."""
    return b"HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s" % (extra, len(body), body)


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """Return the body of a request.

    Raises:
        IncompleteReadError: the client has hung up.
    """
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length")
    )
    return await reader.readexactly(length)


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """Serve on a free port; yield the URL."""
    tasks: set[asyncio.Task[None]] = set()

    async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await handler(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(run, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/path"
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def holding(url: str, until: asyncio.Event) -> AsyncIterator[str]:
    """Pass requests on to a node, but transactions only after an event."""

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        endpoint = Endpoint(url, 1)
        try:
            while True:
                body = await read_request(reader)
                if b"eth_sendRawTransaction" in body:
                    await until.wait()
                writer.write(response((await endpoint.post(body)).body))
        finally:
            await endpoint.close()

    async with serving(pass_on) as address:
        yield address


@asynccontextmanager
async def forwarding(url: str) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """Pass requests on to a node until the event that is yielded beside the address."""
    cut = asyncio.Event()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        endpoint = Endpoint(url, 1)
        try:
            while True:
                body = await read_request(reader)
                if cut.is_set():
                    return
                writer.write(response((await endpoint.post(body)).body))
        finally:
            await endpoint.close()

    async with serving(pass_on) as address:
        yield address, cut


@asynccontextmanager
async def failing(url: str, status: bytes, count: int, *, passes: bool) -> AsyncIterator[str]:
    """Pass requests on to a node, but answer the first transactions as a proxy does in trouble.

    Args:
        url: of the node.
        status: "502 Bad Gateway" or the like, in place of the node's answer.
        count: so many times.
        passes: whether the node gets those transactions all the same.
    """
    left = count

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal left
        endpoint = Endpoint(url, 1)
        try:
            while True:
                body = await read_request(reader)
                fails = left > 0 and b"eth_sendRawTransaction" in body
                left -= fails
                if not fails:
                    writer.write(response((await endpoint.post(body)).body))
                    continue
                if passes:
                    await endpoint.post(body)
                writer.write(response(b"<html>").replace(b"200 OK", status))
        finally:
            await endpoint.close()

    async with serving(pass_on) as address:
        yield address
