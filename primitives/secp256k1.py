"""ECDSA over secp256k1 with public-key recovery: Ethereum's account signatures."""

from coincurve import PrivateKey, PublicKey

from primitives.errors import CryptoError
from primitives.ids import Hash32

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""Number of points in the group; private keys, r and s are below it."""
HALF_ORDER = ORDER >> 1
"""Largest s of a signature that cannot be mirrored into a second valid one (EIP-2)."""


def public_key(private_key: bytes) -> bytes:
    """Return the 64-byte public key (x and y, big-endian) of a 32-byte private key.

    Raises:
        CryptoError: the key is not 32 bytes, zero, or not below the order.
    """
    return bytes(load_private_key(private_key).public_key.format(compressed=False)[1:])


def sign(digest: Hash32, private_key: bytes) -> tuple[int, int, int]:
    """Return (y_parity, r, s) over a 32-byte digest: deterministic (RFC 6979), with low s.

    Raises:
        CryptoError: the key is not a private key.
    """
    signature = load_private_key(private_key).sign_recoverable(digest, hasher=None)
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    return signature[64], r, s


def recover(digest: Hash32, y_parity: int, r: int, s: int) -> bytes:
    """Return the 64-byte public key that signed `digest`.

    Args:
        digest: the 32 bytes that were signed.
        y_parity: 0 or 1.
        r: in [1, ORDER).
        s: in [1, ORDER); the caller decides whether the upper half is allowed.

    Raises:
        CryptoError: a value out of range, or no public key fits.
    """
    if not (y_parity in (0, 1) and 0 < r < ORDER and 0 < s < ORDER):
        raise CryptoError("signature", "y parity 0 or 1, r and s in [1, order)", "another value")
    encoded = r.to_bytes(32, "big") + s.to_bytes(32, "big") + (b"\x01" if y_parity else b"\x00")
    try:
        key = PublicKey.from_signature_and_message(encoded, digest, hasher=None)
    except Exception as error:
        raise CryptoError("signature", "a public key that fits it", "none") from error
    return bytes(key.format(compressed=False)[1:])


def load_private_key(private_key: bytes) -> PrivateKey:
    """Return the curve library's form of a 32-byte private key.

    Raises:
        CryptoError: the key is not 32 bytes, zero, or not below the order.
    """
    if len(private_key) != 32 or not 0 < int.from_bytes(private_key, "big") < ORDER:
        raise CryptoError("private key", "32 bytes in [1, order)", f"{len(private_key)} bytes")
    return PrivateKey(private_key)
