"""What a signature that does not fit is really over, as far as that lies near."""

from collections.abc import Callable, Iterable

from consensus.messages import Commit, Prepare
from consensus.signing import binding, signed_payload
from node.finality import FinalityProof
from node.finality_reasons import NotFinal, Reason
from primitives.bls import BlsVerifier
from primitives.ids import View
from primitives.keys import Ed25519Verifier

NEARBY = 8
"""How many shards, epochs and views are tried to say what a signature is really over."""


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
