"""One node: several cores behind one `step`.

The node only dispatches. An event goes by its type, and a message by its own type, straight to
the handler of the core that it is for. What the cores answer are effects. Most are the driver's
business and pass through untouched; some are meant for another core of the same node ("these
blocks were fetched", "tell consensus") and are translated here, in their place in the list.

    client ──► intake ──► pool ◄── gossip ◄──► peers
                            │
    consensus ◄──► proposals┘          sync ◄──► peers
        └──────► commits ◄─ adoption ◄──┘

Reference: DESIGN section 2, "How the cores talk inside a node".
"""

from collections import deque
from collections.abc import Callable, Hashable, Sequence as Seq
from typing import Any

from consensus.confirmation import Tentative
from consensus.effects import (
    VERIFIED,
    Deliver,
    Exposed,
    FellBehind,
    RequestBlock,
    ValidateBlock,
    ViewBegun,
)
from consensus.engine import ConsensusCore
from network.gossip import TransactionsFetched
from network.gossip_state import GossipTimer
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
from network.sync import BlocksFetched
from network.sync_state import SyncTimer
from network.transfer import ChunkFetched, ChunksWhole, OfferFetched
from node.adoption import AdoptPurpose
from node.arrival import ChunkPurpose, OfferPurpose, StatePurpose
from node.config import Environment, NodeConfig
from node.confirmation_messages import Watch
from node.confirmations import ProofPurpose, TentativeSigned
from node.events import (
    BlockExecuted,
    BlockFinal,
    CatchUp,
    Delivered,
    EpochEnded,
    PoolChanged,
    ToConsensus,
    TransactionsRefused,
)
from node.intake import CheckPurpose
from node.ledger import CHAIN_CORE, Ledger
from node.mempool import Mempool
from node.parts import Parts, assemble
from node.peer_scores import evidence_misdeed
from node.proposals import BuildPurpose, BuildTimer, ExecutePurpose
from node.seat import OwnMessage, Seat
from primitives.ids import Instant, NodeId
from primitives.machine import (
    NOTHING,
    Completed,
    Effect,
    Event,
    Message,
    Persisted,
    Received,
    Started,
    Submitted,
    TimerFired,
)
from storage.store import Store

EventHandler = Callable[[Instant, Any], Seq[Effect]]
EffectHandler = Callable[[Instant, Any], Seq[Effect]]
MessageHandler = Callable[[Instant, NodeId, Any], Seq[Effect]]

INTERNAL = frozenset[type[Effect]](
    (
        RequestBlock,
        ValidateBlock,
        Deliver,
        FellBehind,
        Exposed,
        BlockExecuted,
        ViewBegun,
        CatchUp,
        Tentative,
        BlockFinal,
        TransactionsRefused,
        TransactionsFetched,
        BlocksFetched,
        OfferFetched,
        ChunkFetched,
        ChunksWhole,
        ToConsensus,
        PoolChanged,
        EpochEnded,
    )
)
"""Effects that never leave a node: the keys of its tables, in one set for all nodes, which is
looked into at every turn."""


