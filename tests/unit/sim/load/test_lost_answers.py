"""Answers that never come: what a node may have taken is sent again in the same bytes, or waits."""

import asyncio
from collections.abc import Iterable

import pytest

from sim.load.errors import UnusableAnswer
from tests.unit.sim.load.fake_chain import GWEI
from tests.unit.sim.load.fake_node import RpcFault, Silence
from tests.unit.sim.load.virtual import SEND, Bench, TakenAndLost, play

POOL_FULL = RpcFault(-32000, "txpool is full")
TOO_LOW = RpcFault(-32000, "nonce too low: next nonce 1, tx nonce 0")
GAP = RpcFault(-32000, "nonce too high")
POOR = RpcFault(-32000, "insufficient funds for gas * price + value")
TAKEN = RpcFault(-32000, "replacement transaction underpriced")
LOW = RpcFault(-32000, "transaction underpriced")
ODD = RpcFault(-32000, "no")
LIMITED = RpcFault(429, "slow down")


def sends(bench: Bench, fates: Iterable[Exception | None]) -> None:
    """Say what becomes of the first transactions that are handed over, at whichever node."""
    left = iter(fates)

    def fate(method: str) -> Exception | None:
        return next(left, None) if method == SEND else None

    for wire in bench.wires:
        wire.fate = fate


@pytest.mark.parametrize("second", [POOL_FULL, LIMITED, GAP, TAKEN, LOW, POOR, ODD, TOO_LOW, None])
@pytest.mark.parametrize("block_s", [0.2, 5.0])
def test_what_was_taken_before_its_answer_was_lost_is_sent_once(
    second: Exception | None, block_s: float
) -> None:
    async def story() -> None:
        bench = Bench()
        sends(bench, [TakenAndLost(), second])
        bench.offer()
        await bench.go_on(20, block_s)
        await bench.end()
        bench.check()
        assert bench.executed == bench.ledger.included.total == bench.ledger.accepted.total == 1

    play(story)


@pytest.mark.parametrize(
    ("second", "block_s", "asked_min"),
    [
        pytest.param(TOO_LOW, 5.0, 4, id="the question is lost"),
        # After the second answer, and before the question that follows is given up.
        pytest.param(GAP, 0.8, 3, id="a block brings it home meanwhile"),
    ],
)
def test_a_lost_question_for_a_nonce_does_not_give_its_transaction_to_another_account(
    second: Exception, block_s: float, asked_min: int
) -> None:
    async def story() -> None:
        bench = Bench(nodes=1)
        asked = 0

        def fate(method: str) -> Exception | None:
            nonlocal asked
            asked += 1
            return {1: TakenAndLost(), 2: second, 3: Silence()}.get(asked)

        bench.wires[0].fate = fate
        bench.offer()
        await bench.go_on(10, block_s)
        await bench.end()
        bench.check()
        assert asked >= asked_min
        assert bench.executed == 1

    play(story)


def test_what_is_no_answer_leaves_open_whether_it_was_taken() -> None:
    async def story() -> None:
        bench = Bench(nodes=1)
        node = bench.wires[0].node
        usual = node._reply

        def garbled(call: dict[str, object]) -> dict[str, object]:
            answer = usual(call)
            if call["method"] == SEND:
                raise UnusableAnswer(node.url, "half an answer")
            return answer

        node._reply = garbled  # type: ignore[method-assign]
        bench.offer()
        await bench.go_on(5)
        await bench.end()
        bench.check()
        assert bench.executed == 1
        assert not bench.ledger.dropped.total

    play(story)


def test_patience_ends_for_a_client_and_not_for_what_may_be_in_a_pool() -> None:
    async def story() -> None:
        bench = Bench(accounts=1, nodes=1, patience_s=1.0)
        sends(bench, [TakenAndLost(), *[Silence() for _ in range(4)]])
        bench.offer(client=3)
        await bench.go_on(3.0, block_s=5.0)
        assert bench.gone_on == [3]
        assert bench.sender.on_their_way == 0, "the block has come"
        await bench.go_on(10)
        await bench.end()
        bench.check()
        assert (bench.executed, bench.ledger.dropped.total) == (1, 0)

    play(story)


def test_a_stranger_at_the_nonce_of_a_lost_answer_is_noticed() -> None:
    async def story() -> None:
        bench = Bench(accounts=1, nodes=1)
        sends(bench, [Silence(), TOO_LOW])
        stranger = bench.signer.again
        bench.offer()
        await asyncio.sleep(0.1)
        (attempt,) = [flight.payload for flight in bench.sender.tracker.flights.values()]
        bench.chain.overtake(stranger(attempt.signed, 2 * GWEI, 100 * GWEI).raw)
        await bench.go_on(10)
        await bench.end()
        assert bench.ledger.included.total == bench.ledger.accepted.total == 1
        assert bench.ledger.sent.total == 1
        assert bench.executed == 2, "the stranger's, and then ours at the next nonce"
        assert bench.ledger.dropped.total == bench.sender.on_their_way == 0

    play(story)


def test_a_refused_transaction_may_be_offered_as_it_was() -> None:
    async def story() -> None:
        bench = Bench()
        sends(bench, [LOW])
        bench.offer()
        await bench.go_on(5)
        bench.check()
        assert bench.executed == 1, "fees have not changed, so its second form is its first"

    play(story)


def test_a_remedy_that_breaks_is_told() -> None:
    async def story() -> None:
        bench = Bench()
        sends(bench, [LOW])
        bench.signer.again = None  # type: ignore[assignment, method-assign]
        bench.offer()
        with pytest.raises(TypeError):
            await bench.remedies.watch()

    play(story)


def test_nothing_is_sent_after_the_end() -> None:
    async def story() -> None:
        bench = Bench(nodes=1)
        sends(bench, [Silence()] * 100)
        bench.offer()
        await asyncio.sleep(0.55)
        await bench.end()
        sent = bench.wires[0].node.calls.get(SEND, 0), bench.sender._nodes.under_way
        await asyncio.sleep(10)
        assert (bench.wires[0].node.calls.get(SEND, 0), bench.sender._nodes.under_way) == sent
        assert bench.ledger.resent.total == 0

    play(story)
