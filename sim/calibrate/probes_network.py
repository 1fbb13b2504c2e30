"""What is timed for the kinds of network: the gossip core's turns."""

from collections.abc import Sequence

from network.costs import ANNOUNCED, HASHED, SERVED
from network.gossip import Gossip
from network.gossip_state import GossipConfig
from network.messages import (
    HASHES_PER_REQUEST,
    AnnounceTransactions,
    GetTransactions,
    PooledTransactions,
)
from node.intake import PoolSource
from node.peer_scores import PeerScores
from node.validation import PooledTransaction
from primitives.ids import NodeId
from primitives.machine import Effect, Send
from primitives.transaction import transaction_hash
from sim.calibrate.material import NOW, Material, filled_pool
from sim.calibrate.sampling import Probe, Trial, Work

NEIGHBOURS = 8
"""Peers that announce the same transactions; as many as a node has neighbours by default."""
PEER = NodeId(1)


def gossip_core(material: Material, pooled: tuple[PooledTransaction, ...] = ()) -> Gossip:
    """Return the gossip core of a node whose pool holds `pooled`."""
    pool = filled_pool(material.params, material.genesis, material.base_fee, pooled)
    return Gossip(GossipConfig(), PoolSource(pool), transaction_hash, PeerScores())


def announcement(transfers: Sequence[PooledTransaction]) -> AnnounceTransactions:
    """Return what a peer says that holds these transfers."""
    return AnnounceTransactions(
        types=bytes(transfer.transaction.tx_type for transfer in transfers),
        sizes=tuple(len(transfer.raw) for transfer in transfers),
        hashes=tuple(transfer.hash for transfer in transfers),
    )


def announced_transaction(material: Material) -> Trial:
    """Hear the same transfers from each neighbour.

    Half of them are known, as a node comes to know them by fetching the first that it hears of;
    the others are new from the first peer, and wanted already when the next ones come.
    """
    transfers = material.transfers[: 2 * HASHES_PER_REQUEST]
    message = announcement(transfers)

    def prepare() -> Work:
        gossip = gossip_core(material)
        gossip.note_known([transfer.hash for transfer in transfers[::2]])

        def work() -> list[Sequence[Effect]]:
            return [
                gossip.on_announce_transactions(NOW, NodeId(peer), message)
                for peer in range(NEIGHBOURS)
            ]

        return work

    return Trial(NEIGHBOURS * len(transfers), prepare)


def fetched_transaction(material: Material) -> Trial:
    """Take the answer to a full request."""
    transfers = material.transfers[:HASHES_PER_REQUEST]
    message = announcement(transfers)
    bodies = tuple(transfer.raw for transfer in transfers)

    def prepare() -> Work:
        gossip = gossip_core(material)
        asked = gossip.on_announce_transactions(NOW, PEER, message)
        (request,) = [
            effect.message.request
            for effect in asked
            if isinstance(effect, Send) and isinstance(effect.message, GetTransactions)
        ]
        answer = PooledTransactions(request, bodies)
        return lambda: gossip.on_pooled_transactions(NOW, PEER, answer)

    return Trial(len(bodies), prepare)


def served_byte(material: Material) -> Trial:
    """Answer a full request from the pool."""
    transfers = material.transfers[:HASHES_PER_REQUEST]
    gossip = gossip_core(material, material.transfers)
    request = GetTransactions(1, tuple(transfer.hash for transfer in transfers))
    size = sum(len(transfer.raw) for transfer in transfers)
    return Trial(size, lambda: lambda: gossip.on_get_transactions(NOW, PEER, request))


PROBES = (
    Probe(ANNOUNCED, announced_transaction),
    Probe(HASHED, fetched_transaction, ("safe-pysha3",)),
    Probe(SERVED, served_byte),
)
