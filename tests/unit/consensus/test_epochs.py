"""An epoch is a replica: where one ends, and what the next one takes from it."""

import msgspec
import pytest

from consensus.certificate import InvalidCertificate
from consensus.effects import (
    BlockBuilt,
    BlockValidated,
    ChainAdvanced,
    Deliver,
    FellBehind,
    RequestBlock,
    ValidateBlock,
)
from consensus.log import EVIDENCE, epoch_key
from consensus.messages import Commit, Decided, Prepare, PrePrepare, ReplicaStatus, ViewChange
from consensus.new_view_rules import InvalidViewChange, check_trail, check_vote
from consensus.origin import Origin
from consensus.signing import CommitteeVerifier, binding, signed_payload, verify_certificate
from consensus.state import Timer
from primitives.committee import Committee
from primitives.errors import InvalidInput
from primitives.ids import Hash32, Sequence, View
from primitives.machine import Broadcast, CancelTimer, Effect, Emit, Persist, Record
from tests.unit.consensus.rig import (
    Rig,
    chain,
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
    ToyVerifier,
    commit_certificate,
    keys,
    prepared_certificate,
    public_keys,
    signed_commit,
)

COMMITTEE = Committee.of_keys(public_keys(4))
BLOCKS = chain(6)
CLOSING, ABOVE = BLOCKS[0], BLOCKS[1]
ORIGIN = Origin(Sequence(1), CLOSING.digest)


def validated(rig: Rig, block: ToyBlock, *, closing: bool = False) -> list[Effect]:
    return rig.give(BlockValidated(block.digest, True, "", closing=closing))


def closing_backup() -> Rig:
    """A backup that has accepted a closing block, and been shown the block above it."""
    rig = Rig(validates=False)
    rig.pre_prepare(CLOSING)
    validated(rig, CLOSING, closing=True)
    return rig


def later(index: int = 1, **changes: object) -> Rig:
    """A replica of epoch 1, whose origin is block 1."""
    verifier = CommitteeVerifier(COMMITTEE, GENESIS, ToyVerifier(), epoch=1)
    given: dict[str, object] = {
        "epoch": 1,
        "origin": ORIGIN,
        "sequence": ORIGIN.sequence,
        "verifier": verifier,
        "group": "committee/1",
    }
    return Rig(index, **(given | changes))  # type: ignore[arg-type]


def in_epoch_1(
    message: PrePrepare | Prepare | Commit, signer: int
) -> PrePrepare | Prepare | Commit:
    payload = signed_payload(binding(GENESIS, epoch=1), message)
    return msgspec.structs.replace(message, signature=keys(4)[signer].sign(payload))


# ---------------------------------------------------------------- nothing above a closing block


def test_nothing_above_a_closing_block_is_prepared_by_a_backup() -> None:
    rig = closing_backup()
    effects = rig.pre_prepare(ABOVE)
    assert sent(effects, Prepare) == []
    assert only(effects, ValidateBlock) == []
    rig.prepare(CLOSING, [2, 3])
    rig.commit(CLOSING, [0, 2, 3])
    assert rig.replica.delivered == 1
    assert sent(rig.effects, Prepare) == []
    effects = rig.prepare(ABOVE, [2, 3]) + rig.commit(ABOVE, [0, 2, 3])
    assert sent(effects, Commit) == []
    assert only(effects, Deliver) == []


def test_a_block_above_it_that_came_first_is_not_prepared_either() -> None:
    rig = Rig(validates=False)
    rig.pre_prepare(CLOSING)
    rig.pre_prepare(ABOVE)
    effects = validated(rig, CLOSING, closing=True)
    assert [vote.sequence for vote in sent(effects, Prepare)] == [1]
    assert only(effects, ValidateBlock) == []


def test_the_primary_asks_for_nothing_above_a_closing_block() -> None:
    rig = Rig(0, validates=False)
    rig.work()
    rig.fire(Timer.PROPOSE, 10)
    place = (View(0), Sequence(1), CLOSING.digest, CLOSING.parent, CLOSING.payload)
    effects = rig.give(BlockBuilt(*place, closing=True))
    assert len(sent(effects, PrePrepare)) == 1
    effects += rig.work()
    effects += rig.prepare(CLOSING, [1, 2, 3]) + rig.commit(CLOSING, [1, 2, 3])
    effects += rig.work() + rig.fire(Timer.PROPOSE, 1_000)
    assert rig.replica.delivered == 1
    assert only(effects, RequestBlock) == []


