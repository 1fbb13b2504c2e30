"""Callers that are slow, silent, greedy or many: what they may hold, and for how long."""

import asyncio
import json
from dataclasses import dataclass

import pytest

from node.rpc.connections import Phase, Roster
from node.rpc.limits import Connections, Requests
from tests.unit.node.rpc.server_rig import Rig, Wire, ask, limited, post, request, with_rig

CALL = request("test_number")
RESULT = {"jsonrpc": "2.0", "id": 1, "result": "0x10"}
MEBIBYTE = 1 << 20
CHUNKED = (
    b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)


@dataclass(eq=False)
class FakeLane:
    """A connection that the test puts into any state."""

    phase: Phase = Phase.IDLE
    progress: int = 0
    unsent_bytes: int = 0
    host: str = "192.0.2.1"
    is_silent: bool = False
    aborted: bool = False

    def abort(self) -> None:
        self.aborted = True


LIMITS = Connections(
    count=4, head_seconds=10, body_seconds=30, idle_seconds=100, write_seconds=20, waiting_bytes=99
)


@pytest.mark.parametrize(
    ("phase", "seconds"),
    [
        (Phase.IDLE, 100),
        (Phase.HEAD, 10),
        (Phase.BODY, 30),
        (Phase.WRITING, 20),
        (Phase.CLOSING, 20),
        (Phase.LINGERING, 2),
    ],
)
def test_each_phase_has_its_time_and_progress_begins_it_anew(phase: Phase, seconds: float) -> None:
    roster, lane = Roster(LIMITS), FakeLane(phase)
    assert roster.enter(lane, 0.0)
    roster.sweep(seconds)
    lane.progress += 1
    roster.sweep(seconds + 1)
    roster.sweep(2 * seconds + 1)
    assert not lane.aborted
    roster.sweep(2 * seconds + 1.1)
    assert lane.aborted
    assert roster.dropped == 1


def test_who_waits_for_the_node_is_not_dropped_for_it() -> None:
    roster, lane = Roster(LIMITS), FakeLane(Phase.BUSY)
    roster.enter(lane, 0.0)
    roster.sweep(1e9)
    assert not lane.aborted


def test_a_crowd_makes_idle_callers_leave_earlier() -> None:
    roster, lanes = Roster(LIMITS), [FakeLane() for _ in range(4)]
    for lane in lanes[:3]:
        assert roster.enter(lane, 0.0)
    roster.sweep(21.0)
    assert not lanes[0].aborted
    assert roster.enter(lanes[3], 0.0)
    roster.sweep(21.0)
    assert all(lane.aborted for lane in lanes)


def test_there_are_so_many_places_and_a_leaver_frees_one() -> None:
    roster, lanes = Roster(LIMITS), [FakeLane(Phase.BUSY) for _ in range(5)]
    assert [roster.enter(lane, 0.0) for lane in lanes] == [True] * 4 + [False]
    roster.leave(lanes[0])
    roster.leave(lanes[0])
    assert roster.enter(lanes[4], 0.0)
    assert (len(roster), roster.refused) == (4, 1)


def test_bodies_and_answers_count_for_all_callers_together() -> None:
    roster = Roster(LIMITS)
    assert roster.reserve(60)
    assert not roster.reserve(40)
    roster.release(60)
    assert roster.reserve(99)
    roster.enter(FakeLane(unsent_bytes=90), 0.0)
    assert roster.can_send(9)
    assert not roster.can_send(10)


# ---------------------------------------------------------------- on the wire


def test_one_connection_too_many_is_told_so_and_closed() -> None:
    async def test(rig: Rig) -> None:
        wires = [await Wire.open(rig) for _ in range(2)]
        for wire in wires:
            wire.send(post(request("test_wait")))
        while rig.gate.entered < 2:
            await asyncio.sleep(0.001)
        third = await Wire.open(rig)
        status, _, body = await third.answer()
        assert (status, body) == (503, b"too many connections\n")
        assert await third.ended() == b""
        await wires[0].close()
        while rig.server.figures.connections > 1:
            await asyncio.sleep(0.001)
        assert await ask(rig, CALL) == RESULT
        assert rig.server.figures.connections_refused == 1

    with_rig(test, limited(connections=Connections(count=2)))


