"""What a load client does about refusals: each kind has its remedy, and nothing is lost by it."""

import asyncio
from typing import Any

import pytest

from sim.load.session import LoadSession
from tests.unit.sim.load.fake_chain import ETHER, GWEI, FakeChain
from tests.unit.sim.load.fake_node import FakeNode, RpcFault, Silence
from tests.unit.sim.load.scenes import DUE, MS, SECOND, InlineSigning, Scene, play
from tests.unit.sim.load.servers import failing

SEND = "eth_sendRawTransaction"


class Faults:
    """Refuses the first so many transactions, in a way of one's own."""

    def __init__(self, count: int, error: Exception) -> None:
        self.left = count
        self._error = error

    def __call__(self, method: str, parameters: list[Any]) -> None:
        if method == SEND and self.left:
            self.left -= 1
            raise self._error


def test_fees_that_rise_are_followed() -> None:
    async def story() -> None:
        # Blocks of four transfers are all full, so the base fee rises by an eighth with each.
        scene = Scene(chain=FakeChain(gas_limit=84_000))
        scene.set(duration=2 * SECOND)
        async with scene.nodes(block_s=0.02) as (node,):
            result = await scene.load([node.url])
        assert result.included == result.intended
        assert result.blocks.base_fee_last is not None
        assert result.blocks.base_fee_last > 2 * GWEI
        # What was signed at first has room for 2 Gwei; it was signed anew before it was sent.
        assert result.repriced > 0

    play(story)


def test_what_is_underpriced_is_signed_anew() -> None:
    async def story() -> None:
        scene = Scene()

        async with scene.nodes() as (node,):
            faults = Faults(5, RpcFault(-32000, "transaction underpriced"))
            node.meddle = faults
            result = await scene.load([node.url])
        assert result.errors == {"underpriced": 5}
        assert result.resent == 5
        assert result.included == result.accepted == DUE
        assert not faults.left

    play(story)


def test_the_base_fee_may_leap_between_two_blocks() -> None:
    async def story() -> None:
        # What waits in the pool can be in no block any more: it has to be replaced there.
        scene = Scene(chain=FakeChain(fixed_fee=True))
        scene.set(resend_after=300 * MS)

        def leap(session: LoadSession) -> None:
            def up() -> None:
                scene.chain.base_fee = 50 * GWEI

            asyncio.get_running_loop().call_later(0.2, up)

        async with scene.nodes() as (node,):
            result = await scene.load([node.url], leap)
        assert result.included == DUE
        assert result.errors.get("underpriced", 0) + result.repriced > 0

    play(story)


def test_a_full_pool_makes_accounts_pause() -> None:
    async def story() -> None:
        scene = Scene(chain=FakeChain(pool_limit=5))
        async with scene.nodes() as (node,):
            result = await scene.load([node.url])
        assert result.errors["pool full"] > 0
        assert result.sent == DUE
        assert result.resent == result.errors["pool full"]
        assert result.included == result.intended == DUE
        assert not result.dropped

    play(story)


def test_a_gap_is_closed() -> None:
    async def story() -> None:
        scene = Scene(accounts=3)
        async with scene.nodes() as (node,):
            node.meddle = Faults(3, RpcFault(-32000, "nonce too high: next nonce 0, tx nonce 1"))
            result = await scene.load([node.url])
        assert result.errors == {"nonce gap": 3}
        assert result.included == DUE

    play(story)


def test_a_refusal_for_no_known_reason_costs_one_transaction() -> None:
    async def story() -> None:
        scene = Scene()
        async with scene.nodes() as (node,):
            node.meddle = Faults(2, RpcFault(-32000, "no"))
            result = await scene.load([node.url])
        assert result.errors == {"other": 2}
        assert result.dropped == 2
        assert result.included == DUE - 2

    play(story)


def test_poor_accounts_leave_the_load_to_the_others() -> None:
    async def story() -> None:
        scene = Scene(accounts=10)

        def rob(session: LoadSession) -> None:
            for address in scene.wallet.addresses[:5]:
                scene.chain.balances[bytes(address)] = 0

        async with scene.nodes() as (node,):
            result = await scene.load([node.url], rob)
        assert 0 < result.errors["insufficient funds"] <= 5 * 16
        assert result.retired == 5
        assert result.included == DUE
        assert result.passed

    play(story)


def test_a_load_without_any_money_left_breaks_off() -> None:
    async def story() -> None:
        scene = Scene(accounts=3)
        scene.set(duration=60 * SECOND)

        def rob(session: LoadSession) -> None:
            for address in scene.wallet.addresses:
                scene.chain.balances[bytes(address)] = ETHER // 10**6

        async with scene.nodes() as (node,):
            result = await scene.load([node.url], rob)
        assert result.trouble is not None
        assert "none left on any of them" in result.trouble
        assert result.partial
        assert result.seconds < 50

    play(story)


