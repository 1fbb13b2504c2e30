"""Evidence: what it takes, what it proves, and whom it can never hit."""

import msgspec
import pytest

from consensus.effects import BlockValidated, Exposed
from consensus.evidence import (
    Equivocation,
    Evidence,
    InvalidEvidence,
    InvalidProposal,
    Vote,
    bare,
    kind_of,
    verify_evidence,
)
from consensus.messages import Commit, Prepare, PrePrepare
from consensus.state import KEPT
from consensus.trace import EvidenceFound
from primitives.committee import Committee
from primitives.ids import Hash32, NodeId, Sequence, View
from primitives.machine import Effect, Emit, Persist, Work
from tests.unit.consensus.harness import Network
from tests.unit.consensus.rig import Rig, chain, only, pre_prepare, sent, sent_to
from tests.unit.consensus.toys import (
    GENESIS,
    MS,
    ToyBlock,
    public_keys,
    signed_commit,
    signed_prepare,
    toy_verifier,
)

ONE, OTHER = chain(1)[0], chain(1, tag=9)[0]
COMMITTEE = Committee.of_keys(public_keys(4))
VERIFIER = toy_verifier(COMMITTEE)


def prepare(block: ToyBlock, replica: int = 2, view: int = 0) -> Prepare:
    return signed_prepare(4, replica, view, block.sequence, block.digest, block.parent)


def commit(block: ToyBlock, replica: int = 2, view: int = 0) -> Commit:
    return signed_commit(4, replica, view, block.sequence, block.digest)


PAIRS: dict[str, tuple[Vote, Vote]] = {
    "pre_prepare": (bare(pre_prepare(4, ONE)), bare(pre_prepare(4, OTHER))),
    "prepare": (prepare(ONE), prepare(OTHER)),
    "commit": (commit(ONE), commit(OTHER)),
}


def verify(evidence: Evidence) -> int:
    return verify_evidence(evidence, COMMITTEE, GENESIS, VERIFIER)


def found(effects: list[Effect]) -> list[tuple[int, str, int, int]]:
    events = [effect.event for effect in only(effects, Emit)]
    return [
        (event.replica, event.kind, event.view, event.sequence)
        for event in events
        if isinstance(event, EvidenceFound)
    ]


# ---------------------------------------------------------------- what a replica notices


def test_two_proposals_for_one_place_are_evidence_against_the_primary() -> None:
    rig = Rig()
    rig.pre_prepare(ONE)
    effects = rig.pre_prepare(OTHER)
    assert found(effects) == [(0, "pre_prepare", 0, 1)]
    assert only(effects, Exposed) == [Exposed(NodeId(0), "pre_prepare")]
    assert rig.state.misdeeds.kept == {0: [Equivocation(*PAIRS["pre_prepare"])]}
    assert verify(rig.state.misdeeds.kept[0][0]) == 0
    assert rig.replica.scores == {0: 1}


def test_two_prepares_of_one_backup_are_evidence_against_it() -> None:
    rig = Rig(validates=False)
    rig.receive(2, prepare(ONE))
    effects = rig.receive(2, prepare(OTHER))
    assert found(effects) == [(2, "prepare", 0, 1)]
    assert verify(rig.state.misdeeds.kept[2][0]) == 2


def test_a_prepare_with_another_parent_contradicts_too() -> None:
    rig = Rig(validates=False)
    rig.receive(2, prepare(ONE))
    other = signed_prepare(4, 2, 0, 1, ONE.digest, b"p" * 32)
    assert found(rig.receive(2, other)) == [(2, "prepare", 0, 1)]


def test_two_commits_of_one_replica_are_evidence_against_it() -> None:
    rig = Rig()
    rig.receive(0, commit(ONE, 0))
    assert found(rig.receive(0, commit(OTHER, 0))) == [(0, "commit", 0, 1)]
    assert verify(rig.state.misdeeds.kept[0][0]) == 0


