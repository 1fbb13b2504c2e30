"""Aggregated certificates: what the sum binds, what is refused, what a replica does with them."""

import msgspec
import pytest
from py_arkworks_bls12381 import G1Point, G2Point, Scalar

from consensus.certificate import Certificate, InvalidCertificate, PreparedCertificate
from consensus.certificate_bls import BlsCertificates
from consensus.certificate_policy import Bill
from consensus.costs import (
    BLS_CERTIFICATE,
    BLS_COMBINE,
    BLS_KEY,
    BLS_VOTE_SIGN,
    BLS_VOTE_VERIFY,
    VOTE_VERIFY,
)
from consensus.evidence import Equivocation, InvalidEvidence, verify_evidence
from consensus.messages import Commit, Decided, Prepare, PrePrepare
from consensus.signing import (
    MemoVerifier,
    binding,
    signed_payload,
    verify_certificate,
    verify_prepares,
)
from primitives.bls import CIPHERSUITE, BlsKey, BlsVerifier
from primitives.committee import Committee, Member
from primitives.ids import Hash32, Instant, NodeId, Sequence, View
from primitives.machine import Work
from tests.unit.consensus.aggregates import BlsNetwork, bls_committee, bls_verifier, vote_keys
from tests.unit.consensus.toys import GENESIS, keys, toy_verifier

COMMITTEE = bls_committee(4)
DIGEST, PARENT = Hash32(b"d" * 32), Hash32(b"p" * 32)
POLICY = BlsCertificates()


def commits(
    signers: list[int], bound: bytes = binding(GENESIS), view: int = 3, epoch: int = 0
) -> Certificate:
    payload = signed_payload(bound, Commit(View(view), Sequence(7), DIGEST, 0, b""))
    marks = POLICY.combine([vote_keys(4)[i].sign(payload) for i in signers])
    return Certificate(epoch, View(3), Sequence(7), DIGEST, tuple(signers), marks)


def prepares(signers: list[int], parent: Hash32 = PARENT) -> PreparedCertificate:
    unsigned = Prepare(View(0), Sequence(7), DIGEST, parent, 0, b"")
    payload = signed_payload(binding(GENESIS), unsigned)
    marks = POLICY.combine([vote_keys(4)[i].sign(payload) for i in signers])
    return PreparedCertificate(View(0), Sequence(7), DIGEST, PARENT, tuple(signers), marks)


def verify(certificate: Certificate, epoch: int = 0) -> None:
    verifier = bls_verifier(COMMITTEE, epoch)
    verify_certificate(certificate, COMMITTEE, GENESIS, verifier, epoch)


def refused(certificate: Certificate, epoch: int = 0) -> None:
    with pytest.raises(InvalidCertificate):
        verify(certificate, epoch)


GOOD = commits([0, 1, 2])


def test_the_sum_of_a_quorum_is_a_certificate() -> None:
    assert [len(mark) for mark in GOOD.signatures] == [96]
    verify(GOOD)
    verify(commits([1, 2, 3]))
    verify(commits([0, 1, 2, 3]))


def test_too_few_repeated_unsorted_or_unknown_signers_are_refused() -> None:
    refused(commits([0, 2]))
    refused(commits([0, 0, 2]))
    refused(commits([2, 1, 0]))
    refused(msgspec.structs.replace(GOOD, signers=(0, 1, 7)))
    refused(msgspec.structs.replace(GOOD, signers=(-1, 1, 2)))
    refused(msgspec.structs.replace(GOOD, signers=()))


@pytest.mark.parametrize("signers", [(0, 1, 3), (0, 2, 3), (1, 2, 3), (0, 1, 2, 3)])
def test_the_sum_is_that_of_exactly_its_signers(signers: tuple[int, ...]) -> None:
    refused(msgspec.structs.replace(GOOD, signers=signers))
    verify(commits(list(signers)))


