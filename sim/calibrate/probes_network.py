"""What is timed for the kinds of network: turns of the gossip core, and compact blocks."""

from collections.abc import Iterable, Sequence

import msgspec

from network.compact.draft import matches, start_draft
from network.compact.form import BlockParts, make_form, read_form
from network.compact.messages import CompactForm
from network.compact.short_ids import NONCE_BYTES
from network.costs import ANNOUNCED, HASHED, MATCHED, REBUILT, SERVED, SKETCH_CELL, SKETCHED
from network.gossip import Gossip
from network.gossip_state import GossipConfig
from network.messages import (
    HASHES_PER_REQUEST,
    AnnounceTransactions,
    GetTransactions,
    PooledTransactions,
)
from network.reconcile import Difference, Sketch, cells_for, decode, element_name
from node.intake import PoolSource
from node.peer_scores import PeerScores
from node.validation import PooledTransaction
from primitives.block import encode_block, transactions_root
from primitives.header import encode_header
from primitives.ids import Hash32, NodeId
from primitives.machine import Effect, Send
from primitives.transaction import transaction_hash
from sim.calibrate.material import NOW, Material, filled_pool
from sim.calibrate.sampling import Probe, Trial, Work

NEIGHBOURS = 8
"""Peers that announce the same transactions; as many as a node has neighbours by default."""
PEER = NodeId(1)
KEY = bytes(range(16))
LACKING_ONE_IN = 8
"""Of two neighbours each lacks so many of what the other is to announce."""


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


class HashedTransfers:
    """Transfers as rebuilding a block sees a pool. A `network.compact.TransactionPool`."""

    def __init__(self, transfers: Sequence[PooledTransaction]) -> None:
        self._raws = {transfer.hash: transfer.raw for transfer in transfers}

    def __len__(self) -> int:
        return len(self._raws)

    def hashes(self) -> Iterable[Hash32]:
        """Return the hashes of all transfers."""
        return self._raws.keys()

    def get(self, transaction: Hash32) -> bytes | None:
        """Return the encoding of a transfer."""
        return self._raws.get(transaction)


def compact_form(material: Material) -> CompactForm:
    """Return the compact form of the block of transfers."""
    block = material.block.block
    parts = BlockParts(encode_header(block.header), block.transactions)
    names = [transaction_hash(raw) for raw in block.transactions]
    return make_form(parts, names, bytes(NONCE_BYTES))


def short_id(material: Material) -> Trial:
    """Look for all transfers in a block that has half of them."""
    read = read_form(compact_form(material))
    names = [transfer.hash for transfer in material.transfers]
    return Trial(len(names), lambda: lambda: matches(read.key, read.ids.values(), names))


def rebuilt_transaction(material: Material) -> Trial:
    """Rebuild a block from a pool that holds nothing else, and check it."""
    form = compact_form(material)
    block = material.block.block
    inside = dict.fromkeys(block.transactions)
    pool = HashedTransfers([each for each in material.transfers if each.raw in inside])

    def work() -> tuple[bytes, Hash32]:
        transactions = start_draft(read_form(form), pool).transactions()
        rebuilt = msgspec.structs.replace(block, transactions=transactions)
        return encode_block(rebuilt), transactions_root(transactions)

    return Trial(len(block.transactions), lambda: work)


def sketch_of(transfers: Sequence[PooledTransaction], cells: int) -> Sketch:
    """Return a sketch of these transfers, which are named for it."""
    sketch = Sketch(KEY, cells)
    sketch.add({element_name(KEY, transfer.hash): None for transfer in transfers})
    return sketch


def sketched_transaction(material: Material) -> Trial:
    """Sketch all that waits for a neighbour which lacks a part of it, ready to be sent."""
    transfers = material.transfers[:HASHES_PER_REQUEST]
    cells = cells_for(len(transfers) // LACKING_ONE_IN)
    return Trial(len(transfers), lambda: lambda: sketch_of(transfers, cells).pack())


def sketch_cell(material: Material) -> Trial:
    """Find out what two neighbours do not share, from the sketch that one has sent."""
    transfers = material.transfers[:HASHES_PER_REQUEST]
    lacking = len(transfers) // LACKING_ONE_IN
    cells = cells_for(2 * lacking)
    own = sketch_of(transfers[:-lacking], cells)
    packed = sketch_of(transfers[lacking:], cells).pack()

    def work() -> Difference | None:
        return decode([own.minus(packed).copy()])

    return Trial(cells, lambda: work)


PROBES = (
    Probe(ANNOUNCED, announced_transaction),
    Probe(HASHED, fetched_transaction, ("safe-pysha3",)),
    Probe(SERVED, served_byte),
    Probe(MATCHED, short_id, ("siphashc",)),
    Probe(REBUILT, rebuilt_transaction, ("safe-pysha3",)),
    Probe(SKETCHED, sketched_transaction, ("siphashc",)),
    Probe(SKETCH_CELL, sketch_cell, ("siphashc",)),
)
