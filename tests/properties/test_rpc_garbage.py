"""Whatever callers send: the server answers or ends the connection, and keeps its bounds."""

import asyncio
import json
import logging
import tracemalloc
from contextlib import suppress
from typing import Any, cast

from hypothesis import given, settings, strategies as st

from network.transport.bucket import TokenBucket
from node.rpc.backend import Backend
from node.rpc.caller import NOWHERE, Caller
from node.rpc.dispatch import Dispatcher
from node.rpc.http_head import END, BadHead, parse_head
from node.rpc.limits import Connections, Requests
from node.rpc.methods import method_table
from primitives.ids import Instant
from tests.unit.node.rpc.server_rig import (
    Gate,
    Rig,
    Wire,
    ask,
    limited,
    methods,
    post,
    request,
    run,
    with_rig,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
NAMES = st.sampled_from(["test_number", "test_echo", "test_revert", "test_admin", "x"]) | JSON
ALMOST = st.fixed_dictionaries(
    {}, optional={"jsonrpc": st.just("2.0") | JSON, "id": JSON, "method": NAMES, "params": JSON}
)
BODIES = (
    st.binary(max_size=200)
    | JSON.map(lambda value: json.dumps(value).encode())
    | ALMOST.map(lambda value: json.dumps(value).encode())
    | st.lists(ALMOST | JSON, max_size=5).map(lambda value: json.dumps(value).encode())
)


def dispatcher() -> tuple[Dispatcher, Caller]:
    found = Dispatcher(
        cast("Backend", None),
        method_table(methods(Gate())),
        {},
        Requests(),
        has_admins=True,
    )
    return found, Caller(1, NOWHERE, TokenBucket(1, 1 << 40, Instant(0)))


def is_answer(found: Any) -> bool:
    members = {"jsonrpc", "id", "result"} if "result" in found else {"jsonrpc", "id", "error"}
    return set(found) == members and found["jsonrpc"] == "2.0"


@given(BODIES)
def test_any_body_is_answered_by_the_rules_or_not_at_all(body: bytes) -> None:
    async def test() -> None:
        server, caller = dispatcher()
        answer = server.answer(body, caller)
        if not isinstance(answer, bytes):
            answer = await answer
        if not answer:
            return
        found = json.loads(answer)
        if isinstance(found, list):
            assert found
            assert all(is_answer(each) for each in found)
            assert len(found) <= len(json.loads(body))
        else:
            assert is_answer(found)

    run(test)


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8")))
def test_any_head_is_read_or_refused(raw: bytes) -> None:
    raw = raw.replace(END, b"")
    for head in (raw + END, b"POST / HTTP/1.1\r\nHost: a\r\n" + raw + END):
        with suppress(BadHead):
            assert 0 <= parse_head(head, 20).length < 10**12


PIECES = st.sampled_from(
    [
        post(request("test_number")),
        post(request("test_echo", "x" * 2_000)),
        post(b"[" * 500),
        b"POST / HTTP/1.1\r\nHost: localhost\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"OPTIONS / HTTP/1.1\r\nHost: localhost\r\nOrigin: https://a.example\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Length: 5\r\n",
        b"Content-Type: application/json\r\n",
        b"\r\n",
        b"\r\n\r\n",
        b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n",
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
        b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"\x89\x80\x00\x00\x00\x00",
        b"5\r\nhello\r\n0\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ]
)


class Complaints(logging.Handler):
    """What the server holds to be its own fault."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record.getMessage())


@settings(max_examples=60)
@given(st.lists(st.lists(PIECES | st.binary(max_size=40), max_size=6), min_size=1, max_size=4))
def test_any_bytes_on_connections_leave_the_server_as_it_was(talks: list[list[bytes]]) -> None:
    async def test(rig: Rig) -> None:
        wires = [await Wire.open(rig) for _ in talks]
        for talk, wire in zip(talks, wires, strict=True):
            for piece in talk:
                if not wire.writer.is_closing():
                    wire.send(piece)
                await asyncio.sleep(0)
        assert (await ask(rig, request("test_number")))["result"] == "0x10"
        for wire in wires:
            wire.writer.transport.abort()
        while rig.server.figures.connections:
            await asyncio.sleep(0)
        roster = rig.server._services.roster
        assert roster._incoming_bytes == 0
        figures = rig.server.figures
        assert (figures.websockets, figures.subscriptions, figures.waiting_calls) == (0, 0, 0)

    complaints = Complaints()
    logger = logging.getLogger("node.rpc")
    logger.addHandler(complaints)
    try:
        with_rig(test)
    finally:
        logger.removeHandler(complaints)
    assert not complaints.records


def test_bodies_that_decoders_blow_up_cost_no_more_than_their_bound() -> None:
    """Thirty bytes of memory for each byte of small values, but for so many values at most."""
    limits = Requests()
    items = (b"[],", b"{},", b"0,", b'"",', b'{"":[]},', b"[[[]]],")
    bodies = [b"[" + item * (limits.body_bytes // len(item) - 9) + b"0]" for item in items]
    wrapped = [
        b'{"jsonrpc":"2.0","id":1,"method":"test_echo","params":' + body[:-60] + b"0]}"
        for body in bodies
    ]
    server, caller = dispatcher()
    tracemalloc.start()
    try:
        for body in (*bodies, *wrapped):
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            answer = server.answer(body, caller)
            assert isinstance(answer, bytes)
            assert b'"error"' in answer
            assert tracemalloc.get_traced_memory()[1] - before < 1 << 20
        few = b"[" + b"[]," * 33_000 + b"0]"
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        server.answer(few, caller)
        assert tracemalloc.get_traced_memory()[1] - before < limits.values * 200
    finally:
        tracemalloc.stop()


def test_many_callers_with_half_a_body_hold_no_more_than_all_may() -> None:
    async def test(rig: Rig) -> None:
        wires = [await Wire.open(rig) for _ in range(40)]
        tracemalloc.start()
        try:
            for wire in wires:
                wire.send(post(b"x" * 1_000_000)[:-1])
            refusals = asyncio.as_completed([wire.reader.read(1) for wire in wires])
            for _, refused in zip(range(32), refusals, strict=False):
                await refused
            assert tracemalloc.get_traced_memory()[1] < 40_000_000
        finally:
            tracemalloc.stop()
        assert (await ask(rig, request("test_number")))["result"] == "0x10"

    with_rig(test, limited(connections=Connections(waiting_bytes=8_000_000)))
