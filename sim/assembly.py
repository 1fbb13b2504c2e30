"""From a scenario to a world that is ready to run."""

import dataclasses
from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path

import msgspec
import numpy as np

from consensus.params import ConsensusParams
from consensus.signing import CommitteeVerifier, MemoVerifier
from network.topology import Adjacency, Position, TopologyParams, build_topology
from node.config import Environment
from node.epochs import group_of
from node.execution import genesis_executed
from node.gateway import Gateway
from node.node import Node
from node.trace import BlockCommitted
from node.verifiers import LaterVerifiers
from node.wire import message_types, node_codec
from primitives.committee import Committee
from primitives.genesis import Genesis, genesis_hash
from primitives.genesis_json import GenesisForm
from primitives.ids import Gas, Hash32, Instant, NodeId
from primitives.machine import Machine
from primitives.params import ChainParams
from sim.blocks import BlockIndex, IndexedCache
from sim.clients import Clients
from sim.crew import Crew
from sim.electorate import Electorate
from sim.genesis import genesis_form, join_form, with_rules
from sim.governance import BALANCE, Governance, governance_account
from sim.hosts.disk import Disk, DiskSpec
from sim.hosts.processors import Processors
from sim.isolation import Wire, isolated_environment
from sim.kernel.engine import Kernel
from sim.kernel.host import Host
from sim.liars import LiarContext, Places
from sim.links.jitter import JitterLaw
from sim.links.links import Links, LinkSpec
from sim.links.places import PLACES
from sim.links.regions import TABLES
from sim.node_configs import node_config
from sim.profile import Profile, load_profile
from sim.randomness import generator
from sim.registry import liar_factory, make_batching, make_engine, workload_factory
from sim.scenario import (
    LyingDisk,
    NodePlan,
    Replay,
    Scenario,
    place_nodes,
    workload_options,
)
from sim.scenario.placement import UNIFORM
from sim.signatures import RunKeys, run_keys
from sim.timeline import Timeline
from sim.trace import Observation, Trace
from sim.workload import BringsContracts, Workload, WorkloadContext
from sim.world import World
from storage.memory import MemoryStore
from storage.store import Store

VOTES_REMEMBERED = 4_096
"""Signed messages that are remembered as valid, beside sixteen for each validator: those of a
few decisions, each of which brings two of each."""

CONSENSUS_KEYS = tuple(field.name for field in dataclasses.fields(ConsensusParams))
"""Parameters of the committee; `[consensus]` has a key of the same name for each."""


def build_world(
    scenario: Scenario,
    seed: int,
    profile: Profile | None = None,
    with_clients: bool = True,
    crew: Crew | None = None,
) -> World:
    """Build the network of a scenario, all nodes started, its timeline and clients scheduled.

    Args:
        scenario: checked.
        seed: of every random choice.
        profile: what work costs; the one that ships if None.
        with_clients: whether the scenario's workload runs; its accounts are funded anyway.
        crew: who computes; this process alone if None. The world is the same with any.
    """
    plans = place_nodes(scenario.network)
    form = genesis_form(scenario)
    params = chain_params(scenario, form)
    consensus, count = scenario.consensus, scenario.network.validators
    keys = run_keys(seed, count, consensus.signatures == "real", consensus.certificates)
    workload = _workload(scenario, seed, params)
    electorate = Electorate(scenario, seed)
    alloc = tuple(workload.alloc)
    if electorate.changes:
        governor = governance_account(seed).address
        params = dataclasses.replace(params, governance=governor)
        alloc = (*alloc, (governor, BALANCE))
    contracts = workload.contracts if isinstance(workload, BringsContracts) else ()
    genesis = Genesis(params, alloc, keys.committee, contracts=contracts)
    if form is not None:
        genesis = join_form(genesis, form, wins=isinstance(scenario.workload, Replay))
    block = genesis_executed(genesis)
    index = BlockIndex(block)
    plain = CommitteeVerifier(
        keys.committee, genesis_hash(genesis), keys.verifier, policy=keys.policy
    )
    environment = Environment(
        genesis=genesis,
        genesis_block=block,
        consensus=consensus_params(scenario),
        cache=IndexedCache(params, index, crew=crew),
        verifier=MemoVerifier(plain, VOTES_REMEMBERED + 16 * keys.committee.size),
        engine=make_engine(scenario.consensus.protocol),
        later_verifiers=LaterVerifiers(keys.verifier),
    )
    trace = Trace()
    topology = neighbours(scenario, plans, seed)
    liars = [plan.node for plan in plans if plan.liar is not None]
    liars += [NodeId(event.node) for event in scenario.events if isinstance(event, LyingDisk)]
    membership = _Membership(keys.committee, topology, index, liars)
    links = Links(link_spec(scenario, plans), membership, seed)
    hosts = _hosts(scenario, plans, profile or load_profile())
    codec = node_codec(environment.engine)
    own: Callable[[Environment, int], Environment] | None = None
    if scenario.fidelity == "isolated":
        own = partial(isolated_environment, index=index, verifier=plain, crew=crew)
        for host in hosts:
            host.wire = Wire(codec).behind
    factory = _NodeFactory(scenario, plans, environment, keys, electorate, membership, seed, own)
    kernel = Kernel(hosts, links, factory, codec.size, trace)
    world = World(kernel, links, trace, environment, index, topology, liars)
    world.subscribe(membership.watch)
    Timeline(scenario, world, seed)
    Governance(world, seed, electorate.changes)
    if with_clients:
        Clients(workload, world, index)
    for plan in plans:
        kernel.start(plan.node)
    return world