def test_a_new_primary_of_the_epoch_proposes_nothing_above_it_either() -> None:
    """It finds the closing block prepared in the view before, and only brings it to its end."""
    rig = closing_backup()
    rig.prepare(CLOSING, [2, 3])
    rig.suspect()
    proof = prepared_certificate(4, [2, 3], 0, 1, CLOSING.digest, CLOSING.parent)
    rig.receive(2, view_change(4, 2, 1, proofs=(proof,)))
    effects = rig.receive(3, view_change(4, 3, 1))
    assert rig.replica.view == 1
    effects += rig.work() + rig.fire(Timer.PROPOSE, 1_000)
    effects += rig.prepare(CLOSING, [2, 3], 1) + rig.commit(CLOSING, [2, 3, 0], 1)
    effects += rig.work() + rig.fire(Timer.PROPOSE, 1_000)
    assert rig.replica.delivered == 1
    assert only(effects, RequestBlock) == []


def test_nobody_suspects_a_primary_when_the_epoch_is_over() -> None:
    rig = closing_backup()
    rig.prepare(CLOSING, [2, 3])
    rig.commit(CLOSING, [0, 2, 3])
    rig.work()
    assert not rig.state.progress_armed
    effects = rig.fire(Timer.PROGRESS, 1_000) + rig.fire(Timer.PROGRESS, 1_000)
    rig.others_wait()
    effects += rig.fire(Timer.PROGRESS, 1_000)
    assert sent(effects, ViewChange) == []


def test_a_block_that_closes_nothing_is_built_upon() -> None:
    rig = Rig(validates=False)
    rig.pre_prepare(CLOSING)
    rig.pre_prepare(ABOVE)
    effects = validated(rig, CLOSING, closing=False)
    assert [asked.sequence for asked in only(effects, ValidateBlock)] == [2]


def test_a_fetched_closing_block_ends_the_epoch_too() -> None:
    rig = Rig()
    proof = commit_certificate(4, [0, 2, 3], 0, 1, CLOSING.digest)
    rig.give(ChainAdvanced(Sequence(1), CLOSING.digest, proof, closing=True))
    assert rig.state.closed
    assert sent(rig.pre_prepare(ABOVE), Prepare) == []


def test_after_a_crash_the_closing_block_is_recognized_again() -> None:
    rig = closing_backup()
    rig.prepare(CLOSING, [2, 3])
    again = rig.restarted()
    again.pre_prepare(ABOVE)
    effects = validated(again, CLOSING, closing=True)
    assert only(effects, ValidateBlock) == []
    again.commit(CLOSING, [0, 2, 3])
    assert again.state.closed


# ---------------------------------------------------------------- the next epoch


def test_the_next_epoch_begins_in_view_0_above_the_closing_block() -> None:
    rig = later()
    assert (rig.replica.view, rig.replica.delivered, rig.replica.head) == (0, 1, CLOSING.digest)
    rig.receive(0, in_epoch_1(pre_prepare(4, ABOVE), 0))
    for i in (2, 3):
        unsigned = Prepare(View(0), Sequence(2), ABOVE.digest, ABOVE.parent, i, b"")
        rig.receive(i, in_epoch_1(unsigned, i))
    effects: list[Effect] = []
    for i in (0, 2, 3):
        unsigned_commit = Commit(View(0), Sequence(2), ABOVE.digest, i, b"")
        effects += rig.receive(i, in_epoch_1(unsigned_commit, i))
    (delivered,) = only(effects, Deliver)
    assert delivered.certificate.epoch == 1
    verify_certificate(delivered.certificate, COMMITTEE, GENESIS, rig.state.config.verifier, 1)


def test_votes_of_the_epoch_before_count_for_nothing() -> None:
    rig = later()
    rig.pre_prepare(ABOVE)
    assert rig.state.blocks == {}
    rig.receive(0, in_epoch_1(pre_prepare(4, ABOVE), 0))
    rig.prepare(ABOVE, [2, 3])
    effects = rig.commit(ABOVE, [0, 2, 3])
    assert rig.state.slots[Sequence(2)].prepare_count == 1
    assert only(effects, Deliver) == []


