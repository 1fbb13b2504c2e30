"""Keys of a run's validators: modelled ones bind like real ones, real ones are Ed25519."""

import pytest

from primitives.keys import Ed25519Verifier, ValidatorKey
from sim.signatures import ModelledKey, ModelledVerifier, validator_keys, validator_seed


def test_a_modelled_signature_binds_payload_and_key() -> None:
    key, other, verifier = ModelledKey(b"a" * 32), ModelledKey(b"b" * 32), ModelledVerifier()
    signature = key.sign(b"payload")
    assert verifier.verify(key.public_key, b"payload", signature)
    assert not verifier.verify(key.public_key, b"Payload", signature)
    assert not verifier.verify(key.public_key, b"", signature)
    assert not verifier.verify(other.public_key, b"payload", signature)
    assert other.sign(b"payload") != signature


@pytest.mark.parametrize("place", [0, 31, 63])
def test_an_altered_modelled_signature_is_refused(place: int) -> None:
    key, verifier = ModelledKey(b"a" * 32), ModelledVerifier()
    signature = bytearray(key.sign(b"payload"))
    signature[place] ^= 1
    assert not verifier.verify(key.public_key, b"payload", bytes(signature))
    assert not verifier.verify(key.public_key, b"payload", key.sign(b"payload")[:place])


def test_modelled_keys_have_the_sizes_of_real_ones() -> None:
    modelled, real = ModelledKey(b"a" * 32), ValidatorKey(b"a" * 32)
    assert len(modelled.public_key) == len(real.public_key)
    assert len(modelled.sign(b"x")) == len(real.sign(b"x"))
    assert modelled.public_key != b"a" * 32


@pytest.mark.parametrize("real", [True, False])
def test_each_validators_signature_verifies_under_its_own_key_only(real: bool) -> None:
    keys, verifier = validator_keys(3, 4, real)
    for place, key in enumerate(keys):
        signature = key.sign(b"vote")
        verified = [verifier.verify(each.public_key, b"vote", signature) for each in keys]
        assert verified == [index == place for index in range(4)]


def test_real_keys_are_those_of_ed25519() -> None:
    keys, verifier = validator_keys(3, 2, real=True)
    assert isinstance(verifier, Ed25519Verifier)
    expected = [ValidatorKey(validator_seed(3, index)).public_key for index in range(2)]
    assert [key.public_key for key in keys] == expected


def test_neither_kind_takes_the_others_signatures() -> None:
    (real, *_), ed25519 = validator_keys(3, 1, real=True)
    (modelled, *_), verifier = validator_keys(3, 1, real=False)
    assert not ed25519.verify(modelled.public_key, b"vote", modelled.sign(b"vote"))
    assert not verifier.verify(real.public_key, b"vote", real.sign(b"vote"))


def test_key_seeds_differ_by_run_and_by_validator() -> None:
    seeds = [validator_seed(seed, index) for seed in range(4) for index in range(8)]
    assert len(set(seeds)) == len(seeds)
    assert {len(seed) for seed in seeds} == {32}
    assert validator_seed(3, 5) == seeds[3 * 8 + 5]


def test_a_larger_committee_keeps_the_keys_of_a_smaller_one() -> None:
    few, many = validator_keys(3, 2, real=False)[0], validator_keys(3, 5, real=False)[0]
    assert [key.public_key for key in many[:2]] == [key.public_key for key in few]
