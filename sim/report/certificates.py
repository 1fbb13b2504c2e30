"""What both forms of certificates come to in a run's committee, whichever it has chosen.

Sizes are exact: they are those of the encodings. Times are prices of the run's profile, on a core
of the speed that the profile was measured at.
"""

from collections.abc import Callable, Mapping

from consensus.certificate import Certificate
from consensus.certificate_bls import BlsCertificates
from consensus.certificate_ed25519 import Ed25519Certificates
from consensus.certificate_policy import VoteCosts
from consensus.messages import Commit
from primitives import bls, keys
from primitives.codec import encode_canonical
from primitives.committee import Committee
from primitives.ids import Hash32, Sequence, View
from primitives.machine import Message, Work
from sim.report.result import CertificateComparison, FormOfCertificates

PICOSECONDS = 1e-12


def compare_certificates(
    committee: Committee,
    chosen: str,
    height: int,
    prices_ps: Mapping[str, int],
    size: Callable[[Message], int],
) -> CertificateComparison:
    """Return the comparison.

    Args:
        committee: whose certificates.
        chosen: the form that the chain has.
        height: of the block whose certificate is measured; a number takes room.
        prices_ps: picoseconds for one unit, by kind of work.
        size: bytes of a message on the wire.
    """
    quorum = committee.quorum
    forms = (
        (Ed25519Certificates.name, Ed25519Certificates.costs, keys.SIGNATURE_BYTES, quorum),
        (BlsCertificates.name, BlsCertificates.costs, bls.SIGNATURE_BYTES, 1),
    )
    place = View(0), Sequence(height), Hash32(bytes(32))

    def seconds(*work: Work) -> float:
        return sum(prices_ps[each.kind] * each.units for each in work) * PICOSECONDS

    def measure(name: str, costs: VoteCosts, mark: int, marks: int) -> FormOfCertificates:
        signatures = tuple(bytes(mark) for _ in range(marks))
        certificate = Certificate(0, *place, tuple(range(quorum)), signatures)
        checking = [Work(stage.kind, sum(stage.units)) for stage in costs.checking(quorum)]
        verified = [each for each in costs.verified if isinstance(each, Work)]
        sign, verify = seconds(costs.signed), seconds(*verified)
        votes = 2 * sign + 2 * (quorum - 1) * verify
        return FormOfCertificates(
            form=name,
            certificate_bytes=len(encode_canonical(certificate)),
            certificate_seconds=seconds(*checking),
            vote_bytes=size(Commit(*place, 0, bytes(mark))),
            vote_sign_seconds=sign,
            vote_verify_seconds=verify,
            block_seconds=votes + seconds(*costs.combining(2 * quorum - 1)),
        )

    return CertificateComparison(
        chosen, committee.size, quorum, tuple(measure(*form) for form in forms)
    )
