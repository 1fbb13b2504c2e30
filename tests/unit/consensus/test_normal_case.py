"""The three phases, rule by rule (Castro & Liskov 1999, section 4.2)."""

import msgspec
import pytest

from consensus.effects import BlockBuilt, BlockValidated, Deliver, ValidateBlock
from consensus.messages import Commit, Prepare, PrePrepare
from primitives.committee import Committee
from primitives.ids import Hash32, NodeId, Sequence, View
from primitives.machine import NOTHING, Broadcast, Effect, Loopback, Persist, Received, Work
from tests.unit.consensus.harness import Network
from tests.unit.consensus.rig import Rig, chain, emitted, only, pre_prepare, sent
from tests.unit.consensus.toys import (
    GENESIS,
    ToyBlock,
    public_keys,
    signed_commit,
    signed_prepare,
)

QUORUMS = {1: 1, 2: 2, 3: 2, 4: 3, 5: 4, 6: 4, 7: 5, 8: 6, 10: 7, 13: 9}


@pytest.mark.parametrize(("n", "quorum"), QUORUMS.items())
def test_quorum_is_ceil_of_half_of_n_plus_f_plus_1(n: int, quorum: int) -> None:
    assert Committee.of_keys(public_keys(n)).quorum == quorum


@pytest.mark.parametrize("n", [1, 2, 4, 5, 6, 7, 8])
def test_a_decision_takes_exactly_the_textbook_messages(n: int) -> None:
    net = Network(n, seed=n)
    net.submit(range(12))
    net.run_until(net.all_included, 1000)
    net.run(5000)
    decisions = net.nodes[0].height
    assert decisions >= 3
    expected = {"PrePrepare": n - 1, "Prepare": (n - 1) ** 2, "Commit": n * (n - 1)}
    assert dict(net.sent) == {k: v * decisions for k, v in expected.items() if v}
    assert set(net.views()) == {0}


def test_a_single_replica_commits_alone() -> None:
    rig = Rig(0, 1)
    rig.work()
    (block,) = chain(1)
    effects = rig.build(block)
    (delivered,) = only(effects, Deliver)
    assert (delivered.sequence, delivered.digest) == (1, block.digest)
    assert delivered.certificate.signers == (0,)


def test_a_backup_prepares_a_proposal_that_its_node_finds_valid() -> None:
    rig = Rig(validates=False)
    (block,) = chain(1)
    effects = rig.pre_prepare(block)
    (asked,) = only(effects, ValidateBlock)
    assert (asked.sequence, asked.digest, asked.parent) == (1, block.digest, GENESIS)
    assert asked.payload == block.payload
    assert not sent(effects, Prepare)
    (prepare,) = sent(rig.give(BlockValidated(block.digest, True, "")), Prepare)
    assert (prepare.view, prepare.sequence, prepare.digest) == (0, 1, block.digest)
    assert (prepare.parent, prepare.replica) == (GENESIS, 1)


def test_a_backup_does_not_prepare_an_invalid_block() -> None:
    rig = Rig(validates=False)
    (block,) = chain(1)
    rig.pre_prepare(block)
    assert not sent(rig.give(BlockValidated(block.digest, False, "state root")), Prepare)
    assert not sent(rig.prepare(block, [2, 3]), Commit)


def test_only_the_primary_may_propose() -> None:
    rig = Rig()
    (block,) = chain(1)
    message = pre_prepare(4, block)
    assert rig.receive(2, message) == []
    forged = msgspec.structs.replace(message, signature=b"x" * 64)
    assert not sent(rig.receive(0, forged), Prepare)
    assert not rig.state.slots


def test_the_first_proposal_for_a_sequence_stands() -> None:
    rig = Rig()
    first, second = chain(1)[0], chain(1, tag=9)[0]
    assert sent(rig.pre_prepare(first), Prepare)
    assert not sent(rig.pre_prepare(second), Prepare)
    assert rig.state.slots[Sequence(1)].digest == first.digest


def test_a_proposal_outside_of_the_window_is_dropped() -> None:
    rig = Rig()
    block = ToyBlock(13, Hash32(b"p" * 32), 0, ())
    assert rig.pre_prepare(block) == []
    assert rig.pre_prepare(ToyBlock(0, GENESIS, 0, ())) == []
    assert not rig.state.slots