def test_the_same_message_twice_is_no_evidence_and_is_not_verified_again() -> None:
    rig = Rig(validates=False)
    rig.pre_prepare(ONE)
    rig.receive(2, prepare(ONE))
    rig.receive(2, commit(ONE))
    for message, sender in ((pre_prepare(4, ONE), 0), (prepare(ONE), 2), (commit(ONE), 2)):
        assert rig.receive(sender, message) == []


def test_a_contradiction_with_a_bad_signature_is_no_evidence() -> None:
    rig = Rig(validates=False)
    rig.receive(2, prepare(ONE))
    forged = msgspec.structs.replace(prepare(OTHER), signature=b"x" * 64)
    effects = rig.receive(2, forged)
    assert only(effects, Work)
    assert not found(effects)
    assert found(rig.receive(2, prepare(OTHER)))


def test_each_lie_is_noted_once() -> None:
    rig = Rig(validates=False)
    rig.receive(2, prepare(ONE))
    rig.receive(2, prepare(OTHER))
    assert rig.receive(2, prepare(chain(1, tag=3)[0])) == []
    assert rig.replica.scores == {2: 1}


def test_the_first_vote_goes_on_counting() -> None:
    rig = Rig()
    rig.pre_prepare(ONE)
    rig.receive(2, prepare(OTHER))
    assert not sent(rig.receive(2, prepare(ONE)), Commit)
    assert sent(rig.receive(3, prepare(ONE, 3)), Commit)


def test_who_prepared_another_block_is_shown_the_proposal() -> None:
    rig = Rig()
    rig.pre_prepare(ONE)
    shown = bare(pre_prepare(4, ONE))
    assert sent_to(rig.receive(2, prepare(OTHER)), PrePrepare) == [(2, shown)]
    late = Rig()
    late.receive(2, prepare(OTHER))
    assert sent_to(late.pre_prepare(ONE), PrePrepare) == [(2, shown)]


def test_a_proposal_that_a_peer_shows_is_evidence_but_never_a_proposal() -> None:
    rig = Rig()
    exhibit, same = bare(pre_prepare(4, OTHER)), bare(pre_prepare(4, ONE))
    assert isinstance(exhibit, PrePrepare)
    assert isinstance(same, PrePrepare)
    assert rig.receive(2, exhibit) == []
    rig.pre_prepare(ONE)
    assert found(rig.receive(2, exhibit)) == [(0, "pre_prepare", 0, 1)]
    assert rig.receive(3, same) == []


def test_an_odd_prepare_is_passed_on_to_the_neighbour_but_his() -> None:
    odd = {2: prepare(OTHER, 2), 3: prepare(OTHER, 3)}
    for voter, neighbour in ((2, 3), (3, 2)):
        rig = Rig()
        rig.pre_prepare(ONE)
        assert sent_to(rig.receive(voter, odd[voter]), Prepare) == [(neighbour, odd[voter])]


def test_a_prepare_that_a_peer_passes_on_is_evidence_but_never_a_vote() -> None:
    rig = Rig()
    rig.pre_prepare(ONE)
    assert rig.receive(3, prepare(ONE, 2)) == []
    rig.receive(2, prepare(OTHER, 2))
    assert found(rig.receive(3, prepare(ONE, 2))) == [(2, "prepare", 0, 1)]
    assert not rig.state.slots[Sequence(1)].prepared


def test_a_backup_that_is_two_faced_to_halves_is_exposed() -> None:
    def two_faced(sender: int, receiver: int, message: object) -> object:
        if isinstance(message, Prepare) and sender == message.replica == 3 and receiver == 1:
            other = (message.sequence, b"o" * 32, message.parent)
            return signed_prepare(4, 3, message.view, *other)
        return message

    net = Network(4, seed=5, tamper=two_faced)  # type: ignore[arg-type]
    net.liars = [3]
    for number in range(20):
        net.submit([number])
        net.run(60)
    net.run_until(net.all_included, 5000)
    scores = [net.nodes[i].replica.scores for i in range(3)]
    assert any(score.get(3) for score in scores)
    assert all(set(score) <= {3} for score in scores)


