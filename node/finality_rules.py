"""What makes a certificate file a proof, and the reason why another is none.

The order is that of the argument: which chain, which committee, which block, who signed, what
they signed. Whatever comes first is reported. Structure is judged before any signature, so that
a forged file costs little.
"""

from collections.abc import Callable, Iterable
from enum import Enum

import msgspec

from consensus.certificate import InvalidCertificate
from consensus.certificate_bls import BlsCertificates
from consensus.certificate_ed25519 import Ed25519Certificates
from consensus.messages import Commit, Prepare
from consensus.signing import CommitteeVerifier, binding, signed_payload, verify_commits
from node.finality import ChainCommittee, FinalityProof
from primitives.bls import BlsVerifier
from primitives.epoch import epoch_commitment
from primitives.errors import CryptoError, InvalidInput
from primitives.header import header_hash
from primitives.ids import Hash32, View
from primitives.keys import Ed25519Verifier
from primitives.possession import UnprovenKey, check_possessions

NEARBY = 8
"""How many shards, epochs and views are tried to say what a signature is really over."""


class Reason(Enum):
    """Why a file proves nothing. The values are what `--json` and the light client say."""

    MODELLED = "modelled_signatures"
    """They stand for signatures in a simulation; anybody can make them."""
    CHAIN = "other_chain"
    """Not the chain that is trusted, or a header of block 0 with another hash."""
    SHARD = "other_shard"
    EPOCH = "other_epoch"
    COMMITTEE = "other_committee"
    """Not the validators that are trusted, or not those that the genesis header commits to."""
    DIGEST = "other_block"
    """The certificate is for another hash than that of the header shown."""
    SEQUENCE = "other_sequence"
    """The certificate is for another height than that of the header shown."""
    VIEW = "other_view"
    TOO_FEW = "too_few_signatures"
    REPEATED = "repeated_signer"
    UNSORTED = "unsorted_signers"
    UNKNOWN = "unknown_signer"
    PREPARE = "prepare_not_commit"
    """A prepared block may still lose to another one."""
    SIGNER = "other_signer"
    """A validator's signature under the name of another."""
    SIGNATURE = "bad_signature"
    FORM = "other_form"
    """Not the form of certificates that the chain has."""
    POSSESSION = "unproven_key"
    """A validator's aggregate key without a proof that somebody holds its secret."""


class NotFinal(CryptoError):
    """A certificate file that does not prove its block final.

    Args:
        reason: which rule it breaks.
        where: the field that shows it.
        expected: what would stand there in a proof.
        actual: what stands there.
    """

    def __init__(self, reason: Reason, where: str, expected: str, actual: object) -> None:
        self.reason = reason
        super().__init__(where, expected, actual)


class Trust(msgspec.Struct, frozen=True):
    """What the reader knows from elsewhere. Without any of it a file vouches for itself."""

    genesis_hash: Hash32 | None = None
    committee: ChainCommittee | None = None

    def __post_init__(self) -> None:
        """Refuse two anchors that contradict one another.

        Raises:
            InvalidInput: the committee is of another chain.
        """
        if self.committee is None or self.genesis_hash is None:
            return
        if self.committee.genesis_hash != self.genesis_hash:
            raise InvalidInput(
                "trusted committee",
                f"one of the trusted chain {_hex(self.genesis_hash)}",
                f"one of {_hex(self.committee.genesis_hash)}",
            )


def check_proof(proof: FinalityProof, trust: Trust) -> None:
    """Check that a file proves its block final.

    Args:
        proof: what the file says.
        trust: what its reader knows.

    Raises:
        NotFinal: it does not; the reason.
    """
    _check_chain(proof, trust)
    _check_committee(proof, trust)
    _check_form(proof)
    _check_block(proof)
    _check_signers(proof)
    if proof.signatures in {"modelled", "modelled-bls"}:
        raise NotFinal(
            Reason.MODELLED,
            "signatures",
            "Ed25519 or BLS signatures",
            "modelled ones, which anybody can make; this proves nothing",
        )
    _check_signatures(proof)


