"""What a validator signs, and how a signature is checked.

Every payload begins with what it is bound to: genesis hash, shard, epoch, kind. A vote of another
chain, shard or epoch, or a PREPARE shown as a COMMIT, is a signature over other bytes.

    "orrery.consensus/1" | genesis hash (32) | shard u32 | epoch u64 | kind u8 | fields

All fields have fixed lengths (numbers u64 big-endian, digests 32 bytes), so that no two messages
have the same payload. A list of claims stands last; its length follows from the payload's.
"""

import struct
from collections.abc import Callable, Mapping, Sequence as Seq
from typing import Protocol

from consensus.certificate import (
    Certificate,
    InvalidCertificate,
    PreparedCertificate,
    check_signers,
)
from consensus.certificate_ed25519 import Ed25519Certificates
from consensus.certificate_policy import CertificatePolicy, Vote
from consensus.messages import (
    Commit,
    NewView,
    Prepare,
    PrePrepare,
    Refusal,
    TentativeVote,
    ViewChangeVote,
)
from primitives.codec import encode_canonical
from primitives.committee import Committee
from primitives.ids import Hash32
from primitives.keccak import keccak256
from primitives.keys import Ed25519Verifier, Verifier

Signed = PrePrepare | Prepare | Commit | ViewChangeVote | NewView | TentativeVote | Refusal

DOMAIN = b"orrery.consensus/1"
_U64 = 2**64
_BINDING = struct.Struct(">IQ")
_PROPOSAL = struct.Struct(">BQQ32s32s")
_COMMIT = struct.Struct(">BQQ32s")
_VIEW_CHANGE = struct.Struct(">BQQ32s")
_CLAIM = struct.Struct(">Q32s")
_NEW_VIEW = struct.Struct(">BQ32s")
_REFUSAL = struct.Struct(">B32s32s")

MEMO_CAPACITY = 65_536
"""Signatures that one generation of a `MemoVerifier` remembers."""


class MessageVerifier(Protocol):
    """Checks the signatures of one committee's consensus messages."""

    @property
    def policy(self) -> CertificatePolicy:
        """The form of the committee's certificates."""
        ...

    def verify_message(self, message: Signed) -> bool:
        """Tell whether the message is signed by the replica that it names (or its primary)."""
        ...

    def verify_aggregate(self, vote: Vote, signers: Seq[int], aggregate: bytes) -> bool:
        """Tell whether `aggregate` is the sum of the signers' signatures over what `vote` says."""
        ...


def binding(genesis_hash: Hash32, shard: int = 0, epoch: int = 0) -> bytes:
    """Return the bytes that every payload of one chain, shard and epoch begins with."""
    return DOMAIN + genesis_hash + _BINDING.pack(shard, epoch)


def _proposal(message: PrePrepare) -> bytes:
    return _PROPOSAL.pack(1, message.view, message.sequence, message.digest, message.parent)


def _prepare(message: Prepare) -> bytes:
    return _PROPOSAL.pack(2, message.view, message.sequence, message.digest, message.parent)


def _commit(message: Commit) -> bytes:
    return _COMMIT.pack(3, message.view, message.sequence, message.digest)


def _view_change(vote: ViewChangeVote) -> bytes:
    head = _VIEW_CHANGE.pack(4, vote.view, vote.base_sequence, vote.base_digest)
    return head + b"".join(_CLAIM.pack(claim.view, claim.digest) for claim in vote.prepared)


def _new_view(message: NewView) -> bytes:
    content = keccak256(encode_canonical((message.votes, message.trail, message.proofs)))
    return _NEW_VIEW.pack(5, message.view, content)


def _tentative(vote: TentativeVote) -> bytes:
    return _COMMIT.pack(6, vote.view, vote.sequence, vote.digest)


def _refusal(refusal: Refusal) -> bytes:
    return _REFUSAL.pack(7, refusal.transaction, refusal.reason)


PAYLOADS: Mapping[type, Callable[..., bytes]] = {
    PrePrepare: _proposal,
    Prepare: _prepare,
    Commit: _commit,
    ViewChangeVote: _view_change,
    NewView: _new_view,
    TentativeVote: _tentative,
    Refusal: _refusal,
}


def signed_payload(bound: bytes, message: Signed) -> bytes:
    """Return the bytes that the signature of `message` covers, behind a `binding`."""
    return bound + PAYLOADS[type(message)](message)


def well_formed(message: Signed) -> bool:
    """Tell whether a message's fields fit the fixed lengths of its payload.

    `struct` would cut a long digest and pad a short one, and two messages would share a payload.
    """
    if isinstance(message, Refusal):
        return len(message.transaction) == len(message.reason) == 32
    if not 0 <= message.view < _U64:
        return False
    if isinstance(message, NewView):
        return True
    if isinstance(message, ViewChangeVote):
        fits = 0 <= message.base_sequence < _U64 and len(message.base_digest) == 32
        return fits and all(
            0 <= claim.view < _U64 and len(claim.digest) == 32 for claim in message.prepared
        )
    if not 0 <= message.sequence < _U64 or len(message.digest) != 32:
        return False
    return isinstance(message, Commit | TentativeVote) or len(message.parent) == 32


