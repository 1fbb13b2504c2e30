"""Keys of a run's validators: modelled ones bind like real ones, real ones are Ed25519."""

import pytest

from primitives.bls import AggregateScheme, BlsKey, BlsVerifier
from primitives.errors import CryptoError
from primitives.keys import Ed25519Verifier, ValidatorKey
from primitives.possession import check_possessions
from sim.signatures import (
    ModelledAggregates,
    ModelledKey,
    ModelledVerifier,
    ModelledVoteKey,
    run_keys,
    validator_keys,
    validator_seed,
)


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


# ---------------------------------------------------------------- keys for aggregated certificates


@pytest.mark.parametrize("scheme", [BlsVerifier(), ModelledAggregates()], ids=["bls", "modelled"])
def test_modelled_sums_behave_as_real_ones_do(scheme: AggregateScheme) -> None:
    """Whatever a protocol does with real sums, a modelled run must see the same answer."""
    kind = BlsKey if isinstance(scheme, BlsVerifier) else ModelledVoteKey
    keys = [kind(bytes([number]) * 32) for number in range(4)]
    public = [key.public_key for key in keys]
    votes = [key.sign(b"vote") for key in keys]
    total = scheme.aggregate(votes)
    assert [len(mark) for mark in (*votes, total)] == [96] * 5
    assert scheme.verify(public[0], b"vote", votes[0])
    assert not scheme.verify(public[1], b"vote", votes[0])
    assert not scheme.verify(public[0], b"veto", votes[0])
    assert scheme.aggregate(votes[::-1]) == total
    assert scheme.verify_aggregate(public, b"vote", total)
    assert not scheme.verify_aggregate(public, b"veto", total)
    assert not scheme.verify_aggregate(public[:3], b"vote", total)
    assert not scheme.verify_aggregate([*public, public[0]], b"vote", total)
    assert not scheme.verify_aggregate(public, b"vote", scheme.aggregate(votes[:3]))
    assert not scheme.verify_aggregate(public, b"vote", b"")
    assert not scheme.verify_aggregate([], b"vote", total)
    for bad in ([], [votes[0], votes[1][:-1]]):
        with pytest.raises(CryptoError):
            scheme.aggregate(bad)


@pytest.mark.parametrize("real", [True, False])
def test_the_keys_of_a_run_are_a_committee_that_a_chain_takes(real: bool) -> None:
    keys = run_keys(3, 4, real, "bls")
    check_possessions(keys.committee)
    assert keys.committee.public_keys == run_keys(3, 4, real, "ed25519").committee.public_keys
    for index, member in enumerate(keys.committee.members):
        signer = keys.vote_signer(index)
        assert signer is not None
        assert member.aggregate_key == signer.public_key == keys.policy.key(member)
        assert keys.policy.verify(signer.public_key, b"vote", signer.sign(b"vote"))
    assert keys.policy.name == "bls"
    assert run_keys(3, 4, real, "bls").committee == keys.committee
    assert run_keys(4, 4, real, "bls").committee != keys.committee


@pytest.mark.parametrize("real", [True, False])
def test_without_aggregates_votes_are_signed_with_the_ordinary_keys(real: bool) -> None:
    keys = run_keys(3, 4, real, "ed25519")
    assert keys.policy.name == "ed25519"
    assert not keys.vote_signers
    for signer, member in zip(keys.signers, keys.committee.members, strict=True):
        assert member.aggregate_key == b""
        assert keys.policy.verify(keys.policy.key(member), b"vote", signer.sign(b"vote"))
    assert keys.vote_signer(0) is None
