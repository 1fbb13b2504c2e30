"""Signatures that cost nothing to make, for runs that only charge what real ones take.

A modelled signature is a hash of public key and payload. It binds a message exactly as a real one
does, so a message that was altered is refused; but anybody can make it. Runs with liars, and
every figure that claims real signatures, use Ed25519 and BLS.

Modelled votes for aggregated certificates are hashes as well, and add up by exclusive or. Their
keys and proofs of possession are real ones: a chain asks for those whatever the run models.
"""

import hashlib
from collections.abc import Sequence

import msgspec

from consensus.certificate_bls import BlsCertificates
from consensus.certificate_ed25519 import Ed25519Certificates
from consensus.certificate_policy import CertificatePolicy
from node.verifiers import Keys
from primitives import bls
from primitives.bls import AggregateSigner, BlsKey
from primitives.committee import Committee, Member
from primitives.errors import CryptoError
from primitives.ids import NodeId
from primitives.keys import Ed25519Verifier, Signer, ValidatorKey, Verifier
from sim.randomness import derive_seed

SEED_BYTES = 32


class ModelledKey:
    """Stands for a validator's key pair."""

    __slots__ = ("public_key",)

    def __init__(self, seed: bytes) -> None:
        self.public_key = hashlib.blake2b(seed, digest_size=32, person=b"orrery-model").digest()

    def sign(self, payload: bytes) -> bytes:
        """Return 64 bytes that only this payload and key have."""
        return _tag(self.public_key, payload)


class ModelledVoteKey:
    """Stands for a validator's BLS key pair; key and possession are those of a real one."""

    __slots__ = ("possession", "public_key")

    def __init__(self, seed: bytes) -> None:
        real = BlsKey(seed)
        self.public_key = real.public_key
        self.possession = real.possession

    def sign(self, payload: bytes) -> bytes:
        """Return 96 bytes that only this payload and key have."""
        return _vote_tag(self.public_key, payload)


class ModelledAggregates:
    """Checks modelled votes and adds them up: the sum is their exclusive or."""

    __slots__ = ()

    def verify(self, public_key: bytes, payload: bytes, signature: bytes) -> bool:
        """Tell whether `signature` is the modelled one of `public_key` over `payload`."""
        return signature == _vote_tag(public_key, payload)

    def verify_aggregate(
        self, public_keys: Sequence[bytes], payload: bytes, signature: bytes
    ) -> bool:
        """Tell whether `signature` is the sum of the modelled one of each key over `payload`."""
        return bool(public_keys) and signature == _sum([_vote_tag(k, payload) for k in public_keys])

    def aggregate(self, signatures: Sequence[bytes]) -> bytes:
        """Return the sum of signatures.

        Raises:
            CryptoError: there is none, or one of them has another size.
        """
        if not signatures or any(len(mark) != bls.SIGNATURE_BYTES for mark in signatures):
            raise CryptoError("modelled aggregate", "signatures of 96 bytes", "others, or none")
        return _sum(signatures)


class ModelledVerifier:
    """Checks modelled signatures."""

    __slots__ = ()

    def verify(self, public_key: bytes, payload: bytes, signature: bytes) -> bool:
        """Tell whether `signature` is the modelled one of `public_key` over `payload`."""
        return signature == _tag(public_key, payload)


def _tag(public_key: bytes, payload: bytes) -> bytes:
    return hashlib.blake2b(payload, key=public_key, digest_size=64).digest()


def _vote_tag(public_key: bytes, payload: bytes) -> bytes:
    return hashlib.shake_256(public_key + payload).digest(bls.SIGNATURE_BYTES)


def _sum(signatures: Sequence[bytes]) -> bytes:
    total = 0
    for signature in signatures:
        total ^= int.from_bytes(signature, "big")
    return total.to_bytes(bls.SIGNATURE_BYTES, "big")


