"""From a scenario to a world that is ready to run."""

import dataclasses
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import msgspec

from consensus.params import ConsensusParams
from consensus.signing import CommitteeVerifier, MemoVerifier
from network.delays import JitterLaw
from network.topology import Adjacency, Position, TopologyParams, build_topology
from node.config import Environment
from node.execution import genesis_executed
from node.plugins import make_batching, make_engine
from node.verifiers import LaterVerifiers
from node.wire import node_codec
from primitives.genesis import genesis_hash
from primitives.ids import NodeId
from sim.blocks import BlockIndex, IndexedCache
from sim.clients import Clients
from sim.crew import Crew
from sim.dictionaries import trained
from sim.factory import NodeFactory
from sim.founding import found
from sim.governance import Governance
from sim.isolation import isolated_environment
from sim.kernel.engine import Kernel
from sim.links.links import Links, LinkSpec
from sim.links.places import PLACES
from sim.links.regions import TABLES
from sim.membership import Membership
from sim.packers import Packing
from sim.profile import Profile, load_profile
from sim.randomness import generator
from sim.scenario import LyingDisk, NodePlan, Scenario, place_nodes
from sim.scenario.placement import UNIFORM
from sim.stores import Stores
from sim.timeline import Timeline
from sim.trace import Trace
from sim.world import World

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
    stores: Path | None = None,
) -> World:
    """Build the network of a scenario, all nodes started, its timeline and clients scheduled.

    A world whose nodes have files must be closed.

    Args:
        scenario: checked.
        seed: of every random choice.
        profile: what work costs; the one that ships if None.
        with_clients: whether the scenario's workload runs; its accounts are funded anyway.
        crew: who computes; this process alone if None. The world is the same with any.
        stores: where nodes with files have them; a directory that goes with the world if None.
    """
    opened = Stores(scenario, stores)
    try:
        return _build(scenario, seed, profile, with_clients, crew, opened)
    except BaseException:
        opened.close()
        raise


def _build(
    scenario: Scenario,
    seed: int,
    profile: Profile | None,
    with_clients: bool,
    crew: Crew | None,
    stores: Stores,
) -> World:
    plans = place_nodes(scenario.network)
    founding = found(scenario, seed)
    genesis, keys, electorate = founding.genesis, founding.keys, founding.electorate
    block = genesis_executed(genesis)
    index = BlockIndex(block)
    plain = CommitteeVerifier(
        keys.committee, genesis_hash(genesis), keys.verifier, policy=keys.policy
    )
    environment = Environment(
        genesis=genesis,
        genesis_block=block,
        consensus=consensus_params(scenario),
        cache=IndexedCache(genesis.params, index, crew=crew),
        verifier=MemoVerifier(plain, VOTES_REMEMBERED + 16 * keys.committee.size),
        engine=make_engine(scenario.consensus.protocol),
        later_verifiers=LaterVerifiers(keys.verifier),
    )
    trace = Trace()
    topology = neighbours(scenario, plans, seed)
    liars = [plan.node for plan in plans if plan.liar is not None]
    liars += [NodeId(event.node) for event in scenario.events if isinstance(event, LyingDisk)]
    membership = Membership(keys.committee, topology, index, liars)
    links = Links(link_spec(scenario, plans), membership, seed)
    hosts = stores.hosts(plans, profile or load_profile())
    codec = node_codec(environment.engine)
    apart = range(len(plans)) if scenario.fidelity == "isolated" else stores.fragile
    learnt = trained(scenario.network.compression_dictionaries, genesis.params)
    packing = Packing(codec, plans, learnt)
    for host in hosts:
        host.packer = packing.packers[host.index]
        host.wire = packing.wire(host.index, apart=host.index in apart)
    factory = NodeFactory(
        scenario,
        plans,
        environment,
        keys,
        electorate,
        membership,
        seed,
        partial(isolated_environment, index=index, verifier=plain, crew=crew),
        apart,
        topology,
    )
    kernel = Kernel(hosts, links, factory, codec.size, trace)
    world = World(kernel, links, trace, environment, index, topology, liars, stores.close)
    world.subscribe(membership.watch)
    Timeline(scenario, world, seed)
    Governance(world, seed, electorate.changes)
    if with_clients:
        Clients(founding.workload, world, index)
    for plan in plans:
        kernel.start(plan.node)
    return world


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
