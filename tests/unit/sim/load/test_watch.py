"""Following a chain: each block once, reorganised or not, at the first node that answers."""

import asyncio
import time
from typing import Any

import pytest

from sim.load.blocks import SeenBlock
from sim.load.rpc import RpcClient
from sim.load.urls import socket_url
from sim.load.watch import WITH_SOCKET_S, HeadWatch
from tests.unit.sim.load.fake_chain import FakeChain
from tests.unit.sim.load.fake_node import FakeNode, RpcFault, Silence, nothing
from tests.unit.sim.load.scenes import play


class Notes:
    """Notes what a listener is told."""

    def __init__(self) -> None:
        self.seen: list[int] = []
        self.chain: list[bytes] = []
        self.final = -1

    def on_block(self, block: SeenBlock) -> None:
        self.seen.append(block.number)
        self.chain.append(block.digest)

    def on_undone(self, block: SeenBlock) -> None:
        assert self.chain.pop() == block.digest

    def on_final(self, number: int, at_ns: int) -> None:
        assert number > self.final
        self.final = number


def watch_of(
    nodes: list[FakeNode], notes: Notes, timeout_s: float = 10.0, **kwargs: Any
) -> HeadWatch:
    clients = [RpcClient(node.url, timeout_s=timeout_s) for node in nodes]
    return HeadWatch(clients, time.monotonic_ns, notes, **kwargs)


async def until_seen(notes: Notes, chain: FakeChain) -> None:
    while not notes.chain or notes.chain[-1] != chain.head.digest:
        await asyncio.sleep(0.01)


def test_each_block_is_fetched_once_and_is_final_with_it() -> None:
    async def story() -> None:
        chain, notes = FakeChain(), Notes()
        async with FakeNode(chain).serve(0) as node:
            watch = watch_of([node], notes)
            await watch.begin()
            for _ in range(5):
                chain.seal()
                await watch.advance()
            assert notes.seen == [1, 2, 3, 4, 5]
            assert notes.final == 5
            # The newest, then the first block and its finality; from then on they are one.
            assert node.calls["eth_getBlockByNumber"] == 3 + 4

    play(story)


def test_many_blocks_at_once_are_fetched_together() -> None:
    async def story() -> None:
        chain, notes = FakeChain(final_behind=2), Notes()
        async with FakeNode(chain).serve(0) as node:
            watch = watch_of([node], notes)
            await watch.begin()
            for _ in range(40):
                chain.seal()
            await watch.advance()
            assert notes.seen == list(range(1, 41))
            assert notes.final == 38

    play(story)


def test_a_reorganised_chain_is_followed_from_the_fork() -> None:
    async def story() -> None:
        chain, notes = FakeChain(final_behind=5), Notes()
        async with FakeNode(chain).serve(0) as node:
            watch = watch_of([node], notes)
            await watch.begin()
            for _ in range(6):
                chain.seal()
            await watch.advance()
            chain.reorganise(3)
            await watch.advance()
            assert notes.chain == [block.digest for block in chain.blocks[1:]]
            assert notes.seen == [1, 2, 3, 4, 5, 6, 4, 5, 6, 7]

    play(story)


def test_a_node_that_knows_no_finality_is_followed_all_the_same() -> None:
    async def story() -> None:
        chain, notes = FakeChain(), Notes()
        async with FakeNode(chain, finality=False).serve(0) as node:
            watch = watch_of([node], notes)
            await watch.begin()
            chain.seal()
            await watch.advance()
            chain.seal()
            await watch.advance()
            assert notes.seen == [1, 2]
            assert not watch.has_finality
            assert notes.final == -1

    play(story)


def test_another_node_is_asked_when_one_stops_to_answer() -> None:
    async def story() -> None:
        chain, notes = FakeChain(), Notes()

        def refuse(method: str, parameters: list[Any]) -> None:
            raise RpcFault(-32603, "internal error")

        async with FakeNode(chain).serve(0) as one, FakeNode(chain).serve(0.02) as other:
            watch = watch_of([one, other], notes)
            await watch.begin()
            following = asyncio.create_task(watch.follow())
            chain.seal()
            await until_seen(notes, chain)
            one.meddle = refuse
            height = chain.head.number
            while not notes.seen or notes.seen[-1] < height + 3:
                await asyncio.sleep(0.01)
            assert watch.failures == 1
            following.cancel()

    play(story)


