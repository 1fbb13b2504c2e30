import pytest

from primitives.errors import CryptoError
from primitives.keys import Ed25519Verifier, Signer, ValidatorKey, Verifier, verify

# RFC 8032, section 7.1, tests 1 and 2.
SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
PUBLIC = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
SIGNATURE = bytes.fromhex(
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
    "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
)
ORDER = 2**252 + 27742317777372353535851937790883648493


def test_the_example_of_rfc_8032() -> None:
    key = ValidatorKey(SEED)
    assert key.public_key == PUBLIC
    assert key.sign(b"") == SIGNATURE
    assert verify(PUBLIC, b"", SIGNATURE)


def test_keys_and_verifiers_keep_the_protocols() -> None:
    signer: Signer = ValidatorKey(SEED)
    verifier: Verifier = Ed25519Verifier()
    assert verifier.verify(signer.public_key, b"vote", signer.sign(b"vote"))
    assert not verifier.verify(signer.public_key, b"veto", signer.sign(b"vote"))


@pytest.mark.parametrize(
    ("public_key", "payload", "signature"),
    [
        (PUBLIC, b"x", SIGNATURE),
        (ValidatorKey(bytes(32)).public_key, b"", SIGNATURE),
        (PUBLIC, b"", bytes(64)),
        (PUBLIC, b"", SIGNATURE[:-1]),
        (PUBLIC, b"", SIGNATURE + b"\x00"),
        (PUBLIC, SIGNATURE[-1:], SIGNATURE[:-1]),
        (PUBLIC, b"", SIGNATURE + b"x"),
        (PUBLIC, b"", b""),
        (PUBLIC[:-1], b"", SIGNATURE),
        (b"", b"", SIGNATURE),
        (bytes(32), b"", bytes(64)),
        (b"\xff" * 32, b"", SIGNATURE),
    ],
)
def test_what_does_not_verify(public_key: bytes, payload: bytes, signature: bytes) -> None:
    assert not verify(public_key, payload, signature)


def test_a_signature_has_one_form() -> None:
    """Adding the group order to s gives a second form that a lax verifier accepts."""
    s = int.from_bytes(SIGNATURE[32:], "little") + ORDER
    assert not verify(PUBLIC, b"", SIGNATURE[:32] + s.to_bytes(32, "little"))


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_a_seed_has_32_bytes(size: int) -> None:
    with pytest.raises(CryptoError, match=f"validator seed: expected 32 bytes, got {size} bytes"):
        ValidatorKey(bytes(size))


def test_the_secret_is_not_printed() -> None:
    key = ValidatorKey(SEED)
    assert SEED.hex() not in repr(key)
    assert PUBLIC.hex() in repr(key)
