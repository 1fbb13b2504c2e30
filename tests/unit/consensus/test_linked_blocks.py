"""Rules for hash-linked blocks that are executed before the vote (DESIGN, section 2)."""

from consensus.effects import BlockValidated, Deliver, ValidateBlock
from consensus.messages import Commit, Prepare
from consensus.state import Timer
from primitives.ids import Hash32, Sequence
from tests.unit.consensus.rig import (
    Rig,
    chain,
    new_view,
    only,
    sent,
    view_change,
    vote,
)
from tests.unit.consensus.toys import prepared_certificate


def test_a_replica_may_prepare_on_an_uncommitted_parent() -> None:
    rig = Rig()
    first, second = chain(2)
    rig.pre_prepare(first)
    (prepare,) = sent(rig.pre_prepare(second), Prepare)
    assert prepare.parent == first.digest


def test_a_block_is_validated_only_after_its_parent() -> None:
    rig = Rig(validates=False)
    first, second = chain(2)
    assert not only(rig.pre_prepare(second), ValidateBlock)
    effects = rig.pre_prepare(first)
    assert [asked.digest for asked in only(effects, ValidateBlock)] == [first.digest]
    effects = rig.give(BlockValidated(first.digest, True, ""))
    assert [asked.digest for asked in only(effects, ValidateBlock)] == [second.digest]


def test_a_proposal_on_another_parent_is_never_accepted() -> None:
    rig = Rig()
    first = chain(1)[0]
    stray = chain(2, tag=9)[1]
    rig.pre_prepare(first)
    effects = rig.pre_prepare(stray)
    assert not only(effects, ValidateBlock)
    assert not sent(effects, Prepare)


def test_the_first_proposal_stands_on_the_head() -> None:
    rig = Rig()
    stray = chain(1, first_parent=Hash32(b"p" * 32))[0]
    assert not only(rig.pre_prepare(stray), ValidateBlock)


def test_commit_waits_until_everything_below_is_prepared() -> None:
    rig = Rig()
    blocks = chain(3)
    for block in blocks:
        rig.pre_prepare(block)
    assert not sent(rig.prepare(blocks[1], [2, 3]), Commit)
    assert not sent(rig.prepare(blocks[2], [2, 3]), Commit)
    commits = sent(rig.prepare(blocks[0], [2, 3]), Commit)
    assert [commit.sequence for commit in commits] == [1, 2, 3]


def test_a_certificate_above_a_gap_does_not_release_commits() -> None:
    """A COMMIT for 3 promises that a VIEW-CHANGE shows 1, 2 and 3 as prepared."""
    rig = Rig()
    blocks = chain(3)
    for block in blocks:
        rig.pre_prepare(block)
    rig.prepare(blocks[0], [2, 3])
    rig.commit(blocks[1], [0, 2, 3])
    assert not sent(rig.prepare(blocks[2], [2, 3]), Commit)
    commits = sent(rig.commit(blocks[0], [0, 2, 3]), Commit)
    assert [commit.sequence for commit in commits] == [2, 3]


def test_a_certificate_of_an_older_view_does_not_release_commits() -> None:
    """Block 1 is prepared in view 0 only; in view 1 its place is open until it is again."""
    rig = Rig()
    first, second = chain(2)
    for block in (first, second):
        rig.pre_prepare(block)
        rig.prepare(block, [2, 3])
    proofs = tuple(
        prepared_certificate(4, [1, 2], 0, b.sequence, b.digest, b.parent) for b in (first, second)
    )
    rig = Rig(2)
    for block in (first, second):
        rig.pre_prepare(block)
        rig.prepare(block, [1, 3])
    votes = [vote(4, i, 1, claims=proofs) for i in (0, 1, 3)]
    rig.receive(1, new_view(4, 1, votes, proofs=proofs))
    assert rig.replica.view == 1
    assert not sent(rig.prepare(second, [0, 3], view=1), Commit)
    commits = sent(rig.prepare(first, [0, 3], view=1), Commit)
    assert [(commit.view, commit.sequence) for commit in commits] == [(1, 1), (1, 2)]


def test_the_p_set_is_prefix_closed() -> None:
    """A hole at 2: what is prepared above it is not claimed, since it cannot be committed."""
    rig = Rig()
    blocks = chain(3)
    for block in blocks:
        rig.pre_prepare(block)
    rig.prepare(blocks[0], [2, 3])
    rig.prepare(blocks[2], [2, 3])
    rig.suspect()
    own = rig.state.changing.own
    assert own is not None
    assert [claim.digest for claim in own.vote.prepared] == [blocks[0].digest]


