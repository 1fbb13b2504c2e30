"""Calls of one batch that are under way together."""

import asyncio

import pytest

from node.rpc.backend import Backend
from node.rpc.errors import server_error
from node.rpc.limits import Requests
from node.rpc.methods import Method, Parameters, UnderWay, method_table
from tests.unit.node.rpc.server_rig import request, run
from tests.unit.node.rpc.test_dispatch import Desk


def sends(
    call_seconds: float = 60.0,
) -> tuple[Desk, list[tuple[object, asyncio.Future[str]]], list[object]]:
    """Return a desk whose test_send is under way until its future is set, and what was called."""
    begun: list[tuple[object, asyncio.Future[str]]] = []
    called: list[object] = []

    def send(_backend: Backend, parameters: Parameters) -> UnderWay:
        called.append(parameters[0])
        if parameters[0] == "bad":
            raise server_error("bad from the start")
        coming: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        begun.append((parameters[0], coming))

        def finish(came: str) -> str:
            if came == "refused":
                raise server_error(came)
            return came

        return UnderWay(coming, finish)

    def look(_backend: Backend, _parameters: Parameters) -> int:
        called.append("look")
        return len([None for _, coming in begun if coming.done()])

    desk = Desk(
        Requests(call_seconds=call_seconds),
        table=method_table([Method("send", send, 1, overlaps=True), Method("look", look)]),
    )
    return desk, begun, called


async def settled() -> None:
    """Let the loop turn until all that can go on has gone on."""
    for _ in range(100):
        await asyncio.sleep(0)


def test_calls_that_may_overlap_are_under_way_together_and_nothing_else_is() -> None:
    async def test() -> None:
        desk, begun, called = sends()
        batch = [request("look", id_=0)]
        batch += [request("send", each, id_=each) for each in ("a", "bad", "b", "c")]
        batch += [request("look", id_=1), request("send", "d", id_="d")]
        answer = asyncio.ensure_future(desk.send(batch))
        await settled()
        assert called == ["look", "a", "bad", "b", "c"], "in order, up to what does not overlap"
        for (_, coming), came in zip(reversed(begun), ["3", "refused", "1"], strict=True):
            coming.set_result(came)
        await settled()
        assert called[5:] == ["look", "d"]
        begun[-1][1].set_result("4")
        found = await answer
        assert [each["id"] for each in found] == [0, "a", "bad", "b", "c", 1, "d"]
        shown = [each.get("result", each.get("error", {}).get("message")) for each in found]
        assert shown == [0, "1", "bad from the start", "refused", "3", 3, "4"]

    run(test)


def test_what_is_under_way_ends_in_time_and_leaves_nothing_behind() -> None:
    async def test() -> None:
        desk, begun, _ = sends(call_seconds=0.2)
        answer = asyncio.ensure_future(desk.send([request("send", "a", id_=1)]))
        found = await answer
        assert found[0]["error"] == {"code": -32002, "message": "request timed out"}
        assert begun[0][1].cancelled()
        assert desk.dispatcher.waiting == 0

    run(test)


def test_a_caller_that_is_cut_off_is_no_timeout() -> None:
    async def test() -> None:
        desk, _, _ = sends()
        answer = asyncio.ensure_future(desk.send(request("send", "a", id_=1)))
        await settled()
        answer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await answer
        assert desk.dispatcher.waiting == 0
        assert not desk.dispatcher.failures

    run(test)
