"""Builds the cores of a node and connects them."""

import msgspec

from consensus.engine import ConsensusCore
from consensus.params import ReplicaConfig
from network.gossip import Gossip
from network.sync import Sync
from node.adoption import Adoption
from node.arrival import Arrival
from node.backlog import Backlog
from node.commits import Commits
from node.config import Environment, NodeConfig, Role, sync_config
from node.execution_base_fee import next_base_fee
from node.fairness import Fairness
from node.giving import Giving
from node.intake import Intake, PoolSource
from node.ledger import Ledger
from node.mempool import Mempool
from node.proposals import Proposals
from node.requests import Requests
from node.restore import restore
from primitives.ids import Duration, Sequence
from primitives.machine import Effect, Record
from storage.store import Store


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
    requests: Requests
    arrival: Arrival
    giving: Giving
    replica: ConsensusCore | None
    """None in a follower."""
    start_work: tuple[Effect, ...]
    """What it took to get here; charged when the node starts."""


def assemble(config: NodeConfig, environment: Environment, store: Store) -> Parts:
    """Build a node's cores from what its store holds.

    Raises:
        ValueError: a validator without a signer.
    """
    params = environment.genesis.params
    restored = restore(store, config, environment)
    ledger = restored.ledger
    head = ledger.tip
    base_fee = next_base_fee(head.block.header, params)
    requests = Requests()
    pool = Mempool(params, config.mempool, head.state, base_fee)
    gossip = Gossip(config.gossip, PoolSource(pool), environment.cache.hash)
    sync = Sync(sync_config(config, environment), ledger, head.number, head.epoch.number)
    intake = Intake(config, environment.cache, pool, gossip, requests)
    pause = Duration(environment.consensus.request_timeout // 2)
    fairness = Fairness(pool, params, environment.consensus.batch_limits, pause)
    backlog = Backlog(pool, fairness)
    proposals = Proposals(config, environment, ledger, pool, backlog, intake, requests)
    commits = Commits(config, environment, ledger, pool, gossip, sync, proposals, backlog, fairness)
    adoption = Adoption(environment, ledger, intake, commits, sync, requests)
    replica = None
    if config.role is Role.VALIDATOR:
        replica = _replica(config, environment, ledger, store)
    arrival = Arrival(environment, ledger, commits, sync, requests)
    return Parts(
        ledger=ledger,
        pool=pool,
        gossip=gossip,
        sync=sync,
        intake=intake,
        backlog=backlog,
        proposals=proposals,
        commits=commits,
        adoption=adoption,
        requests=requests,
        replica=replica,
        start_work=restored.work,
        arrival=arrival,
        giving=Giving(ledger, environment.snapshots),
    )


def _replica(
    config: NodeConfig, environment: Environment, ledger: Ledger, store: Store
) -> ConsensusCore:
    if environment.signer is None:
        raise ValueError(f"validator {config.index} has no signer")
    height, digest = ledger.head()
    replica = ReplicaConfig(
        index=config.index,
        committee=environment.genesis.committee,
        genesis_hash=environment.genesis_block.digest,
        signer=environment.signer,
        vote_signer=environment.vote_signer,
        verifier=environment.verifier,
        params=environment.consensus,
        sequence=Sequence(height),
        digest=digest,
        trail=ledger.trail(),
    )
    engine = environment.engine
    rows = store.scan(engine.table)
    return engine.create(replica, [Record(engine.table, key, value) for key, value in rows])
