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
from collections.abc import Sequence as Seq

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
from consensus.messages import PrePrepare
from network.compact import BlockLost, BlockRebuilt
from network.gossip import TransactionsFetched
from network.sync import BlocksFetched
from network.transfer import ChunkFetched, ChunksWhole, OfferFetched
from node.config import Environment, NodeConfig
from node.confirmations import TentativeSigned
from node.events import (
    BatchChecked,
    BlockExecuted,
    BlockFinal,
    CatchUp,
    Delivered,
    EpochEnded,
    OwnTransactions,
    PeerConnected,
    PeerGone,
    PoolChanged,
    ProposalRebuilt,
    PublishProposal,
    ToConsensus,
    TransactionsRefused,
)
from node.ledger import CHAIN_CORE, Ledger
from node.mempool import Mempool
from node.parts import assemble
from node.proposals import BuildPurpose, BuildTimer
from node.seat import OwnMessage, Seat
from node.spread_proposals import outward
from node.tables import (
    EffectHandler,
    EventHandler,
    completion_table,
    message_table,
    timer_table,
    translation_table,
)
from primitives.ids import Instant
from primitives.machine import (
    NOTHING,
    Completed,
    Effect,
    Event,
    Persisted,
    Received,
    Started,
    Submitted,
    TimerFired,
)
from storage.store import Store

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
        BlockRebuilt,
        BlockLost,
        ProposalRebuilt,
        OwnTransactions,
        BatchChecked,
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
        self._messages = message_table(parts)
        self._timers = timer_table(parts)
        self._completions = completion_table(parts)
        self._translations = translation_table(parts)
        self._turns: dict[type[Effect], EffectHandler] = {
            ToConsensus: self._tell_consensus,
            PoolChanged: self._on_pool_changed,
            EpochEnded: self._on_epoch_ended,
            ProposalRebuilt: self._on_proposal_rebuilt,
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
        spread, peers = parts.spread, [part for part in (parts.relay, parts.spread) if part]
        connected = [part.on_peer_connected for part in peers]
        meet = lambda now, event: parts.sync.meet(event.peer)  # noqa: E731
        self._events[PeerConnected] = _each([*connected, meet])
        self._events[PeerGone] = _each([part.on_peer_gone for part in peers])
        if spread is not None:
            self._events[PublishProposal] = spread.on_publish_proposal
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
        if parts.relay is not None:
            started += parts.relay.start(now)
        if parts.spread is not None:
            started += parts.spread.start(now)
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
        replica, compact, spread = self.replica, self.parts.compact, self.parts.spread
        if replica is None:
            return NOTHING
        effects = replica.step(now, effect.event)
        if spread is not None and spread.takes_proposals:
            return outward(effects)
        return effects if compact is None else compact.outward(effects)

    def _on_proposal_rebuilt(self, now: Instant, effect: ProposalRebuilt) -> Seq[Effect]:
        """Hand over a proposal as if it had come with its block."""
        handle = self._messages.get(PrePrepare)
        return NOTHING if handle is None else handle(now, effect.sender, effect.proposal)

    def _on_own_message(self, now: Instant, event: OwnMessage) -> Seq[Effect]:
        replica = self.replica
        return replica.on_own_message(now, event) if isinstance(replica, Seat) else NOTHING

    def _on_epoch_ended(self, now: Instant, effect: EpochEnded) -> Seq[Effect]:
        """Let the next committee's replica take the place of the last one's, if there is one."""
        effects = self.parts.epochs.advance(now)
        if effects:
            if self.parts.spread is not None:
                self.parts.spread.enter()
            self._messages = message_table(self.parts)
            self.parts.backlog.epoch_begun()
            effects.append(PoolChanged(news=True))
        return effects

    def _on_pool_changed(self, now: Instant, effect: PoolChanged) -> Seq[Effect]:
        replica = self.replica
        if replica is None:
            return NOTHING
        told = self.parts.backlog.report(news=effect.news)
        return NOTHING if told is None else replica.step(now, told)


def _each(handlers: Seq[EventHandler]) -> EventHandler:
    """Return a handler that runs others one after another."""
    return lambda now, event: [effect for handle in handlers for effect in handle(now, event)]