def chain_params(scenario: Scenario, form: GenesisForm | None = None) -> ChainParams:
    """Return the chain's parameters as `[chain]` gives them, and the genesis file that it names."""
    chain = scenario.chain
    params = ChainParams(
        chain_id=chain.chain_id,
        gas_limit=Gas(chain.gas_limit),
        base_fee_rule=chain.base_fee,
        base_fee_initial=chain.base_fee_initial,
        elasticity=chain.elasticity,
        base_fee_change_denominator=chain.base_fee_change_denominator,
        timestamp_rule=chain.timestamp_rule,
        max_block_bytes=chain.max_block_bytes,
        certificates=scenario.consensus.certificates,
        checkpoint_interval=chain.checkpoint_interval,
        block_access_list=chain.block_access_list,
    )
    return params if form is None else with_rules(params, form)


def consensus_params(scenario: Scenario) -> ConsensusParams:
    """Return the committee's parameters as `[consensus]` gives them."""
    given = msgspec.structs.asdict(scenario.consensus)
    given["batching"] = make_batching(scenario.consensus.batching)
    return ConsensusParams(**{name: given[name] for name in CONSENSUS_KEYS})


def link_spec(scenario: Scenario, plans: Sequence[NodePlan]) -> LinkSpec:
    """Return the network between the nodes as `[network]` gives it."""
    network = scenario.network
    names = tuple(dict.fromkeys(plan.region for plan in plans))
    if network.latency == UNIFORM:
        value = network.latency_value or 0
        latency = tuple((value,) * len(names) for _ in names)
    else:
        table = TABLES[network.latency]
        latency = tuple(tuple(table.one_way_ns(a, b) for b in names) for a in names)
    return LinkSpec(
        region_of=tuple(names.index(plan.region) for plan in plans),
        latency_ns=latency,
        uplink_bps=tuple(plan.bandwidth_up for plan in plans),
        downlink_bps=tuple(plan.bandwidth_down for plan in plans),
        loss=tuple(plan.loss for plan in plans),
        jitter_law=JitterLaw(network.jitter),
        jitter_spread=network.jitter_size,
    )


def neighbours(scenario: Scenario, plans: Sequence[NodePlan], seed: int) -> Adjacency:
    """Return each node's neighbours for gossip, drawn from the run's seed."""
    network = scenario.network
    defaults = TopologyParams()
    params = TopologyParams(
        degree=defaults.degree if network.degree is None else network.degree,
        rewire=defaults.rewire if network.rewire is None else network.rewire,
        positions=_positions(plans[: network.peers]) if network.topology == "geographic" else (),
    )
    draws = generator(seed, "topology")
    linked = build_topology(network.topology, network.peers, draws, params)
    return (*linked, *[() for _ in range(network.gateways)])


def _positions(plans: Sequence[NodePlan]) -> tuple[Position, ...]:
    return tuple(Position(*PLACES.get(plan.region, (0.0, 0.0))) for plan in plans)


class _Membership:
    """Who belongs to a group, seen from a sender.

    Args:
        committee: the first one.
        topology: each node's neighbours.
        index: knows blocks by their digest.
        liars: nodes that may say what is not so.
    """

    def __init__(
        self,
        committee: Committee,
        topology: Adjacency,
        index: BlockIndex,
        liars: Collection[int],
    ) -> None:
        self._liars = frozenset(liars)
        self._committees: dict[str, Sequence[int]] = {group_of(0): committee.nodes}
        self._topology = topology
        self._index = index

    def __call__(self, group: str, sender: int) -> Sequence[int]:
        committee = self._committees.get(group)
        if committee is not None:
            return [node for node in committee if node != sender]
        if group == "neighbours":
            return self._topology[sender]
        raise KeyError(f"no group {group!r}: nodes broadcast to 'neighbours' or a committee")

    def seen_by_liar(self, group: str, sender: int) -> Sequence[int]:
        """Return a group as a liar may ask for it: in its turn, before anybody sees what it says.

        It may be the first to make a closing block final. The next committee is nobody until then.
        """
        if group not in self._committees and group != "neighbours":
            return ()
        return self(group, sender)

    def watch(self, observation: Observation) -> None:
        """Learn of a committee from the first node that has made its closing block final.

        That may be a liar, whose honest machine goes on to speak to the committee. What an honest
        node says later stands against it.
        """
        event = observation.event
        if not isinstance(event, BlockCommitted):
            return
        try:
            block = self._index.block(Hash32(event.digest))
        except KeyError:
            return
        group = group_of(block.epoch.number)
        if block.closing and (observation.node not in self._liars or group not in self._committees):
            self._committees[group] = block.epoch.committee.nodes


