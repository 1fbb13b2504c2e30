"""Which core of a node takes what: messages, alarms, answers of jobs, effects for other cores.

The tables are made once for each node, and that of messages again when its committee changes.
"""

from collections.abc import Callable, Hashable, Sequence as Seq
from typing import Any

from consensus.confirmation import Tentative
from consensus.effects import (
    Deliver,
    Exposed,
    FellBehind,
    RequestBlock,
    ValidateBlock,
    ViewBegun,
)
from network.compact import LIMITS as COMPACT_LIMITS, BlockLost, BlockRebuilt, CompactTimer
from network.dissemination import LIMITS as DISSEMINATION_LIMITS, DisseminationTimer
from network.gossip import TransactionsFetched
from network.gossip_state import GossipTimer
from network.mesh import LIMITS as MESH_LIMITS, MeshTimer
from network.messages import (
    AnnounceBlock,
    AnnounceTransactions,
    CertifiedBlocks,
    Chunk,
    GetBlocks,
    GetChunk,
    GetSnapshot,
    GetStatus,
    GetTransactions,
    PooledTransactions,
    SnapshotOffer,
    Status,
)
from network.reconcile import LIMITS as RECONCILE_LIMITS, ReconcileTimer
from network.sync import BlocksFetched
from network.sync_state import SyncTimer
from network.transfer import ChunkFetched, ChunksWhole, OfferFetched
from node.adoption import AdoptPurpose
from node.arrival import ChunkPurpose, OfferPurpose, StatePurpose
from node.confirmation_messages import Watch
from node.confirmations import ProofPurpose
from node.events import (
    BatchChecked,
    BlockExecuted,
    BlockFinal,
    CatchUp,
    OwnTransactions,
    PoolChanged,
    SpreadTimer,
    TransactionsRefused,
)
from node.intake import CheckPurpose
from node.parts import Parts
from node.peer_scores import evidence_misdeed
from node.proposals import BuildPurpose, ExecutePurpose
from node.relay_messages import CompactProposal
from node.spreading import CutPurpose, RebuildPurpose
from primitives.ids import Instant, NodeId
from primitives.machine import (
    NOTHING,
    Effect,
    Message,
)

EventHandler = Callable[[Instant, Any], Seq[Effect]]
EffectHandler = Callable[[Instant, Any], Seq[Effect]]
MessageHandler = Callable[[Instant, NodeId, Any], Seq[Effect]]


def message_table(parts: Parts) -> dict[type[Message], MessageHandler]:
    """Return what takes each kind of message in the node's present epoch."""
    gossip, sync = parts.gossip, parts.sync
    table: dict[type[Message], MessageHandler] = {
        AnnounceTransactions: gossip.on_announce_transactions,
        GetTransactions: gossip.on_get_transactions,
        PooledTransactions: gossip.on_pooled_transactions,
        AnnounceBlock: sync.on_announce_block,
        GetBlocks: sync.on_get_blocks,
        CertifiedBlocks: sync.on_certified_blocks,
        GetStatus: sync.on_get_status,
        Status: sync.on_status,
        GetSnapshot: parts.giving.on_get_snapshot,
        SnapshotOffer: sync.transfer.on_snapshot_offer,
        GetChunk: parts.giving.on_get_chunk,
        Chunk: sync.transfer.on_chunk,
    }
    if parts.relay is not None:
        table |= dict.fromkeys(COMPACT_LIMITS, parts.relay.core.on_message)
        table[AnnounceBlock] = parts.relay.on_announce_block
    spread = parts.spread
    if spread is not None:
        table |= dict.fromkeys(DISSEMINATION_LIMITS, spread.on_tree_message)
        table |= dict.fromkeys(MESH_LIMITS, spread.on_mesh_message)
        if spread.announcer is not None:
            table |= dict.fromkeys(RECONCILE_LIMITS, spread.announcer.core.on_message)
    replica = parts.epochs.replica
    if spread is not None and spread.meshed is not None and replica is None:
        table[AnnounceBlock] = spread.decisions.on_announce_block
    if replica is not None:
        table |= replica.handlers
    if parts.compact is not None:
        table[CompactProposal] = parts.compact.on_compact_proposal
    if parts.confirmations is not None:
        table[Watch] = parts.confirmations.on_watch
    return table


def _view_begun(parts: Parts, effect: ViewBegun) -> Seq[Effect]:
    """Let the transactions of blocks that the view has dropped wait again."""
    parts.backlog.view_begun(effect.view, effect.kept)
    return (PoolChanged(news=True),)


