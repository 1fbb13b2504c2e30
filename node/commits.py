"""What happens when a block becomes final at this node, whichever way it came.

Consensus may decide a block before this node has executed it: a quorum of the others was enough.
Such a delivery waits for its execution; the ones above it wait with it.
"""

from collections.abc import Iterable

from consensus.certificate import Certificate
from consensus.effects import ChainAdvanced, Deliver
from network.gossip import Gossip
from network.messages import AnnounceBlock
from network.sync import Sync
from network.sync_state import SyncConfig
from network.trace import SnapshotAdopted
from node.backlog import Backlog
from node.config import Environment, NodeConfig, Role
from node.costs import INCLUDE, SELECT
from node.events import (
    BlockExecuted,
    BlockFinal,
    CatchUp,
    Delivered,
    EpochEnded,
    PoolChanged,
    ToConsensus,
)
from node.execution import ExecutedBlock
from node.execution_base_fee import next_base_fee
from node.fairness import Fairness
from node.ledger import CHAIN_CORE, Ledger, encode_certificate
from node.mempool import Mempool
from node.proposals import Proposals
from node.relay import Relay
from node.snapshot import Closing
from node.trace import BlockCommitted
from node.validation_header import earliest_timestamp
from primitives.ids import Address, Instant, Token
from primitives.machine import Broadcast, Effect, Emit, Loopback, Persist, Work


