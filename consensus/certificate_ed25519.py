"""Certificates that hold the Ed25519 signature of each signer."""

from collections.abc import Sequence as Seq
from typing import ClassVar

import msgspec

from consensus.certificate import InvalidCertificate
from consensus.certificate_policy import Vote, VoteCosts, VoteVerifier
from consensus.costs import VOTE_SIGN, VOTE_VERIFY
from consensus.effects import VERIFIED
from primitives.committee import Member
from primitives.keys import Ed25519Verifier, Verifier
from primitives.machine import Work

COSTS = VoteCosts(Work(VOTE_SIGN, 1), VERIFIED, None, VOTE_VERIFY, None)


class Ed25519Certificates:
    """The form that needs no more than the validators' ordinary keys.

    Args:
        verifier: checks single signatures.
    """

    __slots__ = ("_verifier",)

    name: ClassVar[str] = "ed25519"
    costs: ClassVar[VoteCosts] = COSTS

    def __init__(self, verifier: Verifier | None = None) -> None:
        self._verifier = Ed25519Verifier() if verifier is None else verifier

    def key(self, member: Member) -> bytes:
        """Return the key that a member's votes verify under."""
        return member.public_key

    def verify(self, public_key: bytes, payload: bytes, signature: bytes) -> bool:
        """Tell whether `signature` over a vote's payload is that of `public_key`."""
        return self._verifier.verify(public_key, payload, signature)

    def verify_aggregate(self, public_keys: Seq[bytes], payload: bytes, aggregate: bytes) -> bool:
        """Say no: these signatures do not add up."""
        return False

    def combine(self, signatures: Seq[bytes]) -> tuple[bytes, ...]:
        """Return the signatures as they are."""
        return tuple(signatures)

    def check(
        self, vote: Vote, signers: Seq[int], signatures: Seq[bytes], verifier: VoteVerifier
    ) -> None:
        """Check the signature of each signer.

        Raises:
            InvalidCertificate: not one for each, or a bad one.
        """
        if len(signatures) != len(signers):
            expected = f"one for each of {len(signers)} signers"
            raise InvalidCertificate("certificate.signatures", expected, len(signatures))
        for replica, signature in zip(signers, signatures, strict=True):
            shown = msgspec.structs.replace(vote, replica=replica, signature=signature)
            if not verifier.verify_message(shown):
                expected = f"valid {type(vote).__name__.upper()}s"
                raise InvalidCertificate("certificate", expected, f"a bad one of {replica}")
