"""What the point evaluation precompile asks of whoever knows the trusted setup."""

from typing import Protocol


class KzgVerifier(Protocol):
    """Verifies openings of KZG commitments."""

    def verify_proof(self, commitment: bytes, point: bytes, value: bytes, proof: bytes) -> bool:
        """Return whether the polynomial of `commitment` has `value` at `point`.

        False also for bytes that are no field element or no point of the group.

        Args:
            commitment: 48 bytes, a compressed point of BLS12-381's G1.
            point: 32 bytes, big-endian.
            value: 32 bytes, big-endian.
            proof: 48 bytes, a compressed point of G1.

        Reference: EIP-4844, `verify_kzg_proof`.
        """
        ...
