"""SHA-256, RIPEMD-160 and the identity: the precompiles of 0x02 to 0x04.

Reference: Ethereum Yellow Paper, appendix E.
"""

import hashlib

from contracts.kzg import KzgVerifier
from contracts.precompiles.precompile import words
from contracts.precompiles.ripemd160 import ripemd160


def sha256_gas(data: bytes) -> int:
    """Return 60 and 12 for each word."""
    return 60 + 12 * words(data)


def sha256(data: bytes, _kzg: KzgVerifier | None) -> bytes:
    """Return the 32 bytes of SHA-256."""
    return hashlib.sha256(data).digest()


def ripemd160_gas(data: bytes) -> int:
    """Return 600 and 120 for each word."""
    return 600 + 120 * words(data)


def ripemd160_padded(data: bytes, _kzg: KzgVerifier | None) -> bytes:
    """Return the 20 bytes of RIPEMD-160 in the lower end of a word.

    OpenSSL offers it only where its legacy algorithms were built in.
    """
    try:
        digest = hashlib.new("ripemd160", data, usedforsecurity=False).digest()
    except ValueError:
        digest = ripemd160(data)
    return digest.rjust(32, b"\0")


def identity_gas(data: bytes) -> int:
    """Return 15 and 3 for each word."""
    return 15 + 3 * words(data)


def identity(data: bytes, _kzg: KzgVerifier | None) -> bytes:
    """Return the input."""
    return data
