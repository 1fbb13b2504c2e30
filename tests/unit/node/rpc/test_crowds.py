"""When there is no place left: who has to go, and who shares what with whom."""

import asyncio
import json
from typing import Any

import pytest

from network.transport.bucket import TokenBucket
from node.rpc.caller import NOWHERE, Caller, Callers, host_of
from node.rpc.connections import Phase, Roster
from node.rpc.limits import Connections, Rates, Watching
from primitives.ids import Instant
from tests.unit.node.rpc.server_rig import (
    Rig,
    Wire,
    ask,
    limited,
    post,
    request,
    run,
    tell,
    web_socket,
    with_rig,
)
from tests.unit.node.rpc.test_limits import FakeLane

CALL = request("test_number")
RESULT = {"jsonrpc": "2.0", "id": 1, "result": "0x10"}
FRIEND, CROWD = "192.0.2.7", "198.51.100.1"


def full(*lanes: FakeLane) -> Roster:
    """Return a roster that has no place but for these, which came one second after the other."""
    roster = Roster(Connections(count=len(lanes)))
    for second, lane in enumerate(lanes):
        assert roster.enter(lane, float(second))
    return roster


def gone(*lanes: FakeLane) -> list[int]:
    return [number for number, lane in enumerate(lanes) if lane.aborted]


def test_a_newcomer_takes_the_places_of_those_that_never_asked_anything() -> None:
    used = [FakeLane(Phase.IDLE, host=FRIEND) for _ in range(3)]
    silent = [FakeLane(Phase.HEAD, host=CROWD, is_silent=True) for _ in range(2)]
    roster = full(*used, *silent)
    assert roster.enter(FakeLane(host=FRIEND), 9.0)
    assert gone(*used, *silent) == [3, 4]
    assert (roster.evicted, roster.refused, len(roster)) == (2, 0, 4)


def test_of_the_silent_the_address_with_most_connections_goes_first() -> None:
    lone = FakeLane(Phase.HEAD, host=FRIEND, is_silent=True)
    many = [FakeLane(Phase.BODY, host=CROWD, is_silent=True) for _ in range(20)]
    roster = full(lone, *many)
    assert roster.enter(FakeLane(host="203.0.113.1"), 99.0)
    assert gone(lone, *many) == list(range(1, 17)), "the oldest sixteen of the crowd"


def test_where_all_have_asked_the_longest_rest_of_the_greediest_address_ends() -> None:
    lanes = [FakeLane(host=host) for host in (FRIEND, CROWD, CROWD, FRIEND, CROWD)]
    roster = full(*lanes)
    assert roster.enter(FakeLane(host="203.0.113.1"), 9.0)
    assert gone(*lanes) == [1]


def test_whoever_has_most_can_only_take_from_himself() -> None:
    busy = [FakeLane(Phase.BUSY, host=CROWD) for _ in range(3)]
    friend = FakeLane(Phase.IDLE, host=FRIEND)
    roster = full(*busy, friend)
    assert not roster.enter(FakeLane(host=CROWD), 9.0)
    assert (gone(*busy, friend), roster.refused) == ([], 1)
    busy[1].phase = Phase.IDLE
    assert roster.enter(FakeLane(host=CROWD), 9.0)
    assert gone(*busy, friend) == [1]


@pytest.mark.parametrize("phase", [Phase.BUSY, Phase.WRITING, Phase.CLOSING])
def test_nobody_is_driven_out_who_is_being_answered(phase: Phase) -> None:
    lanes = [FakeLane(phase, host=CROWD) for _ in range(4)]
    assert not full(*lanes).enter(FakeLane(host=FRIEND), 9.0)
    assert not gone(*lanes)


def test_a_crowd_that_says_nothing_keeps_nobody_out() -> None:
    async def test(rig: Rig) -> None:
        crowd = [await Wire.open(rig) for _ in range(40)]
        for wire in crowd[20:]:
            wire.send(b"POST / HTTP/1.1\r\n")
        for _ in range(30):
            assert await ask(rig, CALL) == RESULT
        assert rig.server.figures.connections <= 8
        assert rig.server.figures.connections_evicted >= 32

    with_rig(test, limited(connections=Connections(count=8)))