def test_prepared_takes_q_minus_1_prepares_of_backups() -> None:
    for n, quorum in QUORUMS.items():
        if n < 4:
            continue
        rig = Rig(1, n)
        (block,) = chain(1)
        rig.pre_prepare(block)
        needed = list(range(2, quorum))  # with its own these are Q-1
        assert not sent(rig.prepare(block, needed[:-1]), Commit), n
        assert sent(rig.prepare(block, needed[-1:]), Commit), n


def test_the_primarys_prepare_does_not_count() -> None:
    rig = Rig()
    (block,) = chain(1)
    rig.pre_prepare(block)
    assert rig.prepare(block, [0]) == []
    assert sent(rig.prepare(block, [2]), Commit)


def test_the_primary_sends_no_prepare_and_counts_only_backups() -> None:
    rig = Rig(0)
    rig.work()
    (block,) = chain(1)
    effects = rig.build(block)
    assert len(sent(effects, PrePrepare)) == 1
    assert not sent(effects, Prepare)
    assert not sent(rig.prepare(block, [1]), Commit)
    assert sent(rig.prepare(block, [2]), Commit)


def test_a_second_vote_of_a_replica_does_not_count() -> None:
    rig = Rig(1, 7)
    (block,) = chain(1)
    rig.pre_prepare(block)
    assert not sent(rig.prepare(block, [2, 2, 2, 2]), Commit)
    assert sent(rig.prepare(block, [3, 4]), Commit)
    assert not only(rig.commit(block, [2, 2, 2, 2, 2, 2]), Deliver)


def test_votes_for_another_digest_do_not_count() -> None:
    rig = Rig(1, 7)
    block, other = chain(1)[0], chain(1, tag=9)[0]
    rig.pre_prepare(block)
    rig.prepare(block, [2])
    assert not sent(rig.prepare(other, [3, 4, 5, 6]), Commit)


def test_a_prepare_with_another_parent_does_not_count() -> None:
    rig = Rig()
    (block,) = chain(1)
    rig.pre_prepare(block)
    lie = signed_prepare(4, 2, 0, 1, block.digest, b"p" * 32)
    assert not sent(rig.receive(2, lie), Commit)


def test_a_vote_of_another_sender_or_outside_of_the_committee_is_dropped() -> None:
    rig = Rig()
    (block,) = chain(1)
    rig.pre_prepare(block)
    vote = signed_prepare(4, 2, 0, 1, block.digest, GENESIS)
    assert rig.receive(3, vote) == []
    stranger = Commit(View(0), Sequence(1), block.digest, 77, b"s" * 64)
    assert rig.receive(77, stranger) == []
    assert rig.receive(77, msgspec.structs.replace(stranger, sequence=Sequence(2))) == []


def test_a_badly_signed_vote_costs_a_check_and_leaves_room_for_a_good_one() -> None:
    rig = Rig()
    (block,) = chain(1)
    rig.pre_prepare(block)
    good = signed_prepare(4, 2, 0, 1, block.digest, GENESIS)
    bad = msgspec.structs.replace(good, signature=b"x" * 64)
    assert rig.receive(2, bad) == [Work("consensus.vote_verify", 1)]
    assert sent(rig.receive(2, good), Commit)


def test_votes_may_come_before_the_proposal() -> None:
    rig = Rig()
    (block,) = chain(1)
    rig.prepare(block, [2, 3])
    rig.commit(block, [2, 3])
    effects = rig.pre_prepare(block)
    assert sent(effects, Prepare)
    assert sent(effects, Commit)
    (delivered,) = only(effects, Deliver)
    assert delivered.certificate.signers == (1, 2, 3)


def test_committed_takes_a_quorum_of_commits() -> None:
    rig = Rig()
    (block,) = chain(1)
    rig.pre_prepare(block)
    rig.prepare(block, [2])
    assert not only(rig.commit(block, [0]), Deliver)
    (delivered,) = only(rig.commit(block, [3]), Deliver)
    assert delivered.certificate.digest == block.digest
    assert len(delivered.certificate.signatures) == 3


def test_a_replica_that_sees_a_quorum_of_commits_first_still_sends_its_own_votes() -> None:
    rig = Rig(validates=False)
    (block,) = chain(1)
    rig.pre_prepare(block)
    rig.commit(block, [0, 2, 3])
    effects = rig.give(BlockValidated(block.digest, True, ""))
    assert sent(effects, Prepare)
    assert sent(effects, Commit)
    assert only(effects, Deliver)


