"""Fast confirmation: when a replica signs a block for clients (TOCS'02, section 5.1)."""

import dataclasses

import pytest

from consensus.confirmation import Tentative
from consensus.evidence import (
    Equivocation,
    InvalidEvidence,
    culprit_of,
    kind_of,
    verify_evidence,
)
from consensus.messages import Commit, Refusal, TentativeVote
from consensus.signing import CommitteeVerifier, binding, signed_payload
from primitives.committee import Committee
from primitives.ids import Hash32, Sequence, View
from primitives.machine import Broadcast, Effect, Persist
from tests.unit.consensus.rig import Rig, chain, new_view, only, vote
from tests.unit.consensus.toys import (
    GENESIS,
    PARAMS,
    ToyVerifier,
    keys,
    prepared_certificate,
    public_keys,
    toy_verifier,
)

FAST = dataclasses.replace(PARAMS, fast_confirmation=True)


def rig_of(index: int = 1) -> Rig:
    return Rig(index, params=FAST)


def signed(effects: list[Effect]) -> list[tuple[int, int, Hash32]]:
    return [(t.view, t.sequence, t.digest) for t in only(effects, Tentative)]


def test_a_block_is_signed_when_it_is_prepared_and_next() -> None:
    rig = rig_of()
    (block,) = chain(1)
    assert not signed(rig.pre_prepare(block))
    assert signed(rig.prepare(block, [2])) == [(0, 1, block.digest)]


def test_the_primary_signs_too() -> None:
    rig = rig_of(0)
    rig.work()
    (block,) = chain(1)
    rig.build(block)
    assert signed(rig.prepare(block, [1, 2])) == [(0, 1, block.digest)]


def test_nothing_is_signed_unless_it_is_asked_for() -> None:
    rig = Rig()
    (block,) = chain(1)
    rig.pre_prepare(block)
    assert not signed(rig.prepare(block, [2, 3]))


def test_votes_alone_do_not_sign_without_the_own_acceptance() -> None:
    rig = Rig(validates=False, params=FAST)
    (block,) = chain(1)
    rig.pre_prepare(block)
    assert not signed(rig.prepare(block, [2, 3]))


def test_a_block_waits_until_everything_below_is_delivered() -> None:
    """Block 2 is prepared, and block 1 too; but 1 is not committed yet."""
    rig = rig_of()
    first, second = chain(2)
    rig.pre_prepare(first)
    rig.pre_prepare(second)
    assert not signed(rig.prepare(second, [2, 3]))
    assert signed(rig.prepare(first, [2])) == [(0, 1, first.digest)]
    assert signed(rig.commit(first, [0, 2])) == [(0, 2, second.digest)]


def test_a_block_is_signed_once_in_a_view() -> None:
    rig = rig_of()
    (block,) = chain(1)
    rig.pre_prepare(block)
    assert len(signed(rig.prepare(block, [2, 3]))) == 1
    assert not signed(rig.commit(block, [0]))


def test_it_leaves_behind_the_prepared_certificate() -> None:
    rig = rig_of()
    (block,) = chain(1)
    rig.pre_prepare(block)
    effects = rig.prepare(block, [2])
    kinds = [type(e) for e in effects if isinstance(e, Persist | Tentative | Broadcast)]
    assert kinds.index(Persist) < kinds.index(Tentative)
    assert any(b"prepared/" in r.key for e in only(effects, Persist) for r in e.records)


def test_the_commit_is_not_kept_waiting() -> None:
    rig = rig_of()
    (block,) = chain(1)
    rig.pre_prepare(block)
    effects = rig.prepare(block, [2])
    votes = [
        i
        for i, e in enumerate(effects)
        if isinstance(e, Broadcast) and isinstance(e.message, Commit)
    ]
    tentative = next(i for i, e in enumerate(effects) if isinstance(e, Tentative))
    assert votes[0] < tentative


def test_nothing_is_signed_after_the_promise_not_to_vote() -> None:
    rig = rig_of()
    (block,) = chain(1)
    rig.pre_prepare(block)
    rig.suspect()
    assert not signed(rig.prepare(block, [2, 3]))


def test_what_was_prepared_in_an_older_view_is_not_signed_until_it_is_again() -> None:
    rig = rig_of(2)
    first, second = chain(2)
    for block in (first, second):
        rig.pre_prepare(block)
    rig.prepare(second, [1, 3])
    rig.prepare(first, [1, 3])
    proofs = tuple(
        prepared_certificate(4, [1, 2], 0, b.sequence, b.digest, b.parent) for b in (first, second)
    )
    votes = [vote(4, i, 1, claims=proofs) for i in (0, 1, 3)]
    assert not signed(rig.receive(1, new_view(4, 1, votes, proofs=proofs)))
    assert not signed(rig.prepare(second, [0, 3], view=1))
    assert signed(rig.prepare(first, [0, 3], view=1)) == [(1, 1, first.digest)]
    assert signed(rig.commit(first, [0, 1, 3], view=1)) == [(1, 2, second.digest)]


