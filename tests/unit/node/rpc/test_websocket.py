"""JSON-RPC over WebSocket: frames, calls that wait, hostile frames, the end."""

import asyncio
import base64
import json
import struct

import aiohttp
import pytest

from node.rpc.limits import Requests, Watching
from tests.unit.node.rpc.server_rig import (
    Rig,
    Wire,
    ask,
    limited,
    request,
    tell,
    transport_of,
    web_socket,
    with_rig,
)

CALL = request("test_number")
RESULT = {"jsonrpc": "2.0", "id": 1, "result": "0x10"}
KEY = base64.b64encode(bytes(16)).decode()


async def upgraded(rig: Rig, extra: str = "") -> Wire:
    """Open a WebSocket by hand."""
    wire = await Wire.open(rig)
    wire.send(
        f"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{extra}\r\n".encode()
    )
    assert b" 101 " in await wire.reader.readuntil(b"\r\n\r\n")
    return wire


def frame(
    payload: bytes, opcode: int = 1, *, last: bool = True, length: int | None = None
) -> bytes:
    """Return a masked frame (of mask 0), perhaps with a wrong length."""
    size = len(payload) if length is None else length
    first = opcode | (0x80 if last else 0)
    head = struct.pack(">BBQ", first, 0x80 | 127, size)
    return head + bytes(4) + payload


@pytest.mark.parametrize("path", ["/", "/ws"])
def test_calls_are_answered_on_both_paths_as_text_or_binary(path: str) -> None:
    async def test(rig: Rig) -> None:
        async with web_socket(rig, path) as socket:
            assert await tell(socket, CALL) == RESULT
            await socket.send_bytes(json.dumps(CALL).encode())
            assert await socket.receive_json() == RESULT
            assert [each["id"] for each in await tell(socket, [CALL, CALL])] == [1, 1]
            found = await tell(socket, "no request")
            assert found["error"]["code"] == -32600

    with_rig(test)


def test_another_path_is_not_found() -> None:
    async def test(rig: Rig) -> None:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with web_socket(rig, "/other"):
                pass
        assert refused.value.status == 404

    with_rig(test)


def test_a_notification_gets_no_message() -> None:
    async def test(rig: Rig) -> None:
        async with web_socket(rig) as socket:
            await socket.send_json({"jsonrpc": "2.0", "method": "test_number"})
            assert await tell(socket, CALL) == RESULT

    with_rig(test)


def test_a_call_that_waits_does_not_hold_up_the_next() -> None:
    async def test(rig: Rig) -> None:
        async with web_socket(rig) as socket:
            await socket.send_json(request("test_wait", id_="slow"))
            assert await tell(socket, CALL) == RESULT
            rig.gate.open.set()
            found = await socket.receive_json()
            assert (found["id"], found["result"]) == ("slow", "waited")

    with_rig(test)


def test_so_many_calls_of_one_caller_are_under_way_and_no_more() -> None:
    async def test(rig: Rig) -> None:
        async with web_socket(rig) as socket:
            for id_ in range(5):
                await socket.send_json(request("test_wait", id_=id_))
            while rig.gate.entered < 2:
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.02)
            assert rig.gate.entered <= 2
            assert await ask(rig, CALL) == RESULT
            rig.gate.open.set()
            assert sorted([(await socket.receive_json())["id"] for _ in range(5)]) == [*range(5)]

    with_rig(test, limited(watching=Watching(calls=2)))


def test_a_caller_that_leaves_is_forgotten_even_while_all_its_calls_wait() -> None:
    async def test(rig: Rig) -> None:
        async with web_socket(rig) as socket:
            await tell(socket, request("eth_subscribe", "newHeads"))
            for _ in range(5):
                await socket.send_json(request("test_wait"))
            while rig.gate.entered < 2:
                await asyncio.sleep(0.001)
            transport_of(socket).abort()
            while rig.server.figures.connections:
                await asyncio.sleep(0.001)
        assert (rig.server.figures.websockets, rig.server.figures.subscriptions) == (0, 0)
        rig.gate.open.set()
        while rig.server._dispatcher.waiting:
            await asyncio.sleep(0.001)
        assert await ask(rig, CALL) == RESULT

    with_rig(test, limited(watching=Watching(calls=2)))


def test_a_message_may_come_in_fragments() -> None:
    async def test(rig: Rig) -> None:
        wire = await upgraded(rig)
        raw = json.dumps(CALL).encode()
        wire.send(frame(raw[:5], last=False) + frame(raw[5:9], 0, last=False) + frame(raw[9:], 0))
        assert (await wire.reader.readexactly(2))[0] == 0x81
        assert json.loads(await wire.reader.readuntil(b"}")) == RESULT

    with_rig(test)


@pytest.mark.parametrize(
    ("hostile", "code"),
    [
        (frame(b"", length=1 << 62), 1009),
        (frame(b"", length=10_001), 1009),
        (frame(b"x" * 9_000, last=False) + frame(b"x" * 9_000, 0), 1009),
        (frame(b"", 3), 1002),
        (frame(b"x" * 126, 9), 1002),
        (frame(b"", 9, last=False), 1002),
        (b"\xf1\x85\x00\x00\x00\x00hello", 1002),
    ],
)
def test_a_frame_that_breaks_a_rule_ends_the_connection_with_its_code(
    hostile: bytes, code: int
) -> None:
    async def test(rig: Rig) -> None:
        wire = await upgraded(rig)
        wire.send(hostile)
        closing = await wire.ended()
        assert closing[0] == 0x88
        assert int.from_bytes(closing[2:4]) == code
        assert await ask(rig, CALL) == RESULT

    with_rig(test, limited(requests=Requests(message_bytes=10_000)))


def test_compression_is_not_agreed_to() -> None:
    async def test(rig: Rig) -> None:
        wire = await Wire.open(rig)
        wire.send(
            f"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n"
            f"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n".encode()
        )
        assert b"Extensions" not in await wire.reader.readuntil(b"\r\n\r\n")

    with_rig(test)


def test_who_answers_no_ping_is_dropped() -> None:
    async def test(rig: Rig) -> None:
        wire = await upgraded(rig)
        await wire.ended()
        while rig.server.figures.connections:
            await asyncio.sleep(0.001)

    with_rig(test, limited(watching=Watching(heartbeat_seconds=0.1)))


def test_a_server_that_stops_says_so_and_lets_calls_end() -> None:
    async def test(rig: Rig) -> None:
        async with web_socket(rig) as socket, web_socket(rig) as idle:
            waited = asyncio.create_task(ask(rig, request("test_wait")))
            await socket.send_json(request("test_wait", id_=2))
            while rig.gate.entered < 2:
                await asyncio.sleep(0.001)
            stopped = asyncio.create_task(rig.server.stop(30.0))
            await asyncio.sleep(0.02)
            rig.gate.open.set()
            assert (await socket.receive_json())["result"] == "waited"
            assert (await waited)["result"] == "waited"
            for each in (socket, idle):
                message = await each.receive()
                assert message.type is aiohttp.WSMsgType.CLOSE
                assert (message.data, message.extra) == (1001, "this node stops")
            await stopped
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", rig.port)

    with_rig(test)
