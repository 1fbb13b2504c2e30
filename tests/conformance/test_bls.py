"""Our BLS signatures against py_ecc's, an implementation from the drafts in plain Python."""

from typing import Any

from hypothesis import given, settings, strategies as st
from py_ecc.bls.ciphersuites import G2ProofOfPossession

from primitives.bls import CIPHERSUITE, POSSESSION_TAG, BlsKey, BlsVerifier, secret_key

Reference: Any = G2ProofOfPossession
SEEDS = [bytes([number]) * 32 for number in (1, 2)]
PAYLOAD = b"orrery.consensus/1"


def test_the_tags_are_those_of_the_ciphersuite() -> None:
    assert CIPHERSUITE == Reference.DST
    assert POSSESSION_TAG == Reference.POP_TAG


@given(seed=st.binary(min_size=32, max_size=80))
def test_a_seed_stands_for_the_same_secret(seed: bytes) -> None:
    assert int.from_bytes(secret_key(seed), "big") == Reference.KeyGen(seed)


@given(seed=st.binary(min_size=32, max_size=32))
@settings(max_examples=5)
def test_a_secret_has_the_same_public_key(seed: bytes) -> None:
    assert BlsKey(seed).public_key == Reference.SkToPk(Reference.KeyGen(seed))


@given(seed=st.binary(min_size=32, max_size=32), payload=st.binary(max_size=200))
@settings(max_examples=3)
def test_signatures_are_the_same_bytes(seed: bytes, payload: bytes) -> None:
    assert BlsKey(seed).sign(payload) == Reference.Sign(Reference.KeyGen(seed), payload)


def test_proofs_of_possession_are_the_same_bytes() -> None:
    secret = Reference.KeyGen(SEEDS[0])
    assert BlsKey(SEEDS[0]).possession == Reference.PopProve(secret)


def test_each_accepts_what_the_other_makes() -> None:
    keys, verifier = [BlsKey(seed) for seed in SEEDS], BlsVerifier()
    public = [key.public_key for key in keys]
    secrets = [Reference.KeyGen(seed) for seed in SEEDS]
    ours = verifier.aggregate([key.sign(PAYLOAD) for key in keys])
    theirs = Reference.Aggregate([Reference.Sign(secret, PAYLOAD) for secret in secrets])
    assert ours == theirs
    assert Reference.FastAggregateVerify(public, PAYLOAD, ours)
    assert verifier.verify_aggregate(public, PAYLOAD, theirs)
    assert not Reference.FastAggregateVerify(public[:1], PAYLOAD, ours)
    assert not verifier.verify_aggregate(public[:1], PAYLOAD, theirs)
    assert Reference.PopVerify(public[0], keys[0].possession)
    assert not Reference.PopVerify(public[1], keys[0].possession)
