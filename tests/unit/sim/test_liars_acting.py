"""Lies that take more than another tongue: deafness, noise, a shared plan, a second self."""

from collections import Counter

import numpy as np
import pytest

from consensus.messages import Commit, NewView, Prepare, PrePrepare, ReplicaStatus, ViewChange
from consensus.pbft import Pbft
from consensus.signing import PAYLOADS, well_formed
from network.compact.messages import SendCompact
from network.messages import GetStatus, PooledTransactions
from network.reconcile.messages import AskMore
from node.execution import ExecutedBlock
from node.wire import message_types, node_codec
from primitives.ids import Duration, Hash32, NodeId, RequestId, Sequence, Token, View
from primitives.machine import (
    NOTHING,
    Broadcast,
    CancelTimer,
    Completed,
    Compute,
    Effect,
    Emit,
    Event,
    Loopback,
    Message,
    Persist,
    Received,
    Send,
    SetTimer,
    Started,
    Submitted,
    TimerFired,
    TraceEvent,
    Work,
)
from sim.liars.garbage import nonsense
from sim.liars.replaying import MEMORY
from sim.liars.ticking import TICK
from sim.liars.twins import TwinEvent
from tests.unit.sim.checker_histories import new_mint
from tests.unit.sim.liar_rigs import Bench, execute, groups, proposal, votes
from tests.unit.sim.workload_worlds import GWEI

MESSAGE_TYPES = message_types(Pbft())
TICKING = ["replaying", "flooding", "garbage"]


def sends(effects: list[Effect]) -> list[Message]:
    """Return the messages that leave."""
    return [effect.message for effect in effects if isinstance(effect, Send | Broadcast)]


# Censoring


def transfers(sender: int, count: int) -> list[bytes]:
    mint = new_mint()
    return [mint.next(sender, GWEI)[0] for _ in range(count)]


def test_censoring_ignores_one_sender_wherever_its_transactions_come_from() -> None:
    bench = Bench("censoring")
    banned, other = transfers(0, 3), transfers(1, 2)
    assert bench.step(Submitted(banned[0]), (Work("x", 1),)) == list(NOTHING)
    bench.step(Submitted(other[0]))
    bench.step(Submitted(banned[1]))
    bench.step(Received(NodeId(2), PooledTransactions(7, (banned[2], other[1], b"junk"))))
    passed = PooledTransactions(7, (other[1], b"junk"))
    assert bench.honest.heard == [Submitted(other[0]), Received(NodeId(2), passed)]


def test_censoring_is_honest_in_everything_else() -> None:
    bench = Bench("censoring")
    heard = Received(NodeId(1), votes(bench)[0])
    said = (Broadcast("committee", votes(bench)[1]),)
    assert bench.step(heard, said) == list(said)
    assert bench.honest.heard == [heard]


# What ticks


@pytest.mark.parametrize("name", TICKING)
def test_noise_comes_beside_honest_work_at_regular_intervals(name: str) -> None:
    bench = Bench(name)
    vote = votes(bench)[0]
    *said, alarm = bench.step(Started(), (Broadcast("committee", vote),))
    assert said == [Broadcast("committee", vote)]
    assert isinstance(alarm, SetTimer)
    assert alarm.timer == TICK
    assert bench.step(Received(NodeId(1), vote), said) == said
    for _ in range(20):
        *noise, again = bench.step(TimerFired(TICK))
        assert again == alarm
        assert noise
        assert bench.context.node not in [e.to for e in noise if isinstance(e, Send)]
    assert len(bench.honest.heard) == 2, "its alarms are its own business"


@pytest.mark.parametrize("name", TICKING)
def test_noise_is_the_same_for_the_same_seed(name: str) -> None:
    def noise(seed: int) -> list[Effect]:
        bench = Bench(name, seed=seed)
        for vote in votes(bench):
            bench.step(Received(NodeId(1), vote))
        return [effect for _ in range(30) for effect in bench.step(TimerFired(TICK))]

    assert noise(1) == noise(1)
    assert noise(1) != noise(2)


# Replaying


