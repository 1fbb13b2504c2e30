"""BLS signatures: what is accepted, what is refused, and the attack that possession prevents."""

import re

import pytest
from py_arkworks_bls12381 import G1Point, G2Point, Scalar

from primitives.bls import (
    CIPHERSUITE,
    KEYS_KEPT,
    AggregateScheme,
    AggregateSigner,
    BlsKey,
    BlsVerifier,
    parse_public_key,
    parse_signature,
    secret_key,
)
from primitives.errors import CryptoError

FIELD = int(
    "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf"
    "6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab",
    16,
)
KEYS = [BlsKey(bytes([number]) * 32) for number in range(1, 5)]
PUBLIC = [key.public_key for key in KEYS]
PAYLOAD = b"a block"
SUM = BlsVerifier().aggregate([key.sign(PAYLOAD) for key in KEYS])


def compressed(x: int, size: int) -> bytes:
    return (x | 1 << (8 * size - 1)).to_bytes(size, "big")


def outside_the_subgroup(parse: type[G1Point] | type[G2Point], size: int) -> bytes:
    """Return a point of the curve that is not in the subgroup."""
    for x in range(1, 100):
        data = compressed(x, size)
        try:
            point = parse.from_compressed_bytes_unchecked(data)
        except ValueError:
            continue
        if not point.is_in_subgroup():
            return data
    raise AssertionError("most points of the curve are outside")


def test_a_signature_is_valid_for_its_key_and_payload_only() -> None:
    signer: AggregateSigner = KEYS[0]
    scheme: AggregateScheme = BlsVerifier()
    signature = signer.sign(PAYLOAD)
    assert (len(signer.public_key), len(signature), len(signer.possession)) == (48, 96, 96)
    assert scheme.verify(signer.public_key, PAYLOAD, signature)
    assert signature == BlsKey(b"\x01" * 32).sign(PAYLOAD)
    assert not scheme.verify(signer.public_key, PAYLOAD + b".", signature)
    assert not scheme.verify(PUBLIC[1], PAYLOAD, signature)
    assert not scheme.verify(signer.public_key, PAYLOAD, KEYS[1].sign(PAYLOAD))


def test_signatures_add_up_to_one_that_all_keys_together_have_made() -> None:
    verifier = BlsVerifier()
    assert len(SUM) == 96
    assert verifier.verify_aggregate(PUBLIC, PAYLOAD, SUM)
    assert verifier.verify_aggregate(PUBLIC[::-1], PAYLOAD, SUM)


@pytest.mark.parametrize(
    ("keys", "payload", "signature"),
    [
        (PUBLIC[:3], PAYLOAD, SUM),
        ([*PUBLIC, PUBLIC[0]], PAYLOAD, SUM),
        ([*PUBLIC[:3], PUBLIC[0]], PAYLOAD, SUM),
        ([*PUBLIC[:3], BlsKey(b"\x09" * 32).public_key], PAYLOAD, SUM),
        (PUBLIC, b"another block", SUM),
        (PUBLIC, PAYLOAD, KEYS[0].sign(PAYLOAD)),
        (PUBLIC, PAYLOAD, SUM[:-1]),
        (PUBLIC, PAYLOAD, b""),
        ([*PUBLIC[:3], b"x" * 48], PAYLOAD, SUM),
        ([], PAYLOAD, SUM),
    ],
    ids=[
        "one removed",
        "one twice",
        "one in another's place",
        "a stranger's key",
        "another payload",
        "one signature",
        "cut",
        "nothing",
        "no key",
        "no keys",
    ],
)
def test_a_sum_is_valid_for_exactly_its_keys(
    keys: list[bytes], payload: bytes, signature: bytes
) -> None:
    assert not BlsVerifier().verify_aggregate(keys, payload, signature)


def test_possession_is_a_signature_that_no_payload_can_have() -> None:
    """Under one tag for both, a validator could be made to sign a stranger's key as a block."""
    verifier, key = BlsVerifier(), KEYS[0]
    assert verifier.verify_possession(key.public_key, key.possession)
    assert not verifier.verify_possession(key.public_key, key.sign(key.public_key))
    assert not verifier.verify(key.public_key, key.public_key, key.possession)
    assert not verifier.verify_possession(PUBLIC[1], key.possession)
    assert not verifier.verify_possession(key.public_key, KEYS[1].possession)
    assert not verifier.verify_possession(key.public_key, key.possession[:-1])
    assert not verifier.verify_possession(b"x" * 48, key.possession)


def rogue_key(others: list[bytes], secret: Scalar) -> bytes:
    """Return g^x less all other keys, whose secret nobody knows."""
    point = G1Point() * secret
    for other in others:
        point = point - parse_public_key(other)
    return point.to_compressed_bytes()


