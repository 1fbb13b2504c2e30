"""What is timed for the kinds of consensus: votes as replicas sign and verify them."""

from consensus.costs import VOTE_SIGN, VOTE_VERIFY
from consensus.messages import Commit, Prepare
from consensus.signing import CommitteeVerifier, binding, signed_payload
from primitives.ids import Hash32, Sequence, View
from primitives.keys import Ed25519Verifier
from sim.calibrate.material import Material
from sim.calibrate.sampling import Probe, Trial

SODIUM = ("PyNaCl",)


def cast_votes(material: Material) -> list[Prepare | Commit]:
    """Return a PREPARE and a COMMIT of each validator for one block, signed."""
    bound = binding(material.genesis.digest)
    view, sequence = View(0), Sequence(material.block.number)
    digest, parent = material.block.digest, Hash32(material.genesis.digest)
    votes: list[Prepare | Commit] = []
    for replica, key in enumerate(material.keys):
        prepare = Prepare(view, sequence, digest, parent, replica, b"")
        commit = Commit(view, sequence, digest, replica, b"")
        signature = key.sign(signed_payload(bound, prepare))
        votes.append(Prepare(view, sequence, digest, parent, replica, signature))
        signature = key.sign(signed_payload(bound, commit))
        votes.append(Commit(view, sequence, digest, replica, signature))
    return votes


def vote_sign(material: Material) -> Trial:
    """Make the payload of each vote, sign it, make the vote."""
    return Trial(2 * len(material.keys), lambda: lambda: cast_votes(material))


def vote_verify(material: Material) -> Trial:
    """Verify votes as a replica does that has met none of them."""
    votes = cast_votes(material)
    verifier = CommitteeVerifier(material.committee, material.genesis.digest, Ed25519Verifier())
    return Trial(len(votes), lambda: lambda: [verifier.verify_message(vote) for vote in votes])


PROBES = (Probe(VOTE_SIGN, vote_sign, SODIUM), Probe(VOTE_VERIFY, vote_verify, SODIUM))