def test_it_holds_one_signature_and_no_other_form_of_them() -> None:
    refused(msgspec.structs.replace(GOOD, signatures=()))
    refused(msgspec.structs.replace(GOOD, signatures=GOOD.signatures * 2))
    payload = signed_payload(binding(GENESIS), Commit(View(3), Sequence(7), DIGEST, 0, b""))
    for signer in (vote_keys(4), keys(4)):
        each = tuple(signer[i].sign(payload) for i in (0, 1, 2))
        refused(msgspec.structs.replace(GOOD, signatures=each))
    with pytest.raises(InvalidCertificate, match="one for each of 3 signers"):
        verify_certificate(GOOD, COMMITTEE, GENESIS, toy_verifier(COMMITTEE))


@pytest.mark.parametrize("mark", [b"", b"x" * 96, b"\xc0" + bytes(95), GOOD.signatures[0][:-1]])
def test_what_is_no_signature_is_refused(mark: bytes) -> None:
    refused(msgspec.structs.replace(GOOD, signatures=(mark,)))


def test_it_is_bound_to_chain_shard_epoch_view_sequence_and_digest() -> None:
    refused(commits([0, 1, 2], binding(Hash32(b"o" * 32))))
    refused(commits([0, 1, 2], binding(GENESIS, shard=1)))
    refused(commits([0, 1, 2], binding(GENESIS, epoch=1)))
    refused(commits([0, 1, 2], view=4))
    for changes in (
        {"view": View(4)},
        {"sequence": Sequence(8)},
        {"digest": Hash32(b"e" * 32)},
        {"digest": Hash32(b"d" * 31)},
        {"view": View(2**64)},
    ):
        refused(msgspec.structs.replace(GOOD, **changes))


def test_a_certificate_of_one_epoch_is_none_of_another() -> None:
    new = commits([0, 1, 2], binding(GENESIS, epoch=1), epoch=1)
    verify(new, epoch=1)
    refused(new)
    refused(msgspec.structs.replace(new, epoch=0))
    refused(GOOD, epoch=1)
    refused(msgspec.structs.replace(GOOD, epoch=1), epoch=1)


def test_prepares_are_no_commits_and_the_other_way_round() -> None:
    good = prepares([1, 2])
    verifier = bls_verifier(COMMITTEE)
    verify_prepares(good, COMMITTEE, verifier)
    refused(Certificate(0, View(0), Sequence(7), DIGEST, (1, 2, 3), good.signatures))
    for lie in (
        prepares([1, 2], parent=GENESIS),
        prepares([0, 1, 2]),
        prepares([1]),
        msgspec.structs.replace(good, signers=(1, 3)),
        msgspec.structs.replace(good, signatures=GOOD.signatures),
    ):
        with pytest.raises(InvalidCertificate):
            verify_prepares(lie, COMMITTEE, verifier)


def test_a_rogue_key_is_what_possession_is_for() -> None:
    """Naive aggregation believes one validator that a quorum has signed. Genesis refuses him."""
    secret, point = Scalar(5), G1Point() * Scalar(5)
    for member in COMMITTEE.members[:2]:
        point = point - G1Point.from_compressed_bytes(member.aggregate_key)
    rogue = Member(NodeId(2), COMMITTEE.members[2].public_key, point.to_compressed_bytes())
    believing = Committee((*COMMITTEE.members[:2], rogue, COMMITTEE.members[3]))
    payload = signed_payload(binding(GENESIS), Commit(View(3), Sequence(7), DIGEST, 0, b""))
    alone = G2Point.hash_to_curve(payload, CIPHERSUITE) * secret
    forged = msgspec.structs.replace(GOOD, signatures=(alone.to_compressed_bytes(),))
    verify_certificate(forged, believing, GENESIS, bls_verifier(believing))
    refused(forged)
    assert not BlsVerifier().verify_possession(rogue.aggregate_key, BlsKey(b"5" * 32).possession)


# ---------------------------------------------------------------- verifiers