def test_evidence_is_bounded_for_each_peer_and_the_score_is_not() -> None:
    rig = Rig(validates=False)
    for sequence in range(1, KEPT + 3):
        rig.receive(2, prepare(ToyBlock(sequence, GENESIS, 0, ())))
        effects = rig.receive(2, prepare(ToyBlock(sequence, GENESIS, 1, ())))
        assert found(effects) == [(2, "prepare", 0, sequence)]
        assert bool(only(effects, Persist)) is (sequence <= KEPT)
    assert len(rig.state.misdeeds.kept[2]) == KEPT
    assert rig.replica.scores == {2: KEPT + 2}


def test_evidence_survives_a_restart() -> None:
    rig = Rig(validates=False)
    rig.receive(2, prepare(ONE))
    rig.receive(2, prepare(OTHER))
    again = rig.restarted()
    assert again.state.misdeeds.kept == {2: [Equivocation(*PAIRS["prepare"])]}
    assert again.replica.scores == {2: 1}


# ---------------------------------------------------------------- invalid proposals


def refuse(rig: Rig, *, proven: bool) -> list[Effect]:
    rig.pre_prepare(ONE)
    return rig.give(BlockValidated(ONE.digest, False, "state root", proven))


def test_a_proposal_that_proved_invalid_is_kept_with_its_payload() -> None:
    rig = Rig(validates=False)
    assert found(refuse(rig, proven=True)) == [(0, "proposal", 0, 1)]
    (evidence,) = rig.state.misdeeds.kept[0]
    assert evidence == InvalidProposal(pre_prepare(4, ONE))
    assert rig.restarted().state.misdeeds.kept[0] == [evidence]


def test_a_refusal_that_others_may_not_share_proves_nothing() -> None:
    rig = Rig(validates=False)
    assert not found(refuse(rig, proven=False))
    assert not rig.replica.scores


def test_an_invalid_proposal_convinces_who_can_judge_the_block() -> None:
    evidence = InvalidProposal(pre_prepare(4, ONE))
    judged: list[PrePrepare] = []

    def judge(proposal: PrePrepare) -> bool:
        judged.append(proposal)
        return True

    assert verify_evidence(evidence, COMMITTEE, GENESIS, VERIFIER, judge) == 0
    assert judged == [evidence.proposal]
    for is_invalid in (None, lambda proposal: False):
        with pytest.raises(InvalidEvidence):
            verify_evidence(evidence, COMMITTEE, GENESIS, VERIFIER, is_invalid)
    forged = InvalidProposal(msgspec.structs.replace(evidence.proposal, view=View(4)))
    with pytest.raises(InvalidEvidence):
        verify_evidence(forged, COMMITTEE, GENESIS, VERIFIER, judge)


# ---------------------------------------------------------------- forged evidence


@pytest.mark.parametrize("kind", PAIRS)
def test_true_evidence_verifies_in_either_order(kind: str) -> None:
    first, second = PAIRS[kind]
    culprit = 0 if kind == "pre_prepare" else 2
    assert verify(Equivocation(first, second)) == culprit
    assert verify(Equivocation(second, first)) == culprit
    assert kind_of(Equivocation(first, second)) == kind


@pytest.mark.parametrize("kind", PAIRS)
def test_evidence_of_one_message_twice_is_refused(kind: str) -> None:
    first, _ = PAIRS[kind]
    resigned = msgspec.structs.replace(first, signature=b"x" * 64)
    for second in (first, resigned):
        with pytest.raises(InvalidEvidence, match="contradict"):
            verify(Equivocation(first, second))


