"""Who may certify which block of a store, as far as the reader knows it.

A store holds certificates, and the ends of epochs with the committees that follow; it does not
hold the first committee. Whoever brings the chain's genesis knows them all. Whoever brings one
committee that he trusts (`orrery verify-certificate` does the same) can judge its epoch.
"""

from collections.abc import Sequence

import msgspec

from consensus.certificate_bls import BlsCertificates
from consensus.certificate_ed25519 import Ed25519Certificates
from consensus.certificate_policy import CertificatePolicy
from consensus.signing import CommitteeVerifier, MessageVerifier
from node.config import Environment
from node.finality import ChainCommittee
from node.restoring import epoch_of
from node.snapshot import Closing
from primitives.committee import Committee
from primitives.epoch import first_epoch
from primitives.header import decode_header
from primitives.keys import Ed25519Verifier

ED25519_SIGNATURE_BYTES = 64


class Judge(msgspec.Struct, frozen=True):
    """What certificates of one epoch are held against."""

    committee: Committee
    epoch: int
    verifier: MessageVerifier


class Committees:
    """The committees of a chain, by height.

    Args:
        environment: of the chain; None if the reader does not know it.
        trusted: a committee that the reader knows instead.
    """

    __slots__ = ("_environment", "_heights", "_trusted", "closings")

    def __init__(self, environment: Environment | None, trusted: ChainCommittee | None) -> None:
        self._environment = environment
        self._trusted = trusted
        self.closings: tuple[Closing, ...] = ()
        """The ends of all epochs since genesis, as far as the store has told."""
        self._heights: tuple[int, ...] = ()

    def learn(self, closings: Sequence[Closing]) -> None:
        """Take in the ends of all epochs since genesis, as the store has them.

        Raises:
            InvalidEncoding: a header is none.
        """
        self.closings = tuple(closings)
        self._heights = tuple([decode_header(each.header).number for each in closings])

    def epoch(self, height: int) -> int:
        """Return the number of the epoch that a block belongs to."""
        return sum([closed < height for closed in self._heights])

    def judge(self, height: int, signature: bytes) -> Judge | None:
        """Return what the certificate of a height is held against; None if nobody knows.

        Args:
            height: of the block.
            signature: one of the certificate; its length tells the chain's form.
        """
        number = self.epoch(height)
        if self._environment is not None:
            first = first_epoch(self._environment.genesis.committee)
            epoch = epoch_of(first, self.closings[:number])
            return Judge(epoch.committee, number, self._environment.verifier_of(epoch))
        if self._trusted is None or self._trusted.epoch != number:
            return None
        plain = Ed25519Verifier()
        policy: CertificatePolicy = Ed25519Certificates(plain)
        if len(signature) > ED25519_SIGNATURE_BYTES:
            policy = BlsCertificates()
        verifier = CommitteeVerifier(
            self._trusted.committee,
            self._trusted.genesis_hash,
            plain,
            self._trusted.shard,
            number,
            policy,
        )
        return Judge(self._trusted.committee, number, verifier)
