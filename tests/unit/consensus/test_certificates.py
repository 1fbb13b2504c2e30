"""Signatures and certificates: what is bound, what is refused."""

from collections.abc import Iterable

import msgspec
import pytest

from consensus.certificate import Certificate, InvalidCertificate
from consensus.certificate_policy import CertificatePolicy, Vote
from consensus.messages import MESSAGE_TYPES, Claim, Commit, Prepare, PrePrepare, ViewChangeVote
from consensus.signing import (
    CommitteeVerifier,
    MemoVerifier,
    Signed,
    binding,
    signed_payload,
    verify_certificate,
    verify_prepares,
    well_formed,
)
from network.codec import Codec
from primitives.committee import Committee
from primitives.errors import OrreryError
from primitives.ids import Hash32, Sequence, View
from primitives.keys import Ed25519Verifier, ValidatorKey
from tests.unit.consensus.rig import chain, new_view, pre_prepare, view_change, vote
from tests.unit.consensus.toys import (
    GENESIS,
    ToyVerifier,
    prepared_certificate,
    public_keys,
    signed_commit,
    signed_prepare,
    toy_verifier,
)

KEYS = tuple(ValidatorKey(bytes([i + 1]) * 32) for i in range(4))
REAL = Committee.of_keys(key.public_key for key in KEYS)
DIGEST = Hash32(b"d" * 32)


def commits(
    signers: list[int], bound: bytes = binding(GENESIS), view: int = 3, epoch: int = 0
) -> Certificate:
    unsigned = Commit(View(view), Sequence(7), DIGEST, 0, b"")
    payload = signed_payload(bound, unsigned)
    marks = tuple(KEYS[i].sign(payload) for i in signers)
    return Certificate(epoch, View(3), Sequence(7), DIGEST, tuple(signers), marks)


def refused(certificate: Certificate) -> None:
    with pytest.raises(InvalidCertificate):
        verify_certificate(certificate, REAL, GENESIS)


def test_a_quorum_of_real_signatures_is_a_certificate() -> None:
    verify_certificate(commits([0, 2, 3]), REAL, GENESIS)
    verify_certificate(commits([0, 1, 2, 3]), REAL, GENESIS)


def test_too_few_repeated_unsorted_or_unknown_signers_are_refused() -> None:
    refused(commits([0, 2]))
    refused(commits([]))
    refused(commits([0, 0, 2]))
    refused(commits([2, 1, 0]))
    good = commits([0, 1, 2])
    refused(msgspec.structs.replace(good, signers=(0, 1, 7)))
    refused(msgspec.structs.replace(good, signers=(-1, 1, 2)))


def test_each_signer_has_one_signature() -> None:
    good = commits([0, 1, 2])
    refused(msgspec.structs.replace(good, signatures=good.signatures[:2]))
    refused(msgspec.structs.replace(good, signatures=(*good.signatures, good.signatures[0])))
    refused(msgspec.structs.replace(good, signatures=()))


def test_a_certificate_of_one_epoch_is_none_of_another() -> None:
    """Whichever is altered: what is signed, what the certificate says, or what is asked for."""
    old, new = commits([0, 1, 2]), commits([0, 1, 2], binding(GENESIS, epoch=1), epoch=1)
    verify_certificate(new, REAL, GENESIS, epoch=1)
    refused(new)
    refused(msgspec.structs.replace(new, epoch=0))
    lies = (msgspec.structs.replace(old, epoch=1), msgspec.structs.replace(new, epoch=0))
    for shown in (old, *lies):
        with pytest.raises(InvalidCertificate):
            verify_certificate(shown, REAL, GENESIS, epoch=1)


def test_signatures_are_bound_to_chain_shard_epoch_view_sequence_and_digest() -> None:
    refused(commits([0, 1, 2], binding(Hash32(b"o" * 32))))
    refused(commits([0, 1, 2], binding(GENESIS, shard=1)))
    refused(commits([0, 1, 2], binding(GENESIS, epoch=1)))
    refused(commits([0, 1, 2], view=4))
    good = commits([0, 1, 2])
    refused(msgspec.structs.replace(good, view=View(4)))
    refused(msgspec.structs.replace(good, sequence=Sequence(8)))
    refused(msgspec.structs.replace(good, digest=Hash32(b"e" * 32)))


def test_a_prepare_is_no_commit() -> None:
    unsigned = Prepare(View(3), Sequence(7), DIGEST, GENESIS, 0, b"")
    payload = signed_payload(binding(GENESIS), unsigned)
    marks = tuple(KEYS[i].sign(payload) for i in (0, 1, 2))
    refused(Certificate(0, View(3), Sequence(7), DIGEST, (0, 1, 2), marks))


def test_kinds_have_payloads_of_their_own() -> None:
    place = (View(1), Sequence(2), DIGEST)
    messages: list[Signed] = [
        PrePrepare(*place, GENESIS, b"", b""),
        Prepare(*place, GENESIS, 0, b""),
        Commit(*place, 0, b""),
        ViewChangeVote(View(1), 0, Sequence(2), DIGEST, (), b""),
        ViewChangeVote(View(1), 0, Sequence(2), DIGEST, (Claim(View(0), DIGEST),), b""),
        new_view(4, 1, []),
        new_view(4, 1, [vote(4, 0, 1)]),
    ]
    payloads = [signed_payload(b"", message) for message in messages]
    assert len(set(payloads)) == len(messages)


