"""Builds the cores of a node and connects them."""

import msgspec

from network.gossip import Gossip
from network.reconcile import Reconciler, ReconcilingAnnouncer
from network.sync import Sync
from node.adoption import Adoption
from node.arrival import Arrival
from node.backlog import Backlog
from node.charging import Charging
from node.commits import Commits
from node.compact_proposals import CompactProposals
from node.config import Environment, NodeConfig, sync_config
from node.confirmations import Confirmations
from node.epochs import Epochs
from node.execution_base_fee import next_base_fee
from node.fairness import Fairness
from node.giving import Giving
from node.intake import Intake, PoolSource
from node.ledger import Ledger
from node.mempool import Mempool
from node.peer_scores import PeerScores
from node.primaries import Primaries
from node.proposals import Proposals
from node.relay import Relay
from node.requests import Requests
from node.restore import DamagedLog, restore
from node.spread_config import SpreadConfig
from node.spread_decisions import Decisions
from node.spread_proposals import SpreadProposals
from node.spread_transactions import MeshTransactions
from node.spreading import Spreading
from node.validation_header import earliest_timestamp
from primitives.errors import InvalidEncoding
from primitives.ids import Duration, NodeId
from primitives.machine import Effect, Record
from storage.store import DamagedStore, Store


class Parts(msgspec.Struct, frozen=True):
    """The cores of one node."""

    ledger: Ledger
    pool: Mempool
    gossip: Gossip
    sync: Sync
    intake: Intake
    backlog: Backlog
    proposals: Proposals
    commits: Commits
    adoption: Adoption
    arrival: Arrival
    giving: Giving
    requests: Requests
    epochs: Epochs
    """Its consensus core, a new one for each epoch."""
    scores: PeerScores
    """How its peers stand."""
    charging: Charging
    """How it finds out what its jobs took."""
    confirmations: Confirmations | None
    """None where no gateway is served."""
    relay: Relay | None
    """Gives and gets blocks in compact form; None where they are sent as they are."""
    compact: CompactProposals | None
    """Does so with proposals."""
    start_work: tuple[Effect, ...]
    """What it took to get here; charged when the node starts."""
    spread: Spreading | None = None
    """Spreads blocks and transactions over a mesh or coded trees; None where nothing does."""


def assemble(config: NodeConfig, environment: Environment, store: Store) -> Parts:
    """Build a node's cores from what its store holds.

    Raises:
        ValueError: a validator without a signer.
        DamagedLog: what it has promised cannot be read.
        WrongForm: the store was written in another form.
    """
    params = environment.genesis.params
    restored = restore(store, config, environment)
    ledger = restored.ledger
    head = ledger.tip
    base_fee = next_base_fee(head.block.header, params)
    requests = Requests()
    next_at = earliest_timestamp(head.block.header, params)
    pool = Mempool(params, config.mempool, head.state, base_fee, next_at)
    scores = PeerScores()
    gossip = Gossip(config.gossip, PoolSource(pool), environment.cache.hash, scores)
    exchange = sync_config(config, environment, head.epoch, validates=False)
    sync = Sync(exchange, ledger, scores, head.number, head.epoch.number)
    intake = Intake(config, environment.cache, pool, gossip, requests)
    pause = Duration(environment.consensus.request_timeout // 2)
    fairness = Fairness(pool, params, environment.consensus.batch_limits, pause)
    backlog = Backlog(pool, fairness)
    proposals = Proposals(config, environment, ledger, pool, backlog, intake, requests, scores)
    relay = None
    if config.relay is not None:
        relay = Relay(config.relay, environment, ledger, pool, sync, scores)
    commits = Commits(
        config, environment, ledger, pool, gossip, sync, proposals, backlog, fairness, relay
    )
    adoption = Adoption(config, environment, ledger, intake, commits, sync, requests)
    arrival = Arrival(environment, ledger, commits, sync, requests)
    table = environment.engine.table
    try:
        records = [Record(table, key, value) for key, value in store.scan(table)]
        epochs = Epochs(config, environment, ledger, sync, commits, records)
    except (DamagedStore, InvalidEncoding) as error:
        raise DamagedLog(table, error) from error
    if epochs.replica is not None:
        for peer, proofs in epochs.replica.scores.items():
            scores.recall(NodeId(peer), proofs)
    compact = None
    if relay is not None:
        compact = CompactProposals(environment, relay, epochs, gossip, scores)
    confirmations, genesis_hash = None, environment.genesis_block.digest
    if config.serves_gateways and environment.keys:
        confirmations = Confirmations(genesis_hash, ledger, intake, requests, epochs)
    parts = Parts(
        ledger=ledger,
        pool=pool,
        gossip=gossip,
        sync=sync,
        intake=intake,
        backlog=backlog,
        proposals=proposals,
        commits=commits,
        adoption=adoption,
        arrival=arrival,
        giving=Giving(ledger, environment.snapshots),
        requests=requests,
        epochs=epochs,
        scores=scores,
        charging=environment.charging(config.execution),
        confirmations=confirmations,
        relay=relay,
        compact=compact,
        start_work=restored.work,
    )
    return parts if config.spread is None else _spreading(config, config.spread, environment, parts)


def _spreading(
    config: NodeConfig, ways: SpreadConfig, environment: Environment, parts: Parts
) -> Parts:
    """Return the cores with those that spread blocks and transactions in other ways."""
    sync, relay = parts.sync, parts.relay
    primaries = Primaries(environment, parts.epochs)
    announced = sync.on_announce_block if relay is None else relay.on_announce_block
    spread = Spreading(
        ways,
        config.index,
        environment,
        parts.ledger,
        primaries,
        SpreadProposals(environment, parts.epochs, primaries, parts.scores),
        Decisions(parts.ledger, sync, environment.certificates, announced),
        parts.requests,
        parts.scores,
    )
    if spread.mesh is not None and ways.gossip == "mesh":
        delay, digest = config.gossip.announce_delay, environment.cache.hash
        spread.transactions = MeshTransactions(
            spread.mesh, config.index, delay, parts.intake, parts.pool, parts.gossip, digest
        )
    if ways.gossip == "reconcile" and environment.draws is not None:
        draws, chosen = environment.draws, ways.reconcile
        core = Reconciler(chosen, parts.scores, parts.gossip, draws)
        spread.announcer = ReconcilingAnnouncer(config.index, chosen, core, draws)
        parts.gossip.announcer = spread.announcer
    return msgspec.structs.replace(parts, spread=spread)
