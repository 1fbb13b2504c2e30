"""P256VERIFY: ECDSA signatures over secp256r1.

Reference: EIP-7951.
"""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256

from contracts.kzg import KzgVerifier

FIELD = 2**256 - 2**224 + 2**192 + 2**96 - 1
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
VALID = (1).to_bytes(32, "big")


def p256_verify(data: bytes, _kzg: KzgVerifier | None) -> bytes:
    """Return 1 in a word if the signature is valid, and nothing if not: no input fails.

    The input is the digest, r, s, and the public key's x and y.
    """
    if len(data) != 160:
        return b""
    r, s, x, y = (int.from_bytes(data[at : at + 32], "big") for at in (32, 64, 96, 128))
    if not (0 < r < ORDER and 0 < s < ORDER and x < FIELD and y < FIELD):
        return b""
    try:
        key = EllipticCurvePublicNumbers(x, y, SECP256R1()).public_key()
    except ValueError:
        return b""  # not on the curve, or (0, 0), which stands for infinity
    try:
        key.verify(encode_dss_signature(r, s), data[:32], ECDSA(Prehashed(SHA256())))
    except InvalidSignature:
        return b""
    return VALID