def test_votes_verify_under_the_aggregate_key_and_all_else_under_the_other() -> None:
    plain, bound = bls_verifier(COMMITTEE), binding(GENESIS)
    place = View(0), Sequence(1), DIGEST
    for message in (Prepare(*place, PARENT, 2, b""), Commit(*place, 2, b"")):
        payload = signed_payload(bound, message)
        cast = msgspec.structs.replace(message, signature=vote_keys(4)[2].sign(payload))
        assert plain.verify_message(cast)
        assert not plain.verify_message(msgspec.structs.replace(cast, replica=1))
        wrong = msgspec.structs.replace(message, signature=keys(4)[2].sign(payload))
        assert not plain.verify_message(wrong)
    proposal = PrePrepare(*place, PARENT, b"", b"")
    payload = signed_payload(bound, proposal)
    assert plain.verify_message(
        msgspec.structs.replace(proposal, signature=keys(4)[0].sign(payload))
    )
    assert not plain.verify_message(
        msgspec.structs.replace(proposal, signature=vote_keys(4)[0].sign(payload))
    )


class Counting:
    def __init__(self) -> None:
        self.plain = bls_verifier(COMMITTEE)
        self.policy = self.plain.policy
        self.calls = 0

    def verify_message(self, message: object) -> bool:
        raise AssertionError("no single votes are checked here")

    def verify_aggregate(self, vote: Prepare | Commit, signers: object, aggregate: bytes) -> bool:
        self.calls += 1
        return self.plain.verify_aggregate(vote, signers, aggregate)  # type: ignore[arg-type]


def test_a_sum_is_checked_once_for_all_replicas_of_a_process() -> None:
    counting = Counting()
    memo = MemoVerifier(counting)
    for _ in range(3):
        verify_certificate(GOOD, COMMITTEE, GENESIS, memo)
    assert counting.calls == 1
    for changes in ({"signers": (0, 1, 3)}, {"view": View(4)}, {"digest": Hash32(b"e" * 32)}):
        for _ in range(2):
            with pytest.raises(InvalidCertificate):
                verify_certificate(
                    msgspec.structs.replace(GOOD, **changes), COMMITTEE, GENESIS, memo
                )
    assert counting.calls == 7
    verify_certificate(GOOD, COMMITTEE, GENESIS, memo)
    assert counting.calls == 7


def test_memory_of_sums_is_bounded() -> None:
    counting = Counting()
    memo = MemoVerifier(counting, capacity=2)
    shown = [commits(signers) for signers in ([0, 1, 2], [0, 1, 3], [1, 2, 3])]
    for certificate in (*shown, shown[2], shown[0]):
        verify_certificate(certificate, COMMITTEE, GENESIS, memo)
    assert counting.calls == 4


def test_two_votes_of_one_validator_convict_it_by_their_aggregate_key() -> None:
    bound, marks = binding(GENESIS), []
    for digest in (DIGEST, PARENT):
        vote = Commit(View(0), Sequence(1), digest, 2, b"")
        mark = vote_keys(4)[2].sign(signed_payload(bound, vote))
        marks.append(msgspec.structs.replace(vote, signature=mark))
    evidence = Equivocation(marks[0], marks[1])
    assert verify_evidence(evidence, COMMITTEE, GENESIS, bls_verifier(COMMITTEE)) == 2
    with pytest.raises(InvalidEvidence, match="a bad signature"):
        verify_evidence(evidence, COMMITTEE, GENESIS, toy_verifier(COMMITTEE))


# ---------------------------------------------------------------- replicas


def test_a_replica_pays_for_the_second_vote_of_a_liar_by_its_form() -> None:
    net = BlsNetwork(4)
    node, bound = net.nodes[0].replica, binding(GENESIS)
    answers = []
    for digest in (DIGEST, PARENT):
        vote = Commit(View(0), Sequence(1), digest, 2, b"")
        mark = vote_keys(4)[2].sign(signed_payload(bound, vote))
        vote = msgspec.structs.replace(vote, signature=mark)
        answers.append(node.handlers[Commit](Instant(0), NodeId(2), vote))
    assert list(answers[0]) == [Work(BLS_VOTE_VERIFY, 1)]
    assert answers[1][0] == Work(BLS_VOTE_VERIFY, 1)
    assert node.scores == {2: 1}