class Node:
    """A validator or a follower.

    Args:
        config: the node's own choices.
        environment: what it shares with its network.
        store: what it has made durable in earlier lives. It only reads it, unless it has to begin
            anew (`node.restore`), and only here, unless its states stay there (`node.rebase`).
    """

    __slots__ = (
        "_completions",
        "_events",
        "_messages",
        "_timers",
        "_translations",
        "_turns",
        "parts",
    )

    def __init__(self, config: NodeConfig, environment: Environment, store: Store) -> None:
        parts = self.parts = assemble(config, environment, store)
        """Its cores, to look at from outside."""
        self._messages = _message_table(parts)
        self._timers = _timer_table(parts)
        self._completions = _completion_table(parts)
        self._translations = _translation_table(parts)
        self._turns: dict[type[Effect], EffectHandler] = {
            ToConsensus: self._tell_consensus,
            PoolChanged: self._on_pool_changed,
            EpochEnded: self._on_epoch_ended,
        }
        self._events: dict[type[Event], EventHandler] = {
            Started: self._on_started,
            Submitted: lambda now, event: parts.intake.submit(event.raw),
            TimerFired: self._on_timer_fired,
            Completed: self._on_completed,
            Persisted: self._on_persisted,
            Delivered: parts.commits.on_delivered,
            OwnMessage: self._on_own_message,
        }
        if parts.confirmations is not None:
            self._events[TentativeSigned] = parts.confirmations.on_tentative_signed

    @property
    def ledger(self) -> Ledger:
        """The blocks it holds."""
        return self.parts.ledger

    @property
    def pool(self) -> Mempool:
        """The transactions that wait at it."""
        return self.parts.pool

    @property
    def replica(self) -> ConsensusCore | None:
        """Its consensus core in this epoch; None while it is no validator."""
        return self.parts.epochs.replica

    def step(self, now: Instant, event: Event) -> Seq[Effect]:
        """Run one turn."""
        if event.__class__ is Received:
            message = event.message
            handle = self._messages.get(message.__class__)
            if handle is None:
                return NOTHING
            effects = handle(now, event.sender, message)
            if effects is VERIFIED or not effects:
                return effects
            return self._perform(now, effects)
        effects = self._events[event.__class__](now, event)
        return self._perform(now, effects) if effects else effects

    def _perform(self, now: Instant, effects: Seq[Effect]) -> Seq[Effect]:
        """Translate what is meant for the node's own cores; leave the rest in its place.

        What consensus is told comes last, one turn of it after another: effects of one core have
        to leave in the order of its turns, so that a timer set early is not set over later.
        """
        internal = INTERNAL
        for effect in effects:
            if effect.__class__ in internal:
                break
        else:
            return effects
        performed: list[Effect] = []
        told: deque[Effect] = deque()
        self._translate(now, effects, performed, told)
        while told:
            effect = told.popleft()
            self._translate(now, self._turns[effect.__class__](now, effect), performed, told)
        return performed

    def _translate(
        self, now: Instant, effects: Seq[Effect], performed: list[Effect], told: deque[Effect]
    ) -> None:
        for effect in effects:
            kind = effect.__class__
            if kind not in INTERNAL:
                performed.append(effect)
                continue
            translate = self._translations.get(kind)
            if translate is not None:
                self._translate(now, translate(now, effect), performed, told)
            else:
                told.append(effect)

    # ---------------------------------------------------------------- events

    def _on_started(self, now: Instant, event: Started) -> Seq[Effect]:
        parts = self.parts
        started: list[Effect] = [*parts.start_work]
        if self.replica is not None:
            started += self.replica.step(now, event)
        return started + parts.sync.start(now)

    def _on_persisted(self, now: Instant, event: Persisted) -> Seq[Effect]:
        if event.origin == CHAIN_CORE:
            self.parts.ledger.persisted(event.token)
        return NOTHING

    def _on_timer_fired(self, now: Instant, event: TimerFired) -> Seq[Effect]:
        handle = self._timers.get(event.timer)
        if handle is not None:
            return handle(now)
        if isinstance(event.timer, BuildTimer):
            return self.parts.proposals.on_request_block(now, event.timer.request)
        return self._tell_consensus(now, ToConsensus(event))

    def _on_completed(self, now: Instant, event: Completed) -> Seq[Effect]:
        purpose = self.parts.requests.close(event.request)
        effects = self._completions[purpose.__class__](now, purpose, event.result)
        traced = self.parts.charging.traced(event, built=isinstance(purpose, BuildPurpose))
        return effects if traced is None else [traced, *effects]

    # ---------------------------------------------------------------- effects for own cores

    def _tell_consensus(self, now: Instant, effect: ToConsensus) -> Seq[Effect]:
        replica = self.replica
        return NOTHING if replica is None else replica.step(now, effect.event)

    def _on_own_message(self, now: Instant, event: OwnMessage) -> Seq[Effect]:
        replica = self.replica
        return replica.on_own_message(now, event) if isinstance(replica, Seat) else NOTHING

    def _on_epoch_ended(self, now: Instant, effect: EpochEnded) -> Seq[Effect]:
        """Let the next committee's replica take the place of the last one's, if there is one."""
        effects = self.parts.epochs.advance(now)
        if effects:
            self._messages = _message_table(self.parts)
            self.parts.backlog.epoch_begun()
            effects.append(PoolChanged(news=True))
        return effects

    def _on_pool_changed(self, now: Instant, effect: PoolChanged) -> Seq[Effect]:
        replica = self.replica
        if replica is None:
            return NOTHING
        told = self.parts.backlog.report(news=effect.news)
        return NOTHING if told is None else replica.step(now, told)


def _message_table(parts: Parts) -> dict[type[Message], MessageHandler]:
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
    replica = parts.epochs.replica
    if replica is not None:
        table |= replica.handlers
    if parts.confirmations is not None:
        table[Watch] = parts.confirmations.on_watch
    return table


def _view_begun(parts: Parts, effect: ViewBegun) -> Seq[Effect]:
    """Let the transactions of blocks that the view has dropped wait again."""
    parts.backlog.view_begun(effect.view, effect.kept)
    return (PoolChanged(news=True),)


def _timer_table(parts: Parts) -> dict[Hashable, Callable[[Instant], Seq[Effect]]]:
    return {
        GossipTimer.ANNOUNCE: parts.gossip.on_announce_timeout,
        GossipTimer.FETCH: parts.gossip.on_fetch_timeout,
        GossipTimer.REPEAT: parts.gossip.on_repeat_timeout,
        SyncTimer.REQUEST: parts.sync.on_request_timeout,
        SyncTimer.POLL: parts.sync.on_poll_timeout,
        SyncTimer.TRANSFER: parts.sync.transfer.on_transfer_timeout,
    }


def _completion_table(parts: Parts) -> dict[type, Callable[[Instant, Any, Any], Seq[Effect]]]:
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
    return table


def _ignore(now: Instant, effect: Effect) -> Seq[Effect]:
    """Drop what concerns gateways, where none is served."""
    return NOTHING


def _translation_table(parts: Parts) -> dict[type[Effect], EffectHandler]:
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
    }
    if confirmations is not None:
        table |= {
            Tentative: confirmations.on_tentative,
            BlockFinal: confirmations.on_block_final,
            TransactionsRefused: confirmations.on_transactions_refused,
        }
    return table