def test_a_rogue_key_signs_for_everybody_and_cannot_prove_possession() -> None:
    verifier, secret = BlsVerifier(), Scalar(424_242)
    rogue = rogue_key(PUBLIC, secret)
    forged = (G2Point.hash_to_curve(PAYLOAD, CIPHERSUITE) * secret).to_compressed_bytes()
    # Nobody but the attacker has signed, and the sum of all five keys verifies it.
    assert verifier.verify_aggregate([*PUBLIC, rogue], PAYLOAD, forged)
    assert not verifier.verify(rogue, PAYLOAD, forged)
    signed_by_x = BlsKey(b"\x07" * 32).possession
    for proof in (forged, signed_by_x, *(key.possession for key in KEYS)):
        assert not verifier.verify_possession(rogue, proof)


def test_keys_that_cancel_out_have_signed_nothing() -> None:
    verifier = BlsVerifier()
    against = (-parse_public_key(PUBLIC[0])).to_compressed_bytes()
    minus = (-parse_signature(KEYS[0].sign(PAYLOAD))).to_compressed_bytes()
    assert not verifier.verify_aggregate([PUBLIC[0], against], PAYLOAD, SUM)
    with pytest.raises(CryptoError, match="signatures that add up to one"):
        verifier.aggregate([KEYS[0].sign(PAYLOAD), minus])
    with pytest.raises(CryptoError, match="signatures that add up to one"):
        verifier.aggregate([])


@pytest.mark.parametrize("first", [0xC0, 0xE0, 0x40, 0x60])
@pytest.mark.parametrize("last", [0, 1])
def test_the_identity_is_refused_however_it_is_spelt(first: int, last: int) -> None:
    """It is the sum of no keys: an empty signature would be valid under it for everything."""
    key, mark = (bytes([first]) + bytes(size - 2) + bytes([last]) for size in (48, 96))
    with pytest.raises(CryptoError, match="bls public key: expected a point other than"):
        parse_public_key(key)
    with pytest.raises(CryptoError, match="bls signature: expected a point other than"):
        parse_signature(mark)
    verifier = BlsVerifier()
    assert not verifier.verify(key, PAYLOAD, mark)
    assert not verifier.verify(PUBLIC[0], PAYLOAD, mark)
    assert not verifier.verify_possession(key, mark)
    with pytest.raises(CryptoError):
        verifier.aggregate([SUM, mark])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "expected 48 bytes, got 0 bytes"),
        (PUBLIC[0][:-1], "expected 48 bytes, got 47 bytes"),
        (PUBLIC[0] + b"\0", "expected 48 bytes, got 49 bytes"),
        (compressed(FIELD, 48), "expected a point of the subgroup"),
        (compressed(FIELD + 4, 48), "expected a point of the subgroup"),
        (compressed(1, 48), "expected a point of the subgroup"),
        (outside_the_subgroup(G1Point, 48), "expected a point of the subgroup"),
        (bytes([PUBLIC[0][0] & 0x7F]) + PUBLIC[0][1:], "expected a point of the subgroup"),
    ],
    ids=[
        "empty",
        "short",
        "long",
        "modulus",
        "above the modulus",
        "off curve",
        "subgroup",
        "uncompressed",
    ],
)
def test_what_is_no_key_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(CryptoError, match=re.escape(f"bls public key: {message}")):
        parse_public_key(data)
    assert not BlsVerifier().verify(data, PAYLOAD, SUM)


@pytest.mark.parametrize(
    "data",
    [b"", SUM[:-1], SUM + b"\0", compressed(FIELD, 96), outside_the_subgroup(G2Point, 96)],
    ids=["empty", "short", "long", "modulus", "subgroup"],
)
def test_what_is_no_signature_is_refused(data: bytes) -> None:
    with pytest.raises(CryptoError, match="bls signature: expected"):
        parse_signature(data)
    with pytest.raises(CryptoError, match="bls signature: expected"):
        BlsVerifier().aggregate([SUM, data])
    assert not BlsVerifier().verify(PUBLIC[0], PAYLOAD, data)


def test_a_seed_has_at_least_32_bytes() -> None:
    with pytest.raises(CryptoError, match="at least 32 bytes, got 31 bytes"):
        secret_key(bytes(31))
    assert secret_key(bytes(32)) != secret_key(bytes(33))


def test_a_key_does_not_show_its_secret() -> None:
    shown = repr(KEYS[0])
    assert PUBLIC[0].hex() in shown
    assert secret_key(b"\x01" * 32).hex() not in shown


def test_what_is_remembered_of_keys_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert KEYS_KEPT >= 1_000
    monkeypatch.setattr("primitives.bls.KEYS_KEPT", 2)
    verifier = BlsVerifier()
    for _ in range(2):
        assert verifier.verify_aggregate(PUBLIC, PAYLOAD, SUM)
    assert len(verifier._points) <= 2
