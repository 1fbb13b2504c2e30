"""A scenario's nodes as configurations of live ones, with their keys."""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from network.topology import Adjacency
from node.settings import (
    ChainSettings,
    ConsensusSettings,
    DictionarySettings,
    MempoolSettings,
    NetworkSettings,
    NodeExecutionSettings,
    NodeSettings,
    OwnSettings,
    PeerSettings,
    RpcSettings,
    StoreSettings,
    encode_settings,
    write_genesis,
)
from node.settings.spreading import SPREAD_KEYS
from primitives.address import format_address
from sim.assembly import neighbours
from sim.dictionaries import trained
from sim.founding import Founding
from sim.live.layout import CONFIG, DATA, GENESIS, PRIVATE, Layout, write
from sim.live.ports import LOOPBACK, NodePorts
from sim.node_configs import node_config
from sim.scenario import NodePlan, Scenario, place_nodes
from sim.signatures import validator_seed, vote_seed

KEY = "node.key"
VOTE_KEY = "vote.key"

_CONSENSUS = tuple(ConsensusSettings.__struct_fields__)
"""A scenario has a key of the same name for each."""


def write_network(
    layout: Layout, scenario: Scenario, seed: int, founding: Founding, ports: Sequence[NodePorts]
) -> None:
    """Write the shared genesis and each node's configuration and keys.

    A network that is there already keeps its chain: the same files come out, but for ports and
    what the scenario's author has changed since.

    Args:
        layout: where.
        scenario: checked, and fit for live nodes.
        seed: of keys and topology.
        founding: of that scenario and seed.
        ports: of each node.
    """
    write(layout.file(GENESIS), write_genesis(founding.genesis))
    for each in trained(scenario.network.compression_dictionaries, founding.genesis.params):
        write(layout.file(dictionary_file(each.kind)), each.content)
    plans = place_nodes(scenario.network)
    linked = neighbours(scenario, plans, seed)
    for plan in plans:
        keys = node_keys(scenario, seed, founding, plan.node)
        settings = node_settings(scenario, plan, ports, linked, keys)
        write(layout.config(plan.node), encode_settings(settings))
        for name, key in keys.items():
            write(layout.node(plan.node) / name, key.hex() + "\n", PRIVATE)


def dictionary_file(kind: str) -> str:
    """Return the name of the dictionary for a kind of message, which all nodes share."""
    return f"{kind}.dictionary"


def node_keys(scenario: Scenario, seed: int, founding: Founding, node: int) -> dict[str, bytes]:
    """Return the seeds of a node's keys by the names of their files, its first key first."""
    aggregates = scenario.consensus.certificates == "bls"
    keys = {KEY: validator_seed(seed, node)}
    if aggregates and node < scenario.network.validators:
        keys[VOTE_KEY] = vote_seed(seed, node)
    for generation in founding.electorate.spare_generations(node):
        name = f"{KEY}.{generation}"
        keys[name] = validator_seed(seed, node, generation)
        if aggregates:
            keys[f"{name}.vote"] = vote_seed(seed, node, generation)
    return keys


def node_settings(
    scenario: Scenario,
    plan: NodePlan,
    ports: Sequence[NodePorts],
    linked: Adjacency,
    keys: Mapping[str, bytes],
) -> NodeSettings:
    """Return the configuration of one node.

    Args:
        scenario: checked, and fit for live nodes.
        plan: of the node.
        ports: of each node.
        linked: each node's neighbours.
        keys: of the node, by file name (`node_keys`).
    """
    given = msgspec.structs.asdict(scenario.consensus)
    own = node_config(scenario, plan)
    spare = [name for name in keys if name.startswith(f"{KEY}.") and not name.endswith(".vote")]
    return NodeSettings(
        node=OwnSettings(
            index=plan.node,
            role="validator" if plan.validator else "follower",
            data=DATA,
            key=KEY,
            vote_key=VOTE_KEY if VOTE_KEY in keys else None,
            spare_keys=tuple(spare),
            fee_recipient=format_address(own.fee_recipient),
        ),
        chain=ChainSettings(genesis=f"../{GENESIS}", history=_kept(own.history)),
        consensus=ConsensusSettings(**{key: given[key] for key in _CONSENSUS}),
        network=_network(scenario, plan, ports, linked, announces=own.announce_blocks),
        rpc=RpcSettings(host=LOOPBACK, port=ports[plan.node].rpc, admin=True),
        store=StoreSettings(
            profile=scenario.store.profile, state_history=_kept(own.storage.state_history)
        ),
        mempool=MempoolSettings(
            transactions=plan.mempool_transactions,
            bytes=plan.mempool_bytes,
            per_sender=plan.mempool_per_sender,
        ),
        execution=NodeExecutionSettings(
            scheduler=own.execution.scheduler,
            building=own.execution.building,
            hints=own.execution.hints,
        ),
    )


def _kept(blocks: int | None) -> int | Literal["archive"]:
    return "archive" if blocks is None else blocks


def _network(
    scenario: Scenario,
    plan: NodePlan,
    ports: Sequence[NodePorts],
    linked: Adjacency,
    *,
    announces: bool,
) -> NetworkSettings:
    network, near = scenario.network, linked[plan.node]
    # Whoever wants blocks that it has missed asks validators, near or not.
    dialled = [n for n in range(network.peers) if n < network.validators or n in near]
    return NetworkSettings(
        host=LOOPBACK,
        port=ports[plan.node].p2p,
        peers=tuple(
            PeerSettings(node=node, host=LOOPBACK, port=ports[node].p2p)
            for node in dialled
            if node != plan.node
        ),
        neighbours="all" if network.topology == "full" else tuple(near),
        announce_blocks=announces,
        blocks=plan.blocks,
        compact_mode=plan.compact_mode,
        **{key: getattr(network, key) for key in SPREAD_KEYS},
        compression=plan.compression,
        compression_level=plan.compression_level,
        compression_threshold=plan.compression_threshold,
        dictionaries=tuple(
            DictionarySettings(kind=kind, file=f"../{dictionary_file(kind)}")
            for kind in network.compression_dictionaries
        ),
        followers_max=max(NetworkSettings().followers_max, network.followers),
        # All of them come from one address, and after a partition all at once.
        connections_per_second=max(NetworkSettings().connections_per_second, 10 * network.peers),
        connections_burst=max(NetworkSettings().connections_burst, 20 * network.peers),
        connections_per_address=max(NetworkSettings().connections_per_address, 8 * network.peers),
    )


def alone_elsewhere(layout: Layout, scenario: Scenario, node: int) -> str:
    """Say how to run one node by itself, here or on another machine."""
    kinds = scenario.network.compression_dictionaries
    *files, last = ("its directory", GENESIS, *[dictionary_file(kind) for kind in kinds])
    return (
        f"python -m node.runtime {layout.node(node) / CONFIG}; on another machine, with "
        f"{', '.join(files)} and {last} beside it: --network.host 0.0.0.0, and in each "
        "configuration the addresses of the machines"
    )
