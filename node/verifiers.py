"""What checks the messages of each epoch's committee, shared by the nodes of a process."""

import msgspec

from consensus.certificate_bls import BlsCertificates
from consensus.certificate_ed25519 import Ed25519Certificates
from consensus.certificate_policy import CertificatePolicy
from consensus.signing import CommitteeVerifier, MemoVerifier, MessageVerifier
from primitives.bls import AggregateSigner
from primitives.epoch import Epoch
from primitives.genesis import Genesis, genesis_hash
from primitives.ids import Hash32
from primitives.keys import Ed25519Verifier, Signer, Verifier

EPOCHS_KEPT = 8
"""Verifiers that are kept at hand; those of older epochs are made anew."""


class Keys(msgspec.Struct, frozen=True):
    """What a validator signs with."""

    signer: Signer
    vote_signer: AggregateSigner | None = None
    """For PREPAREs and COMMITs where certificates are aggregates."""


class LaterVerifiers:
    """Verifiers of the epochs after the first one, made when they are needed.

    Args:
        plain: checks single signatures; for real when None.
    """

    __slots__ = ("_made", "plain")

    def __init__(self, plain: Verifier | None = None) -> None:
        self.plain: Verifier = plain or Ed25519Verifier()
        """Checks single signatures."""
        self._made: list[tuple[Epoch, MessageVerifier]] = []

    def of(self, epoch: Epoch, genesis_hash: Hash32, policy: CertificatePolicy) -> MessageVerifier:
        """Return what checks the messages of an epoch's committee.

        Args:
            epoch: its number and committee count.
            genesis_hash: the chain.
            policy: the form of its certificates.
        """
        for known, verifier in reversed(self._made):
            if known is epoch:
                return verifier
            if known.number == epoch.number and known.committee == epoch.committee:
                return verifier
        plain = CommitteeVerifier(
            epoch.committee, genesis_hash, self.plain, epoch=epoch.number, policy=policy
        )
        made = MemoVerifier(plain)
        self._made = [*self._made, (epoch, made)][-EPOCHS_KEPT:]
        return made


def first_verifier(genesis: Genesis, digest: Hash32 | None = None) -> CommitteeVerifier:
    """Return what checks the messages of a chain's first committee, each time anew.

    Args:
        genesis: of the chain.
        digest: of its block 0, if that is known: with many accounts it takes a while to find out.
    """
    plain = Ed25519Verifier()
    bls = genesis.params.certificates == "bls"
    policy = BlsCertificates() if bls else Ed25519Certificates(plain)
    digest = genesis_hash(genesis) if digest is None else digest
    return CommitteeVerifier(genesis.committee, digest, plain, policy=policy)
