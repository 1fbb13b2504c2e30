"""An aggregated certificate of a real run, and what a forger makes of it.

As in `forgeries`, he has all the keys. Besides he does arithmetic on points: he takes parts out of
sums, adds others, and makes up keys whose secret nobody has.
"""

import dataclasses
import json
from collections.abc import Callable
from functools import cache

import msgspec
from py_arkworks_bls12381 import G1Point, G2Point, Scalar

from consensus.messages import Commit, Prepare
from consensus.signing import binding, signed_payload
from node.finality import decode_proof, encode_committee, encode_proof
from node.finality_reasons import Reason
from primitives.bls import CIPHERSUITE, AggregateSigner, BlsKey, BlsVerifier
from primitives.committee import Committee, Member
from primitives.epoch import epoch_commitment
from primitives.header import encode_header, header_hash
from primitives.ids import View
from sim.certificates import head_proof, world_committee
from sim.signatures import run_keys
from tests.unit.sim import forgeries
from tests.unit.sim.forgeries import (
    OTHER_SEED,
    SEED,
    VALIDATORS,
    Document,
    small_world,
    text_of,
)

IDENTITY = "0xc0" + "00" * 95


@cache
def certificate_text(seed: int = SEED, run_s: float = 4) -> bytes:
    """Return the certificate file of a run."""
    proof = head_proof(small_world(seed, "real", run_s, "bls"), "real")
    assert proof is not None
    return encode_proof(proof)


@cache
def committee_text(seed: int = SEED) -> bytes:
    """Return the committee file of a run."""
    return encode_committee(world_committee(small_world(seed, "real", 0, "bls")))


def certificate(seed: int = SEED, run_s: float = 4) -> Document:
    """Return the certificate file of a run, to be altered."""
    document: Document = json.loads(certificate_text(seed, run_s))
    return document


def genesis_hash(seed: int = SEED) -> str:
    """Return what a reader trusts: 0x and 64 digits."""
    return str(certificate(seed)["chain"]["genesis_hash"])


def vote_keys(seed: int = SEED) -> tuple[AggregateSigner, ...]:
    return run_keys(seed, VALIDATORS, real=True, certificates="bls").vote_signers


def signed_payload_of(document: Document, kind: str = "commit", **changes: int) -> bytes:
    """Return what is signed under a certificate.

    Args:
        document: names the block.
        kind: "commit" or "prepare".
        changes: "shard", "epoch", "view" of what is signed.
    """
    proof = decode_proof(text_of(document), "x")
    shown = proof.certificate
    view = View(changes.get("view", shown.view))
    bound = binding(proof.source.genesis_hash, changes.get("shard", 0), changes.get("epoch", 0))
    message: Commit | Prepare = Commit(view, shown.sequence, shown.digest, 0, b"")
    if kind == "prepare":
        parent = proof.header.parent_hash
        message = Prepare(view, shown.sequence, shown.digest, parent, 0, b"")
    return signed_payload(bound, message)


def aggregate(payload: bytes, *replicas: int) -> str:
    """Return the sum of these validators' signatures, one for each mention."""
    keys = vote_keys()
    return "0x" + BlsVerifier().aggregate([keys[i].sign(payload) for i in replicas]).hex()


def resign(document: Document, kind: str = "commit", **changes: int) -> Document:
    """Sign anew, whatever is asked for, in the name of the same validators."""
    payload = signed_payload_of(document, kind, **changes)
    document["certificate"]["aggregate"] = aggregate(payload, *document["certificate"]["signers"])
    return document


# ---------------------------------------------------------------- the forgeries


def other_shard_named() -> Document:
    document = resign(certificate(), shard=1)
    document["chain"]["shard"] = 1
    return document


def other_epoch_named() -> Document:
    document = resign(certificate(), epoch=1)
    document["chain"]["epoch"] = 1
    return document


def with_signers(*signers: int) -> Document:
    """Show other signers beside the sum of 0, 1 and 2."""
    document = certificate()
    document["certificate"]["signers"] = list(signers)
    document["certificate"]["aggregate"] = aggregate(signed_payload_of(document), 0, 1, 2)
    return document


def with_sum(*parts: int) -> Document:
    """Show another sum beside the signers 0, 1 and 2."""
    document = certificate()
    document["certificate"]["signers"] = [0, 1, 2]
    document["certificate"]["aggregate"] = aggregate(signed_payload_of(document), *parts)
    return document


def with_aggregate(text: str) -> Document:
    document = certificate()
    document["certificate"]["aggregate"] = text
    return document


def other_block() -> Document:
    """Show the sum of another block of the same chain."""
    document, earlier = certificate(), certificate(run_s=2.5)
    assert earlier["certificate"]["sequence"] < document["certificate"]["sequence"]
    document["certificate"]["aggregate"] = earlier["certificate"]["aggregate"]
    return document


def other_view() -> Document:
    document = certificate()
    document["certificate"]["view"] += 1
    return document


def other_committee() -> Document:
    """Show a committee of the forger's under the true genesis header."""
    document, other = certificate(), certificate(OTHER_SEED)
    document["committee"] = other["committee"]
    document["aggregate_keys"] = other["aggregate_keys"]
    return document


def other_aggregate_keys() -> Document:
    """Show the true validators with keys of the forger's for their sum."""
    document = certificate()
    document["aggregate_keys"] = certificate(OTHER_SEED)["aggregate_keys"]
    return document


