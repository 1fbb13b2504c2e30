"""A committee of aggregate keys takes none whose secret nobody holds."""

import re

import msgspec
import pytest
from py_arkworks_bls12381 import G1Point, G2Point, Scalar

from primitives.bls import CIPHERSUITE, BlsKey, BlsVerifier, parse_public_key
from primitives.committee import Committee, Member
from primitives.errors import InvalidInput
from primitives.genesis import Genesis
from primitives.ids import NodeId
from primitives.params import ChainParams
from primitives.possession import UnprovenKey, check_possessions

BLS = ChainParams(certificates="bls")
KEYS = [BlsKey(bytes([number + 1]) * 32) for number in range(4)]
MEMBERS = tuple(
    Member(NodeId(node), bytes([node]) * 32, key.public_key, key.possession)
    for node, key in enumerate(KEYS)
)


def with_third(**changes: bytes) -> Committee:
    return Committee((*MEMBERS[:2], msgspec.structs.replace(MEMBERS[2], **changes), MEMBERS[3]))


def rogue_key() -> bytes:
    """Return g^x less the keys of all the others."""
    point = G1Point() * Scalar(7)
    for key in (KEYS[0], KEYS[1], KEYS[3]):
        point = point - parse_public_key(key.public_key)
    return point.to_compressed_bytes()


def test_proven_keys_make_a_chain() -> None:
    check_possessions(Committee(MEMBERS))
    assert Genesis(BLS, (), Committee(MEMBERS)).committee.members == MEMBERS


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"possession": b""}, "possession"),
        ({"possession": KEYS[0].possession}, "possession"),
        ({"possession": KEYS[2].sign(KEYS[2].public_key)}, "possession"),
        ({"possession": b"\xc0" + bytes(95)}, "possession"),
        ({"aggregate_key": rogue_key()}, "possession"),
        ({"aggregate_key": rogue_key(), "possession": BlsKey(b"x" * 32).possession}, "possession"),
        ({"aggregate_key": b"", "possession": b""}, "aggregate_key"),
        ({"aggregate_key": b"\xc0" + bytes(47)}, "aggregate_key"),
        ({"aggregate_key": b"x" * 48}, "aggregate_key"),
    ],
    ids=[
        "no proof",
        "another's proof",
        "a vote over the key",
        "the identity as proof",
        "rogue key",
        "rogue key with a stranger's proof",
        "no key",
        "the identity as key",
        "no point",
    ],
)
def test_unproven_keys_make_none(changes: dict[str, bytes], field: str) -> None:
    committee = with_third(**changes)
    with pytest.raises(UnprovenKey, match=re.escape(f"committee[2].{field}: expected")):
        Genesis(BLS, (), committee)
    Genesis(ChainParams(), (), committee)


def test_the_rogue_key_that_is_refused_would_have_signed_for_all() -> None:
    verifier, payload = BlsVerifier(), b"a block"
    committee = with_third(aggregate_key=rogue_key())
    keys = [member.aggregate_key for member in committee.members]
    alone = (G2Point.hash_to_curve(payload, CIPHERSUITE) * Scalar(7)).to_compressed_bytes()
    assert verifier.verify_aggregate(keys, payload, alone)
    honest = [member.aggregate_key for member in MEMBERS]
    assert not verifier.verify_aggregate(honest, payload, alone)


def test_copied_with_its_proof_a_key_is_refused_by_the_committee() -> None:
    stolen = {"aggregate_key": KEYS[0].public_key, "possession": KEYS[0].possession}
    with pytest.raises(InvalidInput, match="an aggregate key of its own, got that of 0"):
        with_third(**stolen)


def test_a_chain_has_a_form_that_exists() -> None:
    with pytest.raises(InvalidInput, match=r"chain.certificates: expected ed25519 or bls"):
        ChainParams(certificates="rsa")  # type: ignore[arg-type]
