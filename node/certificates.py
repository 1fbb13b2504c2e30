"""Reading and verifying commit certificates that come as bytes, once for a whole process.

A follower passes on the very certificate that it was given, so a thousand followers meet few
distinct ones. As with all shared results, each node is charged for the verification.
"""

from consensus.certificate import Certificate
from consensus.signing import MessageVerifier, verify_commits
from node.shared import Memo
from primitives.codec import decode_canonical
from primitives.committee import Committee

CERTIFICATE_BYTES_MAX = 4 * 1024 * 1024
"""Longest encoding of a certificate that is looked at."""

CERTIFICATES_KEPT = 256
"""Certificates whose reading and outcome are remembered."""


class CertificateReader:
    """Decodes and verifies certificates for the nodes of one network that share it.

    Args:
        count_max: certificates remembered; 0 remembers none.
    """

    __slots__ = ("_decoded", "_verified")

    def __init__(self, count_max: int = CERTIFICATES_KEPT) -> None:
        self._decoded: Memo[bytes, Certificate] = Memo(count_max)
        self._verified: Memo[bytes, tuple[int, Committee]] = Memo(count_max)
        """By whom: where too many lie, two committees may have the number of one epoch."""

    def read(self, encoded: bytes) -> Certificate:
        """Return the certificate, not verified.

        Raises:
            InvalidEncoding: too long, malformed or not canonical.
        """
        certificate = self._decoded.get(encoded)
        if certificate is None:
            certificate = decode_canonical(encoded, Certificate, CERTIFICATE_BYTES_MAX)
            self._decoded.put(encoded, certificate)
        return certificate

    def verify(
        self, encoded: bytes, committee: Committee, epoch: int, verifier: MessageVerifier
    ) -> None:
        """Check that the certificate proves its block final.

        Args:
            encoded: the certificate.
            committee: the validators of `epoch`.
            epoch: the one that the certificate's height belongs to.
            verifier: checks single votes of that epoch.

        Raises:
            InvalidEncoding: as `read`.
            InvalidCertificate: it does not.
        """
        if self._verified.get(encoded) == (epoch, committee):
            return
        verify_commits(self.read(encoded), committee, epoch, verifier)
        self._verified.put(encoded, (epoch, committee))