QUICK = Connections(head_seconds=0.1, body_seconds=0.1, idle_seconds=0.1, write_seconds=0.1)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"P",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        post(CALL)[:-1],
        post(CALL),
        post(CALL) + b"POST / HT",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HT",
        CHUNKED + b"5\r\n",
    ],
)
def test_a_caller_that_stops_anywhere_is_dropped(sent: bytes) -> None:
    async def test(rig: Rig) -> None:
        wire = await Wire.open(rig)
        wire.send(sent)
        await wire.ended()
        while rig.server.figures.connections:
            await asyncio.sleep(0.001)

    with_rig(test, limited(connections=QUICK))


def test_a_drip_of_header_bytes_gains_no_time() -> None:
    async def test(rig: Rig) -> None:
        wire = await Wire.open(rig)
        ended = asyncio.create_task(wire.ended())
        wire.send(b"POST / HTTP/1.1\r\nX: ")
        while not ended.done():
            wire.send(b"a")
            await asyncio.sleep(0.01)
        assert rig.server.figures.connections_dropped == 1

    with_rig(test, limited(connections=QUICK))


def test_a_caller_that_takes_nothing_is_dropped_with_what_waits_for_it() -> None:
    async def test(rig: Rig) -> None:
        wire = await Wire.open(rig)
        wire.stop_reading()
        wire.send(post(request("test_large", 20 * MEBIBYTE)))
        while not rig.server.figures.connections_dropped:
            await asyncio.sleep(0.01)
        while rig.server.figures.connections:
            await asyncio.sleep(0.01)

    with_rig(test, limited(connections=QUICK))


def test_large_bodies_on_their_way_are_bounded_for_all_callers_together() -> None:
    async def test(rig: Rig) -> None:
        body = json.dumps(request("test_echo", "x" * 600_000)).encode()
        first, second = await Wire.open(rig), await Wire.open(rig)
        first.send(post(body)[:-1])
        while not rig.server._services.roster._incoming_bytes:
            await asyncio.sleep(0.001)
        second.send(post(body)[:-1])
        status, _, reason = await second.answer()
        assert (status, reason) == (503, b"too many large requests at once\n")
        first.send(body[-1:])
        assert (await first.answer())[0] == 200
        assert (await ask(rig, body))["id"] == 1
        assert rig.server._services.roster._incoming_bytes == 0

    with_rig(test, limited(connections=Connections(waiting_bytes=MEBIBYTE)))


def test_a_large_body_that_never_ends_gives_back_its_room() -> None:
    async def test(rig: Rig) -> None:
        wire = await Wire.open(rig)
        wire.send(post(b"x" * 600_000)[:-1])
        while not rig.server._services.roster._incoming_bytes:
            await asyncio.sleep(0.001)
        await wire.close()
        while rig.server._services.roster._incoming_bytes:
            await asyncio.sleep(0.001)

    with_rig(test)


def test_answers_that_nobody_fetches_are_bounded_for_all_callers_together() -> None:
    async def test(rig: Rig) -> None:
        first = await Wire.open(rig)
        first.stop_reading()
        first.send(post(request("test_large", 20 * MEBIBYTE)))
        while not rig.server.figures.calls.get("test_large"):
            await asyncio.sleep(0.001)
        second = await Wire.open(rig)
        second.send(post(request("test_large", 20 * MEBIBYTE)))
        status, _, body = await second.answer()
        assert (status, body) == (503, b"too many answers wait to be fetched\n")
        assert await ask(rig, CALL) == RESULT

    with_rig(test, limited(connections=Connections(waiting_bytes=30 * MEBIBYTE)))


def test_a_body_in_chunks_ends_at_the_limit_too() -> None:
    async def test(rig: Rig) -> None:
        wire = await Wire.open(rig)
        wire.send(CHUNKED)
        for _ in range(3):
            wire.send(b"1000\r\n" + b" " * 0x1000 + b"\r\n")
        status, _, body = await wire.answer()
        assert (status, body) == (413, b"expected at most 10000 bytes\n")
        assert rig.server._services.roster._incoming_bytes == 0

    with_rig(test, limited(requests=Requests(body_bytes=10_000)))
