"""What is timed for the kinds of consensus: votes as replicas sign and verify them."""

from collections.abc import Sequence as Seq

from consensus.certificate_bls import BlsCertificates
from consensus.costs import (
    BLS_CERTIFICATE,
    BLS_COMBINE,
    BLS_KEY,
    BLS_VOTE_SIGN,
    BLS_VOTE_VERIFY,
    VOTE_SIGN,
    VOTE_VERIFY,
)
from consensus.messages import Commit, Prepare
from consensus.signing import CommitteeVerifier, binding, signed_payload
from primitives.bls import AggregateSigner, BlsVerifier
from primitives.ids import Hash32, Sequence, View
from primitives.keys import Ed25519Verifier, Signer
from sim.calibrate.material import Material
from sim.calibrate.sampling import Probe, Trial

SODIUM = ("PyNaCl",)
ARKWORKS = ("py-arkworks-bls12381",)
KEY_ROUNDS = 16
"""How often the keys of the committee are added up in one trial: an addition takes little."""


def cast_votes(
    material: Material, keys: Seq[Signer] | Seq[AggregateSigner]
) -> list[Prepare | Commit]:
    """Return a PREPARE and a COMMIT of each validator for one block, signed with these keys."""
    bound = binding(material.genesis.digest)
    view, sequence = View(0), Sequence(material.block.number)
    digest, parent = material.block.digest, Hash32(material.genesis.digest)
    votes: list[Prepare | Commit] = []
    for replica, key in enumerate(keys):
        prepare = Prepare(view, sequence, digest, parent, replica, b"")
        commit = Commit(view, sequence, digest, replica, b"")
        signature = key.sign(signed_payload(bound, prepare))
        votes.append(Prepare(view, sequence, digest, parent, replica, signature))
        signature = key.sign(signed_payload(bound, commit))
        votes.append(Commit(view, sequence, digest, replica, signature))
    return votes


def vote_sign(material: Material) -> Trial:
    """Make the payload of each vote, sign it, make the vote."""
    keys = material.keys
    return Trial(2 * len(keys), lambda: lambda: cast_votes(material, keys))


def vote_verify(material: Material) -> Trial:
    """Verify votes as a replica does that has met none of them."""
    votes = cast_votes(material, material.keys)
    verifier = CommitteeVerifier(material.committee, material.genesis.digest, Ed25519Verifier())
    return Trial(len(votes), lambda: lambda: [verifier.verify_message(vote) for vote in votes])


def bls_vote_sign(material: Material) -> Trial:
    """Do as `vote_sign`, with BLS keys."""
    keys = material.vote_keys
    return Trial(2 * len(keys), lambda: lambda: cast_votes(material, keys))


def bls_verifier(material: Material) -> CommitteeVerifier:
    """Return what verifies the votes of the material's committee under the BLS form."""
    return CommitteeVerifier(
        material.committee, material.genesis.digest, Ed25519Verifier(), policy=BlsCertificates()
    )


def bls_vote_verify(material: Material) -> Trial:
    """Do as `vote_verify`, with BLS keys, whose points a replica knows."""
    votes = cast_votes(material, material.vote_keys)
    verifier = bls_verifier(material)
    return Trial(len(votes), lambda: lambda: [verifier.verify_message(vote) for vote in votes])


def bls_commits(material: Material) -> list[Prepare | Commit]:
    """Return the COMMITs of all validators."""
    votes = cast_votes(material, material.vote_keys)
    return [vote for vote in votes if isinstance(vote, Commit)]


def bls_combine(material: Material) -> Trial:
    """Add up the COMMITs of all validators."""
    signatures = [vote.signature for vote in bls_commits(material)]
    policy = BlsCertificates()
    return Trial(len(signatures), lambda: lambda: policy.combine(signatures))


def bls_key(material: Material) -> Trial:
    """Add up the keys of all validators, whose points are known."""
    scheme, keys = BlsVerifier(), [key.public_key for key in material.vote_keys]

    def add() -> list[bytes]:
        sums = [scheme.add_keys(keys) for _ in range(KEY_ROUNDS)]
        return [total.to_compressed_bytes() for total in sums[:1]]

    return Trial(KEY_ROUNDS * len(keys), lambda: add)


def bls_certificate(material: Material) -> Trial:
    """Verify a sum under one key, as it is when the signers' keys are added up."""
    commit, verifier = bls_commits(material)[0], bls_verifier(material)
    return Trial(
        1, lambda: lambda: verifier.verify_aggregate(commit, (commit.replica,), commit.signature)
    )


PROBES = (
    Probe(VOTE_SIGN, vote_sign, SODIUM),
    Probe(VOTE_VERIFY, vote_verify, SODIUM),
    Probe(BLS_VOTE_SIGN, bls_vote_sign, ARKWORKS),
    Probe(BLS_VOTE_VERIFY, bls_vote_verify, ARKWORKS),
    Probe(BLS_COMBINE, bls_combine, ARKWORKS),
    Probe(BLS_KEY, bls_key, ARKWORKS),
    Probe(BLS_CERTIFICATE, bls_certificate, ARKWORKS),
)
