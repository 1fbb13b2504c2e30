"""eth_subscribe over a WebSocket: what is told, to whom, and how much may wait."""

import asyncio
from typing import Any

import aiohttp
import pytest

from node.rpc.limits import Connections, Watching
from tests.unit.node.rpc.server_rig import (
    Rig,
    ask,
    limited,
    request,
    tell,
    transport_of,
    web_socket,
    with_rig,
)

UNFIT = "invalid argument 1: json: cannot unmarshal"


async def subscribe(socket: aiohttp.ClientWebSocketResponse, *parameters: object) -> str:
    found: str = (await tell(socket, request("eth_subscribe", *parameters)))["result"]
    return found


async def news(socket: aiohttp.ClientWebSocketResponse, id_: str) -> Any:
    message = await socket.receive_json()
    assert message["jsonrpc"] == "2.0"
    assert message["method"] == "eth_subscription"
    assert message["params"]["subscription"] == id_
    assert "id" not in message
    return message["params"]["result"]


async def quiet(socket: aiohttp.ClientWebSocketResponse) -> None:
    """Assert that nothing was sent before the answer to a question asked now."""
    assert (await tell(socket, request("test_number", id_="quiet")))["id"] == "quiet"


def test_new_heads_come_in_order_each_once() -> None:
    async def test(rig: Rig) -> None:
        async with web_socket(rig) as socket:
            id_ = await subscribe(socket, "newHeads")
            for _ in range(5):
                rig.commit()
            found = [(await news(socket, id_))["number"] for _ in range(5)]
            assert found == ["0x1", "0x2", "0x3", "0x4", "0x5"]
            await quiet(socket)

    with_rig(test)


def test_logs_are_told_one_by_one_if_they_match() -> None:
    async def test(rig: Rig) -> None:
        async with web_socket(rig) as socket:
            id_ = await subscribe(socket, "logs", {"divisor": 2})
            for _ in range(3):
                rig.commit()
            found = [await news(socket, id_) for _ in range(4)]
            places = [(log["blockNumber"], log["logIndex"]) for log in found]
            assert places == [("0x1", "0x0"), ("0x2", "0x0"), ("0x3", "0x0"), ("0x3", "0x2")]
            assert not any(log["removed"] for log in found)
            await quiet(socket)

    with_rig(test)


def test_logs_need_no_criteria() -> None:
    async def test(rig: Rig) -> None:
        async with web_socket(rig) as socket:
            parameters: tuple[object, ...]
            for parameters in (("logs",), ("logs", None), ("logs", {})):
                await subscribe(socket, *parameters)
            assert rig.server.figures.subscriptions == 3

    with_rig(test)


def test_pending_transactions_come_as_hashes_or_in_full() -> None:
    async def test(rig: Rig) -> None:
        async with web_socket(rig) as brief, web_socket(rig) as full:
            first = await subscribe(brief, "newPendingTransactions")
            second = await subscribe(full, "newPendingTransactions", True)
            rig.feed.gone.add(b"\x02" * 32)
            rig.pool(b"\x01" * 32, b"\x02" * 32)
            hashes = [f"0x{'01' * 32}", f"0x{'02' * 32}"]
            assert [await news(brief, first) for _ in range(2)] == hashes
            assert await news(full, second) == {"hash": hashes[0], "nonce": "0x0"}
            await quiet(full)

    with_rig(test)


def test_a_subscription_ends_when_its_owner_asks_and_nobody_else_can() -> None:
    async def test(rig: Rig) -> None:
        async with web_socket(rig) as socket, web_socket(rig) as other:
            id_ = await subscribe(socket, "newHeads")
            refused = await tell(other, request("eth_unsubscribe", id_))
            assert refused["error"] == {"code": -32000, "message": "subscription not found"}
            assert (await tell(socket, request("eth_unsubscribe", id_)))["result"] is True
            rig.commit()
            await quiet(socket)
            again = await tell(socket, request("eth_unsubscribe", id_))
            assert again["error"]["message"] == "subscription not found"

    with_rig(test)


def test_all_of_a_connections_subscriptions_end_with_it() -> None:
    async def test(rig: Rig) -> None:
        async with web_socket(rig) as socket:
            for topic in ("newHeads", "logs", "newPendingTransactions"):
                await subscribe(socket, topic)
        while rig.server.figures.subscriptions or rig.server.figures.websockets:
            await asyncio.sleep(0.001)
        rig.commit()
        rig.pool(bytes(32))

    with_rig(test)


