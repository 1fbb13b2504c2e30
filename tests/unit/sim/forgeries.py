"""A certificate of a real run, and what a forger makes of it.

The forger has all the keys: what he shows are true signatures, over something else.
"""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

from consensus.messages import Commit, Prepare
from consensus.signing import binding, signed_payload
from node.finality import decode_proof, encode_committee, encode_proof
from node.finality_reasons import Reason
from primitives.header import decode_header, encode_header
from primitives.ids import Duration, Hash32, Sequence, View
from primitives.keys import Signer
from primitives.params import CertificateForm
from sim.assembly import build_world
from sim.certificates import head_proof, world_committee
from sim.scenario import Consensus, Network, Scenario, Transfers
from sim.signatures import validator_keys
from sim.world import World

SECOND = 1_000_000_000
VALIDATORS = 4
SEED, OTHER_SEED = 1, 2

Document = dict[str, Any]


def small_world(
    seed: int,
    signatures: str = "real",
    run_s: float = 4,
    certificates: CertificateForm = "ed25519",
) -> World:
    """Return four validators that have decided an empty block a second."""
    plan = Scenario(
        name="certified",
        duration=Duration(10 * SECOND),
        network=Network(validators=VALIDATORS, latency="aws-13"),
        consensus=Consensus(
            empty_blocks=True,
            block_interval=Duration(SECOND),
            signatures="real" if signatures == "real" else "modelled",
            certificates=certificates,
        ),
        workload=Transfers(
            accounts=1, rate=0.001, start=Duration(SECOND), stop=Duration(SECOND + 1)
        ),
    )
    world = build_world(plan, seed=seed, with_clients=False)
    world.run_until(round(run_s * SECOND))
    return world


@cache
def certificate_text(seed: int = SEED, run_s: float = 4) -> bytes:
    """Return the certificate file of a run."""
    proof = head_proof(small_world(seed, run_s=run_s), "real")
    assert proof is not None
    return encode_proof(proof)


@cache
def committee_text(seed: int = SEED) -> bytes:
    """Return the committee file of a run."""
    return encode_committee(world_committee(small_world(seed, run_s=0)))


def certificate(seed: int = SEED, run_s: float = 4) -> Document:
    """Return the certificate file of a run, to be altered."""
    document: Document = json.loads(certificate_text(seed, run_s))
    return document


def genesis_hash(seed: int = SEED) -> str:
    """Return what a reader trusts: 0x and 64 digits."""
    return str(certificate(seed)["chain"]["genesis_hash"])


def text_of(document: Document) -> bytes:
    return json.dumps(document).encode()


def keys(seed: int = SEED) -> list[Signer]:
    return validator_keys(seed, VALIDATORS, real=True)[0]


def resign(document: Document, kind: str = "commit", **changes: int) -> Document:
    """Sign anew, whatever is asked for, in the name of the same validators.

    Args:
        document: names the signers; its other fields stay as they are.
        kind: "commit" or "prepare".
        changes: "shard", "epoch", "view" of what is signed.
    """
    proof = decode_proof(text_of(document), "x")
    shown = proof.certificate
    view = View(changes.get("view", shown.view))
    bound = binding(proof.source.genesis_hash, changes.get("shard", 0), changes.get("epoch", 0))
    parent = proof.header.parent_hash
    message: Commit | Prepare = Commit(view, shown.sequence, shown.digest, 0, b"")
    if kind == "prepare":
        message = Prepare(view, shown.sequence, shown.digest, parent, 0, b"")
    payload = signed_payload(bound, message)
    for entry in document["certificate"]["signatures"]:
        entry["signature"] = "0x" + keys()[entry["replica"]].sign(payload).hex()
    return document


def votes(document: Document) -> list[Document]:
    found: list[Document] = document["certificate"]["signatures"]
    return found


# ---------------------------------------------------------------- the forgeries


def other_chain() -> Document:
    return certificate(OTHER_SEED)


def other_chain_renamed() -> Document:
    document = certificate(OTHER_SEED)
    document["chain"]["genesis_hash"] = genesis_hash()
    return document


def other_shard_named() -> Document:
    document = resign(certificate(), shard=1)
    document["chain"]["shard"] = 1
    return document


def other_shard_hidden() -> Document:
    return resign(certificate(), shard=1)


def other_epoch_named() -> Document:
    document = resign(certificate(), epoch=1)
    document["chain"]["epoch"] = 1
    return document


