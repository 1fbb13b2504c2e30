"""Validator keys: Ed25519. Accounts sign with `primitives.secp256k1`."""

from typing import Protocol

from nacl.bindings import crypto_sign, crypto_sign_BYTES, crypto_sign_open, crypto_sign_seed_keypair
from nacl.exceptions import CryptoError as NaclError

from primitives.errors import CryptoError

SEED_BYTES = 32
SIGNATURE_BYTES = 64


class Signer(Protocol):
    """Signs for one validator."""

    @property
    def public_key(self) -> bytes:
        """The 32-byte key that its signatures verify under."""
        ...

    def sign(self, payload: bytes) -> bytes:
        """Return a 64-byte signature over `payload`."""
        ...


class Verifier(Protocol):
    """Checks validators' signatures."""

    def verify(self, public_key: bytes, payload: bytes, signature: bytes) -> bool:
        """Tell whether `signature` over `payload` is that of `public_key`."""
        ...


class ValidatorKey:
    """An Ed25519 key pair, from a 32-byte seed.

    Raises:
        CryptoError: the seed has another size.
    """

    __slots__ = ("_secret", "public_key")

    def __init__(self, seed: bytes) -> None:
        if len(seed) != SEED_BYTES:
            raise CryptoError("validator seed", f"{SEED_BYTES} bytes", f"{len(seed)} bytes")
        self.public_key: bytes
        self._secret: bytes
        self.public_key, self._secret = crypto_sign_seed_keypair(seed)

    def sign(self, payload: bytes) -> bytes:
        """Return the 64-byte signature over `payload`; the same payload gives the same one."""
        return bytes(crypto_sign(payload, self._secret)[:crypto_sign_BYTES])

    def __repr__(self) -> str:
        return f"ValidatorKey(public_key={self.public_key.hex()})"


class Ed25519Verifier:
    """The plain `Verifier`: checks every signature it is asked about."""

    __slots__ = ()

    def verify(self, public_key: bytes, payload: bytes, signature: bytes) -> bool:
        """Tell whether `signature` over `payload` is that of `public_key`."""
        return verify(public_key, payload, signature)


def verify(public_key: bytes, payload: bytes, signature: bytes) -> bool:
    """Tell whether `signature` over `payload` is that of `public_key`. Never raises on bad input.

    Reference: RFC 8032, with libsodium's stricter checks (canonical s, no small-order keys).
    """
    if len(signature) != SIGNATURE_BYTES or len(public_key) != SEED_BYTES:
        return False
    try:
        crypto_sign_open(signature + payload, public_key)
    except NaclError:
        return False
    return True