def test_late_votes_of_the_epoch_before_do_not_pass_for_those_of_a_later_view() -> None:
    """The committee that ends may have come to view 5; the next one begins in view 0."""
    rig = later()
    for replica in (0, 2, 3):
        rig.receive(replica, signed_commit(4, replica, 5, 1, CLOSING.digest))
    assert rig.state.early == {}
    assert rig.state.repair.peer_views == {}
    assert not rig.state.repair.armed


def test_votes_under_an_old_key_count_for_nothing() -> None:
    rekeyed = Committee(
        tuple(
            msgspec.structs.replace(member, public_key=b"k" * 32) if member.node == 2 else member
            for member in COMMITTEE.members
        )
    )
    verifier = CommitteeVerifier(rekeyed, GENESIS, ToyVerifier(), epoch=1)
    rig = later(committee=rekeyed, verifier=verifier)
    rig.receive(0, in_epoch_1(pre_prepare(4, ABOVE), 0))
    for i in (2, 3):
        unsigned = Prepare(View(0), Sequence(2), ABOVE.digest, ABOVE.parent, i, b"")
        rig.receive(i, in_epoch_1(unsigned, i))
    assert [rig.state.slots[Sequence(2)].prepares[i] is None for i in (2, 3)] == [True, False]


def test_a_certificate_of_the_epoch_before_decides_nothing() -> None:
    rig = later()
    old = commit_certificate(4, [0, 2, 3], 0, 2, ABOVE.digest)
    for shown in (old, msgspec.structs.replace(old, epoch=1)):
        rig.receive(2, Decided(shown))
        with pytest.raises(InvalidCertificate):
            verify_certificate(shown, COMMITTEE, GENESIS, rig.state.config.verifier, 1)
    assert rig.state.certified == {}


def test_a_view_change_at_the_origin_shows_no_certificate_of_the_old_committee() -> None:
    rig = later()
    effects = rig.suspect()
    (asked,) = sent(effects, ViewChange)
    assert (asked.vote.base_sequence, asked.vote.base_digest) == (1, CLOSING.digest)
    assert asked.trail == ()
    own = rig.state.changing.own
    assert own is not None
    check_vote(own.vote, ORIGIN)
    check_trail(own.vote, own.trail, ORIGIN)


def test_a_vote_below_the_origin_is_of_no_use() -> None:
    with pytest.raises(InvalidViewChange, match="at least the epoch's origin 1"):
        check_vote(vote(4, 0, 1), ORIGIN)
    with pytest.raises(InvalidViewChange, match="the epoch's origin"):
        check_vote(vote(4, 0, 1, base=(1, b"o" * 32)), ORIGIN)


def test_messages_go_to_the_committee_of_the_epoch() -> None:
    rig = later()
    effects = rig.receive(0, in_epoch_1(pre_prepare(4, ABOVE), 0))
    assert {effect.group for effect in only(effects, Broadcast)} == {"committee/1"}


def test_trace_events_name_the_epoch() -> None:
    rig = later()
    effects = rig.receive(0, in_epoch_1(pre_prepare(4, ABOVE), 0))
    assert [effect.event.epoch for effect in only(effects, Emit)] == [1]  # type: ignore[attr-defined]


def test_a_start_above_the_origin_needs_certificates_of_the_epoch() -> None:
    with pytest.raises(InvalidInput, match="a certificate of 2"):
        later(sequence=Sequence(2), digest=ABOVE.digest)


# ---------------------------------------------------------------- who is in which epoch


def test_a_status_of_a_later_epoch_has_the_node_fetch() -> None:
    rig = Rig()
    effects = rig.receive(2, ReplicaStatus(View(0), Sequence(9), False, epoch=1))
    assert [(asked.sequence, asked.peer) for asked in only(effects, FellBehind)] == [(9, 2)]
    assert rig.state.impatient == {}


def test_it_does_so_no_more_often_than_a_status_is_answered() -> None:
    rig = Rig()
    status = ReplicaStatus(View(0), Sequence(9), False, epoch=1)
    rig.receive(2, status)
    assert rig.receive(2, status) == []
    rig.now += 100 * MS
    assert len(only(rig.receive(2, status), FellBehind)) == 1