def test_a_committee_decides_with_sums() -> None:
    net = BlsNetwork(4)
    net.submit(range(3))
    net.run_until(net.all_included, 2_000)
    for node in net.nodes:
        for _, certificate in node.chain:
            assert len(certificate.signatures) == 1
            assert len(certificate.signers) >= 3
            verify(certificate)
        for proof in node.replica.state.prepared.values():
            assert len(proof.signatures) == 1


def test_a_validator_alone_decides_without_the_sum_of_nothing() -> None:
    net = BlsNetwork(1)
    net.submit(range(3))
    net.run_until(net.all_included, 2_000)
    (node,) = net.nodes
    for _, certificate in node.chain:
        assert certificate.signers == (0,)
        assert len(certificate.signatures) == 1
    assert {proof.signatures for proof in node.replica.state.prepared.values()} <= {()}
    none = msgspec.structs.replace(node.chain[0][1], signers=(), signatures=())
    with pytest.raises(InvalidCertificate, match="signers"):
        verify(none)


def test_what_votes_and_certificates_cost_is_charged_by_form() -> None:
    costs = BlsCertificates.costs
    assert costs.signed == Work(BLS_VOTE_SIGN, 1)
    assert costs.verified == (Work(BLS_VOTE_VERIFY, 1),)
    assert costs.combining(67) == (Work(BLS_COMBINE, 67),)
    bill = Bill()
    bill.certificate(POLICY, 67)
    bill.certificate(POLICY, 3)
    bill.add(VOTE_VERIFY, 2)
    work = [Work(BLS_KEY, 70), Work(BLS_CERTIFICATE, 2), Work(VOTE_VERIFY, 2)]
    assert bill.work() == work


def test_a_replica_is_charged_for_what_it_is_shown() -> None:
    net = BlsNetwork(4)
    node = net.nodes[0].replica
    decided = Decided(msgspec.structs.replace(GOOD, sequence=Sequence(1)))
    effects = node.handlers[Decided](Instant(0), NodeId(1), decided)
    assert list(effects) == [Work(BLS_KEY, 3), Work(BLS_CERTIFICATE, 1)]
    assert node.delivered == 0


def test_votes_of_a_replica_are_signed_with_its_aggregate_key() -> None:
    net = BlsNetwork(4)
    seen: list[Prepare | Commit] = []

    def tamper(sender: int, receiver: int, message: object) -> object:
        if isinstance(message, Prepare | Commit):
            seen.append(message)
        return message

    net.tamper = tamper  # type: ignore[assignment]
    net.submit([1])
    net.run_until(net.all_included, 2_000)
    assert {type(vote) for vote in seen} == {Prepare, Commit}
    plain = bls_verifier(COMMITTEE)
    assert all(len(vote.signature) == 96 and plain.verify_message(vote) for vote in seen)


def test_a_bad_vote_is_paid_for_and_counts_nowhere() -> None:
    """So that a sum made of counted votes is always good."""
    net = BlsNetwork(4)

    def tamper(sender: int, receiver: int, message: object) -> object:
        if sender == 3 and isinstance(message, Prepare | Commit):
            return msgspec.structs.replace(message, signature=vote_keys(4)[2].sign(b"x"))
        return message

    net.tamper = tamper  # type: ignore[assignment]
    net.submit([1])
    net.run_until(lambda: all(node.height for node in net.nodes[:3]), 2_000)
    for node in net.nodes[:3]:
        ((_, certificate), *_) = node.chain
        assert certificate.signers == (0, 1, 2)
        verify(certificate)
