"""Certificates: signatures of a quorum that prove something to whoever knows the committee."""

import msgspec

from primitives.errors import CryptoError
from primitives.ids import Hash32, Sequence, View


class Certificate(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Q signatures of distinct validators over the same COMMIT payload.

    Genesis has the empty certificate.
    """

    view: View
    sequence: Sequence
    digest: Hash32
    signatures: tuple[tuple[int, bytes], ...]
    """(replica, Ed25519 signature) pairs, replicas strictly ascending."""


class PreparedCertificate(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Q-1 PREPAREs of distinct backups: no other block can be prepared at (view, sequence).

    The primary's PRE-PREPARE is not needed. Of Q-1 backups at least f >= 1 are correct (when
    f = 0 all are), and those had it.
    """

    view: View
    sequence: Sequence
    digest: Hash32
    parent: Hash32
    signatures: tuple[tuple[int, bytes], ...]
    """(replica, signature over the PREPARE) pairs, strictly ascending, without the primary."""


class InvalidCertificate(CryptoError):
    """A certificate that does not prove what it says."""


def check_signers(
    signatures: tuple[tuple[int, bytes], ...], size: int, needed: int, barred: int = -1
) -> None:
    """Check that enough distinct replicas stand in a certificate, in canonical order.

    Args:
        signatures: (replica, signature) pairs.
        size: replicas in the committee.
        needed: how many must have signed.
        barred: a replica that may not be among them, or -1.

    Raises:
        InvalidCertificate: too few, an unknown one, out of order, or the barred one.
    """
    if len(signatures) < needed:
        raise InvalidCertificate("certificate", f"{needed} signatures", len(signatures))
    previous = -1
    for replica, _ in signatures:
        if not previous < replica < size:
            raise InvalidCertificate(
                "certificate.signatures", f"ascending replicas below {size}", replica
            )
        if replica == barred:
            raise InvalidCertificate("certificate.signatures", "backups only", f"primary {replica}")
        previous = replica
