"""The point evaluation precompile: a value of the polynomial that a blob's commitment stands for.

Reference: EIP-4844.
"""

from hashlib import sha256

from contracts.kzg import KzgVerifier

INPUT_BYTES = 192
"""Versioned hash (32), point (32), value (32), commitment (48), proof (48)."""
VERSION = b"\x01"
FIELD_ELEMENTS_PER_BLOB = 4_096
SCALAR_FIELD = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
OUTPUT = FIELD_ELEMENTS_PER_BLOB.to_bytes(32, "big") + SCALAR_FIELD.to_bytes(32, "big")


def point_evaluation(data: bytes, kzg: KzgVerifier | None) -> bytes | None:
    """Return the size of a blob and the modulus of its numbers if the proof holds; fail if not.

    Without a verifier every call fails.
    """
    if len(data) != INPUT_BYTES or kzg is None:
        return None
    commitment = data[96:144]
    if VERSION + sha256(commitment).digest()[1:] != data[:32]:
        return None
    holds = kzg.verify_proof(commitment, data[32:64], data[64:96], data[144:])
    return OUTPUT if holds else None