class Commits:
    """Moves the head of one node."""

    __slots__ = (
        "_announces",
        "_backlog",
        "_fairness",
        "_gossip",
        "_group",
        "_index",
        "_ledger",
        "_outlines",
        "_params",
        "_pool",
        "_proposals",
        "_relay",
        "_sync",
        "_tells",
        "_undelivered",
        "validates",
    )

    def __init__(
        self,
        config: NodeConfig,
        environment: Environment,
        ledger: Ledger,
        pool: Mempool,
        gossip: Gossip,
        sync: Sync,
        proposals: Proposals,
        backlog: Backlog,
        fairness: Fairness,
        relay: Relay | None = None,
    ) -> None:
        self._index = config.index
        self._backlog = backlog
        self._fairness = fairness
        self._group = (config.sync or SyncConfig()).group
        self._announces = config.announce_blocks
        self.validates = config.role is Role.VALIDATOR
        """Whether consensus brings blocks, and is told of those that are fetched."""
        self._tells = config.serves_gateways or config.spread is not None
        self._params = environment.genesis.params
        self._outlines = environment.outlines
        self._ledger = ledger
        self._pool = pool
        self._gossip = gossip
        self._sync = sync
        self._relay = relay
        self._proposals = proposals
        self._undelivered: dict[int, Delivered] = {}
        """Decided blocks above the head that this node has not executed, by height."""

    def on_deliver(self, now: Instant, effect: Deliver) -> list[Effect]:
        """Send the delivery around, so that it waits for what consensus has to persist first."""
        return [Loopback(Delivered(effect.sequence, effect.digest, effect.certificate))]

    def on_delivered(self, now: Instant, event: Delivered) -> list[Effect]:
        """Commit a decided block, or wait until it is executed."""
        if event.sequence <= self._ledger.height:
            return []
        self._undelivered[event.sequence] = event
        return self.resume(now)

    def resume(self, now: Instant) -> list[Effect]:
        """Commit what is decided and executed, in order."""
        effects: list[Effect] = []
        while (event := self._undelivered.get(self._ledger.height + 1)) is not None:
            block = self._ledger.executed(event.digest)
            if block is None:
                if not self._proposals.is_executing(event.digest):
                    effects += self._catch_up(event)
                break
            looked = self._fairness.judge(now, block)
            if looked:
                effects.append(Work(SELECT, looked))
            encoded = encode_certificate(event.certificate)
            effects += self.commit(now, block, encoded, event.certificate)
        return effects

    def _catch_up(self, event: Delivered) -> list[Effect]:
        """Fetch a block from another that has signed: it will soon hold it if it does not yet."""
        nodes = self._ledger.tip.epoch.committee.nodes
        for signer in event.certificate.signers:
            if nodes[signer] != self._index:
                return [CatchUp(nodes[signer], event.sequence)]
        return []

    def adopt(
        self, now: Instant, block: ExecutedBlock, encoded: bytes, certificate: Certificate
    ) -> list[Effect]:
        """Commit a block that was fetched with its certificate, and let consensus know."""
        if not self.validates:
            return self.commit(now, block, encoded, certificate)
        trail = self._ledger.trail()
        advanced = ChainAdvanced(
            certificate.sequence, block.digest, certificate, trail, block.closing
        )
        return [ToConsensus(advanced), *self.commit(now, block, encoded, certificate)]

    def leap(
        self,
        now: Instant,
        block: ExecutedBlock,
        encoded: bytes,
        certificate: Certificate,
        closings: tuple[Closing, ...],
        kept: int,
    ) -> list[Effect]:
        """Make the checkpoint of a fetched state the new head, and let consensus know.

        Args:
            now: the time of the turn.
            block: of which only header and state are known.
            encoded: its certificate as it is stored and sent.
            certificate: the same, decoded.
            closings: the ends of epochs that lie between.
            kept: accounts that came with an older state.
        """
        same_epoch = block.epoch.number == self._ledger.tip.epoch.number
        records = self._ledger.leap(block, encoded, certificate, closings)
        height, state = block.number, block.state
        effects: list[Effect] = []
        if self.validates and same_epoch:
            # The replica of an epoch that is over has nothing to do any more.
            advanced = ChainAdvanced(certificate.sequence, block.digest, certificate)
            effects.append(ToConsensus(advanced))
        accounts = len(state.accounts())
        effects.append(Emit(SnapshotAdopted(height, block.digest, accounts, kept)))
        effects += self._ledger.durable.work(records)
        effects.append(Persist(CHAIN_CORE, Token(height), records))
        self._move_pool(now, block, self._pool.senders())
        if self._announces:
            effects.append(Broadcast(self._group, AnnounceBlock(height, block.digest)))
        effects += self._sync.adopted(height, block.epoch.number)
        if self.validates:
            self._undelivered = {n: event for n, event in self._undelivered.items() if n > height}
            self._backlog.committed(height)
            effects += (PoolChanged(news=True), BlockExecuted(block.digest))
        effects.append(EpochEnded())
        return effects

    def commit(
        self, now: Instant, block: ExecutedBlock, encoded: bytes, certificate: Certificate
    ) -> list[Effect]:
        """Make a child of the head the new head.

        Args:
            now: the time of the turn.
            block: executed.
            encoded: the certificate as it is stored and sent.
            certificate: the same, decoded.
        """
        ledger = self._ledger
        records = ledger.append(block, encoded, certificate)
        height = ledger.height
        header = block.block.header
        committed = BlockCommitted(
            height,
            block.digest,
            header.parent_hash,
            certificate.view,
            len(block.transactions),
            header.gas_used,
            len(block.payload),
        )
        effects: list[Effect] = [Emit(committed), *ledger.durable.work(records)]
        effects.append(Persist(CHAIN_CORE, Token(height), records))
        if block.transactions:
            effects.append(Work(INCLUDE, len(block.transactions)))
            self._gossip.note_known(self._outlines.hashes(block.payload))
        self._move_pool(now, block, block.state.changes)
        if self._announces and self._relay is not None:
            effects += self._relay.committed(now, block, encoded)
        if self._announces:
            effects.append(Broadcast(self._group, AnnounceBlock(height, block.digest)))
        effects += self._sync.adopted(height, block.epoch.number)
        if self.validates:
            # A follower builds nothing, and nothing of it waits for this block's execution.
            self._undelivered.pop(height, None)
            self._backlog.committed(height)
            self._fairness.served(block)
            effects += (PoolChanged(news=True), BlockExecuted(block.digest))
        if self._tells:
            effects.append(BlockFinal(block, encoded))
        if block.closing:
            effects.append(EpochEnded())
        return effects

    def _move_pool(self, now: Instant, block: ExecutedBlock, touched: Iterable[Address]) -> None:
        """Move the pool to a new head, where the accounts of `touched` may have changed."""
        header, params = block.block.header, self._params
        earliest = earliest_timestamp(header, params)
        state = self._ledger.tip.state
        self._pool.advance(now, state, next_base_fee(header, params), touched, earliest)
