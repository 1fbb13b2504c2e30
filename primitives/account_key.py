"""An account's private key, prepared for signing many times.

The curve library derives the public key whenever it is handed a private one, which costs more
than the signature itself. Whoever signs thousands of transactions prepares each key once.
"""

from primitives.address import address_from_public_key
from primitives.ids import Address, Hash32
from primitives.secp256k1 import load_private_key


class AccountKey:
    """A secp256k1 private key with its address.

    Args:
        private_key: 32 bytes.

    Raises:
        CryptoError: the key is not 32 bytes, zero, or not below the group's order.
    """

    __slots__ = ("_key", "address")

    def __init__(self, private_key: bytes) -> None:
        self._key = load_private_key(private_key)
        self.address: Address = address_from_public_key(
            self._key.public_key.format(compressed=False)[1:]
        )
        """The account that the key controls."""

    def sign(self, digest: Hash32) -> bytes:
        """Return r, s (32 bytes each, big-endian) and y parity (1 byte) over a 32-byte digest.

        Deterministic (RFC 6979), with low s: the same bytes as `primitives.secp256k1.sign`.
        """
        return bytes(self._key.sign_recoverable(digest, hasher=None))
