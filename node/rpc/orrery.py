"""orrery_ methods: what this chain has beside Ethereum's. All of them only look.

`orrery_getCertificate` answers with the file that `orrery verify-certificate` judges: whoever
trusts a committee or a genesis hash needs to trust nothing else of the node.
"""

from typing import Any

import msgspec

from consensus.evidence import kind_of, place_of
from consensus.log import EVIDENCE, LoggedEvidence
from node.chain_proof import chain_proof
from node.finality import encode_proof
from node.peer_scores import FULL
from node.rpc.arguments import hash32, optional, required
from node.rpc.backend import Backend
from node.rpc.block_id import BlockId, Tag, block_id
from node.rpc.chain import PRUNED, ChainReader, FinalBlock
from node.rpc.errors import RpcError, server_error
from node.rpc.hexes import data_hex, quantity_hex
from node.rpc.methods import Method, Parameters
from node.rpc.view_history import ViewHistory
from primitives.codec import decode_canonical, encode_canonical
from primitives.header import Header, encode_header
from primitives.ids import Hash32, NodeId
from primitives.receipt import encode_receipt
from primitives.trie_proof import prove_ordered

EVIDENCE_MAX = 1_000
"""Proofs that one answer has."""
EVIDENCE_KEY_BYTES = 8
"""Behind the prefix: the accused replica and the number of the proof."""


class OrreryMethods:
    """Methods about consensus.

    Args:
        chain: reads blocks.
        views: has followed the node.
    """

    def __init__(self, chain: ChainReader, views: ViewHistory) -> None:
        self._chain = chain
        self._views = views

    def methods(self) -> tuple[Method, ...]:
        """Return them."""
        return (
            Method("orrery_status", self.status),
            Method("orrery_getCertificate", self.certificate, 1, cost=20),
            Method("orrery_getConfirmation", self.confirmation, 1, cost=50),
            Method("orrery_getFaults", self.faults, cost=20),
            Method("orrery_getViews", self.views, cost=5),
        )

    def status(self, backend: Backend, parameters: Parameters) -> dict[str, Any]:
        """orrery_status."""
        node = backend.node
        ledger, epoch, pool = node.ledger, node.parts.epochs.epoch, node.pool
        replica = node.replica
        view = None if replica is None else int(replica.view)
        primary = None if view is None else epoch.committee.nodes[view % epoch.committee.size]
        return {
            "node": backend.config.index,
            "role": "follower" if replica is None else "validator",
            "height": ledger.height,
            "head": data_hex(ledger.tip.digest),
            "lowest": ledger.lowest,
            "view": view,
            "epoch": epoch.number,
            "primary": primary,
            "peers": [_peer(each) for each in backend.peers()],
            "pool": {
                "pending": pool.pending_count,
                "queued": pool.queued_count,
                "bytes": pool.byte_count,
            },
            "syncing": node.parts.sync.state.started_at is not None,
            "uptime": round(backend.uptime_ns() / 1e9, 3),
        }

    def certificate(self, backend: Backend, parameters: Parameters) -> msgspec.Raw:
        """orrery_getCertificate: what proves a block final; of the latest if none is named."""
        named: BlockId = optional(parameters, 0, block_id, Tag.LATEST)
        height = self._chain.height(backend, named)
        header = None if height is None else self._chain.header(backend, height)
        if header is None:
            raise server_error("header not found")
        if header.number == 0:
            raise server_error("genesis is final without a certificate")
        return finality_file(backend, header)

    def confirmation(self, backend: Backend, parameters: Parameters) -> dict[str, Any]:
        """orrery_getConfirmation: how far a transaction is, and what proves it.

        `status` is `final`, `tentative` (this validator has signed its block, one phase before it
        is final), `pending` (it waits in the pool) or `unknown`.
        """
        digest = Hash32(required(parameters, 0, hash32))
        shown: dict[str, Any] = {"transactionHash": data_hex(digest), "status": "unknown"}
        found = self._chain.find(backend, digest)
        if found is not None:
            block, index = found
            shown["status"] = "final"
            shown["certificate"] = finality_file(backend, block.header)
            return shown | _placed(block, index)
        signed = _tentative(backend, digest)
        if signed is not None:
            return shown | {"status": "tentative"} | signed
        if digest in backend.node.pool:
            shown["status"] = "pending"
        return shown

    def faults(self, backend: Backend, parameters: Parameters) -> dict[str, Any]:
        """orrery_getFaults: how peers stand, and what this replica can prove of them."""
        node, now = backend.node, backend.now()
        replica, scores = node.replica, node.parts.scores
        proofs = {} if replica is None else replica.scores
        known = {*range(backend.environment.genesis.committee.size)}
        known |= {int(peer.node) for peer in backend.peers()} | {int(each) for each in proofs}
        known.discard(int(backend.config.index))
        standing = {each: scores.score(now, NodeId(each)) for each in sorted(known)}
        return {
            "scores": [{"node": each, "score": score} for each, score in standing.items()],
            "fullScore": FULL,
            "proofs": [{"node": int(each), "count": proofs[each]} for each in sorted(proofs)],
            "evidence": _evidence(backend),
        }

    def views(self, backend: Backend, parameters: Parameters) -> dict[str, Any]:
        """orrery_getViews: the view, who leads it, and the last changes that this node has seen."""
        node = backend.node
        epoch, replica = node.parts.epochs.epoch, node.replica
        committee = epoch.committee
        view = None if replica is None else int(replica.view)
        return {
            "view": view,
            "epoch": epoch.number,
            "primary": None if view is None else committee.nodes[view % committee.size],
            "committee": [int(each) for each in committee.nodes],
            "quorum": committee.quorum,
            "changes": self._views.shown(),
        }


