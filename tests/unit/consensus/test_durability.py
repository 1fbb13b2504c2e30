"""What a replica remembers across a crash, and what it forgets."""

import pytest

from consensus.effects import (
    BlockBuilt,
    ChainAdvanced,
    Deliver,
    FellBehind,
    RequestBlock,
    ValidateBlock,
)
from consensus.log import ACCEPTED, BASE, BLOCK, PREPARED, epoch_key, read
from consensus.messages import Commit, NewView, Prepare, PrePrepare, ReplicaStatus, ViewChange
from primitives.errors import InvalidEncoding
from primitives.ids import Instant, Sequence, View
from primitives.machine import Persist, Record
from tests.unit.consensus.harness import Network
from tests.unit.consensus.rig import Rig, chain, new_view, only, sent, view_change, vote
from tests.unit.consensus.toys import commit_certificate, prepared_certificate


def test_a_restarted_backup_stands_by_its_prepare() -> None:
    rig = Rig()
    first, second = chain(1)[0], chain(1, tag=9)[0]
    (before,) = sent(rig.pre_prepare(first), Prepare)
    again = rig.restarted()
    assert sent(again.effects, Prepare) == [before]
    assert not sent(again.pre_prepare(second), Prepare)
    assert sent(again.prepare(first, [2]), Commit)


def test_a_restarted_primary_stands_by_its_proposal() -> None:
    rig = Rig(0)
    rig.work()
    first = chain(1)[0]
    (before,) = sent(rig.build(first), PrePrepare)
    again = rig.restarted()
    assert sent(again.effects, PrePrepare) == [before]
    (request,) = only(again.work(), RequestBlock)
    assert (request.sequence, request.parent) == (2, first.digest)


def test_a_restarted_replica_repeats_its_commit_and_shows_its_certificate() -> None:
    rig = Rig()
    (block,) = chain(1)
    rig.pre_prepare(block)
    (before,) = sent(rig.prepare(block, [2]), Commit)
    again = rig.restarted()
    assert sent(again.effects, Commit) == [before]
    again.suspect()
    own = again.state.changing.own
    assert own is not None
    assert [claim.digest for claim in own.vote.prepared] == [block.digest]
    assert len(own.proofs[0].signatures) == 2


def test_a_restarted_replica_keeps_its_promise_not_to_vote() -> None:
    rig = Rig()
    (before,) = sent(rig.suspect(), ViewChange)
    again = rig.restarted()
    assert sent(again.effects, ViewChange) == [before]
    assert not again.state.voting
    assert not sent(again.pre_prepare(chain(1)[0]), Prepare)


def test_a_restarted_replica_works_in_the_view_that_it_was_in() -> None:
    rig = Rig(3)
    (block,) = chain(1)
    proof = prepared_certificate(4, [1, 2], 0, 1, block.digest, block.parent)
    votes = [vote(4, i, 1, claims=(proof,)) for i in (0, 1, 2)]
    rig.receive(1, new_view(4, 1, votes, proofs=(proof,)))
    again = rig.restarted()
    assert again.replica.view == 1
    assert again.state.slots[Sequence(1)].digest == block.digest
    assert again.state.repair.missing


def test_a_restarted_primary_announces_its_view_again() -> None:
    rig = Rig(1)
    rig.suspect()
    rig.receive(0, view_change(4, 0, 1))
    (begun,) = sent(rig.receive(3, view_change(4, 3, 1)), NewView)
    assert sent(rig.restarted().effects, NewView) == [begun]


def test_a_restarted_replica_says_how_far_it_is_and_a_new_one_is_silent() -> None:
    rig = Rig()
    assert not rig.effects
    rig.pre_prepare(chain(1)[0])
    (status,) = sent(rig.restarted().effects, ReplicaStatus)
    assert (status.view, status.sequence) == (0, 0)


def test_blocks_are_validated_again_in_a_new_life_before_they_are_delivered() -> None:
    rig = Rig()
    first, second = chain(2)
    rig.pre_prepare(first)
    rig.pre_prepare(second)
    again = Rig(1, validates=False, records=rig.log())
    assert [asked.sequence for asked in only(again.effects, ValidateBlock)] == [1]
    assert not only(again.commit(first, [0, 2, 3]), Deliver)
    assert again.replica.delivered == 0


def test_a_restarted_primary_does_not_build_on_what_it_has_not_executed() -> None:
    rig = Rig(0)
    rig.work()
    rig.build(chain(1)[0])
    again = Rig(0, validates=False, records=rig.log())
    assert not only(again.work(), RequestBlock)