def test_replaying_says_only_what_was_said_and_to_all_in_turn() -> None:
    bench = Bench("replaying")
    heard, own = votes(bench)
    bench.step(Received(NodeId(1), heard), (Broadcast("committee", own),))
    told = bench.told([e for _ in range(200) for e in bench.step(TimerFired(TICK))])
    for messages in told.values():
        assert {type(message) for message in messages} == {Prepare, Commit}
        assert all(message in (heard, own) for message in messages)


def test_replaying_has_nothing_to_say_at_first() -> None:
    bench = Bench("replaying")
    assert sends(bench.step(TimerFired(TICK))) == []


def test_replaying_remembers_old_views_and_not_without_bound() -> None:
    bench = Bench("replaying")
    for view in range(MEMORY + 200):
        bench.step(Received(NodeId(1), ReplicaStatus(View(view), Sequence(0), alone=False)))
    replayed = [m for _ in range(3_000) for m in sends(bench.step(TimerFired(TICK)))]
    views = {message.view for message in replayed if isinstance(message, ReplicaStatus)}
    assert min(views) < 200
    assert max(views) >= MEMORY
    assert len(views) <= MEMORY


# Flooding


def flood(bench: Bench, ticks: int = 100) -> list[Message]:
    return [message for _ in range(ticks) for message in sends(bench.step(TimerFired(TICK)))]


def test_flooding_signs_votes_inside_and_beyond_the_window() -> None:
    bench = Bench("flooding", 1)
    window = bench.context.params.window
    far = bench.context.sign(Commit(View(6), Sequence(40), Hash32(bytes(32)), 1, b""))
    bench.step(Received(NodeId(2), far))
    messages = flood(bench)
    assert {type(message) for message in messages} == {Prepare, Commit}
    ahead = []
    for message in messages:
        assert isinstance(message, Prepare | Commit)
        assert bench.is_signed(message)
        assert (message.view, message.replica) == (6, 1)
        ahead.append(message.sequence - 40)
    assert min(ahead) >= 1
    assert any(a < window for a in ahead)
    assert any(window <= a < window + 3 for a in ahead)
    assert any(a > 2**32 for a in ahead)


def test_flooding_proposes_too_where_it_is_primary() -> None:
    bench = Bench("flooding", 0)
    proposals = [m for m in flood(bench) if isinstance(m, PrePrepare)]
    assert proposals
    assert all(bench.is_signed(message) for message in proposals)


# Garbage


@pytest.mark.parametrize("kind", MESSAGE_TYPES, ids=lambda kind: kind.__name__)
def test_nonsense_decodes(kind: type[Message]) -> None:
    codec, draw = node_codec(Pbft()), np.random.default_rng(1)
    texts = []
    for _ in range(50):
        message = nonsense(kind, draw)
        frame = codec.encode(message)
        assert codec.decode(frame) == message
        texts.append(frame)
    least = {SendCompact: 10, AskMore: 8, GetStatus: 0}.get(kind, 20)
    assert len(dict.fromkeys(texts)) > least


def test_garbage_comes_in_every_kind_and_some_of_it_is_signed() -> None:
    bench = Bench("garbage", 1)
    messages = flood(bench, 8_000)
    assert set(map(type, messages)) == set(MESSAGE_TYPES)
    signed: Counter[type] = Counter()
    for message in messages:
        inner: object = message.vote if isinstance(message, ViewChange) else message
        if type(inner) not in PAYLOADS or not well_formed(inner):  # type: ignore[arg-type]
            continue
        own = bench.committee.primary(inner.view) == 1  # type: ignore[attr-defined]
        if isinstance(inner, PrePrepare | NewView) and not own:
            continue
        signed[type(message)] += bench.is_signed(inner)  # type: ignore[arg-type]
    for kind in (PrePrepare, Prepare, Commit, ViewChange, NewView):
        assert signed[kind], f"no {kind.__name__} got through the first door"


# Colluding