@pytest.mark.parametrize(
    ("parameters", "code", "message"),
    [
        ((), -32602, "expected subscription name as first argument"),
        ((7,), -32602, "expected subscription name as first argument"),
        (("tea",), -32601, 'no "tea" subscription in eth namespace'),
        (("newHeads", {}), -32602, "too many arguments, want at most 1"),
        (
            ("logs", 7),
            -32602,
            f"{UNFIT} number into Go value of type filters.FilterCriteria",
        ),
        (
            ("newPendingTransactions", "yes"),
            -32602,
            f"{UNFIT} string into Go value of type bool",
        ),
    ],
)
def test_a_subscription_that_cannot_be_is_refused_in_go_ethereums_words(
    parameters: tuple[object, ...], code: int, message: str
) -> None:
    async def test(rig: Rig) -> None:
        async with web_socket(rig) as socket:
            found = await tell(socket, request("eth_subscribe", *parameters))
            assert found["error"] == {"code": code, "message": message}

    with_rig(test)


def test_http_carries_no_notices() -> None:
    async def test(rig: Rig) -> None:
        found = await ask(rig, request("eth_subscribe", "newHeads"))
        assert found["error"] == {"code": -32601, "message": "notifications not supported"}

    with_rig(test)


def test_one_connection_has_a_share_of_all_subscriptions() -> None:
    async def test(rig: Rig) -> None:
        async with web_socket(rig) as first, web_socket(rig) as second:
            await subscribe(first, "newHeads")
            await subscribe(first, "logs")
            refused = await tell(first, request("eth_subscribe", "newHeads"))
            assert refused["error"]["code"] == -32005
            await subscribe(second, "newHeads")
            refused = await tell(second, request("eth_subscribe", "newHeads"))
            assert refused["error"] == {
                "code": -32005,
                "message": "this node has too many subscriptions",
            }

    with_rig(test, limited(watching=Watching(subscriptions_per_connection=2, subscriptions=3)))


def test_a_caller_that_is_too_slow_is_dropped_with_a_reason_and_the_others_are_not() -> None:
    async def test(rig: Rig) -> None:
        async with web_socket(rig) as slow, web_socket(rig) as quick:
            await subscribe(slow, "newHeads")
            id_ = await subscribe(quick, "newHeads")
            transport = transport_of(slow)
            transport.pause_reading()
            rig.feed.padding = 100_000
            count = 0
            while rig.server.figures.websockets > 1:
                rig.commit()
                await news(quick, id_)
                count += 1
            transport.resume_reading()
            assert rig.server.figures.subscriptions == 1
            rig.commit()
            assert (await news(quick, id_))["number"] == hex(count + 1)

    with_rig(test, limited(watching=Watching(queue_notices=50)))


def test_a_caller_that_is_too_slow_but_listens_learns_why() -> None:
    async def test(rig: Rig) -> None:
        async with web_socket(rig) as socket:
            await subscribe(socket, "logs")
            rig.feed.tip = 999
            rig.commit()  # a thousand logs at once, of which a hundred may wait
            while True:
                message = await socket.receive()
                if message.type is not aiohttp.WSMsgType.TEXT:
                    break
            assert message.type is aiohttp.WSMsgType.CLOSE
            assert message.data == aiohttp.WSCloseCode.TRY_AGAIN_LATER
            assert "too slow" in (message.extra or "")

    with_rig(test, limited(watching=Watching(queue_notices=100)))


def test_what_waits_is_bounded_in_bytes_too() -> None:
    async def test(rig: Rig) -> None:
        async with web_socket(rig) as socket:
            await subscribe(socket, "logs")
            rig.feed.tip = 999
            rig.commit()
            while (message := await socket.receive()).type is aiohttp.WSMsgType.TEXT:
                pass
            assert "too slow" in (message.extra or "")

    with_rig(test, limited(watching=Watching(queue_bytes=10_000)))


def test_there_are_so_many_websockets_and_no_more() -> None:
    async def test(rig: Rig) -> None:
        async with web_socket(rig):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                async with web_socket(rig):
                    pass
            assert refused.value.status == 503

    with_rig(test, limited(connections=Connections(websockets=1)))