def possession_of_another() -> Document:
    document = certificate()
    pairs = document["aggregate_keys"]
    pairs[0]["possession"] = pairs[1]["possession"]
    return document


def ed25519_form() -> Document:
    """Show Ed25519 signatures of the same validators over the same COMMIT."""
    document = certificate()
    payload, keys = signed_payload_of(document), forgeries.keys()
    shown = document["certificate"]
    signers = shown.pop("signers")
    del shown["aggregate"], document["aggregate_keys"]
    document["signatures"] = "ed25519"
    shown["signatures"] = [
        {"replica": i, "signature": "0x" + keys[i].sign(payload).hex()} for i in signers
    ]
    return document


def rogue_chain() -> Document:
    """Make a chain whose last validator signs for all, by a key made of the others' keys.

    Whoever trusts its genesis hash would be shown true certificates of nobody but him, if he did
    not ask for proofs of possession.
    """
    proof = decode_proof(certificate_text(), "x")
    members, secret = proof.source.committee.members, Scalar(99)
    point = G1Point() * secret
    for member in members[:2]:
        point = point - G1Point.from_compressed_bytes(member.aggregate_key)
    stranger = BlsKey(b"r" * 32)
    rogue = Member(
        members[2].node, members[2].public_key, point.to_compressed_bytes(), stranger.possession
    )
    committee = Committee((*members[:2], rogue, members[3]))
    genesis = msgspec.structs.replace(
        proof.genesis_header, extra_data=epoch_commitment(proof.params, committee, 0)
    )
    source = msgspec.structs.replace(
        proof.source, genesis_hash=header_hash(genesis), committee=committee
    )
    shown = msgspec.structs.replace(proof.certificate, signers=(0, 1, 2))
    forged = msgspec.structs.replace(
        proof, source=source, genesis_header=genesis, certificate=shown
    )
    document: Document = json.loads(encode_proof(forged))
    document["chain"]["genesis_header"] = "0x" + encode_header(genesis).hex()
    payload = signed_payload_of(document)
    alone = G2Point.hash_to_curve(payload, CIPHERSUITE) * secret
    document["certificate"]["aggregate"] = "0x" + alone.to_compressed_bytes().hex()
    return document


def other_form() -> Document:
    """Make a chain with Ed25519 certificates and aggregate keys, and show a sum for it.

    The keys of such a chain are proven by nobody.
    """
    proof = decode_proof(certificate_text(), "x")
    params = dataclasses.replace(proof.params, certificates="ed25519")
    extra_data = epoch_commitment(params, proof.source.committee, 0)
    genesis = msgspec.structs.replace(proof.genesis_header, extra_data=extra_data)
    source = msgspec.structs.replace(proof.source, genesis_hash=header_hash(genesis))
    forged = msgspec.structs.replace(proof, source=source, genesis_header=genesis, params=params)
    return resign(json.loads(encode_proof(forged)))


def modelled() -> Document:
    proof = head_proof(small_world(SEED, "modelled", 4, "bls"), "modelled")
    assert proof is not None
    document: Document = json.loads(encode_proof(proof))
    return document


FORGERIES: dict[str, tuple[Callable[[], Document], Reason]] = {
    "other chain": (lambda: certificate(OTHER_SEED), Reason.CHAIN),
    "other shard": (other_shard_named, Reason.SHARD),
    "other shard, hidden": (lambda: resign(certificate(), shard=1), Reason.SHARD),
    "other epoch": (other_epoch_named, Reason.EPOCH),
    "other epoch, hidden": (lambda: resign(certificate(), epoch=3), Reason.EPOCH),
    "PREPARE shown as COMMIT": (lambda: resign(certificate(), "prepare"), Reason.PREPARE),
    "one signer too few": (lambda: with_signers(0, 1), Reason.TOO_FEW),
    "no signer": (with_signers, Reason.TOO_FEW),
    "repeated signer": (lambda: with_signers(0, 1, 1), Reason.REPEATED),
    "unsorted signers": (lambda: with_signers(2, 1, 0), Reason.UNSORTED),
    "signer out of range": (lambda: with_signers(0, 1, VALIDATORS), Reason.UNKNOWN),
    "a signer named who has not signed": (lambda: with_signers(0, 1, 2, 3), Reason.SIGNER),
    "a signer for another": (lambda: with_signers(0, 1, 3), Reason.SIGNATURE),
    "a part too few": (lambda: with_sum(0, 1), Reason.SIGNER),
    "a part too many": (lambda: with_sum(0, 1, 2, 3), Reason.SIGNER),
    "a part twice": (lambda: with_sum(0, 1, 1), Reason.SIGNATURE),
    "a part twice besides": (lambda: with_sum(0, 1, 2, 2), Reason.SIGNATURE),
    "sum of another block": (other_block, Reason.SIGNATURE),
    "other view": (other_view, Reason.VIEW),
    "the identity": (lambda: with_aggregate(IDENTITY), Reason.SIGNATURE),
    "no point": (lambda: with_aggregate("0x" + "ab" * 96), Reason.SIGNATURE),
    "one validator's signature": (lambda: with_sum(0), Reason.SIGNATURE),
    "committee swapped": (other_committee, Reason.COMMITTEE),
    "aggregate keys swapped": (other_aggregate_keys, Reason.COMMITTEE),
    "possession of another": (possession_of_another, Reason.COMMITTEE),
    "Ed25519 signatures": (ed25519_form, Reason.COMMITTEE),
}
"""Each forged file, and the reason that a reader who trusts the genesis hash must give."""
