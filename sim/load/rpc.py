"""JSON-RPC calls to one node."""

import asyncio
from asyncio import Future
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from sim.load.errors import HttpFailed, RpcError, RpcRefusal, UnusableAnswer
from sim.load.http import Endpoint
from sim.load.response import Response
from sim.load.urls import shown_url

_SEND_HEAD = b'{"jsonrpc":"2.0","id":1,"method":"eth_sendRawTransaction","params":["0x'
_SEND_TAIL = b'"]}'
_BUSY = (429, 502, 503, 504)
"""Statuses that say nothing about what was asked."""
SHOWN_BYTES = 80
"""So much of an answer that is no JSON-RPC is quoted."""


class Refusal(msgspec.Struct, frozen=True):
    """The error object of an answer."""

    code: int = 0
    message: str = ""


class Reply(msgspec.Struct, frozen=True):
    """One answer. Reference: JSON-RPC 2.0, section 5."""

    id: int | str | None = None
    result: Any = msgspec.UNSET
    error: Refusal | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it has a result, which may be null, or an error."""
        return self.error is not None or self.result is not msgspec.UNSET


_REPLY = msgspec.json.Decoder(Reply)
_REPLIES = msgspec.json.Decoder(list[Reply])


class RpcClient:
    """Calls one node.

    Args:
        url: of the node.
        connections: most at one time.
        timeout_s: longest wait for an answer.

    Raises:
        InvalidInput: the URL is none of a node.
    """

    def __init__(self, url: str, connections: int = 4, timeout_s: float = 10.0) -> None:
        self.url = shown_url(url)
        self._takes_batches = True
        self._endpoint = Endpoint(url, connections, timeout_s)

    async def call(self, method: str, *parameters: object) -> Any:
        """Return the result of a call.

        Raises:
            RpcRefusal: the node answers with an error.
            RpcError: it does not answer, or not with JSON-RPC.
        """
        body = _request(1, method, parameters)
        return result_of(self.url, self.read(await self._endpoint.post(body)))

    async def batch(self, calls: Sequence[tuple[str, Sequence[object]]]) -> list[Reply]:
        """Return the replies to several calls in their order; in one request if the node lets us.

        Raises:
            RpcError: the node does not answer, or not with JSON-RPC.
        """
        if len(calls) > 1 and self._takes_batches:
            body = b"[%s]" % b",".join(_request(index, *call) for index, call in enumerate(calls))
            response = await self._endpoint.post(body)
            if response.body.lstrip()[:1] == b"[":
                return self.read_batch(response, len(calls))
            # One answer for all is a refusal: of batches, or of something that each call will meet.
            self._takes_batches = response.status in _BUSY
        requests = [self._endpoint.post(_request(1, *call)) for call in calls]
        return [self.read(response) for response in await asyncio.gather(*requests)]

    def send(self, raw_hex: bytes) -> "Future[Response]":
        """Send a signed transaction; `read` makes a reply of the response.

        Args:
            raw_hex: hexadecimal digits without 0x.
        """
        return self._endpoint.post(b"%s%s%s" % (_SEND_HEAD, raw_hex, _SEND_TAIL))

    def send_batch(self, raws_hex: Sequence[bytes]) -> "Future[Response]":
        """Send several at once; `read_batch` makes replies of the response."""
        body = b",".join(
            b'{"jsonrpc":"2.0","id":%d,"method":"eth_sendRawTransaction","params":["0x%s"]}'
            % (index, raw)
            for index, raw in enumerate(raws_hex)
        )
        return self._endpoint.post(b"[%s]" % body)

    def read(self, response: Response) -> Reply:
        """Decode a response with one reply.

        Raises:
            UnusableAnswer: it is no JSON-RPC.
        """
        try:
            reply = _REPLY.decode(response.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise self._unusable(response) from error
        if not reply.is_whole:
            raise self._unusable(response)
        return reply

    def read_batch(self, response: Response, count: int) -> list[Reply]:
        """Decode a response with `count` replies and order them; one error stands for all.

        Raises:
            UnusableAnswer: it is no JSON-RPC, or lacks replies.
        """
        try:
            found = {reply.id: reply for reply in _REPLIES.decode(response.body)}
        except (msgspec.DecodeError, UnicodeDecodeError):
            return [self.read(response)] * count
        if any(index not in found or not found[index].is_whole for index in range(count)):
            raise UnusableAnswer(self.url, f"{len(found)} answers to a batch of {count}")
        return [found[index] for index in range(count)]

    def objection(self, reply: Reply) -> RpcError | None:
        """Return why a transaction was not taken; None if it was: its hash is the answer."""
        if reply.error is not None:
            return RpcRefusal(self.url, reply.error.code, reply.error.message)
        if not isinstance(reply.result, str):
            return UnusableAnswer(self.url, f"no hash, but {str(reply.result)[:60]!r}")
        return None

    async def close(self) -> None:
        """Hang up."""
        await self._endpoint.close()

    def _unusable(self, response: Response) -> UnusableAnswer:
        shown = response.body[:SHOWN_BYTES]
        reason = f"no JSON-RPC answer: HTTP status {response.status}, {shown!r}"
        if response.status >= HTTPStatus.BAD_REQUEST:
            return HttpFailed(self.url, response.status, reason)
        return UnusableAnswer(self.url, reason)


def result_of(url: str, reply: Reply) -> Any:
    """Return a reply's result.

    Raises:
        RpcRefusal: it is an error.
    """
    if reply.error is not None:
        raise RpcRefusal(url, reply.error.code, reply.error.message)
    return reply.result


def _request(number: int, method: str, parameters: Sequence[object]) -> bytes:
    call = {"jsonrpc": "2.0", "id": number, "method": method, "params": list(parameters)}
    return msgspec.json.encode(call)