def test_a_single_replica_goes_on_with_what_it_had_proposed() -> None:
    rig = Rig(0, 1)
    rig.work()
    (block,) = chain(1)
    built = rig.replica.step(
        Instant(0), BlockBuilt(View(0), Sequence(1), block.digest, block.parent, block.payload)
    )
    log = only(built, Persist)[0].records  # and nothing else was durable
    again = Rig(0, 1, records=log)
    assert [delivered.digest for delivered in only(again.effects, Deliver)] == [block.digest]


def test_fetched_blocks_are_remembered_as_final() -> None:
    """The node's disk may have lost them; votes were built on them."""
    rig = Rig()
    blocks = chain(5)
    certificate = commit_certificate(4, [0, 2, 3], 0, 4, blocks[3].digest)
    rig.give(ChainAdvanced(Sequence(4), blocks[3].digest, certificate))
    rig.pre_prepare(blocks[4])
    assert sent(rig.prepare(blocks[4], [2]), Commit)
    again = rig.restarted()
    assert again.replica.delivered == 0
    (behind,) = only(again.effects, FellBehind)
    assert behind.sequence == 4
    again.suspect()
    own = again.state.changing.own
    assert own is not None
    assert own.vote.base_sequence == 4
    assert [claim.digest for claim in own.vote.prepared] == [blocks[4].digest]


def test_a_commit_without_a_prepared_certificate_is_remembered_as_final() -> None:
    rig = Rig()
    first, second = chain(2)
    rig.pre_prepare(first)
    assert only(rig.commit(first, [0, 2, 3]), Deliver)
    rig.pre_prepare(second)
    assert sent(rig.prepare(second, [2]), Commit)
    again = rig.restarted()
    again.suspect()
    own = again.state.changing.own
    assert own is not None
    assert own.vote.base_sequence == 1
    assert [claim.digest for claim in own.vote.prepared] == [second.digest]


def test_records_of_delivered_blocks_are_deleted_later() -> None:
    rig = Rig()
    for block in chain(60):
        rig.decide(block)
        kept = [key for key in rig.disk if key[8:].startswith((ACCEPTED, PREPARED, BLOCK))]
        assert len(kept) <= 3 * (2 * rig.state.params.reach + 1)
    memory = read(rig.log())
    assert memory.base is not None
    lowest = min(memory.accepted)
    assert memory.base.sequence == lowest - 1
    assert 60 - lowest >= rig.state.params.reach - 1
    assert rig.disk[epoch_key(0, BASE)]


def test_memory_is_bounded() -> None:
    rig = Rig()
    sizes = []
    for block in chain(100):
        rig.decide(block)
        state = rig.state
        sizes.append(
            len(state.slots)
            + len(state.blocks)
            + len(state.prepared)
            + len(state.certified)
            + len(state.trail)
            + sum(len(keys) for keys in state.logged.values())
        )
    assert max(sizes[20:]) <= max(sizes[:20])


def test_a_flood_fills_no_more_than_the_window() -> None:
    rig = Rig()
    for sequence in range(1, 3000):
        rig.commit(chain(1, start=sequence)[0], [2])
        rig.receive(2, view_change(4, 2, sequence))
    assert len(rig.state.slots) == rig.state.params.window
    assert len(rig.state.changing.latest) == 1
    assert len(rig.state.repair.peer_sequences) == 1


def test_a_foreign_log_is_refused() -> None:
    with pytest.raises(InvalidEncoding, match="consensus log"):
        Rig(records=[Record("consensus", epoch_key(0, b"what"), b"")])
    with pytest.raises(InvalidEncoding):
        Rig(records=[Record("consensus", epoch_key(0, b"view"), b"\xff\xff")])
    with pytest.raises(InvalidEncoding, match="consensus log"):
        Rig(records=[Record("consensus", b"view", b"")])


def test_crashes_at_every_moment_never_contradict() -> None:
    """The harness raises when a replica signs two votes for one place, in whatever life."""
    for moment in range(40):
        net = Network(4, seed=moment)
        net.submit(range(16))
        net.run(2 + moment)
        net.crash(moment % 4)
        net.run(moment % 7)
        net.restart(moment % 4)
        net.run_until(net.all_included, 5000)


def test_a_replica_that_waits_for_another_view_keeps_its_log_small() -> None:
    rig = Rig()
    rig.suspect()
    sizes = []
    for block in chain(60):
        rig.decide(block)
        sizes.append(len(rig.disk))
    assert not rig.state.voting
    assert max(sizes[30:]) <= max(sizes[:30])
    assert len(rig.state.logged) <= 2 * rig.state.params.reach + 2
