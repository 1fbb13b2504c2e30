"""Committees whose certificates are aggregates, with real BLS keys."""

from functools import cache

from consensus.certificate_bls import BlsCertificates
from consensus.signing import CommitteeVerifier, MemoVerifier
from primitives.bls import AggregateSigner, BlsKey
from primitives.committee import Committee, Member
from primitives.ids import NodeId
from tests.unit.consensus.harness import Network
from tests.unit.consensus.toys import GENESIS, ToyVerifier, public_keys


@cache
def vote_keys(n: int) -> tuple[BlsKey, ...]:
    return tuple(BlsKey(bytes([index + 1]) * 32) for index in range(n))


def bls_committee(n: int) -> Committee:
    """Members whose votes are real, and whose other signatures are toys."""
    pairs = zip(public_keys(n), vote_keys(n), strict=True)
    return Committee(
        tuple(
            Member(NodeId(node), key, vote.public_key, vote.possession)
            for node, (key, vote) in enumerate(pairs)
        )
    )


def bls_verifier(committee: Committee, epoch: int = 0) -> CommitteeVerifier:
    policy = BlsCertificates()
    return CommitteeVerifier(committee, GENESIS, ToyVerifier(), epoch=epoch, policy=policy)


class BlsNetwork(Network):
    """The harness with aggregated certificates."""

    def _true_committee(self) -> Committee:
        return bls_committee(self.n)

    def _true_verifier(self) -> MemoVerifier:
        return MemoVerifier(bls_verifier(self.judge))

    def _vote_signer(self, index: int) -> AggregateSigner | None:
        return vote_keys(self.n)[index]