def _check_chain(proof: FinalityProof, trust: Trust) -> None:
    """Check that the chain is the trusted one, and that its hash is that of its block 0."""
    source, known = proof.source, trust.committee
    genesis_hash = known.genesis_hash if known is not None else trust.genesis_hash
    if genesis_hash is not None and source.genesis_hash != genesis_hash:
        raise NotFinal(
            Reason.CHAIN, "chain.genesis_hash", _hex(genesis_hash), _hex(source.genesis_hash)
        )
    found = header_hash(proof.genesis_header)
    if found != source.genesis_hash:
        expected = f"the header with the hash {_hex(source.genesis_hash)}"
        raise NotFinal(Reason.CHAIN, "chain.genesis_header", expected, _hex(found))


def _check_committee(proof: FinalityProof, trust: Trust) -> None:
    """Check shard, epoch and committee. The genesis hash binds the first committee of shard 0."""
    source, known = proof.source, trust.committee
    shard, epoch = (known.shard, known.epoch) if known is not None else (0, 0)
    if source.shard != shard:
        raise NotFinal(Reason.SHARD, "chain.shard", str(shard), source.shard)
    if source.epoch != epoch:
        raise NotFinal(Reason.EPOCH, "chain.epoch", str(epoch), source.epoch)
    if known is not None and source.committee != known.committee:
        raise NotFinal(Reason.COMMITTEE, "committee", "the trusted validators", "others")
    if source.shard or source.epoch:
        return
    if proof.genesis_header.extra_data != epoch_commitment(proof.params, source.committee, 0):
        raise NotFinal(
            Reason.COMMITTEE,
            "committee",
            "the validators and parameters that the genesis header commits to",
            "others",
        )


def _check_form(proof: FinalityProof) -> None:
    """Check that certificates of the chain look like this one, and that keys which add up may."""
    form = "bls" if proof.aggregated else "ed25519"
    if form != proof.params.certificates:
        expected = f"those of a chain with {proof.params.certificates} certificates"
        raise NotFinal(Reason.FORM, "signatures", expected, proof.signatures)
    if proof.aggregated:
        try:
            check_possessions(proof.source.committee)
        except UnprovenKey as error:
            where = error.where.replace("committee[", "aggregate_keys[", 1)
            raise NotFinal(Reason.POSSESSION, where, error.expected, error.actual) from error


def _check_block(proof: FinalityProof) -> None:
    """Check that the certificate is for the header shown."""
    header, certificate = proof.header, proof.certificate
    if certificate.sequence != header.number:
        raise NotFinal(
            Reason.SEQUENCE, "certificate.sequence", str(header.number), certificate.sequence
        )
    digest = header_hash(header)
    if certificate.digest != digest:
        raise NotFinal(
            Reason.DIGEST,
            "certificate.digest",
            f"the header's hash {_hex(digest)}",
            _hex(certificate.digest),
        )


def _check_signers(proof: FinalityProof) -> None:
    """Check that a quorum of distinct validators stands there, in canonical order."""
    committee, signers = proof.source.committee, proof.certificate.signers
    where = "certificate.signers" if proof.aggregated else "certificate.signatures"
    previous = -1
    for replica in signers:
        if replica >= committee.size:
            expected = f"validators from 0 to {committee.size - 1}"
            raise NotFinal(Reason.UNKNOWN, where, expected, replica)
        if replica == previous:
            raise NotFinal(Reason.REPEATED, where, "each validator once", f"{replica} again")
        if replica < previous:
            raise NotFinal(
                Reason.UNSORTED, where, "ascending validators", f"{replica} after {previous}"
            )
        previous = replica
    if len(signers) < committee.quorum:
        expected = f"{committee.quorum} signatures of {committee.size} validators"
        raise NotFinal(Reason.TOO_FEW, where, expected, len(signers))


def _check_signatures(proof: FinalityProof) -> None:
    """Check every signature; the decision is that of `consensus`, the words are ours."""
    source, certificate = proof.source, proof.certificate
    committee = source.committee
    plain = Ed25519Verifier()
    verifier = CommitteeVerifier(
        committee,
        source.genesis_hash,
        plain,
        source.shard,
        source.epoch,
        BlsCertificates() if proof.aggregated else Ed25519Certificates(plain),
    )
    try:
        verify_commits(certificate, committee, source.epoch, verifier)
    except InvalidCertificate as error:
        if proof.aggregated:
            raise diagnose_aggregate(proof) from error
        place = (certificate.view, certificate.sequence, certificate.digest)
        for replica, signature in zip(certificate.signers, certificate.signatures, strict=True):
            if not verifier.verify_message(Commit(*place, replica, signature)):
                raise diagnose(proof, replica, signature) from error
        raise


