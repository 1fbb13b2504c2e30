"""What a single peer can cost a replica: memory, signature checks, bandwidth, a place in the view.

Each of these was an attack on this code before it was a test.
"""

import msgspec
import pytest

from consensus.bounds import overfull
from consensus.effects import BlockValidated, Deliver, ValidateBlock
from consensus.messages import (
    Commit,
    Decided,
    GetProposal,
    NewView,
    Prepare,
    PrePrepare,
    Proposal,
    ViewChange,
)
from consensus.signing import binding, signed_payload
from consensus.state import Timer, Validity
from primitives.ids import Hash32, Sequence
from primitives.machine import Effect, Work
from tests.unit.consensus.rig import (
    Rig,
    chain,
    new_view,
    only,
    pre_prepare,
    sent,
    sent_to,
    view_change,
    vote,
)
from tests.unit.consensus.toys import (
    GENESIS,
    MS,
    ToyBlock,
    commit_certificate,
    keys,
    prepared_certificate,
)


def misparented(block: ToyBlock, parent: bytes, primary: int = 0) -> PrePrepare:
    """Return the primary's signed proposal of a block, on a parent that is not its own."""
    message = msgspec.structs.replace(
        pre_prepare(4, block, primary), parent=Hash32(parent), signature=b""
    )
    signature = keys(4)[primary].sign(signed_payload(binding(GENESIS), message))
    return msgspec.structs.replace(message, signature=signature)


def checks(effects: list[Effect]) -> int:
    return sum(work.units for work in only(effects, Work) if work.kind == "consensus.vote_verify")


# A block on a false parent


def test_an_answer_about_a_block_is_not_taken_for_one_about_what_replaced_it() -> None:
    """Execution outlasts the view; the next primary proposes the same digest elsewhere.

    The node's answer names the digest alone. Were the block in question replaced meanwhile, the
    replica would hold a payload that nobody has looked at to be valid, on a false parent, and
    prepare it; with all backups misled alike it would be final.
    """
    rig = Rig(3, validates=False)
    (block,) = chain(1)
    rig.pre_prepare(block)
    below = ToyBlock(1, GENESIS, 9, ())
    rig.receive(1, new_view(4, 1, [vote(4, i, 1) for i in (0, 1, 2)]))
    rig.pre_prepare(below, view=1)
    rig.give(BlockValidated(below.digest, True, ""))
    moved = ToyBlock(2, below.digest, 1, ())
    forged = msgspec.structs.replace(pre_prepare(4, moved, 1), digest=block.digest, signature=b"")
    signature = keys(4)[1].sign(signed_payload(binding(GENESIS), forged))
    rig.receive(1, msgspec.structs.replace(forged, signature=signature))
    effects = rig.give(BlockValidated(block.digest, True, ""))
    assert not [prepare for prepare in sent(effects, Prepare) if prepare.sequence == 2]
    assert rig.state.blocks[block.digest].payload == block.payload
    assert rig.state.blocks[block.digest].parent == GENESIS


def test_a_block_that_was_refused_on_a_false_parent_is_fetched_for_the_true_one() -> None:
    """View 0's primary named a false parent, view 1's the true one; the answer comes in view 1."""
    rig = Rig(3, validates=False)
    false, true = chain(1)[0], chain(1, tag=9)[0]
    rig.pre_prepare(false)
    rig.give(BlockValidated(false.digest, True, ""))
    block = ToyBlock(2, true.digest, 5, ())
    rig.receive(0, misparented(block, false.digest))
    assert rig.state.blocks[block.digest].validity is Validity.ASKED
    rig.receive(1, new_view(4, 1, [vote(4, i, 1) for i in (0, 1, 2)]))
    rig.pre_prepare(true, view=1)
    rig.give(BlockValidated(true.digest, True, ""))
    rig.pre_prepare(block, view=1)
    effects = rig.give(BlockValidated(block.digest, False, "another parent"))
    ((peer, asked),) = sent_to(effects, GetProposal)
    assert asked.digest == block.digest
    rig.receive(peer, Proposal(Sequence(2), block.digest, block.payload))
    assert sent(rig.give(BlockValidated(block.digest, True, "")), Prepare)


def test_a_false_parent_told_to_one_replica_does_not_shut_it_out() -> None:
    """Q COMMITs prove that the block stands on the head, whatever the primary has said here."""
    rig = Rig()
    (block,) = chain(1)
    rig.receive(0, misparented(block, b"p" * 32))
    rig.prepare(block, [2, 3])
    effects = rig.commit(block, [0, 2, 3])
    (asked,) = only(effects, ValidateBlock)
    assert (asked.digest, asked.parent) == (block.digest, GENESIS)
    assert [each.digest for each in only(effects, Deliver)] == [block.digest]


def test_a_final_block_that_was_refused_is_checked_once_more() -> None:
    """Its timestamp was ahead of this replica's clock, and no longer is."""
    rig = Rig(validates=False)
    (block,) = chain(1)
    rig.pre_prepare(block)
    rig.give(BlockValidated(block.digest, False, "too late"))
    rig.prepare(block, [2, 3])
    assert only(rig.commit(block, [0, 2, 3]), ValidateBlock)
    effects = rig.give(BlockValidated(block.digest, True, ""))
    assert [each.digest for each in only(effects, Deliver)] == [block.digest]


def test_a_final_block_that_is_refused_again_is_left_to_the_node() -> None:
    rig = Rig(validates=False)
    (block,) = chain(1)
    rig.pre_prepare(block)
    rig.give(BlockValidated(block.digest, False, "no"))
    rig.commit(block, [0, 2, 3])
    assert not only(rig.give(BlockValidated(block.digest, False, "no")), ValidateBlock)
    assert not only(rig.fire(Timer.REPAIR, 100), ValidateBlock)
    assert rig.replica.delivered == 0