def _hosts(scenario: Scenario, plans: Sequence[NodePlan], profile: Profile) -> list[Host]:
    """Return the nodes' places, those of one machine with the same cores and disk."""
    processors: dict[int, Processors] = {}
    disks: dict[int, Disk] = {}
    for plan in plans:
        processors.setdefault(plan.machine, Processors(plan.cores))
        spec = DiskSpec(plan.disk.latency, plan.disk.fsync, plan.disk.throughput)
        disks.setdefault(plan.machine, Disk(spec))
    return [
        Host(
            index=plan.node,
            base_costs=profile.table(plan.cpu_speed),
            processors=processors[plan.machine],
            disk=disks[plan.machine],
            store=MemoryStore(),
        )
        for plan in plans
    ]


class _NodeFactory:
    """Makes a node, at the start of a run and again after each crash."""

    def __init__(
        self,
        scenario: Scenario,
        plans: Sequence[NodePlan],
        environment: Environment,
        keys: RunKeys,
        electorate: Electorate,
        membership: _Membership,
        seed: int,
        own: Callable[[Environment, int], Environment] | None = None,
    ) -> None:
        self._plans = plans
        self._membership = membership
        self._seed = seed
        self._lives: dict[int, int] = {}
        self._configs = [node_config(scenario, plan) for plan in plans]
        environments = [
            environment if own is None else own(environment, plan.node) for plan in plans
        ]
        self._environments = [
            _with_keys(each, plan, keys, electorate)
            for plan, each in zip(plans, environments, strict=True)
        ]

    def __call__(self, node: int, store: Store) -> Machine:
        if self._plans[node].gateway:
            return Gateway(self._configs[node], self._environments[node])
        honest = Node(self._configs[node], self._environments[node], store)
        liar = self._plans[node].liar
        if liar is None:
            return honest
        return liar_factory(liar)(honest, self._context(node, liar, honest))

    def _context(self, node: int, liar: str, honest: Node) -> LiarContext:
        """Tell a liar its place. Its plan is the same in each life, its own draws are not."""
        self._lives[node] = life = self._lives.get(node, 0) + 1
        environment = self._environments[node]
        accomplices = tuple(plan.node for plan in self._plans if plan.liar == liar)
        return LiarContext(
            node=NodeId(node),
            params=environment.consensus,
            message_types=message_types(environment.engine),
            place=Places(
                honest.parts.epochs,
                environment.genesis_block.digest,
                accomplices,
                partial(self._plan, liar),
            ),
            members=lambda group: [NodeId(n) for n in self._membership.seen_by_liar(group, node)],
            accomplices=accomplices,
            generator=generator(self._seed, f"liar/{life}", node),
            spare=lambda: Node(self._configs[node], environment, MemoryStore()),
        )

    def _plan(self, liar: str, epoch: int) -> np.random.Generator:
        """Return what the accomplices of a lie plan an epoch with."""
        return generator(self._seed, f"liar-plan/{liar}/{epoch}" if epoch else f"liar-plan/{liar}")


def _with_keys(
    environment: Environment, plan: NodePlan, keys: RunKeys, electorate: Electorate
) -> Environment:
    """Give a node what it signs with, and what it will sign with when the committee changes."""
    spare = electorate.spare_keys(plan.node)
    if spare:
        environment = dataclasses.replace(environment, spare_keys=spare)
    if not plan.validator:
        return environment
    signer, vote_signer = keys.signers[plan.node], keys.vote_signer(plan.node)
    return dataclasses.replace(environment, signer=signer, vote_signer=vote_signer)


def submitted_to(scenario: Scenario) -> range:
    """Return the nodes that clients submit to: the gateways, if there are any."""
    network = scenario.network
    return range(network.peers if network.gateways else 0, network.nodes)


def _workload(scenario: Scenario, seed: int, params: ChainParams) -> Workload:
    kind, options = workload_options(scenario.workload)
    context = WorkloadContext(
        generator=generator(seed, "workload"),
        seed=seed,
        params=params,
        nodes=tuple(NodeId(n) for n in submitted_to(scenario)),
        stop_at=Instant(scenario.duration),
        directory=Path(),
    )
    return workload_factory(kind)(options, context)