def diagnose(proof: FinalityProof, replica: int, signature: bytes) -> NotFinal:
    """Say what a signature is really over that is no COMMIT of `replica` for the block.

    Only what lies near is tried: the PREPARE, and some shards, epochs, views and other validators.
    """
    keys, verify = proof.source.committee.public_keys, Ed25519Verifier().verify
    near = _nearby(proof, lambda payload: verify(keys[replica], payload, signature))
    payload = _payload(proof)
    if near is None:
        for index, key in enumerate(keys):
            if verify(key, payload, signature):
                near = Reason.SIGNER, f"that of validator {index}"
                break
    reason, actual = near or (Reason.SIGNATURE, "a signature of something else, or none")
    return _not_signed(proof, reason, f"certificate.signatures: validator {replica}", actual)


def diagnose_aggregate(proof: FinalityProof) -> NotFinal:
    """Say what an aggregate is really over that is no sum of the signers' COMMITs for the block.

    Only what lies near is tried: as in `diagnose`, and signers that differ by one.
    """
    committee, signers = proof.source.committee, proof.certificate.signers
    scheme, (aggregate,) = BlsVerifier(), proof.certificate.signatures
    keys = [member.aggregate_key for member in committee.members]

    def verify(replicas: Iterable[int], payload: bytes) -> bool:
        return scheme.verify_aggregate([keys[i] for i in replicas], payload, aggregate)

    near = _nearby(proof, lambda payload: verify(signers, payload))
    payload = _payload(proof)
    if near is None:
        for index in range(committee.size):
            others = [replica for replica in signers if replica != index]
            if verify(others if index in signers else (*signers, index), payload):
                change = "without" if index in signers else "with"
                near = Reason.SIGNER, f"a sum {change} that of validator {index}"
                break
    reason, actual = near or (Reason.SIGNATURE, "a sum of something else, or none")
    return _not_signed(proof, reason, "certificate.aggregate", actual)


def _payload(proof: FinalityProof) -> bytes:
    source, certificate = proof.source, proof.certificate
    commit = Commit(certificate.view, certificate.sequence, certificate.digest, 0, b"")
    here = binding(source.genesis_hash, source.shard, source.epoch)
    return signed_payload(here, commit)


def _nearby(proof: FinalityProof, signs: Callable[[bytes], bool]) -> tuple[Reason, str] | None:
    """Return what else near the COMMIT is signed; None if nothing is."""
    source, certificate = proof.source, proof.certificate
    view, sequence, digest = certificate.view, certificate.sequence, certificate.digest
    chain, commit = source.genesis_hash, Commit(view, sequence, digest, 0, b"")
    here = binding(chain, source.shard, source.epoch)
    prepare = Prepare(view, sequence, digest, proof.header.parent_hash, 0, b"")
    if signs(signed_payload(here, prepare)):
        return Reason.PREPARE, "a PREPARE, which does not make a block final"
    for near in range(NEARBY):
        if signs(signed_payload(binding(chain, near, source.epoch), commit)):
            return Reason.SHARD, f"one for shard {near}"
        if signs(signed_payload(binding(chain, source.shard, near), commit)):
            return Reason.EPOCH, f"one for epoch {near}"
    for other in range(max(0, view - NEARBY), view + NEARBY + 1):
        if signs(signed_payload(here, Commit(View(other), sequence, digest, 0, b""))):
            return Reason.VIEW, f"one for view {other}"
    return None


def _not_signed(proof: FinalityProof, reason: Reason, where: str, actual: str) -> NotFinal:
    source, certificate = proof.source, proof.certificate
    expected = (
        f"a COMMIT for block {_hex(certificate.digest)} at view {certificate.view}, sequence "
        f"{certificate.sequence} of shard {source.shard}, epoch {source.epoch}"
    )
    return NotFinal(reason, where, expected, actual)


def _hex(value: bytes) -> str:
    return f"0x{value.hex()}"