def validator_seed(seed: int, index: int, generation: int = 0) -> bytes:
    """Return the key seed of validator `index` in runs of `seed`: 32 bytes.

    Args:
        seed: the run's seed.
        index: the node's number.
        generation: how often it has been re-keyed.
    """
    return _key_seed("validator-key", seed, index, generation)


def _key_seed(label: str, seed: int, index: int, generation: int) -> bytes:
    again = f"/{generation}" if generation else ""
    number = derive_seed(seed, f"{label}{again}", index)
    return hashlib.sha256(number.to_bytes(SEED_BYTES, "big")).digest()


def validator_keys(seed: int, count: int, real: bool) -> tuple[list[Signer], Verifier]:
    """Return the keys of all validators of a run, and what checks their signatures.

    Args:
        seed: the run's seed.
        count: how many validators.
        real: Ed25519 if true, modelled otherwise.
    """
    kind = ValidatorKey if real else ModelledKey
    keys: list[Signer] = [kind(validator_seed(seed, index)) for index in range(count)]
    return keys, Ed25519Verifier() if real else ModelledVerifier()


class RunKeys(msgspec.Struct, frozen=True):
    """The keys of a run's validators, and what checks their signatures."""

    signers: tuple[Signer, ...]
    """One for each validator."""
    vote_signers: tuple[AggregateSigner, ...]
    """Sign PREPARE and COMMIT, one for each validator; none where `signers` do."""
    committee: Committee
    """Validator i is node i."""
    verifier: Verifier
    """Of what `signers` sign."""
    policy: CertificatePolicy
    """The form of certificates; checks votes."""

    def vote_signer(self, node: int) -> AggregateSigner | None:
        """Return what a validator signs its votes with, unless it is its ordinary key."""
        return self.vote_signers[node] if self.vote_signers else None


def run_keys(seed: int, count: int, real: bool, certificates: str) -> RunKeys:
    """Make the keys of a run.

    Args:
        seed: the run's seed.
        count: how many validators.
        real: Ed25519 and BLS signatures if true, modelled ones otherwise.
        certificates: "ed25519" or "bls".
    """
    signers, verifier = validator_keys(seed, count, real)
    if certificates == "ed25519":
        committee = Committee.of_keys(signer.public_key for signer in signers)
        return RunKeys(tuple(signers), (), committee, verifier, Ed25519Certificates(verifier))
    kind = BlsKey if real else ModelledVoteKey
    votes = tuple(kind(vote_seed(seed, index)) for index in range(count))
    members = (
        Member(NodeId(index), signer.public_key, vote.public_key, vote.possession)
        for index, (signer, vote) in enumerate(zip(signers, votes, strict=True))
    )
    policy = BlsCertificates(None if real else ModelledAggregates())
    return RunKeys(tuple(signers), votes, Committee(tuple(members)), verifier, policy)


def member_keys(
    seed: int, node: int, generation: int, real: bool, certificates: str
) -> tuple[Keys, Member]:
    """Make the keys of one node that is, or may become, a validator.

    Args:
        seed: the run's seed.
        node: its number.
        generation: how often it has been re-keyed; 0 gives the keys of `run_keys`.
        real: Ed25519 and BLS signatures if true, modelled ones otherwise.
        certificates: "ed25519" or "bls".
    """
    own = validator_seed(seed, node, generation)
    signer: Signer = ValidatorKey(own) if real else ModelledKey(own)
    if certificates == "ed25519":
        return Keys(signer), Member(NodeId(node), signer.public_key)
    own_vote = vote_seed(seed, node, generation)
    vote = BlsKey(own_vote) if real else ModelledVoteKey(own_vote)
    member = Member(NodeId(node), signer.public_key, vote.public_key, vote.possession)
    return Keys(signer, vote), member


def vote_seed(seed: int, index: int, generation: int = 0) -> bytes:
    """Return likewise the seed of the BLS key that validator `index` votes with: 32 bytes."""
    return _key_seed("validator-vote-key", seed, index, generation)