def test_a_refused_block_that_f_plus_1_have_prepared_is_checked_once_more() -> None:
    """With one of four silent, the vote of a replica whose clock is behind is needed."""
    rig = Rig(validates=False)
    (block,) = chain(1)
    rig.pre_prepare(block)
    rig.give(BlockValidated(block.digest, False, "too late"))
    rig.prepare(block, [2])
    assert not only(rig.fire(Timer.PROGRESS, 200), ValidateBlock)
    rig.prepare(block, [3])
    assert only(rig.fire(Timer.PROGRESS, 200), ValidateBlock)
    effects = rig.give(BlockValidated(block.digest, True, ""))
    assert sent(effects, Prepare)
    assert sent(effects, Commit)


# Bandwidth


def test_a_payload_is_handed_to_each_peer_now_and_then_only() -> None:
    rig = Rig(3)
    (block,) = chain(1)
    rig.pre_prepare(block)
    question = GetProposal(Sequence(1), block.digest)
    answers = [sent_to(rig.receive(2, question), Proposal) for _ in range(50)]
    assert sum(len(answer) for answer in answers) == 1
    assert sent_to(rig.receive(1, question), Proposal)
    rig.now += 100 * MS
    assert sent_to(rig.receive(2, question), Proposal)


def test_a_peer_that_asks_for_a_past_view_again_and_again_is_helped_now_and_then() -> None:
    rig = Rig(3)
    rig.receive(1, new_view(4, 1, [vote(4, i, 1) for i in (0, 1, 2)]))
    answered = 0
    for _ in range(20):  # a second
        rig.now += 50 * MS
        for _ in range(10):
            answered += len(sent_to(rig.receive(0, view_change(4, 0, 1)), NewView))
    assert 1 <= answered <= 20


def test_a_peer_that_repeats_its_view_change_is_told_of_the_head_now_and_then() -> None:
    rig = Rig(3)
    rig.decide(chain(1)[0])
    asked = ViewChange(vote(4, 2, 5), (), ())
    answers = [sent_to(rig.receive(2, asked), Decided) for _ in range(50)]
    assert sum(len(answer) for answer in answers) == 1


# Signature checks


def test_false_proofs_of_a_view_change_are_looked_at_once() -> None:
    rig = Rig(1)
    (block,) = chain(1)
    proof = prepared_certificate(4, [2, 3], 0, 1, block.digest, block.parent)
    false = msgspec.structs.replace(proof, signatures=(proof.signatures[0], b"x" * 64))
    shown = view_change(4, 2, 1, proofs=(false,))
    assert checks(rig.receive(2, shown)) > 1
    for _ in range(20):
        assert checks(rig.receive(2, shown)) == 0
    assert 2 not in rig.state.changing.proven
    assert overfull(rig.state) is None


def test_a_view_change_without_proofs_may_still_be_proven() -> None:
    rig = Rig(1)
    (block,) = chain(1)
    proof = prepared_certificate(4, [2, 3], 0, 1, block.digest, block.parent)
    shown = view_change(4, 2, 1, proofs=(proof,))
    rig.receive(2, ViewChange(shown.vote, (), ()))
    rig.receive(2, shown)
    assert 2 in rig.state.changing.proven


def test_a_trail_longer_than_a_replica_keeps_is_not_looked_at() -> None:
    rig = Rig(1)
    blocks = chain(30)
    trail = tuple(commit_certificate(4, [0, 2, 3], 0, b.sequence, b.digest) for b in blocks)
    assert checks(rig.receive(2, view_change(4, 2, 1, trail=trail))) == 1
    votes = [vote(4, i, 1, base=(30, blocks[-1].digest)) for i in (0, 1, 2)]
    assert checks(Rig(3).receive(1, new_view(4, 1, votes, trail=trail))) == 0


@pytest.mark.parametrize("signers", [100, 5_000])
def test_a_certificate_costs_no_more_than_the_committee_has_members(signers: int) -> None:
    rig = Rig()
    certificate = commit_certificate(4, [0, 2, 3], 0, 5, b"d" * 32)
    long = msgspec.structs.replace(
        certificate, signers=tuple(range(signers)), signatures=(b"x" * 64,) * signers
    )
    assert checks(rig.receive(2, Decided(long))) <= 4


# Memory


def test_payloads_that_nobody_looked_at_go_with_their_view() -> None:
    """A bad primary leaves a window of them behind in each of its views."""
    rig = Rig(3)
    sizes = []
    for view in range(12):
        if view:
            rig.receive(view % 4, new_view(4, view, [vote(4, i, view) for i in (0, 1, 2)]))
        for block in chain(12, first_parent=Hash32(b"%32d" % view), tag=view):
            if view % 4 != 3:
                rig.receive(view % 4, pre_prepare(4, block, view))
        sizes.append(len(rig.state.blocks))
    assert max(sizes) <= 12


def test_what_was_proven_for_views_that_never_came_is_forgotten() -> None:
    """A liar's VIEW-CHANGE for a far view would otherwise keep all that is ever established."""
    rig = Rig(1)
    rig.receive(3, view_change(4, 3, 4_001))
    for view in range(1, 40, 4):
        block = chain(1, tag=view)[0]
        proof = prepared_certificate(4, [2, 3], view - 1, 1, block.digest, block.parent)
        rig.receive(2, view_change(4, 2, view, proofs=(proof,)))
        rig.receive(0, new_view(4, view, [vote(4, i, view) for i in (0, 1, 2)]))
    assert rig.replica.view == 37
    assert len(rig.state.changing.established) <= 1
    assert list(rig.state.changing.proven) == [3]
