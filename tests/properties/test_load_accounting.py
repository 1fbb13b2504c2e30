"""Whatever answers are lost, late or refused: every arrival has one end, and none is sent twice."""

import asyncio
from itertools import chain, repeat

from hypothesis import given, settings, strategies as st

from sim.load.errors import NodeUnreachable, UnusableAnswer
from sim.load.sender import OPEN
from tests.unit.sim.load.fake_node import RpcFault, Silence
from tests.unit.sim.load.virtual import SEND, Bench, TakenAndLost, play

WORDS = (
    "txpool is full",
    "nonce too low: next nonce 9, tx nonce 1",
    "nonce too high",
    "insufficient funds for gas * price + value",
    "replacement transaction underpriced",
    "transaction underpriced",
    "too many requests",
    "no",
)
URL = "http://127.0.0.1:1"
FAULTS = [
    Silence(),
    NodeUnreachable(URL, "it hung up"),
    UnusableAnswer(URL, "half an answer"),
    *[RpcFault(-32000, words) for words in WORDS],
]
FATES = st.sampled_from([None, None, None, TakenAndLost(), TakenAndLost(), *FAULTS])
QUESTIONS = st.sampled_from([None, None, Silence(), *FAULTS[:2]])


@settings(max_examples=150, deadline=None)
@given(
    fates=st.lists(FATES, max_size=30),
    questions=st.lists(QUESTIONS, max_size=15),
    gaps_ms=st.lists(st.sampled_from([0, 1, 50, 400, 1500]), min_size=1, max_size=12),
    accounts=st.integers(1, 3),
    block_s=st.sampled_from([0.05, 0.3, 0.7, 2.0]),
    patience_s=st.sampled_from([0.3, 2.0, 20.0]),
    resend_after=st.sampled_from([0, 500_000_000]),
    closed=st.booleans(),
)
def test_every_arrival_is_counted_once_and_sent_once(
    fates: list[Exception | None],
    questions: list[Exception | None],
    gaps_ms: list[int],
    accounts: int,
    block_s: float,
    patience_s: float,
    resend_after: int,
    closed: bool,
) -> None:
    async def story() -> None:
        bench = Bench(accounts, nodes=2, patience_s=patience_s)
        bench.resend_after = resend_after
        sends, asks = chain(fates, repeat(None)), chain(questions, repeat(None))

        def fate(method: str) -> Exception | None:
            return next(sends if method == SEND else asks)

        for wire in bench.wires:
            wire.fate = fate
        going_on = asyncio.create_task(bench.go_on(60, block_s))
        for client, gap_ms in enumerate(gaps_ms):
            bench.offer(client if closed else OPEN)
            await asyncio.sleep(gap_ms / 1000)
        await going_on
        await bench.end()
        bench.check()
        went_on = sorted(bench.gone_on)
        assert went_on == sorted(set(went_on)), "no client goes on twice"
        if resend_after and len(bench.chain.pool) == 0 and not bench.lanes.retired and closed:
            assert went_on == list(range(len(gaps_ms)))

    play(story)