def test_a_prepare_binds_the_parent() -> None:
    (block,) = chain(1)
    committee = Committee.of_keys(public_keys(4))
    good = prepared_certificate(4, [1, 2], 0, 1, block.digest, block.parent)
    verify_prepares(good, committee, toy_verifier(committee))
    lie = msgspec.structs.replace(good, parent=Hash32(b"p" * 32))
    with pytest.raises(InvalidCertificate):
        verify_prepares(lie, committee, toy_verifier(committee))


@pytest.mark.parametrize(
    "changes",
    [
        {"digest": b"d" * 31},
        {"digest": b"d" * 33},
        {"parent": b""},
        {"view": -1},
        {"view": 2**64},
        {"sequence": -1},
        {"sequence": 2**64},
    ],
)
def test_fields_that_do_not_fit_are_refused_before_any_payload(changes: dict[str, object]) -> None:
    good = signed_prepare(4, 1, 0, 1, DIGEST, GENESIS)
    assert well_formed(good)
    bad = msgspec.structs.replace(good, **changes)
    assert not well_formed(bad)
    plain = CommitteeVerifier(Committee.of_keys(public_keys(4)), GENESIS, ToyVerifier())
    assert not plain.verify_message(bad)


def test_claims_and_bases_that_do_not_fit_are_refused() -> None:
    good = vote(4, 1, 3)
    assert well_formed(good)
    assert not well_formed(msgspec.structs.replace(good, base_digest=b"short"))
    short = (Claim(View(0), Hash32(b"short")),)
    assert not well_formed(msgspec.structs.replace(good, prepared=short))
    negative = (Claim(View(-1), DIGEST),)
    assert not well_formed(msgspec.structs.replace(good, prepared=negative))


def test_a_message_of_an_unknown_replica_is_refused() -> None:
    plain = CommitteeVerifier(Committee.of_keys(public_keys(4)), GENESIS, ToyVerifier())
    good = signed_commit(4, 3, 0, 1, DIGEST)
    assert plain.verify_message(good)
    for replica in (4, -1, 99):
        assert not plain.verify_message(msgspec.structs.replace(good, replica=replica))


class CountingVerifier:
    def __init__(self) -> None:
        self.plain = CommitteeVerifier(Committee.of_keys(public_keys(4)), GENESIS, ToyVerifier())
        self.calls = 0

    def verify_message(self, message: object) -> bool:
        self.calls += 1
        return self.plain.verify_message(message)  # type: ignore[arg-type]

    @property
    def policy(self) -> CertificatePolicy:
        return self.plain.policy

    def verify_aggregate(self, vote: Vote, signers: Iterable[int], aggregate: bytes) -> bool:
        self.calls += 1
        return self.plain.verify_aggregate(vote, tuple(signers), aggregate)


def test_a_memo_checks_each_message_once() -> None:
    counting = CountingVerifier()
    memo = MemoVerifier(counting)
    good = signed_commit(4, 1, 0, 1, DIGEST)
    same = signed_commit(4, 1, 0, 1, DIGEST)
    assert all(memo.verify_message(message) for message in (good, good, same, good))
    assert counting.calls == 1


def test_a_memo_is_not_fooled_by_a_true_signature_under_other_fields() -> None:
    memo = MemoVerifier(CountingVerifier())
    good = signed_commit(4, 1, 0, 1, DIGEST)
    assert memo.verify_message(good)
    for changes in ({"replica": 2}, {"sequence": 2}, {"view": 1}, {"digest": b"e" * 32}):
        assert not memo.verify_message(msgspec.structs.replace(good, **changes))
    assert memo.verify_message(good)


def test_a_memo_is_bounded_and_forgets_the_oldest() -> None:
    counting = CountingVerifier()
    memo = MemoVerifier(counting, capacity=4)
    votes = [signed_commit(4, 1, 0, sequence, DIGEST) for sequence in range(1, 20)]
    for message in votes:
        assert memo.verify_message(message)
    assert counting.calls == 19
    assert memo.verify_message(votes[-1])
    assert counting.calls == 19
    assert memo.verify_message(votes[0])
    assert counting.calls == 20


def test_a_memo_remembers_no_failure_and_no_forgery() -> None:
    memo = MemoVerifier(CountingVerifier())
    forged = msgspec.structs.replace(signed_commit(4, 1, 0, 1, DIGEST), signature=b"x" * 64)
    assert not memo.verify_message(forged)
    assert not memo.verify_message(forged)


def test_real_keys_work_through_the_same_face() -> None:
    plain = CommitteeVerifier(REAL, GENESIS, Ed25519Verifier())
    unsigned = Commit(View(0), Sequence(1), DIGEST, 2, b"")
    signature = KEYS[2].sign(signed_payload(binding(GENESIS), unsigned))
    assert plain.verify_message(msgspec.structs.replace(unsigned, signature=signature))
    assert not plain.verify_message(msgspec.structs.replace(unsigned, signature=b"x" * 64))
    assert not plain.verify_message(unsigned)


def test_messages_survive_the_wire() -> None:
    codec = Codec(MESSAGE_TYPES)
    (block,) = chain(1)
    proof = prepared_certificate(4, [1, 2], 0, 1, block.digest, block.parent)
    full = view_change(4, 3, 1, proofs=(proof,))
    for message in (
        pre_prepare(4, block),
        signed_prepare(4, 1, 0, 1, DIGEST, GENESIS),
        signed_commit(4, 1, 0, 1, DIGEST),
        full,
        new_view(4, 1, [full.vote], proofs=(proof,)),
    ):
        assert codec.decode(codec.encode(message)) == message
    assert all(kind.core == "consensus" for kind in MESSAGE_TYPES)


def test_the_error_is_one_of_the_tree() -> None:
    with pytest.raises(OrreryError, match="certificate: expected 3 signers, got 0"):
        verify_certificate(commits([]), REAL, GENESIS)