def finality_file(backend: Backend, header: Header) -> msgspec.Raw:
    """Return what proves a final block, in the form of a certificate file.

    Raises:
        RpcError: its certificate is not held any more.
    """
    environment = backend.environment
    kind = environment.genesis.params.certificates
    try:
        proof = chain_proof(environment, backend.node.ledger, header, kind)
    except KeyError as error:
        raise RpcError(PRUNED, "pruned history unavailable") from error
    return msgspec.Raw(encode_proof(proof))


def _placed(block: FinalBlock, index: int) -> dict[str, Any]:
    """Return a transaction's place, and what proves it and its receipt under the header."""
    receipts = [encode_receipt(receipt) for receipt in block.receipts]
    return {
        "blockNumber": quantity_hex(block.number),
        "blockHash": data_hex(block.digest),
        "transactionIndex": quantity_hex(index),
        "header": data_hex(encode_header(block.header)),
        "transaction": data_hex(block.block.transactions[index]),
        "transactionProof": _nodes(prove_ordered(block.block.transactions, (index,))),
        "receipt": data_hex(receipts[index]),
        "receiptProof": _nodes(prove_ordered(receipts, (index,))),
    }


def _nodes(nodes: tuple[bytes, ...]) -> list[str]:
    return [data_hex(node) for node in nodes]


def _tentative(backend: Backend, digest: Hash32) -> dict[str, Any] | None:
    """Return what this validator has signed of a block that is not final yet."""
    confirmations = backend.node.parts.confirmations
    known = None if confirmations is None else confirmations.known_block(digest)
    if known is None or known.tentative is None:
        return None
    signed, index = known.tentative, known.places[digest]
    block = FinalBlock(known.body, Hash32(signed.digest), 0)
    block.__dict__["receipts"] = known.receipts
    return {
        "tentative": {
            "node": int(backend.config.index),
            "epoch": signed.epoch,
            "view": signed.view,
            "sequence": signed.sequence,
            "digest": data_hex(signed.digest),
            "signature": data_hex(signed.signature),
        },
        **_placed(block, index),
    }


def _evidence(backend: Backend) -> list[dict[str, Any]]:
    """Return the proofs in the replica's log, of this life and of earlier ones."""
    table = backend.environment.engine.table
    shown: list[dict[str, Any]] = []
    for key, row in backend.store.scan(table, EVIDENCE, EVIDENCE + b"\xff"):
        evidence = decode_canonical(row, LoggedEvidence).evidence
        view, sequence = place_of(evidence)
        shown.append(
            {
                "replica": int.from_bytes(key[len(EVIDENCE) :][: EVIDENCE_KEY_BYTES // 2], "big"),
                "kind": kind_of(evidence),
                "view": int(view),
                "sequence": int(sequence),
                "encoded": data_hex(encode_canonical(evidence)),
            }
        )
        if len(shown) == EVIDENCE_MAX:
            break
    return shown


def _peer(peer: Any) -> dict[str, Any]:
    return {
        "node": int(peer.node),
        "role": peer.role,
        "address": peer.address,
        "dialled": peer.dialled,
        "roundTrip": None if peer.round_trip_ns is None else peer.round_trip_ns / 1e9,
    }