def test_the_p_set_is_linked() -> None:
    """Block 1 was replaced in view 1; block 2 of view 0 stands on the old one."""
    rig = Rig(3)
    old, new = chain(2), chain(1, tag=9)[0]
    for block in old:
        rig.pre_prepare(block)
        rig.prepare(block, [1, 2])
    assert sorted(rig.state.prepared) == [1, 2]
    rig.receive(1, new_view(4, 1, [vote(4, i, 1) for i in (0, 1, 2)]))
    rig.pre_prepare(new, view=1)
    rig.prepare(new, [0, 2], view=1)
    rig.suspect()
    own = rig.state.changing.own
    assert own is not None
    assert [(c.view, c.digest) for c in own.vote.prepared] == [(1, new.digest)]
    assert [proof.sequence for proof in own.proofs] == [1]


def test_a_delivered_block_is_the_base_of_the_view_change() -> None:
    rig = Rig()
    blocks = chain(3)
    rig.decide(blocks[0])
    rig.decide(blocks[1])
    rig.pre_prepare(blocks[2])
    rig.prepare(blocks[2], [2, 3])
    rig.suspect()
    own = rig.state.changing.own
    assert own is not None
    assert (own.vote.base_sequence, own.vote.base_digest) == (2, blocks[1].digest)
    assert [certificate.sequence for certificate in own.trail] == [1, 2]
    assert [proof.digest for proof in own.proofs] == [blocks[2].digest]


def test_a_proposed_block_is_not_executed_twice() -> None:
    rig = Rig(2)
    (block,) = chain(1)
    rig.pre_prepare(block)
    rig.prepare(block, [1, 3])
    proof = prepared_certificate(4, [1, 3], 0, 1, block.digest, block.parent)
    votes = [vote(4, i, 1, claims=(proof,)) for i in (0, 1, 3)]
    effects = rig.receive(1, new_view(4, 1, votes, proofs=(proof,)))
    assert not only(effects, ValidateBlock)
    (prepare,) = sent(effects, Prepare)
    assert (prepare.view, prepare.digest) == (1, block.digest)


def test_a_replaced_block_is_not_delivered() -> None:
    """Block 1@0 is prepared here alone; view 1 begins without it and decides another."""
    rig = Rig(3)
    old, new = chain(1)[0], chain(1, tag=9)[0]
    rig.pre_prepare(old)
    rig.prepare(old, [1, 2])
    rig.receive(1, new_view(4, 1, [vote(4, i, 1) for i in (0, 1, 2)]))
    assert not only(rig.commit(old, [0, 1, 2]), Deliver)
    effects = rig.pre_prepare(new, view=1)
    rig.prepare(new, [0, 2], view=1)
    effects = rig.commit(new, [0, 1, 2], view=1)
    assert [d.digest for d in only(effects, Deliver)] == [new.digest]
    assert old.digest not in rig.state.blocks


def test_proposals_far_above_the_last_delivery_are_held() -> None:
    """A replica accepts 2 * pipeline_depth blocks ahead, and the rest when it gets there."""
    rig = Rig()
    blocks = chain(8)
    accepted = [sent(rig.pre_prepare(block), Prepare) for block in blocks]
    assert [bool(prepare) for prepare in accepted] == [True] * 6 + [False] * 2
    rig.prepare(blocks[0], [2, 3])
    (prepare,) = sent(rig.commit(blocks[0], [0, 2, 3]), Prepare)
    assert prepare.sequence == 7


def test_view_change_proofs_must_link() -> None:
    """The new primary refuses a P set with a gap in its links."""
    first, second = chain(1)[0], chain(2, tag=9)[1]
    proofs = tuple(
        prepared_certificate(4, [1, 2], 0, b.sequence, b.digest, b.parent) for b in (first, second)
    )
    rig = Rig(1)
    rig.receive(2, view_change(4, 2, 1, proofs=proofs))
    rig.receive(3, view_change(4, 3, 1))
    rig.suspect()
    assert sorted(rig.state.changing.proven) == [1, 3]
    assert rig.replica.view == 0
    rig.receive(0, view_change(4, 0, 1))
    assert rig.replica.view == 1
    assert rig.state.top == Sequence(0)


def test_the_frontier_starts_anew_in_each_view() -> None:
    rig = Rig(2)
    first, second = chain(2)
    rig.decide(first)
    rig.pre_prepare(second)
    rig.prepare(second, [1, 3])
    assert rig.state.frontier == 2
    rig.fire(Timer.PROGRESS, 0)
    rig.receive(1, new_view(4, 1, [vote(4, i, 1) for i in (0, 1, 3)]))
    assert rig.state.frontier == 1
