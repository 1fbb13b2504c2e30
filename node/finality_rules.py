"""What makes a certificate file a proof, and the reason why another is none.

The order is that of the argument: which chain, which committee, which block, who signed, what
they signed. Whatever comes first is reported. Structure is judged before any signature, so that
a forged file costs little.
"""

import msgspec

from consensus.certificate import InvalidCertificate
from consensus.certificate_bls import BlsCertificates
from consensus.certificate_ed25519 import Ed25519Certificates
from consensus.messages import Commit
from consensus.signing import CommitteeVerifier, verify_commits
from node.finality import ChainCommittee, FinalityProof
from node.finality_diagnosis import diagnose, diagnose_aggregate
from node.finality_reasons import NotFinal, Reason
from primitives.committee import Committee
from primitives.epoch import epoch_commitment, is_checkpoint
from primitives.errors import InvalidInput
from primitives.header import header_hash
from primitives.ids import Hash32
from primitives.keys import Ed25519Verifier
from primitives.possession import UnprovenKey, check_possessions


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
    _check_order(proof)
    if proof.signatures in {"modelled", "modelled-bls"}:
        raise NotFinal(
            Reason.MODELLED,
            "signatures",
            "Ed25519 or BLS signatures",
            "modelled ones, which anybody can make; this proves nothing",
        )
    for _, part in _certified(proof):
        _check_signatures(part)
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
    """Check shard, epoch and committee. The genesis hash binds the first committee of shard 0.

    What it binds, binds the next committee with its last block, and so on.
    """
    source, known = proof.source, trust.committee
    shard = 0 if known is None else known.shard
    if source.shard != shard:
        raise NotFinal(Reason.SHARD, "chain.shard", str(shard), source.shard)
    first = _check_trusted(proof, known)
    committees = _committees(proof)
    is_bound = not (source.shard or first)
    commitment = epoch_commitment(proof.params, committees[0], 0)
    if is_bound and proof.genesis_header.extra_data != commitment:
        raise NotFinal(
            Reason.COMMITTEE,
            "handovers[0].committee" if proof.handovers else "committee",
            "the validators and parameters that the genesis header commits to",
            "others",
        )
    _check_handovers(proof, committees)


def _check_trusted(proof: FinalityProof, known: ChainCommittee | None) -> int:
    """Check the committee that is trusted; return the epoch that the file's argument begins in."""
    source = proof.source
    first = 0
    if known is not None and not proof.handovers:
        first = known.epoch
    if source.epoch != first + len(proof.handovers):
        expected = f"{first + len(proof.handovers)}, after so many handovers"
        raise NotFinal(Reason.EPOCH, "chain.epoch", expected, source.epoch)
    if known is None:
        return first
    committees = _committees(proof)
    place = known.epoch - first
    if place >= len(committees):
        raise NotFinal(Reason.EPOCH, "chain.epoch", f"at least {known.epoch}", source.epoch)
    if committees[place] != known.committee:
        raise NotFinal(Reason.COMMITTEE, "committee", "the trusted validators", "others")
    return first


def _committees(proof: FinalityProof) -> list[Committee]:
    """Return those that have decided, from the first one on."""
    return [*(handover.committee for handover in proof.handovers), proof.source.committee]


def _check_handovers(proof: FinalityProof, committees: list[Committee]) -> None:
    """Check that each closing block commits to the next committee, signatures apart."""
    for index, part in _certified(proof):
        number = index + 1
        expected = epoch_commitment(proof.params, committees[number], number)
        if part.header.extra_data != expected:
            raise NotFinal(
                Reason.HANDOVER,
                f"handovers[{index}].header",
                f"one that commits to the committee of epoch {number}",
                "another",
            )
        _check_form(part)
        _check_block(part)
        _check_signers(part)


def _certified(proof: FinalityProof) -> list[tuple[int, FinalityProof]]:
    """Return the handovers as proofs of their closing blocks, by epoch."""
    source = proof.source
    return [
        (
            epoch,
            FinalityProof(
                proof.signatures,
                ChainCommittee(source.genesis_hash, source.shard, epoch, handover.committee),
                proof.genesis_header,
                proof.params,
                handover.header,
                handover.certificate,
            ),
        )
        for epoch, handover in enumerate(proof.handovers)
    ]


def _check_order(proof: FinalityProof) -> None:
    """Check that the epochs follow upon one another, and the block upon them."""
    below = 0
    for index, handover in enumerate(proof.handovers):
        number = handover.header.number
        if number <= below or not is_checkpoint(number, proof.params):
            expected = f"a checkpoint above {below}"
            raise NotFinal(Reason.HANDOVER, f"handovers[{index}].header", expected, number)
        below = number
    if proof.header.number <= below:
        raise NotFinal(
            Reason.HANDOVER,
            "header",
            f"a block above the last handover {below}",
            proof.header.number,
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


def _hex(value: bytes) -> str:
    return f"0x{value.hex()}"
