"""What proves a run's last block final: the certificate that a node holds of its head."""

from collections.abc import Mapping
from typing import Literal

from node.chain_proof import chain_proof
from node.finality import (
    ChainCommittee,
    FinalityProof,
    SignatureKind,
    encode_committee,
    encode_proof,
)
from node.node import Node
from primitives.ids import NodeId
from primitives.params import CertificateForm
from sim.world import World

Signatures = Literal["real", "modelled"]
"""As `[consensus] signatures` has it."""

KINDS: Mapping[tuple[Signatures, CertificateForm], SignatureKind] = {
    ("real", "ed25519"): "ed25519",
    ("real", "bls"): "bls",
    ("modelled", "ed25519"): "modelled",
    ("modelled", "bls"): "modelled-bls",
}
"""What a certificate file calls the signatures of a run."""

CERTIFICATE = "certificate.json"
"""In a run directory: the highest final block that a live node holds."""
COMMITTEE = "committee.json"
"""In a run directory: the committee that a reader may want to trust."""


def world_committee(world: World) -> ChainCommittee:
    """Return the committee that decides a world's next block, with its epoch and chain."""
    epoch = world.head.epoch
    digest = world.environment.genesis_block.digest
    return ChainCommittee(digest, 0, epoch.number, epoch.committee)


def head_proof(world: World, signatures: Signatures) -> FinalityProof | None:
    """Return the proof of the highest block above genesis that an honest live node holds, if any.

    Args:
        world: at whatever instant.
        signatures: what kind the run's validators make.
    """
    nodes = [
        machine
        for index, machine in enumerate(world.nodes)
        if isinstance(machine, Node) and world.is_honest(NodeId(index))
    ]
    if not nodes:
        return None
    ledger = max(nodes, key=lambda node: node.ledger.tip.number).ledger
    if ledger.tip.number == 0:
        return None
    environment = world.environment
    kind = KINDS[signatures, environment.genesis.params.certificates]
    return chain_proof(environment, ledger, ledger.tip.block.header, kind)


def certificate_files(world: World, signatures: Signatures) -> Mapping[str, str]:
    """Return the certificate files of a run by name; no certificate where no block is final."""
    proof = head_proof(world, signatures)
    source = world_committee(world) if proof is None else proof.source
    files = {COMMITTEE: encode_committee(source).decode()}
    if proof is not None:
        files[CERTIFICATE] = encode_proof(proof).decode()
    return files
