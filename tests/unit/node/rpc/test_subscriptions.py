"""eth_subscribe over a WebSocket: what is told, to whom, and how much may wait."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

import aiohttp
import pytest

from network.trace import SyncFinished, SyncStarted
from node.rpc.caller import Callers
from node.rpc.limits import Connections, Rates, Watching
from node.rpc.news import News
from node.rpc.subscriptions import Subscriptions
from node.trace import BlockCommitted, TransactionsPooled
from primitives.ids import Instant
from tests.unit.node.rpc.server_rig import (
    FakeFeed,
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


def test_who_asks_whether_the_node_catches_up_is_told_at_once_and_when_it_changes() -> None:
    async def test(rig: Rig) -> None:
        async with web_socket(rig) as socket:
            id_ = await subscribe(socket, "syncing")
            assert await news(socket, id_) is False
            rig.feed.status = {"currentBlock": "0x1", "highestBlock": "0x9"}
            rig.hub.publish(SyncStarted(1, 9))
            told = await news(socket, id_)
            assert told == {"syncing": True, "status": rig.feed.status}
            rig.feed.status = False
            rig.hub.publish(SyncFinished(9))
            assert await news(socket, id_) is False
            assert (await tell(socket, request("eth_unsubscribe", id_)))["result"] is True
            rig.hub.publish(SyncStarted(9, 12))
            await quiet(socket)

    with_rig(test)


class Alone:
    """Subscriptions of one caller, without a server."""

    def __init__(self) -> None:
        self.feed = FakeFeed()
        self.told: list[tuple[str, bytes]] = []
        ids = map(str, count())
        self.subscriptions = Subscriptions(self.feed, Watching(), lambda: next(ids))
        self.caller = Callers(Rates(), lambda: 0).new(
            push=lambda id_, news: self.told.append((id_, news))
        )

    def follow(self, *parameters: object) -> str:
        return self.subscriptions.subscribe(self.caller, parameters)


def test_equal_criteria_are_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = Alone()
    asked: list[object] = []
    plain = alone.feed.logs

    def counted(criteria: object, first: int, last: int) -> Sequence[object]:
        asked.append(criteria)
        return plain(criteria, first, last)

    monkeypatch.setattr(alone.feed, "logs", counted)
    ids = [alone.follow("logs", {"divisor": 1 + place % 2}) for place in range(6)]
    alone.feed.tip = 4
    assert len(list(alone.subscriptions.on_block(4))) >= 6
    assert asked == [1, 2]
    for place, id_ in enumerate(ids):
        found = [json.loads(log)["logIndex"] for owner, log in alone.told if owner == id_]
        assert found == [["0x0", "0x1", "0x2", "0x3"], ["0x0", "0x2"]][place % 2]


@pytest.mark.parametrize("topic", ["logs", "newPendingTransactions"])
def test_who_has_left_in_the_midst_of_news_is_told_no_more(topic: str) -> None:
    alone = Alone()
    left, standing = alone.follow(topic), alone.follow(topic)
    alone.feed.tip = 3
    hashes = [bytes([place]) * 32 for place in range(3)]
    steps = (
        alone.subscriptions.on_block(3)
        if topic == "logs"
        else alone.subscriptions.on_pooled(hashes)
    )
    while not alone.told:
        next(steps)
    alone.subscriptions.unsubscribe(alone.caller, (left,))
    list(steps)
    assert [owner for owner, _ in alone.told] == [left, standing, standing, standing]


def test_news_keep_the_loop_for_a_moment_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """What there is to tell is told in order, step by step, whoever fails in between."""
    monkeypatch.setattr("node.rpc.news._SLICE_NS", -1)
    told: list[object] = []

    class Slow:
        def on_block(self, height: int) -> Iterator[None]:
            for part in range(3):
                told.append((height, part))
                yield
            if height == 1:
                raise ValueError("no more")

        def on_pooled(self, hashes: Sequence[bytes]) -> Iterator[None]:
            told.append(tuple(hashes))
            yield

        def on_sync(self) -> Iterator[None]:
            told.append("sync")
            yield

    async def main() -> None:
        loop = asyncio.get_running_loop()
        news = News(loop, (Slow(), Slow()), 10)
        for height in (1, 2):
            news.event(Instant(0), BlockCommitted(height, bytes(32), bytes(32), 0, 0, 0, 0))
        news.event(Instant(0), TransactionsPooled((b"a",)))
        news.event(Instant(0), SyncFinished(2))
        await asyncio.sleep(0)
        assert len(told) == 1
        for _ in range(100):
            await asyncio.sleep(0)

    asyncio.run(main())
    blocks = [(height, part) for height in (1, 2) for _ in range(2) for part in range(3)]
    assert told == [*blocks, (b"a",), (b"a",), "sync", "sync"]


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
        (("syncing", {}), -32602, "too many arguments, want at most 1"),
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
