"""Lies that are told to some: who is told what, and whose signature stands under it."""

import pytest
from msgspec.structs import replace

from consensus.certificate import Certificate
from consensus.messages import Commit, Decided, Prepare, PrePrepare, Proposal
from network.messages import AnnounceTransactions, CertifiedBlocks, GetStatus, PooledTransactions
from node.execution import ExecutedBlock
from node.hints import Hints
from node.schedule.hint import MalformedHint, ScheduleHint
from node.validation_errors import InvalidBlock
from primitives.block import decode_block, encode_block
from primitives.header import header_hash
from primitives.ids import Hash32, NodeId, Sequence, View
from primitives.machine import (
    NOTHING,
    Broadcast,
    Loopback,
    Message,
    Received,
    Send,
    SetTimer,
    Started,
    TimerFired,
    Work,
)
from sim.liars import LiarTimer
from sim.liars.forgery import MARK, second_story
from tests.unit.sim.liar_rigs import TIMEOUT, Bench, block, execute, groups, proposal, votes

TOLD_TO_SOME = ["equivocating-primary", "equivocating-voter", "two-faced", "withholding"]


# Halves


def test_halves_hold_every_victim_once_and_no_accomplice() -> None:
    for seed in range(10):
        place = Bench("silent", 1, 7, accomplices=(1, 4), seed=seed).place
        first, second = place.halves
        assert sorted(place.drawn) == list(place.victims)
        assert sorted((*first, *second)) == [0, 2, 3, 5, 6]
        assert (len(first), len(second)) == (3, 2)


def test_accomplices_split_alike_and_seeds_differ() -> None:
    splits = [
        [Bench("silent", i, 7, (1, 4), seed).place.halves for i in (1, 4)] for seed in range(10)
    ]
    assert all(one == other for one, other in splits)
    assert len(dict.fromkeys(one for one, _ in splits)) > 3


# Silent


def test_silent_hears_and_works_and_says_nothing() -> None:
    bench = Bench("silent")
    vote = votes(bench)[0]
    inner = (Work("vote_sign", 1), Loopback(Received(NodeId(0), vote)))
    heard = Received(NodeId(2), vote)
    said = (Broadcast("committee", vote), Send(NodeId(2), GetStatus()))
    assert bench.step(heard, (*inner, *said)) == list(inner)
    assert bench.honest.heard == [heard]


# Slow


def test_slow_says_everything_of_consensus_later_in_order_and_within_the_timeout() -> None:
    bench = Bench("slow")
    prepare, commit = votes(bench)
    gossip = Broadcast("neighbours", AnnounceTransactions(b"", (), ()))
    said = (Work("vote_sign", 1), Broadcast("committee", prepare), Send(NodeId(2), commit), gossip)
    *at_once, alarm = bench.step(Started(), said)
    assert at_once == [said[0], gossip]
    assert isinstance(alarm, SetTimer)
    assert TIMEOUT // 2 < alarm.delay_ns < TIMEOUT
    again = bench.step(Started(), (Broadcast("committee", commit),))[-1]
    assert isinstance(again, SetTimer)
    assert again.timer != alarm.timer
    assert bench.step(TimerFired(alarm.timer)) == [said[1], said[2]]
    assert bench.step(TimerFired(again.timer)) == [Broadcast("committee", commit)]
    assert len(bench.honest.heard) == 2, "its alarms are its own business"


def test_slow_lets_the_alarms_of_its_machine_pass() -> None:
    bench = Bench("slow")
    bench.step(TimerFired("progress"))
    assert bench.honest.heard == [TimerFired("progress")]


# Equivocating primary


def test_an_equivocating_primary_shows_two_valid_signed_blocks_to_two_halves() -> None:
    bench = Bench("equivocating-primary")
    honest = proposal(bench)
    told = bench.say(honest)
    assert [len(half) for half in groups(told)] == [1, 2]
    first, second = bench_halves(bench)
    assert all(told[node][0] == honest for node in first)
    for node in second:
        other, own = told[node]
        assert isinstance(other, PrePrepare)
        assert bench.is_signed(other)
        assert (other.view, other.sequence, other.parent) == (0, 1, honest.parent)
        assert isinstance(own, Prepare)
        assert bench.is_signed(own)
        assert (own.replica, own.digest, own.parent) == (0, other.digest, other.parent)
        assert other.digest != honest.digest
        executed = execute(other.payload)
        assert isinstance(executed, ExecutedBlock), executed
        assert executed.digest == other.digest
        assert executed.block.header.extra_data == MARK


def test_a_second_checkpoint_keeps_the_extra_data_that_its_rule_asks_for() -> None:
    bench = Bench("equivocating-primary")
    honest = proposal(bench)
    block = decode_block(honest.payload)
    checkpoint = replace(block, header=replace(block.header, extra_data=bytes(32)))
    other = second_story(replace(honest, payload=encode_block(checkpoint)), bench.context)
    header = decode_block(other.payload).header
    assert header == replace(checkpoint.header, timestamp=block.header.timestamp + 1)
    assert other.digest == header_hash(header)
    assert bench.is_signed(other)


def test_an_equivocating_primary_repeats_the_same_story() -> None:
    bench = Bench("equivocating-primary")
    honest = proposal(bench)
    (misled,) = bench_halves(bench)[1]
    once = bench.say(honest)[misled]
    again = bench.told(bench.step(Started(), (Send(misled, honest),)))[misled]
    assert once == again


# Equivocating voter


