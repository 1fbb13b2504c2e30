"""Aggregated certificates beyond a committee change: every epoch's keys must be proven."""

import runpy
from pathlib import Path
from typing import Any

import msgspec
import pytest
from py_arkworks_bls12381 import G1Point, G2Point, Scalar

from consensus.certificate import Certificate
from consensus.messages import Commit
from consensus.signing import binding, signed_payload
from node.finality import FinalityProof, decode_proof, encode_proof
from node.finality_reasons import NotFinal
from node.finality_rules import Trust, check_proof
from primitives.bls import CIPHERSUITE, AggregateSigner, BlsVerifier
from primitives.committee import Committee
from primitives.epoch import epoch_commitment
from primitives.header import Header, header_hash
from primitives.possession import check_possessions
from sim.certificates import head_proof
from sim.signatures import member_keys
from tests.unit.sim.forgeries_epochs import SEED, changing_world

SECRET = Scalar(77)


@pytest.fixture(scope="module")
def proof() -> FinalityProof:
    found = head_proof(changing_world("bls"), "real")
    assert found is not None
    return found


@pytest.fixture(scope="module")
def client() -> dict[str, Any]:
    return runpy.run_path(str(Path(__file__).resolve().parents[3] / "examples" / "light_client.py"))


def verdicts(shown: FinalityProof, client: dict[str, Any]) -> tuple[str, str]:
    """Return what both readers say who trust the genesis hash."""
    text, genesis = encode_proof(shown), changing_world("bls").environment.genesis_block.digest
    ours = theirs = "final"
    try:
        check_proof(decode_proof(text, "x"), Trust(genesis_hash=genesis))
    except NotFinal as error:
        ours = error.reason.value
    try:
        client["verify"](client["read"](text), f"0x{genesis.hex()}")
    except client["Forged"] as error:
        theirs = str(error).split(":")[0]
    return ours, theirs


def vote_signer(key: bytes) -> AggregateSigner:
    """Return who signs under an aggregate key, of all that this run has."""
    for node in range(6):
        for generation in (0, 1):
            keys, member = member_keys(SEED, node, generation, True, "bls")
            if member.aggregate_key == key:
                assert keys.vote_signer is not None
                return keys.vote_signer
    raise KeyError(key.hex())


def payload_of(header: Header, shown: Certificate, epoch: int) -> bytes:
    genesis = changing_world("bls").environment.genesis_block.digest
    commit = Commit(shown.view, shown.sequence, header_hash(header), 0, b"")
    return signed_payload(binding(genesis, epoch=epoch), commit)


def signed(header: Header, shown: Certificate, committee: Committee, epoch: int) -> Certificate:
    """Let a quorum of a committee certify a header."""
    places = tuple(range(committee.quorum))
    payload = payload_of(header, shown, epoch)
    marks = [vote_signer(committee.members[i].aggregate_key).sign(payload) for i in places]
    aggregate = BlsVerifier().aggregate(marks)
    return msgspec.structs.replace(
        shown, digest=header_hash(header), signers=places, signatures=(aggregate,)
    )


def test_every_committee_has_proven_keys_and_certifies_with_sums(proof: FinalityProof) -> None:
    assert proof.source.epoch == len(proof.handovers) == 2
    for handover in proof.handovers:
        check_possessions(handover.committee)
        assert len(handover.certificate.signatures) == 1
    check_possessions(proof.source.committee)
    assert proof.source.committee != proof.handovers[0].committee


def test_both_readers_follow_the_handovers(proof: FinalityProof, client: dict[str, Any]) -> None:
    assert verdicts(proof, client) == ("final", "final")
    assert encode_proof(decode_proof(encode_proof(proof), "x")) == encode_proof(proof)


@pytest.mark.parametrize("epoch", [0, 1])
def test_a_sum_of_another_epoch_is_none(
    proof: FinalityProof, client: dict[str, Any], epoch: int
) -> None:
    """The validators that stayed have signed both; the epoch stands in what they sign."""
    certificate = signed(proof.header, proof.certificate, proof.source.committee, epoch)
    shown = msgspec.structs.replace(proof, certificate=certificate)
    assert verdicts(shown, client) == ("other_epoch", "other_epoch")
    certificate = signed(proof.header, proof.certificate, proof.source.committee, 2)
    shown = msgspec.structs.replace(proof, certificate=certificate)
    assert verdicts(shown, client) == ("final", "final")


def test_a_committee_with_a_rogue_key_is_believed_by_neither(
    proof: FinalityProof, client: dict[str, Any]
) -> None:
    """Even if the whole committee before it had certified it, which no chain would let it do."""
    last, members = proof.handovers[-1], list(proof.source.committee.members)
    quorum = proof.source.committee.quorum
    point = G1Point() * SECRET
    for member in members[: quorum - 1]:
        point = point - G1Point.from_compressed_bytes(member.aggregate_key)
    members[quorum - 1] = msgspec.structs.replace(
        members[quorum - 1], aggregate_key=point.to_compressed_bytes()
    )
    rogue = Committee(tuple(members))
    extra_data = epoch_commitment(proof.params, rogue, 2)
    header = msgspec.structs.replace(last.header, extra_data=extra_data)
    closing = signed(header, last.certificate, last.committee, 1)
    handover = msgspec.structs.replace(last, header=header, certificate=closing)
    alone = G2Point.hash_to_curve(payload_of(proof.header, proof.certificate, 2), CIPHERSUITE)
    shown = msgspec.structs.replace(
        proof,
        handovers=(*proof.handovers[:-1], handover),
        source=msgspec.structs.replace(proof.source, committee=rogue),
        certificate=msgspec.structs.replace(
            proof.certificate,
            signers=tuple(range(quorum)),
            signatures=((alone * SECRET).to_compressed_bytes(),),
        ),
    )
    keys = [member.aggregate_key for member in members[:quorum]]
    payload = payload_of(proof.header, proof.certificate, 2)
    assert BlsVerifier().verify_aggregate(keys, payload, shown.certificate.signatures[0])
    assert verdicts(shown, client) == ("unproven_key", "unproven_key")


def test_who_is_rekeyed_votes_with_the_new_aggregate_key(proof: FinalityProof) -> None:
    old = {member.node: member for member in proof.handovers[1].committee.members}
    new = {member.node: member for member in proof.source.committee.members}
    node = proof.source.committee.nodes[0]
    changed = [each for each in new if each in old and new[each] != old[each]]
    assert changed == [node] == [0]
    assert new[node].aggregate_key != old[node].aggregate_key
    world = changing_world("bls")
    height = proof.header.number
    shown = [world.certificate(each, height) for each in world.committee.nodes]
    assert any(0 in certificate.signers for certificate in shown)
