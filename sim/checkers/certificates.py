"""Certificate validity: every commit rests on a quorum's signatures over exactly that block."""

from functools import partial

from consensus.certificate import Certificate
from consensus.signing import CommitteeVerifier, MemoVerifier, MessageVerifier, verify_certificate
from primitives.committee import Committee
from primitives.errors import OrreryError
from primitives.ids import Hash32, Instant, NodeId
from primitives.keys import Ed25519Verifier
from sim.checkers.checker import CertificateVerifier, CheckContext, CheckedWorld, Violation
from sim.checkers.events import BLOCK_COMMITTED, STATE_ADOPTED, Head, Observed, is_head

HEIGHTS_REMEMBERED = 16
"""Verified certificates are remembered for this many heights below the highest."""


def certificate_verifier(
    committee: Committee, genesis_hash: Hash32, votes: MessageVerifier | None = None
) -> CertificateVerifier:
    """Bind `consensus.verify_certificate` to a run.

    Args:
        committee: the validators.
        genesis_hash: the chain.
        votes: how single signatures are checked; each distinct one once when None.
    """
    if votes is None:
        votes = MemoVerifier(CommitteeVerifier(committee, genesis_hash, Ed25519Verifier()))
    return partial(
        verify_certificate, committee=committee, genesis_hash=genesis_hash, verifier=votes
    )


class Certificates:
    """Verifies the certificate of every commit, each distinct one once.

    Validators gather their own quorum, so theirs differ; followers pass on what they were given.
    """

    name = "certificates"
    events = (BLOCK_COMMITTED, STATE_ADOPTED)

    def __init__(self, context: CheckContext) -> None:
        self._verify = context.verify_certificate
        self._verified: dict[int, set[Certificate]] = {}

    def observe(self, observation: Observed, world: CheckedWorld) -> Violation | None:
        """Object to a missing certificate, one of another block, and one that is not signed."""
        event = observation.event
        if not is_head(event):
            return None
        detail = self._objection(NodeId(observation.node), event, world)
        if detail is None:
            return None
        detail = f"block {event.height} ({event.digest.hex()}): {detail}"
        return Violation(self.name, Instant(observation.at_ns), NodeId(observation.node), detail)

    def finish(self, world: CheckedWorld) -> Violation | None:
        """Agree with the end: every commit was judged when it happened."""
        return None

    def _objection(self, node: NodeId, event: Head, world: CheckedWorld) -> str | None:
        try:
            certificate = world.certificate(node, event.height)
        except KeyError:
            return "committed without a certificate"
        if certificate.sequence != event.height or certificate.digest != event.digest:
            return (
                f"its certificate is for block {certificate.sequence} ({certificate.digest.hex()})"
            )
        verified = self._verified.setdefault(event.height, set())
        if certificate in verified:
            return None
        try:
            self._verify(certificate)
        except OrreryError as error:
            return f"its certificate does not verify: {error}"
        verified.add(certificate)
        self._verified.pop(event.height - HEIGHTS_REMEMBERED, None)
        return None