def test_an_equivocating_voter_names_another_block_to_each_of_one_half() -> None:
    bench = Bench("equivocating-voter", 1, 7)
    first, second = bench_halves(bench)
    for honest in votes(bench):
        told = bench.say(honest)
        assert all(told[node] == [honest] for node in first)
        false = [message for node in second for message in told[node]]
        assert len({message.digest for message in false}) == len(second) == 3  # type: ignore[attr-defined]
        for message in false:
            assert type(message) is type(honest)
            assert isinstance(message, Prepare | Commit)
            assert bench.is_signed(message)
            assert message.digest != honest.digest


def test_an_equivocating_voter_cannot_change_the_votes_of_others() -> None:
    bench = Bench("equivocating-voter", 1)
    other = votes(Bench("silent", 2))[0]
    assert groups(bench.say(other)) == [[0, 2, 3]]


# Two-faced


def test_two_faced_is_deaf_and_dumb_to_one_half_only() -> None:
    bench = Bench("two-faced", 0, 7)
    first, second = bench_halves(bench)
    vote = votes(bench)[0]
    for node in first:
        effects = bench.step(Received(node, vote), (Broadcast("committee", vote),))
        told = bench.told(effects)
        assert all(told[other] == [vote] for other in first)
        assert all(told[other] == [] for other in second)
    heard = len(bench.honest.heard)
    for node in second:
        assert bench.step(Received(node, vote), (Send(node, vote),)) == list(NOTHING)
    assert len(bench.honest.heard) == heard == len(first)


# Withholding


def test_withholding_serves_a_bare_quorum() -> None:
    bench = Bench("withholding", 0, 7)
    odd, even = proposal(bench, 1), proposal(bench, 2)
    told = bench.say(odd)
    served = [node for node, messages in told.items() if messages == [odd]]
    assert len(served) == bench.committee.quorum - 1
    starved = [node for node in told if node not in served]
    for node in starved:
        (empty,) = told[node]
        assert isinstance(empty, PrePrepare)
        assert (empty.digest, empty.payload) == (odd.digest, b"")
        assert bench.is_signed(empty), "the signature does not cover the payload"
    told = bench.say(even)
    assert [node for node, messages in told.items() if messages == [even]] == served
    assert all(told[node] == [] for node in starved)


@pytest.mark.parametrize(
    "message",
    [
        Proposal(Sequence(1), Hash32(bytes(32)), b"block"),
        CertifiedBlocks(1, ()),
        PooledTransactions(1, (b"transaction",)),
    ],
    ids=lambda message: type(message).__name__,
)
def test_withholding_hands_out_no_body(message: Message) -> None:
    bench = Bench("withholding")
    assert not any(bench.say(message).values())


def test_withholding_votes_and_proves_as_it_should() -> None:
    bench = Bench("withholding")
    decided = Decided(Certificate(0, View(0), Sequence(1), Hash32(bytes(32)), (), ()))
    for message in (*votes(bench), decided):
        assert groups(bench.say(message)) == [[1, 2, 3]]


# Invalid state root


def test_an_invalid_state_root_is_signed_well_formed_and_refused() -> None:
    bench = Bench("invalid-state-root")
    told = bench.say(proposal(bench))
    assert groups(told) == [[1, 2, 3]]
    (false,) = told[1]
    assert isinstance(false, PrePrepare)
    assert bench.is_signed(false)
    assert false.digest != block().digest
    refused = execute(false.payload)
    assert isinstance(refused, InvalidBlock)
    assert "state_root" in str(refused)


# Wrong hint


def test_a_wrong_hint_stands_beside_the_true_block_and_its_signature() -> None:
    bench = Bench("wrong-hint")
    honest = replace(proposal(bench), hint=b"true")
    told = bench.say(honest)
    assert groups(told) == [[1, 2, 3]]
    (spoken,) = told[1]
    assert isinstance(spoken, PrePrepare)
    assert spoken.hint != b"true"
    assert replace(spoken, hint=b"true") == honest
    assert bench.is_signed(spoken)
    assert bench.say(honest) == told, "and the same again when it is repeated"


def test_wrong_hints_are_of_several_kinds() -> None:
    """Some can be read, and say of blocks without transactions all that there is to say."""
    spoken = [
        Bench("wrong-hint", seed=seed).say(proposal(Bench("silent")))[1] for seed in range(30)
    ]
    hints = [message.hint for (message,) in spoken if isinstance(message, PrePrepare)]
    read = [Hints().read(hint, 0) for hint in hints]
    assert {type(each) for each in read} == {MalformedHint, ScheduleHint}


# All of these


@pytest.mark.parametrize(
    "name",
    ["equivocating-primary", "withholding", "invalid-state-root", "wrong-hint", "colluding"],
)
def test_the_proposals_of_others_are_passed_on_as_they_are(name: str) -> None:
    """Validators show one another what a primary has signed, without the payload."""
    bench = Bench(name)
    for honest in (proposal(Bench("silent", 1), view=1), proposal(bench)):
        assert bench.say(replace(honest, payload=b""))[3] == [replace(honest, payload=b"")]
    assert groups(bench.say(proposal(Bench("silent", 1), view=1))) == [[1, 2, 3]]


@pytest.mark.parametrize("name", TOLD_TO_SOME)
def test_what_is_not_spoken_stays_as_it_is(name: str) -> None:
    bench = Bench(name)
    vote = votes(bench)[0]
    effects = (
        Work("vote_sign", 1),
        Loopback(Received(NodeId(0), vote)),
        SetTimer("progress", TIMEOUT),
    )
    assert bench.step(Started(), effects) == list(effects)


def test_its_alarms_are_told_apart_by_number() -> None:
    assert LiarTimer(1) == LiarTimer(1) != LiarTimer(2)
    assert len({LiarTimer(1), LiarTimer(1)}) == 1


def bench_halves(bench: Bench) -> tuple[tuple[NodeId, ...], tuple[NodeId, ...]]:
    """Return the halves that the liar has drawn."""
    return bench.place.halves