def test_a_lost_answer_is_asked_for_at_the_next_node() -> None:
    async def story() -> None:
        scene = Scene()
        scene.set(timeout_s=0.5)
        async with scene.nodes(2) as nodes:
            nodes[0].meddle = Faults(10**6, Silence())
            result = await scene.load([node.url for node in nodes])
        # On a slow machine the other node may miss its time, too, for answers and connections.
        assert {"timeout"} <= set(result.errors) <= {"timeout", "connection", "nonce too low"}
        assert result.resent > 0
        assert result.included == sum(scene.chain.nonces.values()) == DUE

    play(story)


@pytest.mark.parametrize("block_s", [0.02, 0.25, 0.5])
def test_a_node_that_took_it_before_its_answer_was_lost_has_it_once(block_s: float) -> None:
    async def story() -> None:
        scene = Scene()
        scene.set(timeout_s=0.5, duration=2 * SECOND)

        class TakenInSilence(FakeNode):
            left = 3

            def _result(self, method: str, parameters: list[Any]) -> Any:
                answer = super()._result(method, parameters)
                if method == SEND and self.left:
                    self.left -= 1
                    raise Silence
                return answer

        async with TakenInSilence(scene.chain).serve(block_s) as node:
            result = await scene.load([node.url])
        assert result.errors["timeout"] >= 3
        assert result.included == result.intended == 399
        assert sum(scene.chain.nonces.values()) == 399

    play(story)


@pytest.mark.parametrize(
    ("status", "passes", "kind"),
    [
        (b"429 Too Many Requests", False, "rate limited"),
        (b"502 Bad Gateway", False, "http error"),
        (b"504 Gateway Timeout", True, "http error"),
    ],
)
def test_what_a_proxy_answers_in_the_place_of_a_node_costs_no_transaction(
    status: bytes, passes: bool, kind: str
) -> None:
    async def story() -> None:
        scene = Scene()
        async with (
            scene.nodes() as (node,),
            failing(node.url, status, 5, passes=passes) as url,
        ):
            result = await scene.load([url])
        assert result.errors[kind] == 5
        # What was passed on may be in a block when it is sent again.
        assert set(result.errors) <= ({kind, "nonce too low"} if passes else {kind})
        assert result.included == result.intended == DUE
        assert sum(scene.chain.nonces.values()) == DUE

    play(story)


@pytest.mark.parametrize("keeps_gaps", [False, True])
def test_what_a_node_has_lost_is_sent_again(keeps_gaps: bool) -> None:
    async def story() -> None:
        scene = Scene(chain=FakeChain(keeps_gaps=keeps_gaps))
        scene.set(resend_after=300 * MS)
        async with FakeNode(scene.chain).serve(0) as node:

            async def restart() -> None:
                await scene.when(lambda engine: engine.ledger.accepted.total >= 10)
                assert len(scene.chain.lose(5)) == 5
                while True:
                    await asyncio.sleep(0.05)
                    await node.tell(scene.chain.seal())

            restarting = asyncio.create_task(restart())
            result = await scene.load([node.url])
            restarting.cancel()
        assert result.included == DUE
        assert result.resent >= 5

    play(story)


def test_a_reorganisation_takes_back_what_was_included() -> None:
    async def story() -> None:
        chain = FakeChain(final_behind=3)
        scene = Scene(chain=chain)
        scene.set(duration=200 * MS)
        async with FakeNode(chain).serve(0) as node:

            async def seal() -> None:
                await scene.when(lambda engine: engine.ledger.accepted.total == 39)
                await node.tell(chain.seal())
                await scene.when(lambda engine: engine.sender.on_their_way == 0)
                chain.reorganise(1)
                await node.tell(chain.head)
                await scene.when(lambda engine: engine.sender.on_their_way == 39)
                await node.tell(chain.seal_again())
                for _ in range(4):
                    await asyncio.sleep(0.05)
                    await node.tell(chain.seal())

            sealing = asyncio.create_task(seal())
            result = await scene.load([node.url])
            await sealing
        assert result.reorganised == result.included == result.final == 39
        assert result.finality_seconds.count == 39

    play(story)


def test_signing_that_ends_breaks_the_load_off() -> None:
    async def story() -> None:
        scene = Scene()
        scene.set(duration=60 * SECOND, ahead=20)

        class Gone(InlineSigning):
            orders = 0

            async def fill(self, order: Any) -> Any:
                self.orders += 1
                if self.orders > 1:
                    raise EOFError
                return await super().fill(order)

        async with scene.nodes() as (node,):
            result = await scene.load([node.url], make_signing=Gone)
        assert result.trouble == "the process that signs has ended"
        assert result.partial

    play(story)