class CommitteeVerifier:
    """The plain verifier: checks every signature that it is asked about.

    Args:
        committee: the validators.
        genesis_hash: the chain.
        verifier: checks single signatures.
        shard: which of the chain's.
        epoch: the one that the committee belongs to.
        policy: the form of its certificates; Ed25519, checked by `verifier`, if None.
    """

    __slots__ = ("_binding", "_committee", "_keys", "_verifier", "_vote_keys", "policy")

    def __init__(
        self,
        committee: Committee,
        genesis_hash: Hash32,
        verifier: Verifier,
        shard: int = 0,
        epoch: int = 0,
        policy: CertificatePolicy | None = None,
    ) -> None:
        self.policy: CertificatePolicy = policy or Ed25519Certificates(verifier)
        self._committee = committee
        self._keys = committee.public_keys
        self._vote_keys = tuple(self.policy.key(member) for member in committee.members)
        self._binding = binding(genesis_hash, shard, epoch)
        self._verifier = verifier

    def verify_message(self, message: Signed) -> bool:
        """Tell whether the message is signed by the replica that it names (or its primary)."""
        if not well_formed(message):
            return False
        if isinstance(message, PrePrepare | NewView):
            replica: int = self._committee.primary(message.view)
        else:
            replica = message.replica
        if not 0 <= replica < len(self._keys):
            return False
        payload = signed_payload(self._binding, message)
        if isinstance(message, Prepare | Commit):
            return self.policy.verify(self._vote_keys[replica], payload, message.signature)
        return self._verifier.verify(self._keys[replica], payload, message.signature)

    def verify_aggregate(self, vote: Vote, signers: Seq[int], aggregate: bytes) -> bool:
        """Tell whether `aggregate` is the sum of the signers' signatures over what `vote` says."""
        keys = self._vote_keys
        if not well_formed(vote) or not all(0 <= replica < len(keys) for replica in signers):
            return False
        payload = signed_payload(self._binding, vote)
        return self.policy.verify_aggregate([keys[i] for i in signers], payload, aggregate)


class MemoVerifier:
    """Checks each distinct message once, for all replicas of one process.

    Remembers valid messages by their signature, in two generations, and compares the message
    itself (by identity in the common case): a true signature under other fields is no hit.
    Of valid aggregates it remembers as many, with what they say and who has signed.
    """

    __slots__ = ("_aggregates", "_capacity", "_old", "_plain", "_young")

    def __init__(self, plain: MessageVerifier, capacity: int = MEMO_CAPACITY) -> None:
        self._plain = plain
        self._capacity = capacity
        self._young: dict[bytes, Signed] = {}
        self._old: dict[bytes, Signed] = {}
        self._aggregates: dict[bytes, tuple[Vote, tuple[int, ...]]] = {}

    @property
    def policy(self) -> CertificatePolicy:
        """The form of the committee's certificates."""
        return self._plain.policy

    def verify_message(self, message: Signed) -> bool:
        """Tell whether the message is signed by the replica that it names (or its primary)."""
        known = self._young.get(message.signature)
        if known is message:
            return True
        if known is None:
            known = self._old.get(message.signature)
        if known is not message and known != message and not self._plain.verify_message(message):
            return False
        if len(self._young) >= self._capacity:
            self._old, self._young = self._young, {}
        self._young[message.signature] = message
        return True

    def verify_aggregate(self, vote: Vote, signers: Seq[int], aggregate: bytes) -> bool:
        """Tell whether `aggregate` is the sum of the signers' signatures over what `vote` says."""
        shown = (vote, tuple(signers))
        if self._aggregates.get(aggregate) == shown:
            return True
        if not self._plain.verify_aggregate(vote, signers, aggregate):
            return False
        if len(self._aggregates) >= self._capacity:
            self._aggregates.clear()
        self._aggregates[aggregate] = shown
        return True


def verify_commits(
    certificate: Certificate, committee: Committee, epoch: int, verifier: MessageVerifier
) -> None:
    """Check a commit certificate against the committee of its epoch.

    Args:
        certificate: what is shown.
        committee: the validators of `epoch`.
        epoch: the one that the certificate's height belongs to.
        verifier: checks single votes of that epoch.

    Raises:
        InvalidCertificate: it does not prove that its block is final.
    """
    if certificate.epoch != epoch:
        raise InvalidCertificate("certificate.epoch", str(epoch), certificate.epoch)
    check_signers(certificate, committee.size, committee.quorum)
    vote = Commit(certificate.view, certificate.sequence, certificate.digest, 0, b"")
    verifier.policy.check(vote, certificate.signers, certificate.signatures, verifier)


def verify_prepares(
    certificate: PreparedCertificate, committee: Committee, verifier: MessageVerifier
) -> None:
    """Check a prepared certificate: Q-1 PREPAREs, none of them the primary's.

    Raises:
        InvalidCertificate: it does not prove that its block was prepared.
    """
    view, sequence = certificate.view, certificate.sequence
    primary = committee.primary(view)
    check_signers(certificate, committee.size, committee.quorum - 1, primary)
    vote = Prepare(view, sequence, certificate.digest, certificate.parent, 0, b"")
    verifier.policy.check(vote, certificate.signers, certificate.signatures, verifier)


def verify_certificate(
    certificate: Certificate,
    committee: Committee,
    genesis_hash: Hash32,
    verifier: MessageVerifier | None = None,
    epoch: int = 0,
) -> None:
    """Check that a block is final, from the committee and the genesis hash alone.

    Args:
        certificate: what is shown.
        committee: the validators of its epoch.
        genesis_hash: the chain.
        verifier: how single votes are checked; each is verified when None.
        epoch: the one that the committee belongs to.

    Raises:
        InvalidCertificate: it does not prove that its block is final.
    """
    if verifier is None:
        verifier = CommitteeVerifier(committee, genesis_hash, Ed25519Verifier(), epoch=epoch)
    verify_commits(certificate, committee, epoch, verifier)