def other_epoch_hidden() -> Document:
    return resign(certificate(), epoch=3)


def prepares() -> Document:
    return resign(certificate(), "prepare")


def one_too_few() -> Document:
    document = certificate()
    del votes(document)[2:]
    return document


def none_at_all() -> Document:
    document = certificate()
    votes(document).clear()
    return document


def repeated() -> Document:
    document = certificate()
    votes(document)[2] = votes(document)[1]
    return document


def unsorted() -> Document:
    document = certificate()
    votes(document).reverse()
    return document


def out_of_range() -> Document:
    document = certificate()
    votes(document)[-1]["replica"] = VALIDATORS
    return document


def altered_digest() -> Document:
    document = certificate()
    document["certificate"]["digest"] = "0x" + "ab" * 32
    return document


def altered_sequence() -> Document:
    document = certificate()
    document["certificate"]["sequence"] += 1
    return document


def altered_view() -> Document:
    document = certificate()
    document["certificate"]["view"] += 1
    return document


def altered_header() -> Document:
    """Show another state root for the block."""
    document = certificate()
    header = decode_header(bytes.fromhex(document["header"][2:]))
    forged = encode_header(header).replace(header.state_root, b"\x07" * 32)
    assert forged != encode_header(header)
    document["header"] = "0x" + forged.hex()
    return document


def other_block() -> Document:
    """Show the signatures of another block of the same chain."""
    document = certificate()
    earlier = certificate(run_s=2.5)
    assert earlier["certificate"]["sequence"] < document["certificate"]["sequence"]
    document["certificate"]["signatures"] = votes(earlier)
    return document


def bent_signature() -> Document:
    document = certificate()
    mark = votes(document)[0]["signature"]
    votes(document)[0]["signature"] = mark[:-1] + ("0" if mark[-1] != "0" else "1")
    return document


def other_name() -> Document:
    """Let one validator's signature stand for another's."""
    document = resign(certificate())
    votes(document)[0]["signature"] = votes(document)[1]["signature"]
    return document


def other_committee() -> Document:
    """Let a committee of the forger's sign, under the true genesis header."""
    document = certificate()
    document["committee"] = certificate(OTHER_SEED)["committee"]
    proof = decode_proof(text_of(document), "x").certificate
    payload = signed_payload(
        binding(Hash32(bytes.fromhex(genesis_hash()[2:]))),
        Commit(proof.view, Sequence(proof.sequence), proof.digest, 0, b""),
    )
    for entry in votes(document):
        entry["signature"] = "0x" + keys(OTHER_SEED)[entry["replica"]].sign(payload).hex()
    return document


def modelled() -> Document:
    proof = head_proof(small_world(SEED, "modelled"), "modelled")
    assert proof is not None
    document: Document = json.loads(encode_proof(proof))
    return document


FORGERIES: dict[str, tuple[Callable[[], Document], Reason]] = {
    "other chain": (other_chain, Reason.CHAIN),
    "other chain under this one's name": (other_chain_renamed, Reason.CHAIN),
    "other shard": (other_shard_named, Reason.SHARD),
    "other shard, hidden": (other_shard_hidden, Reason.SHARD),
    "other epoch": (other_epoch_named, Reason.EPOCH),
    "other epoch, hidden": (other_epoch_hidden, Reason.EPOCH),
    "PREPARE shown as COMMIT": (prepares, Reason.PREPARE),
    "one signature too few": (one_too_few, Reason.TOO_FEW),
    "no signature": (none_at_all, Reason.TOO_FEW),
    "repeated signer": (repeated, Reason.REPEATED),
    "unsorted signers": (unsorted, Reason.UNSORTED),
    "signer out of range": (out_of_range, Reason.UNKNOWN),
    "altered digest": (altered_digest, Reason.DIGEST),
    "altered sequence": (altered_sequence, Reason.SEQUENCE),
    "altered view": (altered_view, Reason.VIEW),
    "altered header": (altered_header, Reason.DIGEST),
    "signatures of another block": (other_block, Reason.SIGNATURE),
    "bent signature": (bent_signature, Reason.SIGNATURE),
    "signature under another's name": (other_name, Reason.SIGNER),
    "committee swapped": (other_committee, Reason.COMMITTEE),
}
"""Each forged file, and the reason that a reader who trusts the genesis hash must give.

A modelled certificate stands apart: it is of another chain, because its keys are others."""
