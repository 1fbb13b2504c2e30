"""The form of certificates: which key votes are signed with, and how votes become a certificate.

PREPARE and COMMIT are what certificates are made of, so the form decides about them and about
nothing else: a primary's proposal, view changes and all that clients are told carry Ed25519
signatures under either form.

The forms are `consensus.certificate_ed25519` and `consensus.certificate_bls`. A chain has one,
`ChainParams.certificates`, for good.
"""

from collections.abc import Sequence as Seq
from typing import Protocol

import msgspec

from consensus.messages import Commit, Prepare
from primitives.committee import Member
from primitives.machine import Effect, Tasks, Work

Vote = Prepare | Commit


class VoteVerifier(Protocol):
    """Checks votes of one committee, each by itself or many at once."""

    def verify_message(self, message: Vote) -> bool:
        """Tell whether the vote is signed by the replica that it names."""
        ...

    def verify_aggregate(self, vote: Vote, signers: Seq[int], aggregate: bytes) -> bool:
        """Tell whether `aggregate` is the sum of the signers' signatures over what `vote` says."""
        ...


class VoteCosts(msgspec.Struct, frozen=True):
    """What a form takes of the processor."""

    signed: Work
    """One vote is signed."""
    verified: tuple[Effect, ...]
    """One vote was checked: the shared answer to most votes."""
    combined: str | None
    """The kind that each signature in a new certificate costs; None where nothing is added up."""
    signer: str
    """The kind that each signer costs who stands in a certificate that is checked."""
    whole: str | None
    """The kind that a certificate costs besides, whoever has signed; None for nothing."""

    def checking(self, signers: int) -> tuple[Tasks, ...]:
        """Return what it takes to check a certificate, one stage after another."""
        if self.whole is None:
            return (Tasks(self.signer, (1,) * signers),)
        return Tasks(self.signer, (signers,)), Tasks(self.whole, (1,))

    def combining(self, votes: int) -> tuple[Work, ...]:
        """Return what it takes to make a certificate of votes."""
        return () if self.combined is None else (Work(self.combined, votes),)


class CertificatePolicy(Protocol):
    """One form of certificates."""

    @property
    def name(self) -> str:
        """What `[consensus] certificates` calls it."""
        ...

    @property
    def costs(self) -> VoteCosts:
        """What it takes."""
        ...

    def key(self, member: Member) -> bytes:
        """Return the key that a member's votes verify under."""
        ...

    def verify(self, public_key: bytes, payload: bytes, signature: bytes) -> bool:
        """Tell whether `signature` over a vote's payload is that of `public_key`."""
        ...

    def verify_aggregate(self, public_keys: Seq[bytes], payload: bytes, aggregate: bytes) -> bool:
        """Tell whether `aggregate` is the sum of one signature by each key over the payload."""
        ...

    def combine(self, signatures: Seq[bytes]) -> tuple[bytes, ...]:
        """Return what a certificate holds for votes that were verified, in order of replicas."""
        ...

    def check(
        self, vote: Vote, signers: Seq[int], signatures: Seq[bytes], verifier: VoteVerifier
    ) -> None:
        """Check that all signers have signed what `vote` says, whatever replica it names.

        Args:
            vote: without a signature of its own.
            signers: distinct replicas of the committee, ascending.
            signatures: what the certificate holds.
            verifier: of that committee.

        Raises:
            InvalidCertificate: not as many signatures as this form has, or a bad one.
        """
        ...


class Bill:
    """Adds up, by kind, what a turn checks; several checks make one piece of work."""

    __slots__ = ("_units",)

    def __init__(self) -> None:
        self._units: dict[str, int] = {}

    def add(self, kind: str, units: int) -> None:
        """Count units of one kind."""
        self._units[kind] = self._units.get(kind, 0) + units

    def certificate(self, policy: CertificatePolicy, signers: int) -> None:
        """Count the check of a certificate."""
        for stage in policy.costs.checking(signers):
            self.add(stage.kind, sum(stage.units))

    def work(self) -> list[Effect]:
        """Return the effects that charge it."""
        return [Work(kind, units) for kind, units in self._units.items() if units]