def test_deliveries_are_in_order() -> None:
    rig = Rig()
    first, second, third = chain(3)
    for block in (first, second, third):
        rig.pre_prepare(block)
        rig.prepare(block, [2, 3])
    assert not only(rig.commit(third, [0, 2, 3]), Deliver)
    assert not only(rig.commit(second, [0, 2, 3]), Deliver)
    delivered = only(rig.commit(first, [0, 2, 3]), Deliver)
    assert [effect.sequence for effect in delivered] == [1, 2, 3]


def test_late_votes_are_not_verified() -> None:
    rig = Rig(1, 7)
    (block,) = chain(1)
    rig.pre_prepare(block)
    rig.prepare(block, [2, 3, 4])
    late = Prepare(View(0), Sequence(1), block.digest, GENESIS, 5, b"never looked at")
    assert rig.replica.step(rig.state.entered_at, Received(NodeId(5), late)) is NOTHING
    rig.commit(block, [0, 2, 3, 4])
    assert rig.replica.delivered == 1
    late_commit = Commit(View(0), Sequence(1), block.digest, 6, b"never looked at")
    assert rig.replica.step(rig.state.entered_at, Received(NodeId(6), late_commit)) is NOTHING


def test_the_usual_answers_are_shared() -> None:
    rig = Rig(1, 7)
    (block,) = chain(1)
    rig.pre_prepare(block)
    votes = [signed_prepare(7, i, 0, 1, block.digest, GENESIS) for i in (2, 3)]
    answers = [
        rig.replica.step(rig.state.entered_at, Received(NodeId(v.replica), v)) for v in votes
    ]
    assert answers[0] is answers[1]
    assert answers[0] == (Work("consensus.vote_verify", 1),)


def test_each_vote_costs_one_signature_to_make_and_to_check() -> None:
    rig = Rig()
    (block,) = chain(1)
    effects = rig.pre_prepare(block)
    kinds = [(work.kind, work.units) for work in only(effects, Work)]
    assert kinds == [("consensus.vote_verify", 1), ("consensus.vote_sign", 1)]
    effects = rig.prepare(block, [2])
    kinds = [(work.kind, work.units) for work in only(effects, Work)]
    assert kinds == [("consensus.vote_verify", 1), ("consensus.vote_sign", 1)]


def test_own_votes_count_only_when_they_come_back() -> None:
    rig = Rig(0, 1)
    rig.work()
    (block,) = chain(1)
    built = rig.replica.step(rig.state.entered_at, _built(block))
    assert not only(built, Deliver)
    (own,) = only(built, Loopback)
    assert only(rig.replica.step(rig.state.entered_at, own.event), Deliver)


def test_votes_are_persisted_before_they_are_sent() -> None:
    rig = Rig(0)
    rig.work()
    (block,) = chain(1)
    effects = rig.build(block)
    assert _first(effects, Persist) < _first(effects, Broadcast)
    effects = rig.prepare(block, [1, 2])
    assert _first(effects, Persist) < _first(effects, Broadcast)
    backup = Rig()
    effects = backup.pre_prepare(block)
    assert _first(effects, Persist) < _first(effects, Broadcast)


def test_the_trace_tells_the_phases() -> None:
    rig = Rig()
    names = emitted(rig.decide(chain(1)[0]))
    assert names == ["consensus.pre_prepared", "consensus.prepared", "consensus.committed"]


def test_an_equivocating_primary_cannot_make_two_blocks_final() -> None:
    twins = {0: chain(1)[0], 1: chain(1, tag=9)[0]}

    def two_faced(sender: int, receiver: int, message: object) -> object:
        if sender == 0 and isinstance(message, PrePrepare) and message.sequence == 1:
            return pre_prepare(4, twins[receiver % 2])
        if sender == 0 and isinstance(message, Commit):
            return signed_commit(4, 0, 0, message.sequence, twins[receiver % 2].digest)
        return message

    net = Network(4, seed=3, tamper=two_faced)  # type: ignore[arg-type]
    net.liars = [0]
    net.submit(range(4))
    net.run_until(lambda: min(net.heights()[1:]) >= 2, 5000)
    assert max(net.views()) >= 1


def _built(block: ToyBlock) -> BlockBuilt:
    return BlockBuilt(View(0), Sequence(1), block.digest, block.parent, block.payload)


def _first(effects: list[Effect], kind: type[Effect]) -> int:
    return next(place for place, effect in enumerate(effects) if isinstance(effect, kind))