def test_accomplices_vote_for_each_half_what_their_primary_told_it() -> None:
    primary, second = Bench("colluding", 0, 7, (0, 3)), Bench("colluding", 3, 7, (0, 3))
    honest = proposal(primary)
    told = primary.say(honest)
    assert told.pop(3) == [honest]
    misled, served = groups(told)
    assert (len(misled), len(served)) == (2, 3)
    (other,) = told[misled[0]]
    assert isinstance(other, PrePrepare)
    assert primary.is_signed(other)
    assert isinstance(execute(other.payload), ExecutedBlock)

    second.step(Received(NodeId(0), honest))
    for vote in votes(second):
        said = second.say(vote)
        assert all(said[node] == [vote] for node in (*served, 0))
        for node in misled:
            (false,) = said[node]
            assert isinstance(false, Prepare | Commit)
            assert (type(false), false.digest) == (type(vote), other.digest)
            assert second.is_signed(false)


def test_accomplices_are_honest_under_an_honest_primary() -> None:
    bench = Bench("colluding", 3, 7, (0, 3))
    honest = proposal(Bench("silent", 1, 7), view=1)
    bench.step(Received(NodeId(1), honest))
    for vote in votes(bench):
        assert len(groups(bench.say(vote))) == 1


def test_nobody_but_the_primary_makes_an_accomplice_believe_in_a_story() -> None:
    bench = Bench("colluding", 3, 7, (0, 3))
    bench.step(Received(NodeId(2), proposal(Bench("silent", 0, 7))))
    assert len(groups(bench.say(votes(bench)[0]))) == 1


# Twins


class Nothing:
    """A job without a result."""

    def run(self) -> object:
        return None


def test_each_twin_hears_and_speaks_to_its_own_half() -> None:
    bench = Bench("twins", 0, 7)
    vote = votes(bench)[0]
    bench.spare.answer = (Broadcast("committee", vote), Send(NodeId(1), GetStatus()))
    reached: dict[int, list[int]] = {}
    for node in range(1, 7):
        before = len(bench.spare.heard)
        told = bench.told(
            bench.step(
                Received(NodeId(node), vote),
                (Broadcast("committee", vote), Send(NodeId(1), GetStatus())),
            )
        )
        is_second = len(bench.spare.heard) > before
        told_vote = [n for n, messages in told.items() if vote in messages]
        assert node in told_vote
        reached.setdefault(is_second, told_vote)
        assert reached[is_second] == told_vote
        assert (GetStatus() in told[1]) is (1 in told_vote)
    assert sorted(reached[True] + reached[False]) == list(range(1, 7))
    assert len(bench.honest.heard) == len(bench.spare.heard) == 3


def test_both_twins_start_and_the_second_wakes_by_names_of_its_own() -> None:
    bench = Bench("twins")
    job = Nothing()
    bench.spare.answer = (
        SetTimer("alarm", Duration(5)),
        CancelTimer("alarm"),
        Compute(RequestId(0), (), job),
        Loopback(Submitted(b"x")),
        Persist("consensus", Token(1), ()),
        Emit(TraceEvent()),
    )
    own = (SetTimer("alarm", Duration(9)), Compute(RequestId(0), (), job))
    effects = bench.step(Started(), own)
    assert effects[:2] == list(own)
    alarm, cancelled, compute, loop = effects[2:]
    assert isinstance(alarm, SetTimer)
    assert isinstance(cancelled, CancelTimer)
    assert isinstance(compute, Compute)
    assert alarm.timer == cancelled.timer != "alarm"
    assert compute.request != RequestId(0)
    assert loop == Loopback(TwinEvent(Submitted(b"x")))

    bench.spare.answer = NOTHING
    second: list[Event] = [
        TimerFired(alarm.timer),
        Completed(compute.request, 7),
        TwinEvent(Submitted(b"x")),
    ]
    first: list[Event] = [TimerFired("alarm"), Completed(RequestId(0), 8), Submitted(b"y")]
    for event in (*second, *first):
        bench.step(event)
    started: list[Event] = [Started()]
    answers = [TimerFired("alarm"), Completed(RequestId(0), 7), Submitted(b"x")]
    assert bench.spare.heard == started + answers
    assert bench.honest.heard == started + first
