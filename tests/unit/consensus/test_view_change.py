"""VIEW-CHANGE and NEW-VIEW, rule by rule (Castro & Liskov 1999, section 4.4)."""

import msgspec
import pytest

from consensus.effects import BlockValidated, Deliver, FellBehind, ValidateBlock
from consensus.messages import (
    Commit,
    GetProposal,
    NewView,
    Prepare,
    PrePrepare,
    Proposal,
    ViewChange,
)
from consensus.state import Timer
from primitives.ids import Sequence
from primitives.machine import Work
from tests.unit.consensus.rig import (
    Rig,
    chain,
    emitted,
    new_view,
    only,
    sent,
    sent_to,
    view_change,
    vote,
)
from tests.unit.consensus.toys import commit_certificate, prepared_certificate


def test_a_replica_that_asked_for_another_view_votes_no_more() -> None:
    rig = Rig()
    first, second = chain(2)
    rig.pre_prepare(first)
    rig.suspect()
    assert not sent(rig.prepare(first, [2, 3]), Commit)
    assert not sent(rig.pre_prepare(second), Prepare)


def test_it_still_follows_what_the_others_commit() -> None:
    rig = Rig()
    (block,) = chain(1)
    rig.suspect()
    rig.pre_prepare(block)
    effects = rig.commit(block, [0, 2, 3])
    assert [d.digest for d in only(effects, Deliver)] == [block.digest]
    assert not sent(effects, Commit)


def test_all_get_the_vote_and_the_new_primary_the_proofs() -> None:
    rig = Rig(3)
    (block,) = chain(1)
    rig.decide(block)
    effects = rig.suspect()
    (announced,) = sent(effects, ViewChange)
    assert (announced.trail, announced.proofs) == ((), ())
    ((primary, full),) = sent_to(effects, ViewChange)
    assert primary == 1
    assert full.vote == announced.vote
    assert full.trail[-1].digest == block.digest
    assert emitted(effects) == ["consensus.view_change_started"]


def test_a_view_change_is_repeated_as_it_was() -> None:
    rig = Rig(3)
    (first,) = sent(rig.suspect(), ViewChange)
    (again,) = sent(rig.fire(Timer.REPAIR, 100), ViewChange)
    assert again == first
    assert sent(rig.fire(Timer.REPAIR, 100), ViewChange)


def test_f_plus_1_view_changes_are_joined_at_once() -> None:
    rig = Rig(3)
    assert not sent(rig.receive(0, view_change(4, 0, 5)), ViewChange)
    (joined,) = sent(rig.receive(2, view_change(4, 2, 2)), ViewChange)
    assert joined.vote.view == 2


def test_f_view_changes_are_not_joined() -> None:
    rig = Rig(3, 7)
    for i in (0, 1):
        assert not sent(rig.receive(i, view_change(7, i, 9)), ViewChange)
    for _ in range(3):
        assert not sent(rig.receive(1, view_change(7, 1, 9)), ViewChange)


def test_a_forged_view_change_does_not_count() -> None:
    rig = Rig(3)
    good = vote(4, 0, 5)
    forged = msgspec.structs.replace(good, replica=2)
    rig.receive(0, ViewChange(good, (), ()))
    effects = rig.receive(2, ViewChange(forged, (), ()))
    assert effects == [Work("consensus.vote_verify", 1)]
    assert rig.receive(1, ViewChange(good, (), ())) == []


def test_the_new_primary_begins_with_q_view_changes() -> None:
    rig = Rig(1)
    rig.suspect()
    assert not sent(rig.receive(0, view_change(4, 0, 1)), NewView)
    (begun,) = sent(rig.receive(3, view_change(4, 3, 1)), NewView)
    assert [v.replica for v in begun.votes] == [0, 1, 3]
    assert (rig.replica.view, rig.replica.primary) == (1, 1)


def test_a_view_change_without_its_proofs_does_not_count_for_the_primary() -> None:
    rig = Rig(1)
    (block,) = chain(1)
    proof = prepared_certificate(4, [2, 3], 0, 1, block.digest, block.parent)
    full = view_change(4, 2, 1, proofs=(proof,))
    rig.suspect()
    rig.receive(0, view_change(4, 0, 1))
    assert not sent(rig.receive(2, ViewChange(full.vote, (), ())), NewView)
    assert sent(rig.receive(2, full), NewView)