def test_a_node_that_announces_blocks_is_hardly_polled() -> None:
    async def story() -> None:
        chain, notes = FakeChain(), Notes()
        async with FakeNode(chain).serve(0) as node:
            watch = watch_of([node], notes, sockets=[socket_url(node.url)])
            following = asyncio.create_task(watch.follow())
            while not node.has_subscribers:
                await asyncio.sleep(0.01)
            before, began = node.calls.get("eth_blockNumber", 0), time.monotonic()
            for _ in range(10):
                await asyncio.sleep(0.03)
                await node.tell(chain.seal())
                await until_seen(notes, chain)
            # One question for each announcement, and a slow poll beside them.
            polls = (time.monotonic() - began) / WITH_SOCKET_S
            assert node.calls["eth_blockNumber"] - before <= 10 + 3 + polls
            following.cancel()

    play(story)


def test_what_a_node_calls_final_before_it_is_fetched_is_told_with_it() -> None:
    async def story() -> None:
        chain, notes = FakeChain(), Notes()
        async with FakeNode(chain).serve(0) as node:
            watch = watch_of([node], notes)
            await watch.begin()

            def grow(method: str, parameters: list[Any]) -> None:
                if method == "eth_getBlockByNumber" and parameters[0] == "finalized":
                    node.meddle = nothing
                    chain.seal()
                    chain.seal()

            chain.seal()
            node.meddle = grow
            await watch.advance()
            assert notes.final == 1
            await watch.advance()
            assert notes.final == 3

    play(story)


@pytest.mark.parametrize("asked", ["eth_blockNumber", "0x1", "finalized"])
def test_a_node_that_stops_in_the_middle_holds_nothing_up_for_long(asked: str) -> None:
    async def story() -> None:
        chain, notes = FakeChain(), Notes()

        def hang(method: str, parameters: list[Any]) -> None:
            if asked in (method, *parameters[:1]):
                one.meddle = silent
                raise Silence

        def silent(method: str, parameters: list[Any]) -> None:
            raise Silence

        async with FakeNode(chain).serve(0) as one, FakeNode(chain).serve(0.02) as other:
            # Whoever waits for the answer waits for longer than this test may take.
            watch = watch_of([one, other], notes, timeout_s=3_600)
            await watch.begin()
            one.meddle = hang
            following = asyncio.create_task(watch.follow())
            while notes.final < 3:
                await asyncio.sleep(0.01)
            following.cancel()

    play(story)


def test_a_node_that_falls_behind_is_left_for_one_that_goes_on() -> None:
    async def story() -> None:
        behind, ahead, notes = FakeChain(), FakeChain(), Notes()
        async with FakeNode(behind).serve(0) as one, FakeNode(ahead).serve(0.02) as other:
            sockets = [socket_url(each.url) for each in (one, other)]
            watch = watch_of([one, other], notes, sockets=sockets)
            await watch.begin()
            following = asyncio.create_task(watch.follow())
            await until_seen_some(notes)
            while not other.has_subscribers or one.has_subscribers:
                await asyncio.sleep(0.01)
            assert watch.clients[0].url == other.url
            following.cancel()

    play(story)


async def until_seen_some(notes: Notes) -> None:
    while len(notes.seen) < 3:
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("turns", range(6))
def test_following_ends_when_it_is_cancelled_as_an_answer_comes(turns: int) -> None:
    async def story() -> None:
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        class Answering(RpcClient):
            async def call(self, method: str, *parameters: object) -> Any:
                return await answer

        clients = [Answering("http://127.0.0.1:1") for _ in range(2)]
        watch = HeadWatch(clients, time.monotonic_ns, Notes())
        advancing = asyncio.create_task(watch.advance())
        for _ in range(6):
            await asyncio.sleep(0)
        answer.set_result("no number")
        for _ in range(turns):
            await asyncio.sleep(0)
        was_done = advancing.done()
        advancing.cancel()
        ended = (await asyncio.gather(advancing, return_exceptions=True))[0]
        assert was_done or isinstance(ended, asyncio.CancelledError)

    play(story)
