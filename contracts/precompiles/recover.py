"""ECRECOVER: the address that signed a digest."""

from contracts.kzg import KzgVerifier
from contracts.precompiles.precompile import padded
from primitives.errors import CryptoError
from primitives.ids import Hash32
from primitives.keccak import keccak256
from primitives.secp256k1 import recover


def recover_address(data: bytes, _kzg: KzgVerifier | None) -> bytes:
    """Return the signer's address in a word, or nothing if there is none: that is no failure.

    The input is the digest, v as a word (27 or 28), r and s. The upper half of s is allowed here:
    EIP-2 forbids it for transactions only.

    Reference: Ethereum Yellow Paper, appendix E.
    """
    digest, v = Hash32(padded(data, 0, 32)), int.from_bytes(padded(data, 32, 32), "big")
    r = int.from_bytes(padded(data, 64, 32), "big")
    s = int.from_bytes(padded(data, 96, 32), "big")
    if v not in (27, 28):
        return b""
    try:
        key = recover(digest, v - 27, r, s)
    except CryptoError:
        return b""
    return keccak256(key)[12:].rjust(32, b"\0")