@pytest.mark.parametrize(
    "signers", [[2], [0, 2], [2, 2], [3, 2]], ids=["few", "primary", "twice", "unsorted"]
)
def test_a_prepared_certificate_needs_q_minus_1_distinct_backups(signers: list[int]) -> None:
    rig = Rig(1)
    (block,) = chain(1)
    proof = prepared_certificate(4, signers, 0, 1, block.digest, block.parent)
    rig.suspect()
    rig.receive(0, view_change(4, 0, 1))
    assert not sent(rig.receive(2, view_change(4, 2, 1, proofs=(proof,))), NewView)


def test_what_was_prepared_is_proposed_again() -> None:
    rig = Rig(1)
    blocks = chain(2)
    for block in blocks:
        rig.pre_prepare(block)
        rig.prepare(block, [2, 3])
    rig.suspect()
    rig.receive(0, view_change(4, 0, 1))
    (begun,) = sent(rig.receive(3, view_change(4, 3, 1)), NewView)
    assert [proof.digest for proof in begun.proofs] == [block.digest for block in blocks]
    assert rig.state.top == 2
    assert not sent(rig.effects, PrePrepare)


def test_a_backup_computes_the_new_view_again_and_refuses_another() -> None:
    """The new primary hides what replica 2 has claimed."""
    rig = Rig(3)
    (block,) = chain(1)
    proof = prepared_certificate(4, [2, 3], 0, 1, block.digest, block.parent)
    votes = [vote(4, 0, 1), vote(4, 1, 1), vote(4, 2, 1, claims=(proof,))]
    assert rig.receive(1, new_view(4, 1, votes)) == []
    assert rig.replica.view == 0
    rig.receive(1, new_view(4, 1, votes, proofs=(proof,)))
    assert rig.replica.view == 1


def test_a_new_view_of_another_signer_is_refused() -> None:
    rig = Rig(3)
    votes = [vote(4, i, 1) for i in (0, 1, 2)]
    rig.receive(2, new_view(4, 1, votes, signer=2))
    assert rig.replica.view == 0


def test_a_new_view_may_be_passed_on_by_anyone() -> None:
    rig = Rig(3)
    rig.receive(0, new_view(4, 1, [vote(4, i, 1) for i in (0, 1, 2)]))
    assert rig.replica.view == 1


def test_a_new_view_with_forged_votes_or_proofs_is_refused() -> None:
    rig = Rig(3)
    (block,) = chain(1)
    proof = prepared_certificate(4, [1, 2], 0, 1, block.digest, block.parent)
    bad = msgspec.structs.replace(proof, parent=b"p" * 32, digest=b"d" * 32)
    votes = [vote(4, i, 1) for i in (0, 1)]
    forged = msgspec.structs.replace(vote(4, 2, 1), signature=b"x" * 64)
    rig.receive(1, new_view(4, 1, [*votes, forged]))
    claimed = vote(4, 2, 1, claims=(bad,))
    rig.receive(1, new_view(4, 1, [*votes, claimed], proofs=(bad,)))
    base = commit_certificate(4, [0, 1], 0, 1, block.digest)
    low = vote(4, 2, 1, base=(1, block.digest))
    rig.receive(1, new_view(4, 1, [*votes, low], trail=(base,)))
    assert rig.replica.view == 0


def test_a_past_new_view_is_ignored() -> None:
    rig = Rig(3)
    later = new_view(4, 2, [vote(4, i, 2) for i in (0, 1, 2)])
    rig.receive(2, later)
    assert rig.receive(1, new_view(4, 1, [vote(4, i, 1) for i in (0, 1, 2)])) == []
    assert rig.receive(2, later) == []
    assert rig.replica.view == 2


def test_votes_of_a_view_that_comes_later_are_kept() -> None:
    rig = Rig(3)
    (block,) = chain(1)
    rig.pre_prepare(block, view=1)
    rig.prepare(block, [0, 2], view=1)
    rig.commit(block, [0, 1], view=1)
    assert rig.replica.view == 0
    effects = rig.receive(1, new_view(4, 1, [vote(4, i, 1) for i in (0, 1, 2)]))
    assert sent(effects, Prepare)
    assert rig.replica.delivered == 1


