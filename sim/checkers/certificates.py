"""Certificate validity: every commit rests on a quorum's signatures over exactly that block."""

from collections.abc import Callable

from consensus.certificate import Certificate
from consensus.signing import MessageVerifier, verify_commits
from primitives.epoch import Epoch
from primitives.errors import OrreryError
from primitives.ids import Hash32, Instant, NodeId
from sim.checkers.checker import CertificateVerifier, CheckContext, CheckedWorld, Violation
from sim.checkers.events import BLOCK_COMMITTED, STATE_ADOPTED, Head, Observed, is_head

HEIGHTS_REMEMBERED = 16
"""Verified certificates are remembered for this many heights below the highest."""


def certificate_verifier(
    verifier_of: Callable[[Epoch], MessageVerifier],
) -> CertificateVerifier:
    """Bind `consensus.verify_commits` to a run.

    Args:
        verifier_of: returns what checks single signatures of an epoch's committee.
    """

    def verify(certificate: Certificate, epoch: Epoch) -> None:
        verify_commits(certificate, epoch.committee, epoch.number, verifier_of(epoch))

    return verify


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
            header = world.block(Hash32(event.digest)).block.header
            self._verify(certificate, world.block(header.parent_hash).epoch)
        except OrreryError as error:
            return f"its certificate does not verify: {error}"
        verified.add(certificate)
        self._verified.pop(event.height - HEIGHTS_REMEMBERED, None)
        return None