def test_connections_that_only_rest_keep_nobody_out() -> None:
    async def test(rig: Rig) -> None:
        for _ in range(8):
            wire = await Wire.open(rig)
            wire.send(post(CALL))
            await wire.answer()
        for _ in range(8):
            wire = await Wire.open(rig)
            wire.send(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await wire.answer()
        assert await ask(rig, CALL) == RESULT

    with_rig(test, limited(connections=Connections(count=8)))


def test_bodies_count_as_they_come_and_not_as_they_are_announced() -> None:
    async def test(rig: Rig) -> None:
        for _ in range(10):
            liar = await Wire.open(rig)
            liar.send(post(b"[", content_length="5000000"))
        text = "x" * 300_000
        assert (await ask(rig, request("test_echo", text)))["result"] == [text]

    with_rig(test, limited(connections=Connections(waiting_bytes=1_000_000)))


def test_half_messages_of_web_sockets_count_with_the_bodies() -> None:
    async def test(rig: Rig) -> None:
        head = (
            b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        begun = b"\x81\xff" + (2_000_000).to_bytes(8, "big") + bytes(4) + bytes(700_000)
        wires = [await Wire.open(rig) for _ in range(3)]
        for wire in wires:
            wire.send(head)
            await wire.reader.readuntil(b"\r\n\r\n")
            wire.send(begun)
        roster = rig.server._services.roster
        ends = [asyncio.ensure_future(wire.ended()) for wire in wires]
        while sum(end.done() for end in ends) < 2 or roster._incoming_bytes < 600_000:
            await asyncio.sleep(0.001)
        assert 600_000 < roster._incoming_bytes <= 1_000_000
        for wire in wires:
            await wire.close()
        while roster._incoming_bytes:
            await asyncio.sleep(0.001)
        async with web_socket(rig) as socket:
            for number in range(20):
                found = await tell(socket, request("test_echo", "x" * 100_000, id_=number))
                assert found["id"] == number
            assert roster._incoming_bytes == 0

    with_rig(test, limited(connections=Connections(waiting_bytes=1_000_000)))


def test_the_calls_of_a_caller_that_has_left_are_given_up() -> None:
    async def test(rig: Rig) -> None:
        batch = [request("test_wait", id_=0), request("test_number", id_=1)]
        for body in (request("test_wait"), batch):
            wire = await Wire.open(rig)
            entered = rig.gate.entered
            wire.send(post(body))
            while rig.gate.entered == entered:
                await asyncio.sleep(0.001)
            assert rig.server.figures.waiting_calls == 1
            await wire.close()
            while rig.server.figures.waiting_calls:
                await asyncio.sleep(0.001)
        assert rig.server.figures.calls["test_number"] == 1, "what came after it is still done"
        async with web_socket(rig) as socket:
            await socket.send_json(request("test_wait"))
            while not rig.server.figures.waiting_calls:
                await asyncio.sleep(0.001)
        while rig.server.figures.waiting_calls:
            await asyncio.sleep(0.001)

    with_rig(test, limited(connections=Connections(half_seconds=0.05)))


def test_who_ends_only_his_half_still_gets_his_answer() -> None:
    async def test(rig: Rig) -> None:
        wire = await Wire.open(rig)
        wire.send(post(request("test_wait")))
        wire.writer.write_eof()
        while not rig.gate.entered:
            await asyncio.sleep(0.001)
        rig.gate.open.set()
        assert json.loads((await wire.answer())[2])["result"] == "waited"

    with_rig(test)


def test_connections_of_one_address_share_its_rate_and_a_new_one_does_not_begin_anew() -> None:
    callers = Callers(Rates(cost_per_second=1, cost_burst=10), lambda: 0)
    first, second = callers.new(CROWD), callers.new(CROWD)
    assert first.bucket.try_take(Instant(0), 8)
    first.leave()
    assert not second.bucket.try_take(Instant(0), 3)
    assert not callers.new(CROWD).bucket.try_take(Instant(0), 3)
    assert callers.new(FRIEND).bucket.try_take(Instant(0), 10)


@pytest.mark.parametrize(
    ("peer", "host"),
    [
        (("127.0.0.1", 80), "127.0.0.1"),
        (("2001:db8:1:2:3:4:5:6", 80, 0, 0), "2001:db8:1:2::/64"),
        (("fe80::1%eth0", 80, 0, 2), "fe80::/64"),
        (("::ffff:192.0.2.7", 80, 0, 0), "192.0.2.7"),
        (None, NOWHERE),
    ],
)
def test_where_a_caller_comes_from(peer: Any, host: str) -> None:
    class Made(asyncio.Transport):
        def get_extra_info(self, name: str, default: Any = None) -> Any:
            return peer if name == "peername" else default

    assert host_of(Made()) == host


def test_criteria_of_all_subscriptions_and_filters_have_a_limit_together() -> None:
    async def test(rig: Rig) -> None:
        async with web_socket(rig) as socket:
            for weight, code in ((6, None), (5, -32005), (4, None), (1, -32005)):
                found = await tell(socket, request("eth_subscribe", "logs", {"divisor": weight}))
                assert found.get("error", {}).get("code") == code
        while rig.server.figures.subscriptions:
            await asyncio.sleep(0.001)
        async with web_socket(rig) as socket:
            found = await tell(socket, request("eth_subscribe", "logs", {"divisor": 9}))
            assert "result" in found, "who leaves makes room"
        for weight, code in ((15, None), (6, -32005), (5, None)):
            found = await ask(rig, request("eth_newFilter", {"divisor": weight}))
            assert found.get("error", {}).get("code") == code

    with_rig(test, limited(watching=Watching(subscription_values=10, filter_values=20)))


def test_a_web_socket_finds_no_place_by_an_address_that_has_no_fewer() -> None:
    async def test(rig: Rig) -> None:
        async with web_socket(rig), web_socket(rig):
            wire = await Wire.open(rig)
            wire.send(
                b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
                b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
            )
            assert (await wire.answer())[0] == 503
            sessions = rig.server._page_services.sessions
            for caller in sessions.values():
                caller.host = CROWD
            async with web_socket(rig) as third:
                assert await tell(third, CALL) == RESULT
                assert len(sessions) == 2

    with_rig(test, limited(connections=Connections(websockets=2)))


def test_a_task_of_a_caller_that_has_left_already_ends_as_it_begins() -> None:
    async def test() -> None:
        caller = Caller(1, FRIEND, TokenBucket(1, 1, Instant(0)))
        caller.leave()
        task = asyncio.ensure_future(asyncio.sleep(60))
        caller.begin_wait(task)
        with pytest.raises(asyncio.CancelledError):
            await task

    run(test)
