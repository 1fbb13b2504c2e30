"""Signatures that cost nothing to make, for runs that only charge what real ones take.

A modelled signature is a hash of public key and payload. It binds a message exactly as a real one
does, so a message that was altered is refused; but anybody can make it. Runs with liars, and
every figure that claims real signatures, use Ed25519.
"""

import hashlib

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


class ModelledVerifier:
    """Checks modelled signatures."""

    __slots__ = ()

    def verify(self, public_key: bytes, payload: bytes, signature: bytes) -> bool:
        """Tell whether `signature` is the modelled one of `public_key` over `payload`."""
        return signature == _tag(public_key, payload)


def _tag(public_key: bytes, payload: bytes) -> bytes:
    return hashlib.blake2b(payload, key=public_key, digest_size=64).digest()


def validator_seed(seed: int, index: int) -> bytes:
    """Return the key seed of validator `index` in runs of `seed`: 32 bytes."""
    number = derive_seed(seed, "validator-key", index)
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
