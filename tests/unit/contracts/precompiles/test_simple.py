"""The hashes, the identity and ECRECOVER."""

import hashlib

import pytest
from hypothesis import given, strategies as st

from contracts.precompiles.ripemd160 import ripemd160
from primitives import secp256k1
from primitives.ids import Hash32
from primitives.keccak import keccak256
from tests.unit.contracts.precompiles.calls import run, word

KEY = bytes(31) + b"\x07"
DIGEST = Hash32(keccak256(b"orrery"))
ADDRESS = keccak256(secp256k1.public_key(KEY))[12:]
PARITY, R, S = secp256k1.sign(DIGEST, KEY)


def signature(v: int = PARITY + 27, r: int = R, s: int = S) -> bytes:
    return DIGEST + word(v) + word(r) + word(s)


@given(data=st.binary(max_size=300))
def test_the_hashes_and_the_identity(data: bytes) -> None:
    assert run(0x02, data) == hashlib.sha256(data).digest()
    assert run(0x03, data) == bytes(12) + ripemd160(data)
    assert run(0x04, data) == data


@pytest.mark.parametrize(
    ("data", "digest"),
    [
        (b"", "9c1185a5c5e9fc54612808977ee8f548b2258d31"),
        (b"abc", "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc"),
        (b"message digest", "5d0689ef49d2fae572b881b123a85ffa21595f36"),
        (b"1234567890" * 8, "9b752e45573d4b39f4dbd3323cab82bf63326bfb"),
    ],
)
def test_our_ripemd160_gives_the_published_digests(data: bytes, digest: str) -> None:
    assert ripemd160(data).hex() == digest


def test_ripemd160_works_without_that_of_openssl(monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(*_: object, **__: object) -> None:
        raise ValueError("unsupported hash type ripemd160")

    expected = run(0x03, b"abc")
    monkeypatch.setattr(hashlib, "new", unsupported)
    assert run(0x03, b"abc") == expected


def test_the_signer_is_recovered() -> None:
    assert run(0x01, signature()) == bytes(12) + ADDRESS
    assert run(0x01, signature() + b"more") == bytes(12) + ADDRESS


def test_the_upper_half_of_s_is_allowed() -> None:
    mirrored = signature(v=28 - PARITY, s=secp256k1.ORDER - S)
    assert run(0x01, mirrored) == bytes(12) + ADDRESS


@pytest.mark.parametrize(
    "data",
    [
        b"",
        signature()[:64],
        signature(v=26),
        signature(v=29),
        signature(v=PARITY),
        signature(v=27 + PARITY + (1 << 248)),
        signature(r=0),
        signature(s=0),
        signature(r=secp256k1.ORDER),
        signature(s=secp256k1.ORDER),
        signature(r=2**256 - 1),
    ],
)
def test_no_signature_gives_nothing_and_is_no_failure(data: bytes) -> None:
    assert run(0x01, data) == b""


def test_an_r_that_is_no_abscissa_gives_nothing() -> None:
    field = 2**256 - 2**32 - 977
    r = next(r for r in range(1, 99) if pow(r**3 + 7, (field - 1) // 2, field) != 1)
    assert run(0x01, signature(r=r)) == b""


def test_missing_bytes_read_as_zeros() -> None:
    full = signature(s=S & ~0xFFFF)
    assert run(0x01, full[:-2]) == run(0x01, full) != b""