def test_what_is_kept_for_a_later_view_is_bounded_for_each_peer() -> None:
    rig = Rig(3)
    for sequence in range(1, 200):
        rig.commit(chain(1, start=sequence)[0], [0], view=1)
    assert len(rig.state.early[0].messages) == 18
    rig.commit(chain(1)[0], [0], view=2)
    assert len(rig.state.early[0].messages) == 1


def test_a_payload_that_a_replica_never_saw_is_fetched_and_voted_for() -> None:
    rig = Rig(3)
    (block,) = chain(1)
    proof = prepared_certificate(4, [1, 2], 0, 1, block.digest, block.parent)
    votes = [vote(4, i, 1, claims=(proof,)) for i in (0, 1, 2)]
    effects = rig.receive(1, new_view(4, 1, votes, proofs=(proof,)))
    ((holder, asked),) = sent_to(effects, GetProposal)
    assert holder in (1, 2)
    assert asked.digest == block.digest
    ((other, again),) = sent_to(rig.fire(Timer.REPAIR, 100), GetProposal)
    assert (other, again.digest) == (3 - holder, block.digest)
    effects = rig.receive(other, Proposal(Sequence(1), block.digest, block.payload))
    (prepare,) = sent(effects, Prepare)
    assert (prepare.view, prepare.digest) == (1, block.digest)


def test_a_wrong_payload_is_dropped_and_asked_for_again() -> None:
    rig = Rig(3, validates=False)
    (block,) = chain(1)
    proof = prepared_certificate(4, [1, 2], 0, 1, block.digest, block.parent)
    votes = [vote(4, i, 1, claims=(proof,)) for i in (0, 1, 2)]
    rig.receive(1, new_view(4, 1, votes, proofs=(proof,)))
    rig.receive(2, Proposal(Sequence(1), block.digest, b"something else"))
    rig.give(BlockValidated(block.digest, False, "wrong digest"))
    ((other, _),) = sent_to(rig.fire(Timer.REPAIR, 100), GetProposal)
    assert other == 1
    rig.receive(1, Proposal(Sequence(1), block.digest, block.payload))
    assert sent(rig.give(BlockValidated(block.digest, True, "")), Prepare)


def test_a_payload_that_is_asked_for_after_a_restart_is_taken() -> None:
    rig = Rig(3)
    (block,) = chain(1)
    proof = prepared_certificate(4, [1, 2], 0, 1, block.digest, block.parent)
    votes = [vote(4, i, 1, claims=(proof,)) for i in (0, 1, 2)]
    rig.receive(1, new_view(4, 1, votes, proofs=(proof,)))
    again = rig.restarted()
    ((holder, _),) = sent_to(again.effects, GetProposal)
    effects = again.receive(holder, Proposal(Sequence(1), block.digest, block.payload))
    assert sent(effects, Prepare)


def test_of_each_question_for_a_payload_one_answer_is_looked_at() -> None:
    """Or one liar could keep the node busy with forgeries, and the true payload out."""
    rig = Rig(3, validates=False)
    (block,) = chain(1)
    proof = prepared_certificate(4, [1, 2], 0, 1, block.digest, block.parent)
    votes = [vote(4, i, 1, claims=(proof,)) for i in (0, 1, 2)]
    rig.receive(1, new_view(4, 1, votes, proofs=(proof,)))
    forged = Proposal(Sequence(1), block.digest, b"something else")
    assert rig.receive(1, forged) == []  # it was not asked
    assert only(rig.receive(2, forged), ValidateBlock)
    rig.give(BlockValidated(block.digest, False, "wrong digest", mislabelled=True))
    assert rig.receive(2, forged) == []
    rig.fire(Timer.REPAIR, 100)
    assert rig.receive(2, forged) == []
    (asked,) = only(
        rig.receive(1, Proposal(Sequence(1), block.digest, block.payload)), ValidateBlock
    )
    assert asked.payload == block.payload


def test_a_payload_nobody_asked_for_is_dropped() -> None:
    rig = Rig(3)
    (block,) = chain(1)
    assert rig.receive(2, Proposal(Sequence(1), block.digest, block.payload)) == []
    assert not rig.state.blocks


