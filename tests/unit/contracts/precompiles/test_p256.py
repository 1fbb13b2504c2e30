"""P256VERIFY: one test for each check of EIP-7951."""

from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256

from contracts.precompiles.p256 import FIELD, ORDER
from tests.unit.contracts.precompiles.calls import run, word

KEY = ec.derive_private_key(7, ec.SECP256R1())
NUMBERS = KEY.public_key().public_numbers()
DIGEST = sha256(b"orrery").digest()
R, S = decode_dss_signature(KEY.sign(DIGEST, ec.ECDSA(Prehashed(SHA256()))))
VALID = word(1)


def given_as(
    digest: bytes = DIGEST, r: int = R, s: int = S, x: int = NUMBERS.x, y: int = NUMBERS.y
) -> bytes:
    return digest + word(r) + word(s) + word(x) + word(y)


def test_a_signature_is_valid() -> None:
    assert run(0x100, given_as()) == VALID


def test_both_halves_of_s_are_valid() -> None:
    assert run(0x100, given_as(s=ORDER - S)) == VALID


@pytest.mark.parametrize(
    "data",
    [
        b"",
        given_as()[:-1],
        given_as() + b"\0",
        given_as(digest=sha256(b"another").digest()),
        given_as(r=0),
        given_as(s=0),
        given_as(r=ORDER),
        given_as(s=ORDER),
        given_as(r=R + 1),
        given_as(s=(S + 1) % ORDER),
        given_as(x=0, y=0),
        given_as(x=FIELD),
        given_as(y=FIELD),
        given_as(y=(NUMBERS.y + 1) % FIELD),
        given_as(y=FIELD - NUMBERS.y),
        b"\xff" * 160,
    ],
)
def test_all_else_gives_nothing_and_is_no_failure(data: bytes) -> None:
    assert run(0x100, data) == b""


def test_a_digest_counts_modulo_the_order() -> None:
    """A digest of the order or more is not refused, and is the same number as its remainder."""
    small = word(5)
    r, s = decode_dss_signature(KEY.sign(small, ec.ECDSA(Prehashed(SHA256()))))
    assert run(0x100, given_as(small, r, s)) == VALID
    assert run(0x100, given_as(word(5 + ORDER), r, s)) == VALID


def test_an_r_that_exceeded_the_order_is_compared_modulo_it() -> None:
    """The abscissa of R may lie between the order and the field's modulus: r is then smaller.

    No scalar is known for such an R, so the signature is made backwards: from R and a random
    s to the public key, r^-1 (s R - z G).
    """
    x = next(x for x in range(ORDER, FIELD) if pow(x**3 - 3 * x + B, (FIELD - 1) // 2, FIELD) == 1)
    y = pow(x**3 - 3 * x + B, (FIELD + 1) // 4, FIELD)
    r, s, z = x - ORDER, 12345, int.from_bytes(DIGEST, "big")
    inverse = pow(r, -1, ORDER)
    generator = ec.derive_private_key(1, ec.SECP256R1()).public_key().public_numbers()
    key = add(
        multiply((x, y), s * inverse % ORDER),
        multiply((generator.x, generator.y), -z * inverse % ORDER),
    )
    assert run(0x100, given_as(r=r, s=s, x=key[0], y=key[1])) == VALID


B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B


def add(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    if a == b:
        slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, FIELD)
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, FIELD)
    x = (slope * slope - a[0] - b[0]) % FIELD
    return x, (slope * (a[0] - x) - a[1]) % FIELD


def multiply(point: tuple[int, int], scalar: int) -> tuple[int, int]:
    result = point
    for bit in f"{scalar:b}"[1:]:
        result = add(result, result)
        if bit == "1":
            result = add(result, point)
    return result