def test_a_status_of_an_earlier_epoch_is_answered_with_the_own_one() -> None:
    rig = later()
    effects = rig.receive(2, ReplicaStatus(View(7), Sequence(0), False))
    ((peer, answer),) = sent_to(effects, ReplicaStatus)
    assert (peer, answer.epoch, answer.sequence) == (2, 1, 1)
    assert rig.state.repair.peer_views == {}


def test_a_new_replica_tells_the_others_that_it_has_begun() -> None:
    statuses = sent(later().effects, ReplicaStatus)
    assert [(status.epoch, status.sequence) for status in statuses] == [(1, 1)]


# ---------------------------------------------------------------- the log


def disk_of(effects: list[Effect], disk: dict[bytes, bytes]) -> dict[bytes, bytes]:
    left = dict(disk)
    for effect in only(effects, Persist):
        for record in effect.records:
            if record.value is None:
                left.pop(record.key, None)
            else:
                left[record.key] = record.value
    return left


def test_an_epochs_records_go_when_it_is_over_and_its_timers_stop() -> None:
    rig = Rig()
    for block in BLOCKS:
        rig.decide(block)
    rig.suspect()
    retired = list(rig.replica.retire())
    assert disk_of(retired, rig.disk) == {}
    assert {effect.timer for effect in only(retired, CancelTimer)} == set(Timer)


def test_evidence_outlives_its_epoch() -> None:
    rig = Rig()
    rig.pre_prepare(CLOSING)
    rig.pre_prepare(ToyBlock(1, GENESIS, 9, ()))
    left = disk_of(list(rig.replica.retire()), rig.disk)
    assert [key[8 : 8 + len(EVIDENCE)] for key in left] == [EVIDENCE]
    records = tuple(Record("consensus", key, value) for key, value in left.items())
    again = later(records=records)
    assert disk_of(again.effects, again.disk) == left
    assert again.replica.scores == {}


def test_records_that_a_crash_has_left_go_when_the_next_epoch_starts() -> None:
    rig = Rig()
    for block in BLOCKS[:3]:
        rig.decide(block)
    assert rig.disk
    again = later(records=rig.log())
    assert again.replica.view == 0
    assert again.state.prepared == {}
    assert again.disk == {}


def test_a_later_epoch_recovers_from_its_own_records() -> None:
    rig = later()
    rig.receive(0, in_epoch_1(pre_prepare(4, ABOVE), 0))
    assert all(key.startswith(epoch_key(1, b"")) for key in rig.disk)
    again = later(records=rig.log())
    assert again.state.slots[Sequence(2)].accepted
    assert sent(again.effects, Prepare) == sent(rig.effects, Prepare)


def test_who_finds_records_of_a_later_epoch_votes_no_more_in_this_one() -> None:
    """Its node has lost blocks, and with its old records it has forgotten what it has promised."""
    new = later()
    new.receive(0, in_epoch_1(pre_prepare(4, ABOVE), 0))
    old = Rig(records=new.log())
    assert sent(old.pre_prepare(CLOSING), Prepare) == []
    assert sent(old.work() + old.fire(Timer.PROGRESS, 1_000), ViewChange) == []
    assert len(old.disk) == len(new.disk)


def test_neither_a_fetched_block_nor_others_make_it_speak_again() -> None:
    new = later()
    new.receive(0, in_epoch_1(pre_prepare(4, ABOVE), 0))
    old = Rig(records=new.log())
    proof = commit_certificate(4, [0, 2, 3], 0, 1, CLOSING.digest)
    old.give(ChainAdvanced(Sequence(1), CLOSING.digest, proof))
    assert sent(old.pre_prepare(ABOVE), Prepare) == []
    joined = [effect for peer in (0, 2) for effect in old.receive(peer, view_change(4, peer, 1))]
    assert sent(joined, ViewChange) == []


def test_a_signature_of_one_epoch_is_none_of_another() -> None:
    commit = signed_commit(4, 2, 0, 2, ABOVE.digest)
    verifiers = [
        CommitteeVerifier(COMMITTEE, GENESIS, ToyVerifier(), epoch=epoch) for epoch in (0, 1)
    ]
    assert [verifier.verify_message(commit) for verifier in verifiers] == [True, False]
    other = Commit(commit.view, commit.sequence, Hash32(ABOVE.digest), 2, commit.signature)
    assert verifiers[0].verify_message(other)