def test_payloads_are_handed_out_to_the_committee() -> None:
    rig = Rig(3)
    (block,) = chain(1)
    rig.pre_prepare(block)
    ((peer, answer),) = sent_to(rig.receive(2, GetProposal(Sequence(1), block.digest)), Proposal)
    assert (peer, answer.payload) == (2, block.payload)
    assert rig.receive(2, GetProposal(Sequence(2), block.digest)) == []
    assert rig.receive(9, GetProposal(Sequence(1), block.digest)) == []


def test_a_base_above_the_own_head_is_fetched() -> None:
    rig = Rig(3)
    blocks = chain(2)
    trail = tuple(commit_certificate(4, [0, 1, 2], 0, b.sequence, b.digest) for b in blocks)
    votes = [vote(4, i, 1, base=(2, blocks[1].digest)) for i in (0, 1, 2)]
    effects = rig.receive(1, new_view(4, 1, votes, trail=trail))
    (behind,) = only(effects, FellBehind)
    assert behind.sequence == 2


def test_the_trail_of_a_base_lets_a_replica_help_itself() -> None:
    """It holds the blocks, and only their certificates were lost."""
    rig = Rig(3)
    blocks = chain(2)
    for block in blocks:
        rig.pre_prepare(block)
    trail = tuple(commit_certificate(4, [0, 1, 2], 0, b.sequence, b.digest) for b in blocks)
    votes = [vote(4, i, 1, base=(2, blocks[1].digest)) for i in (0, 1, 2)]
    effects = rig.receive(1, new_view(4, 1, votes, trail=trail))
    assert [d.sequence for d in only(effects, Deliver)] == [1, 2]
    assert not only(effects, FellBehind)


def test_a_replica_waiting_for_a_later_view_enters_without_voting() -> None:
    rig = Rig(3)
    rig.suspect()
    rig.receive(0, view_change(4, 0, 2))
    rig.receive(1, view_change(4, 1, 2))
    assert rig.state.changing.target == 2
    effects = rig.receive(1, new_view(4, 1, [vote(4, i, 1) for i in (0, 1, 2)]))
    assert rig.replica.view == 1
    assert emitted(effects) == ["consensus.view_entered"]
    assert not sent(rig.pre_prepare(chain(1)[0], view=1), Prepare)
    rig.receive(2, new_view(4, 2, [vote(4, i, 2) for i in (0, 1, 2)]))
    assert sent(rig.pre_prepare(chain(1, tag=3)[0], view=2), Prepare)


def unsigned(marks: tuple[bytes, ...]) -> tuple[bytes, ...]:
    return (b"x" * 64,) * len(marks)


def test_signatures_that_the_primary_need_not_check_do_not_spoil_its_new_view() -> None:
    """A liar's certificates are of what the primary knows; replica 3 knows none of it."""
    primary, ignorant = Rig(1), Rig(3)
    first, second = chain(2)
    primary.suspect()
    primary.decide(first)
    primary.pre_prepare(second)
    primary.prepare(second, [2, 3])
    base = commit_certificate(4, [0, 2, 3], 0, 1, first.digest)
    proof = prepared_certificate(4, [2, 3], 0, 2, second.digest, second.parent)
    liar = ViewChange(
        vote(4, 0, 1, base=(1, first.digest), claims=(proof,)),
        (msgspec.structs.replace(base, signatures=unsigned(base.signatures)),),
        (msgspec.structs.replace(proof, signatures=unsigned(proof.signatures)),),
    )
    primary.receive(0, liar)
    (begun,) = sent(primary.receive(2, view_change(4, 2, 1)), NewView)
    ignorant.receive(1, begun)
    assert ignorant.replica.view == 1


def test_no_proposal_is_accepted_below_the_base_of_the_view() -> None:
    """h < n (section 4.2): what the NEW-VIEW proves to be final cannot be proposed again.

    Replica 3 has not delivered it yet, and would find another block valid.
    """
    rig = Rig(3)
    final = chain(2)[-1].digest
    base = commit_certificate(4, [0, 1, 2], 0, 2, final)
    votes = [vote(4, 0, 1), vote(4, 1, 1, base=(2, final)), vote(4, 2, 1)]
    rig.receive(1, new_view(4, 1, votes, trail=(base,)))
    others = chain(3, tag=9)
    for other in others:
        assert not sent(rig.pre_prepare(other, view=1), Prepare)
    again = rig.restarted()
    for other in others:
        assert not sent(again.pre_prepare(other, view=1), Prepare)
