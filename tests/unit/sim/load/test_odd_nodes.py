"""Nodes that answer, and not with what was asked for: a load must neither believe nor break."""

import json
from typing import Any

import pytest

from sim.load.errors import UnusableAnswer
from sim.load.fees import ask_fees
from sim.load.response import Response
from sim.load.rpc import RpcClient
from tests.unit.sim.load.fake_chain import GWEI, FakeChain
from tests.unit.sim.load.fake_node import FakeNode, RpcFault
from tests.unit.sim.load.scenes import DUE, MS, SECOND, Scene, play


class Odd(FakeNode):
    """Has its own results for some methods."""

    def __init__(self, *args: Any, **results: Any) -> None:
        super().__init__(*args)
        self.results = results

    def _reply(self, call: dict[str, Any]) -> dict[str, Any]:
        if call["method"] in self.results:
            return {"id": call["id"], "result": self.results[call["method"]]}
        return super()._reply(call)


def answered(body: object) -> Response:
    return Response(429, json.dumps(body).encode(), keep=True)


def test_an_answer_without_a_result_or_an_error_is_none() -> None:
    client = RpcClient("http://127.0.0.1:1")
    with pytest.raises(UnusableAnswer, match=r"HTTP status 429.*rate limited"):
        client.read(answered({"message": "rate limited"}))
    with pytest.raises(UnusableAnswer):
        client.read_batch(answered([{"id": 0, "result": "0x1"}, {"id": 1}]), 2)
    assert client.read(answered({"id": 1, "result": None})).result is None


def test_a_transaction_is_taken_only_where_its_hash_is_the_answer() -> None:
    async def story() -> None:
        scene = Scene()
        scene.set(patience=200 * MS, drain=SECOND)
        odd = Odd(scene.chain, eth_sendRawTransaction=None)
        async with odd.serve(0.05) as node:
            result = await scene.load([node.url])
        assert result.accepted == result.included == 0 < result.sent
        # No node has refused them, so none is given up as long as a block may hold it.
        assert result.unconfirmed == result.sent
        assert result.errors["other"] > 0

    play(story)


def test_a_node_that_does_not_know_its_height_is_like_one_that_does_not_answer() -> None:
    async def story() -> None:
        scene = Scene()
        scene.set(drain=100 * MS)
        async with Odd(scene.chain, eth_blockNumber=None).serve(0.05) as node:
            result = await scene.load([node.url])
        assert result.included == 0
        assert result.accepted == result.sent
        assert scene.engine is not None
        assert scene.engine.watch.failures > 0

    play(story)


def test_a_tip_that_is_no_number_is_told() -> None:
    async def story() -> None:
        scene = Scene()
        async with Odd(scene.chain, eth_maxPriorityFeePerGas=None).serve(0) as node:
            with pytest.raises(UnusableAnswer, match="no number"):
                await ask_fees(RpcClient(node.url), None)

    play(story)


def test_a_node_that_takes_no_batches_is_asked_one_by_one() -> None:
    async def story() -> None:
        scene = Scene()
        async with scene.nodes() as (node,):
            node.takes_batches = False
            result = await scene.load([node.url])
        assert result.included == result.looked_at == DUE
        assert not result.errors

    play(story)


def test_a_node_without_a_history_of_fees_has_those_of_its_blocks() -> None:
    async def story() -> None:
        scene = Scene(chain=FakeChain(fixed_fee=True))
        async with scene.nodes() as (node,):

            def refuse(method: str, parameters: list[Any]) -> None:
                if method == "eth_feeHistory":
                    raise RpcFault(-32601, "the method does not exist")

            node.meddle = refuse
            result = await scene.load([node.url])
            quote = await ask_fees(RpcClient(node.url), None)
        assert result.included == DUE
        assert quote.base_fee == GWEI + GWEI // 8

    play(story)
