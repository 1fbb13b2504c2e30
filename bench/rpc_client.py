"""A JSON-RPC client that costs little: keep-alive connections, one request each at a time."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

Body = Callable[[], bytes | None]
"""Returns the next request's body; None when there are no more."""

_END = b"\r\n\r\n"
_LENGTH = b"content-length:"


class Caller(asyncio.Protocol):
    """One connection that asks again as soon as it is answered.

    Args:
        host: what the requests are addressed to.
        body: what it asks.
        done: resolved when there is nothing more to ask.
    """

    def __init__(self, host: str, body: Body, done: "asyncio.Future[None]") -> None:
        self._host = host
        self._body = body
        self._done = done
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self.answered = 0
        self.errors = 0
        self.latencies: list[float] = []
        """Seconds from request to answer."""
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask first."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        """Notice an end that was not expected."""
        if not self._done.done():
            self._done.set_exception(ConnectionError("the server has ended a connection"))

    def data_received(self, data: bytes) -> None:
        """Take an answer, and ask again."""
        data = self._buffer + data
        head = data.find(_END)
        if head < 0 or len(data) < head + len(_END) + _length(data[:head]):
            self._buffer = data
            return
        self._buffer = b""
        self.latencies.append(time.perf_counter() - self._sent)
        self.answered += 1
        self.errors += b'"error"' in data
        self._ask()

    def _ask(self) -> None:
        body = self._body()
        if body is None or self._transport is None:
            if not self._done.done():
                self._done.set_result(None)
            return
        head = (
            f"POST / HTTP/1.1\r\nHost: {self._host}\r\nAccept: */*\r\nUser-Agent: bench\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self._sent = time.perf_counter()
        self._transport.write(head.encode() + body)


@dataclass(frozen=True, slots=True)
class Answers:
    """What a run of requests has come to."""

    seconds: float
    latencies: Sequence[float]
    """In seconds, sorted."""
    errors: int

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    def latency(self, share: float) -> float:
        """Return the latency that this share of answers do not exceed, in seconds."""
        return self.latencies[min(len(self.latencies) - 1, int(share * len(self.latencies)))]


async def ask_all(host: str, port: int, connections: int, body: Body) -> Answers:
    """Ask over so many connections until `body` has no more.

    Raises:
        ConnectionError: the server has ended one.
    """
    loop = asyncio.get_running_loop()
    begun = time.perf_counter()
    callers, ends = [], []
    for _ in range(connections):
        end: asyncio.Future[None] = loop.create_future()
        caller = Caller(f"{host}:{port}", body, end)
        await loop.create_connection(lambda caller=caller: caller, host, port)  # type: ignore[misc]
        callers.append(caller)
        ends.append(end)
    await asyncio.gather(*ends)
    seconds = time.perf_counter() - begun
    latencies = sorted(each for caller in callers for each in caller.latencies)
    return Answers(seconds, latencies, sum(caller.errors for caller in callers))


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(_LENGTH):
            return int(line[len(_LENGTH) :])
    return 0