@pytest.mark.parametrize("kind", PAIRS)
def test_evidence_with_a_bad_signature_is_refused(kind: str) -> None:
    first, second = PAIRS[kind]
    forged = msgspec.structs.replace(second, digest=Hash32(b"f" * 32))
    for pair in ((first, forged), (forged, first)):
        with pytest.raises(InvalidEvidence, match="signature"):
            verify(Equivocation(*pair))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (prepare(ONE), commit(OTHER)),
        (prepare(ONE), prepare(OTHER, view=1)),
        (prepare(ONE), prepare(OTHER, replica=3)),
        (commit(ONE), commit(OTHER, replica=3)),
        (prepare(ONE), prepare(ToyBlock(2, ONE.digest, 0, ()))),
        (pre_prepare(4, ONE), pre_prepare(4, OTHER, view=1)),
        (pre_prepare(4, ONE), pre_prepare(4, OTHER, view=4)),
        (pre_prepare(4, ONE), prepare(OTHER)),
    ],
)
def test_messages_that_a_correct_replica_may_sign_are_no_evidence(
    first: Vote, second: Vote
) -> None:
    with pytest.raises(InvalidEvidence, match="contradict"):
        verify(Equivocation(first, second))


def test_votes_of_two_views_do_not_contradict_each_other() -> None:
    for kind in (prepare, commit):
        with pytest.raises(InvalidEvidence, match="contradict"):
            verify(Equivocation(kind(ONE), kind(OTHER, view=1)))


def test_evidence_of_another_chain_or_committee_is_refused() -> None:
    evidence = Equivocation(*PAIRS["prepare"])
    other_chain = toy_verifier(COMMITTEE, Hash32(b"h" * 32))
    with pytest.raises(InvalidEvidence):
        verify_evidence(evidence, COMMITTEE, Hash32(b"h" * 32), other_chain)
    for other in (public_keys(4)[::-1], public_keys(2)):
        committee = Committee.of_keys(other)
        with pytest.raises(InvalidEvidence):
            verify_evidence(evidence, committee, GENESIS, toy_verifier(committee))
    with pytest.raises(InvalidEvidence):  # the toy keys are not Ed25519
        verify_evidence(evidence, COMMITTEE, GENESIS)


# ---------------------------------------------------------------- networks


def test_a_primary_that_is_two_faced_to_halves_is_exposed() -> None:
    twins = {0: ONE, 1: OTHER}

    def two_faced(sender: int, receiver: int, message: object) -> object:
        if sender == 0 and isinstance(message, PrePrepare) and message.sequence == 1:
            return pre_prepare(4, twins[receiver % 2])
        return message

    net = Network(4, seed=3, tamper=two_faced)  # type: ignore[arg-type]
    net.liars = [0]
    net.submit(range(4))
    net.run_until(lambda: min(net.heights()[1:]) >= 2, 5000)
    honest = [net.nodes[i].replica for i in (1, 2, 3)]
    assert any(replica.scores for replica in honest)
    for replica in honest:
        for culprit, kept in replica.state.misdeeds.kept.items():
            assert culprit == 0
            assert all(verify(evidence) == 0 for evidence in kept)


def test_a_backup_that_votes_twice_is_exposed() -> None:
    def two_voiced(sender: int, receiver: int, message: object) -> object:
        if sender == 3 and isinstance(message, Prepare):
            other = (message.sequence, b"o" * 32, message.parent)
            lie = signed_prepare(4, 3, message.view, *other)
            net._later(1 * MS, lambda: net._arrive(3, receiver, lie))
        return message

    net = Network(4, seed=5, tamper=two_voiced)  # type: ignore[arg-type]
    net.liars = [3]
    for number in range(20):
        net.submit([number])
        net.run(60)
    net.run_until(net.all_included, 5000)
    scores = [net.nodes[i].replica.scores for i in range(3)]
    assert any(score.get(3) for score in scores)
    assert all(set(score) <= {3} for score in scores)
