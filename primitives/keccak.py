"""Keccak-256 as Ethereum uses it: the original padding, not the one of SHA3-256."""

from sha3 import keccak_256

from primitives.ids import Hash32


def keccak256(data: bytes) -> Hash32:
    """Return the 32-byte keccak-256 digest of `data`.

    Reference: Yellow Paper, appendix on notation (KEC).
    """
    digest: Hash32 = keccak_256(data).digest()
    return digest


EMPTY_KECCAK = keccak256(b"")
"""Digest of the empty string: the code hash of an account without code."""