def test_a_restarted_replica_signs_the_same_bytes() -> None:
    rig = rig_of()
    (block,) = chain(1)
    rig.pre_prepare(block)
    (before,) = only(rig.prepare(block, [2]), Tentative)
    again = rig.restarted(params=FAST)
    (after,) = only([*again.effects, *again.prepare(block, [2, 3])], Tentative)
    assert after == before


def test_a_restarted_replica_signs_no_other_block() -> None:
    rig = rig_of()
    first, other = chain(1)[0], chain(1, tag=9)[0]
    rig.pre_prepare(first)
    again = rig.restarted(params=FAST)
    again.pre_prepare(other)
    assert not signed(again.prepare(other, [2, 3]))


def test_a_committee_of_one_signs_too() -> None:
    rig = Rig(0, 1, params=FAST)
    rig.work()
    (block,) = chain(1)
    assert signed(rig.build(block)) == [(0, 1, block.digest)]


# ------------------------------------------------------------------------------- signatures


def tentative(replica: int, digest: bytes, view: int = 0, sequence: int = 1) -> TentativeVote:
    fields = (View(view), Sequence(sequence), Hash32(digest), replica)
    payload = signed_payload(binding(GENESIS), TentativeVote(*fields, b""))
    return TentativeVote(*fields, keys(4)[replica].sign(payload))


def committee() -> Committee:
    return Committee.of_keys(public_keys(4))


def test_the_signature_is_checked_like_every_other() -> None:
    rig = rig_of()
    (block,) = chain(1)
    rig.pre_prepare(block)
    (effect,) = only(rig.prepare(block, [2]), Tentative)
    judge = toy_verifier(committee())
    place = effect.view, effect.sequence, effect.digest
    assert judge.verify_message(TentativeVote(*place, 1, effect.signature))
    assert not judge.verify_message(TentativeVote(*place, 2, effect.signature))


def test_a_commit_is_no_tentative_confirmation_and_the_other_way_round() -> None:
    judge = toy_verifier(committee())
    shown = tentative(1, b"d" * 32)
    place = shown.view, shown.sequence, shown.digest
    assert judge.verify_message(shown)
    assert not judge.verify_message(Commit(*place, 1, shown.signature))
    as_commit = signed_payload(binding(GENESIS), Commit(*place, 1, b""))
    assert not judge.verify_message(TentativeVote(*place, 1, keys(4)[1].sign(as_commit)))


@pytest.mark.parametrize(("shard", "epoch"), [(1, 0), (0, 1)])
def test_another_shard_or_epoch_is_another_signature(shard: int, epoch: int) -> None:
    other = CommitteeVerifier(committee(), GENESIS, ToyVerifier(), shard, epoch)
    assert not other.verify_message(tentative(1, b"d" * 32))


def test_a_refusal_is_bound_to_its_transaction_and_reason() -> None:
    judge = toy_verifier(committee())
    name, reason = Hash32(b"t" * 32), b"nonce_too_low".ljust(32, b"\0")
    payload = signed_payload(binding(GENESIS), Refusal(name, reason, 3, b""))
    mark = keys(4)[3].sign(payload)
    assert judge.verify_message(Refusal(name, reason, 3, mark))
    assert not judge.verify_message(Refusal(Hash32(b"u" * 32), reason, 3, mark))
    assert not judge.verify_message(Refusal(name, b"pool_full".ljust(32, b"\0"), 3, mark))
    assert not judge.verify_message(Refusal(name, b"nonce_too_low", 3, mark))


def test_two_tentative_confirmations_of_one_place_convict() -> None:
    evidence = Equivocation(tentative(3, b"a" * 32), tentative(3, b"b" * 32))
    assert kind_of(evidence) == "tentative"
    assert culprit_of(evidence, committee()) == 3
    judge = toy_verifier(committee())
    assert verify_evidence(evidence, committee(), GENESIS, judge) == 3


def test_tentative_confirmations_of_two_views_do_not_convict() -> None:
    evidence = Equivocation(tentative(3, b"a" * 32), tentative(3, b"b" * 32, view=1))
    with pytest.raises(InvalidEvidence, match="contradict"):
        verify_evidence(evidence, committee(), GENESIS, toy_verifier(committee()))
