"""HTTP/1.1 as the first lane reads and writes it, byte by byte where that matters."""

import asyncio
import json
import re

import aiohttp
import pytest

from network.transport import new_event_loop
from node.rpc.limits import Connections
from tests.unit.node.rpc.server_rig import (
    Rig,
    Wire,
    ask,
    limited,
    post,
    request,
    run,
    serving,
    with_rig,
)

CALL = request("test_number")
RESULT = {"jsonrpc": "2.0", "id": 1, "result": "0x10"}


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, new_event_loop])
def test_both_loops_serve(loop) -> None:
    async def test() -> None:
        async with serving() as rig:
            assert await ask(rig, CALL) == RESULT
            async with aiohttp.ClientSession() as session, session.get(rig.server.url) as page:
                assert "JSON-RPC" in await page.text()

    run(test, loop=loop)


def test_an_answer_has_its_length_its_type_and_a_date() -> None:
    async def test(rig: Rig) -> None:
        wire = await Wire.open(rig)
        wire.send(post(CALL))
        status, headers, body = await wire.answer()
        assert status == 200
        assert headers["content-type"] == "application/json"
        assert headers["server"] == "orrery"
        assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", headers["date"])
        assert json.loads(body) == RESULT
        await wire.close()

    with_rig(test)


def test_many_requests_share_a_connection_with_changing_heads() -> None:
    async def test(rig: Rig) -> None:
        wire = await Wire.open(rig)
        for index in range(50):
            wire.send(post(request("test_echo", "x" * (index % 7)), x_number=str(index // 3)))
            assert json.loads((await wire.answer())[2])["result"] == ["x" * (index % 7)]
        await wire.close()

    with_rig(test)


def test_pipelined_requests_are_answered_in_order_also_where_some_wait() -> None:
    async def test(rig: Rig) -> None:
        wire = await Wire.open(rig)
        methods = ["test_number", "test_late_error", "test_later"] * 40
        wire.send(b"".join(post(request(name, id_=id_)) for id_, name in enumerate(methods)))
        ids = [json.loads((await wire.answer())[2])["id"] for _ in methods]
        assert ids == list(range(len(methods)))
        await wire.close()

    with_rig(test)


@pytest.mark.parametrize("size", [1, 2, 7, 100])
def test_a_request_may_come_in_pieces_of_any_size(size: int) -> None:
    async def test(rig: Rig) -> None:
        wire = await Wire.open(rig)
        raw = post(CALL) + post(request("test_late_error", id_=2)) + post(CALL)
        for at in range(0, len(raw), size):
            wire.send(raw[at : at + size])
            await wire.writer.drain()
            await asyncio.sleep(0)
        found = [json.loads((await wire.answer())[2])["id"] for _ in range(3)]
        assert found == [1, 2, 1]
        await wire.close()

    with_rig(test)


def test_a_large_body_comes_through() -> None:
    async def test(rig: Rig) -> None:
        text = "x" * 3_000_000
        assert (await ask(rig, request("test_echo", text)))["result"] == [text]
        assert rig.server._services.roster._incoming_bytes == 0

    with_rig(test)


def test_a_notification_is_answered_204_without_a_body() -> None:
    async def test(rig: Rig) -> None:
        wire = await Wire.open(rig)
        wire.send(post({"jsonrpc": "2.0", "method": "test_number"}) + post(CALL))
        status, headers, body = await wire.answer()
        assert (status, body, "content-length" in headers) == (204, b"", False)
        assert (await wire.answer())[0] == 200
        await wire.close()

    with_rig(test)


def test_a_caller_that_wants_it_gets_its_connection_closed() -> None:
    async def test(rig: Rig) -> None:
        wire = await Wire.open(rig)
        wire.send(post(CALL, connection="close"))
        status, headers, _ = await wire.answer()
        assert (status, headers["connection"]) == (200, "close")
        assert await wire.ended() == b""

    with_rig(test)


def test_a_caller_that_has_said_all_still_gets_its_answer() -> None:
    async def test(rig: Rig) -> None:
        wire = await Wire.open(rig)
        wire.send(post(request("test_wait")))
        wire.writer.write_eof()
        while not rig.gate.entered:
            await asyncio.sleep(0.001)
        rig.gate.open.set()
        assert json.loads((await wire.answer())[2])["result"] == "waited"
        assert await wire.ended() == b""

    with_rig(test)


def test_who_asks_first_whether_to_send_a_body_is_told_to() -> None:
    async def test(rig: Rig) -> None:
        wire = await Wire.open(rig)
        raw = post(CALL, expect="100-continue")
        at = raw.index(b"\r\n\r\n") + 4
        wire.send(raw[:at])
        assert await wire.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        wire.send(raw[at:])
        assert json.loads((await wire.answer())[2]) == RESULT
        await wire.close()

    with_rig(test)


def test_who_asks_first_with_a_body_that_is_too_long_is_told_not_to() -> None:
    async def test(rig: Rig) -> None:
        wire = await Wire.open(rig)
        wire.send(post(b"", expect="100-continue", content_length="100000000"))
        assert (await wire.answer())[0] == 413

    with_rig(test)


def test_a_body_in_chunks_is_answered_too() -> None:
    async def test(rig: Rig) -> None:
        wire = await Wire.open(rig)
        raw = json.dumps(CALL).encode()
        lines = "Host: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked"
        start = f"POST / HTTP/1.1\r\n{lines}\r\n\r\n".encode()
        body = b"".join(b"%x\r\n%b\r\n" % (1, raw[at : at + 1]) for at in range(len(raw)))
        for _ in range(2):
            wire.send(start + body + b"0\r\n\r\n")
            status, headers, answer = await wire.answer()
            assert (status, json.loads(answer)) == (200, RESULT)
            assert headers["server"] == "orrery"
        await wire.close()

    with_rig(test)


@pytest.mark.parametrize(
    ("fields", "status", "reason"),
    [
        ({"content_type": "text/plain"}, 415, "only application/json is supported"),
        ({"content_type": ""}, 415, "only application/json is supported"),
        ({"content_encoding": "gzip"}, 415, "not compressed"),
        ({"content_encoding": "zstd"}, 415, "not compressed"),
        ({"host": "evil.example"}, 403, "invalid host specified"),
        ({"content_length": "5242881"}, 413, "at most 5242880 bytes"),
        ({"x_long": "a" * 20_000}, 431, "bytes of headers"),
        ({"authorization": "Bearer nonsense"}, 401, "token"),
    ],
)
def test_a_request_that_may_not_be_is_refused_with_a_reason(
    fields: dict[str, str], status: int, reason: str
) -> None:
    async def test(rig: Rig) -> None:
        wire = await Wire.open(rig)
        wire.send(post(CALL, **fields))
        found, headers, body = await wire.answer()
        assert (found, headers["connection"]) == (status, "close")
        assert reason in body.decode()
        assert await wire.ended() == b""
        assert await ask(rig, CALL) == RESULT

    with_rig(test)


@pytest.mark.parametrize(
    "kind", ["application/json", "application/json; charset=utf-8", "application/JSON-RPC"]
)
def test_the_types_that_carry_json_rpc_are_taken(kind: str) -> None:
    async def test(rig: Rig) -> None:
        assert await ask(rig, CALL, content_type=kind) == RESULT

    with_rig(test)


def test_another_path_is_not_found() -> None:
    async def test(rig: Rig) -> None:
        wire = await Wire.open(rig)
        wire.send(post(CALL, path="/other"))
        assert (await wire.answer())[0] == 404

    with_rig(test)


def test_pages_are_shown_with_their_type_and_status() -> None:
    async def test(rig: Rig) -> None:
        async with aiohttp.ClientSession(rig.server.url) as session:
            for path, status, kind, text in (
                ("/", 200, "text/plain", "JSON-RPC 2.0"),
                ("/metrics", 200, "application/openmetrics-text", "blocks_total 3"),
                ("/healthz", 503, "application/json", '"ok":false'),
                ("/late", 200, "text/plain", "late"),
                ("/none", 404, "text/plain", "no page /none"),
            ):
                async with session.get(path) as page:
                    assert (page.status, page.content_type) == (status, kind)
                    assert text in await page.text()
            async with session.head("/metrics") as page:
                assert (page.status, await page.read()) == (200, b"")
            async with session.put("/") as page:
                assert page.status == 405

    with_rig(test)


def test_a_connection_that_has_shown_a_page_still_answers_calls() -> None:
    async def test(rig: Rig) -> None:
        wire = await Wire.open(rig)
        wire.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (await wire.answer())[0] == 200
        wire.send(post(CALL))
        assert json.loads((await wire.answer())[2]) == RESULT
        await wire.close()

    with_rig(test)


def test_a_page_is_refused_under_a_foreign_name() -> None:
    async def test(rig: Rig) -> None:
        wire = await Wire.open(rig)
        wire.send(b"GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n")
        status, _, body = await wire.answer()
        assert (status, body) == (403, b"invalid host specified\n")

    with_rig(test)


def test_who_is_refused_while_it_sends_much_sees_why() -> None:
    async def test(rig: Rig) -> None:
        wire = await Wire.open(rig)
        wire.send(post(b"x" * 20_000_000))
        status, _, body = await wire.answer()
        assert (status, body) == (413, b"expected at most 5242880 bytes\n")
        await wire.writer.drain()
        assert await wire.ended() == b""

    with_rig(test)


def test_who_is_refused_and_stays_is_dropped() -> None:
    async def test(rig: Rig) -> None:
        wire = await Wire.open(rig)
        wire.send(post(CALL, path="/other") + post(CALL))
        assert (await wire.answer())[0] == 404
        assert await wire.ended() == b""
        while rig.server.figures.connections:
            await asyncio.sleep(0.001)
        assert rig.server.figures.connections_dropped == 1
        assert not rig.server.figures.calls

    with_rig(test, limited(connections=Connections(linger_seconds=0.1)))


def test_a_blank_line_after_a_body_is_skipped() -> None:
    async def test(rig: Rig) -> None:
        wire = await Wire.open(rig)
        for _ in range(2):
            wire.send(post(CALL) + b"\r\n")
            assert (await wire.answer())[0] == 200
        await wire.close()

    with_rig(test)


def test_a_caller_that_leaves_while_its_call_waits_harms_nobody() -> None:
    async def test(rig: Rig) -> None:
        wire = await Wire.open(rig)
        wire.send(post(request("test_wait")) + post(CALL))
        while not rig.gate.entered:
            await asyncio.sleep(0.001)
        wire.writer.transport.abort()
        assert await ask(rig, CALL) == RESULT
        rig.gate.open.set()
        while rig.server.figures.connections:
            await asyncio.sleep(0.001)

    with_rig(test)


def test_a_caller_that_takes_no_answers_is_not_read_from_and_then_goes_on() -> None:
    async def test(rig: Rig) -> None:
        wire = await Wire.open(rig)
        wire.stop_reading()
        count, size = 60, 400_000
        wire.send(post(request("test_large", size)) * count)
        while rig.server.figures.calls.get("test_large", 0) < 2:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.05)
        assert rig.server.figures.calls["test_large"] < count
        wire.read_on()
        for _ in range(count):
            assert len((await wire.answer())[2]) > size
        await wire.close()

    with_rig(test, limited(connections=Connections(write_bytes=100_000)))
