"""One row of `orrery bench certificates`: how fast a light client can follow a chain.

Each certificate is verified as `orrery verify-certificate` does it, and nothing of it is
remembered: a quorum of Ed25519 signatures, one by one, or one BLS signature that is the sum of a
quorum's. What is remembered are points of BLS keys, which a client decompresses once for each
committee; what that takes stands in a column of its own. The libraries' own calls for the same
check, in the same process, are the limit. All of it is processor time.
"""

import json
import sys
import time
from collections.abc import Callable
from statistics import median

import msgspec
from nacl.bindings import crypto_sign_open
from py_arkworks_bls12381 import GT, G1Point, G2Point

from consensus.certificate import Certificate
from consensus.certificate_bls import BlsCertificates
from consensus.messages import Commit
from consensus.signing import CommitteeVerifier, binding, signed_payload, verify_certificate
from primitives.bls import CIPHERSUITE
from primitives.codec import encode_canonical
from primitives.committee import Committee
from primitives.ids import Hash32, Sequence, View
from primitives.keys import Ed25519Verifier
from primitives.params import CertificateForm
from sim.signatures import RunKeys, run_keys

TURNS = 10
GENESIS, DIGEST = Hash32(b"g" * 32), Hash32(b"d" * 32)
VOTE = Commit(View(0), Sequence(1), DIGEST, 0, b"")
PAYLOAD = signed_payload(binding(GENESIS), VOTE)


class Case(msgspec.Struct, frozen=True):
    """A committee and a certificate of a quorum of it."""

    committee: Committee
    certificate: Certificate
    library: Callable[[], None]
    """Does the library's part of the check."""


def run(nodes: int, seconds: float, certificates: CertificateForm = "ed25519") -> dict[str, object]:
    """Verify a committee's certificate over and over, and return the row.

    Args:
        nodes: validators in the committee.
        seconds: how long each of the two loops lasts, processor time; they take turns, so that
            a busy machine slows both.
        certificates: their form.
    """
    keys = run_keys(0, nodes, real=True, certificates=certificates)
    case = bls_case(keys) if certificates == "bls" else ed25519_case(keys)
    committee, certificate = case.committee, case.certificate
    start = time.process_time()
    verifier = fresh_verifier(committee, certificates)
    verify_certificate(certificate, committee, GENESIS, verifier)
    first = time.process_time() - start

    def ours() -> None:
        verify_certificate(certificate, committee, GENESIS, verifier)

    slices = [
        (_rate(ours, seconds / TURNS), _rate(case.library, seconds / TURNS)) for _ in range(TURNS)
    ]
    rate, limit = median(rates[0] for rates in slices), median(rates[1] for rates in slices)
    return {
        "certificates": certificates,
        "nodes": nodes,
        "quorum": committee.quorum,
        "certificate_bytes": len(encode_canonical(certificate)),
        "certificates_per_second": round(rate, 1),
        "checks_per_second": round(rate * committee.quorum),
        "library_checks_per_second": round(limit * committee.quorum),
        "first_certificate_seconds": round(first, 6),
    }


def fresh_verifier(committee: Committee, certificates: CertificateForm) -> CommitteeVerifier:
    """Return a verifier that has seen nothing of the committee."""
    policy = BlsCertificates() if certificates == "bls" else None
    return CommitteeVerifier(committee, GENESIS, Ed25519Verifier(), policy=policy)


def ed25519_case(keys: RunKeys) -> Case:
    """Return a certificate of separate signatures."""
    committee = keys.committee
    signers = tuple(range(committee.quorum))
    signatures = tuple(keys.signers[index].sign(PAYLOAD) for index in signers)
    public_keys = committee.public_keys
    bare = [(mark + PAYLOAD, public_keys[i]) for i, mark in zip(signers, signatures, strict=True)]

    def library() -> None:
        for signed, key in bare:
            crypto_sign_open(signed, key)

    return Case(committee, _certificate(signers, signatures), library)


def bls_case(keys: RunKeys) -> Case:
    """Return a certificate of one sum."""
    committee = keys.committee
    signers = tuple(range(committee.quorum))
    signatures = keys.policy.combine([keys.vote_signers[i].sign(PAYLOAD) for i in signers])
    points = [G1Point.from_compressed_bytes(committee.members[i].aggregate_key) for i in signers]

    def library() -> None:
        total = points[0]
        for point in points[1:]:
            total = total + point
        mark = G2Point.from_compressed_bytes(signatures[0])
        hashed = G2Point.hash_to_curve(PAYLOAD, CIPHERSUITE)
        assert GT.pairing_check([total, -G1Point()], [hashed, mark]), "a good certificate"

    return Case(committee, _certificate(signers, signatures), library)


def _certificate(signers: tuple[int, ...], signatures: tuple[bytes, ...]) -> Certificate:
    return Certificate(0, VOTE.view, VOTE.sequence, VOTE.digest, signers, signatures)


def _rate(work: Callable[[], None], seconds: float) -> float:
    """Return how often `work` is done in a second of processor time."""
    work()
    done, start = 0, time.process_time()
    while time.process_time() - start < seconds:
        work()
        done += 1
    return done / (time.process_time() - start)


if __name__ == "__main__":
    print(json.dumps(run(**json.loads(sys.argv[1]))))
