"""Certificates: signatures of a quorum that prove something to whoever knows the committee."""

import msgspec

from primitives.errors import CryptoError
from primitives.ids import Hash32, Sequence, View


class Certificate(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Q signatures of distinct validators over the same COMMIT payload.

    Genesis has the empty certificate.
    """

    epoch: int
    """Whose committee has signed: committee changes between genesis and this block."""
    view: View
    sequence: Sequence
    digest: Hash32
    signers: tuple[int, ...]
    """Replicas of that committee, strictly ascending."""
    signatures: tuple[bytes, ...]
    """That of each signer, in the same order, or a single one that is the sum of all; which of
    the two depends on the chain's form of certificates (`consensus.certificate_policy`)."""


class PreparedCertificate(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Q-1 PREPAREs of distinct backups: no other block can be prepared at (view, sequence).

    The primary's PRE-PREPARE is not needed. Of Q-1 backups at least f >= 1 are correct (when
    f = 0 all are), and those had it.
    """

    view: View
    sequence: Sequence
    digest: Hash32
    parent: Hash32
    signers: tuple[int, ...]
    """Replicas, strictly ascending, without the primary."""
    signatures: tuple[bytes, ...]
    """Over the PREPARE; as in a `Certificate`."""


class InvalidCertificate(CryptoError):
    """A certificate that does not prove what it says."""


def check_signers(
    certificate: Certificate | PreparedCertificate, size: int, needed: int, barred: int = -1
) -> None:
    """Check that enough distinct replicas stand in a certificate, in canonical order.

    Args:
        certificate: of either kind.
        size: replicas in the committee.
        needed: how many must have signed.
        barred: a replica that may not be among them, or -1.

    Raises:
        InvalidCertificate: too few, an unknown one, out of order, or the barred one.
    """
    signers = certificate.signers
    if len(signers) < needed:
        raise InvalidCertificate("certificate", f"{needed} signers", len(signers))
    previous = -1
    for replica in signers:
        if not previous < replica < size:
            raise InvalidCertificate(
                "certificate.signers", f"ascending replicas below {size}", replica
            )
        if replica == barred:
            raise InvalidCertificate("certificate.signers", "backups only", f"primary {replica}")
        previous = replica
