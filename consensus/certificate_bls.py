"""Certificates that hold one signature: the sum of all signers' BLS signatures.

Sound only in a committee whose members have all proven possession of their aggregate keys, no
two of them the same; `primitives.possession` sees to both, at genesis and at each change.
"""

from collections.abc import Sequence as Seq
from typing import ClassVar

from consensus.certificate import InvalidCertificate
from consensus.certificate_policy import Vote, VoteCosts, VoteVerifier
from consensus.costs import BLS_CERTIFICATE, BLS_COMBINE, BLS_KEY, BLS_VOTE_SIGN, BLS_VOTE_VERIFY
from primitives.bls import AggregateScheme, BlsVerifier
from primitives.committee import Member
from primitives.machine import Work

COSTS = VoteCosts(
    Work(BLS_VOTE_SIGN, 1), (Work(BLS_VOTE_VERIFY, 1),), BLS_COMBINE, BLS_KEY, BLS_CERTIFICATE
)


class BlsCertificates:
    """The form whose certificates hardly grow with the committee.

    Args:
        scheme: checks signatures and adds them up.
    """

    __slots__ = ("_scheme",)

    name: ClassVar[str] = "bls"
    costs: ClassVar[VoteCosts] = COSTS

    def __init__(self, scheme: AggregateScheme | None = None) -> None:
        self._scheme = BlsVerifier() if scheme is None else scheme

    def key(self, member: Member) -> bytes:
        """Return the key that a member's votes verify under."""
        return member.aggregate_key

    def verify(self, public_key: bytes, payload: bytes, signature: bytes) -> bool:
        """Tell whether `signature` over a vote's payload is that of `public_key`."""
        return self._scheme.verify(public_key, payload, signature)

    def verify_aggregate(self, public_keys: Seq[bytes], payload: bytes, aggregate: bytes) -> bool:
        """Tell whether `aggregate` is the sum of one signature by each key over the payload."""
        return self._scheme.verify_aggregate(public_keys, payload, aggregate)

    def combine(self, signatures: Seq[bytes]) -> tuple[bytes, ...]:
        """Return the sum of signatures, alone; nothing for none, as where one validator decides.

        Without backups there is no PREPARE: such a proposal is prepared by being made.
        """
        return (self._scheme.aggregate(signatures),) if signatures else ()

    def check(
        self, vote: Vote, signers: Seq[int], signatures: Seq[bytes], verifier: VoteVerifier
    ) -> None:
        """Check the one signature against the sum of the signers' keys.

        Raises:
            InvalidCertificate: there is not exactly one, or it is no such sum. How many signers
                there must be is not judged here.
        """
        if not signers and not signatures:
            return
        if len(signatures) != 1:
            expected = "one, the sum of all signers'"
            raise InvalidCertificate("certificate.signatures", expected, len(signatures))
        if not verifier.verify_aggregate(vote, signers, signatures[0]):
            raise InvalidCertificate(
                "certificate", "the sum of the signers' signatures", "another signature"
            )