def timer_table(parts: Parts) -> dict[Hashable, Callable[[Instant], Seq[Effect]]]:
    """Return what takes each alarm that is not of consensus."""
    table: dict[Hashable, Callable[[Instant], Seq[Effect]]] = {
        GossipTimer.ANNOUNCE: parts.gossip.on_announce_timeout,
        GossipTimer.FETCH: parts.gossip.on_fetch_timeout,
        GossipTimer.REPEAT: parts.gossip.on_repeat_timeout,
        SyncTimer.REQUEST: parts.sync.on_request_timeout,
        SyncTimer.POLL: parts.sync.on_poll_timeout,
        SyncTimer.TRANSFER: parts.sync.transfer.on_transfer_timeout,
    }
    if parts.relay is not None:
        table[CompactTimer.REQUEST] = parts.relay.core.on_request_timeout
    spread = parts.spread
    if spread is not None:
        table[DisseminationTimer.REPAIR] = spread.on_tree_timeout
        table[MeshTimer.HEARTBEAT] = spread.on_heartbeat
        table[SpreadTimer.PROOF] = spread.decisions.on_timeout
        if spread.transactions is not None:
            table[SpreadTimer.TRANSACTIONS] = spread.transactions.on_timeout
        if spread.announcer is not None:
            table[ReconcileTimer.ROUND] = spread.announcer.core.on_round_timeout
    return table


def completion_table(parts: Parts) -> dict[type, Callable[[Instant, Any, Any], Seq[Effect]]]:
    """Return what takes the answer of a job, by what it was asked for."""
    table: dict[type, Callable[[Instant, Any, Any], Seq[Effect]]] = {
        CheckPurpose: parts.intake.checked,
        BuildPurpose: parts.proposals.built,
        ExecutePurpose: parts.proposals.executed,
        AdoptPurpose: parts.adoption.checked,
        OfferPurpose: parts.arrival.offer_checked,
        ChunkPurpose: parts.arrival.chunk_checked,
        StatePurpose: parts.arrival.assembled,
    }
    if parts.confirmations is not None:
        table[ProofPurpose] = parts.confirmations.proven
    if parts.spread is not None:
        table[CutPurpose] = parts.spread.cut
        table[RebuildPurpose] = parts.spread.rebuilt
    return table


def _ignore(now: Instant, effect: Effect) -> Seq[Effect]:
    """Drop what concerns gateways, where none is served."""
    return NOTHING


def _in_turn(first: EffectHandler, second: EffectHandler) -> EffectHandler:
    return lambda now, effect: [*first(now, effect), *second(now, effect)]


def translation_table(parts: Parts) -> dict[type[Effect], EffectHandler]:
    """Return what takes each effect of one core that is meant for another one."""
    sync, confirmations = parts.sync, parts.confirmations
    table: dict[type[Effect], EffectHandler] = {
        RequestBlock: parts.proposals.on_request_block,
        ValidateBlock: parts.proposals.on_validate_block,
        Deliver: parts.commits.on_deliver,
        FellBehind: lambda now, effect: sync.fell_behind(now, effect.peer, effect.sequence),
        Exposed: lambda now, effect: parts.scores.count(
            now, effect.peer, evidence_misdeed(effect.kind)
        ),
        BlockExecuted: lambda now, effect: parts.commits.resume(now) + parts.proposals.resume(now),
        ViewBegun: lambda now, effect: _view_begun(parts, effect),
        CatchUp: lambda now, effect: sync.fell_behind(now, effect.peer, effect.height),
        TransactionsFetched: parts.intake.fetched,
        BlocksFetched: parts.adoption.on_blocks_fetched,
        OfferFetched: parts.arrival.on_offer_fetched,
        ChunkFetched: parts.arrival.on_chunk_fetched,
        ChunksWhole: parts.arrival.on_chunks_whole,
        Tentative: _ignore,
        BlockFinal: _ignore,
        TransactionsRefused: _ignore,
        OwnTransactions: _ignore,
        BatchChecked: _ignore,
    }
    if parts.compact is not None:
        table[BlockRebuilt] = parts.compact.on_block_rebuilt
        table[BlockLost] = parts.compact.on_block_lost
    if confirmations is not None:
        table |= {
            Tentative: confirmations.on_tentative,
            BlockFinal: confirmations.on_block_final,
            TransactionsRefused: confirmations.on_transactions_refused,
        }
    if parts.spread is not None:
        table[BlockFinal] = _in_turn(table[BlockFinal], parts.spread.on_block_final)
        if parts.spread.transactions is not None:
            table[OwnTransactions] = parts.spread.transactions.on_own_transactions
            table[BatchChecked] = parts.spread.transactions.on_batch_checked
    return table
