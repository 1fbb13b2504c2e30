"""Work out each single node: its role, region, machine, and what its classes override."""

from fractions import Fraction

import msgspec

from node.demand import BuildingName, SchedulerName
from node.settings.packing import BlocksName, CompactModeName, CompressionName
from primitives.ids import Duration, NodeId
from sim.links.regions import TABLES
from sim.scenario.consensus import BlockHistory
from sim.scenario.network import Disk, Network, NodeClass
from sim.scenario.store import StateFormName, StateHistory

UNIFORM = "uniform"
"""The latency that is the same everywhere; region names are then only labels."""

ANYWHERE = "anywhere"
"""The region of nodes in a uniform network that names none."""

DISKS = {
    "nvme": Disk(Duration(80_000), Duration(500_000), 1_000_000_000),
    "ssd": Disk(Duration(150_000), Duration(3_000_000), 450_000_000),
    "hdd": Disk(Duration(8_000_000), Duration(12_000_000), 150_000_000),
}
"""Named disks. Orders of magnitude of their kinds, not figures of one product."""

OVERRIDABLE = (
    "cores",
    "cpu_speed",
    "disk",
    "bandwidth_up",
    "bandwidth_down",
    "loss",
    "mempool_transactions",
    "mempool_bytes",
    "mempool_per_sender",
    "blocks",
    "compact_mode",
    "compression",
    "compression_level",
    "compression_threshold",
)
"""Keys that `[network]` sets for all nodes and a class for its own."""
OWN = ("scheduler", "building", "state", "state_history", "history", "liar")
"""Keys that only a class has."""


class NodePlan(msgspec.Struct, frozen=True):
    """One node of the network, as it will be built."""

    node: NodeId
    validator: bool
    gateway: bool
    region: str
    machine: int
    """Machines are numbered from 0; nodes of one machine share its cores and disk."""
    cores: int
    cpu_speed: float
    disk: Disk
    bandwidth_up: int
    """Bits a second."""
    bandwidth_down: int
    loss: float
    mempool_transactions: int
    mempool_bytes: int
    mempool_per_sender: int
    blocks: BlocksName
    compact_mode: CompactModeName
    compression: CompressionName
    compression_level: int | None
    compression_threshold: int
    classes: tuple[str, ...]
    """Names of the classes that the node belongs to, in file order."""
    scheduler: SchedulerName | None = None
    """How it executes blocks, if a class says so."""
    building: BuildingName | None = None
    state: StateFormName | None = None
    """How it keeps its state, if a class says so."""
    state_history: StateHistory | None = None
    history: BlockHistory | None = None
    """How many final blocks it keeps at least, if a class says so."""
    liar: str | None = None
    """How the node misbehaves; None for an honest one."""


def known_regions(network: Network) -> tuple[str, ...] | None:
    """Return the regions that may be named; None where any name will do (uniform latency)."""
    return None if network.latency == UNIFORM else TABLES[network.latency].regions


def members(node_class: NodeClass, network: Network) -> range | tuple[int, ...]:
    """Return the numbers of a class's nodes."""
    return chosen_nodes(node_class.nodes, network)


def chosen_nodes(choice: tuple[int, ...] | str, network: Network) -> range | tuple[int, ...]:
    """Return the node numbers that a list or a role stands for."""
    if isinstance(choice, tuple):
        return choice
    return {
        "all": range(network.nodes),
        "validators": range(network.validators),
        "followers": range(network.validators, network.peers),
        "gateways": range(network.peers, network.nodes),
    }[choice]


def place_nodes(network: Network) -> tuple[NodePlan, ...]:
    """Return the plan of every node, in node order. `network` must have passed its checks."""
    regions = node_regions(network)
    settings: list[dict[str, object]] = [
        {key: getattr(network, key) for key in OVERRIDABLE} for _ in range(network.nodes)
    ]
    classes: list[list[str]] = [[] for _ in range(network.nodes)]
    for node_class in network.classes:
        overrides: dict[str, object] = {
            key: value for key in OVERRIDABLE if (value := getattr(node_class, key)) is not None
        }
        if "compression" in overrides:
            overrides.setdefault("compression_level", None)
        for node in members(node_class, network):
            settings[node].update(overrides)
            classes[node].append(node_class.name)
            for key in OWN:
                if (value := getattr(node_class, key)) is not None:
                    settings[node][key] = value
    return tuple(
        _plan(network, node, regions[node], settings[node], tuple(classes[node]))
        for node in range(network.nodes)
    )


def _plan(
    network: Network,
    node: int,
    region: str,
    settings: dict[str, object],
    classes: tuple[str, ...],
) -> NodePlan:
    disk = settings["disk"]
    return msgspec.convert(
        {
            **settings,
            "disk": msgspec.to_builtins(DISKS[disk] if isinstance(disk, str) else disk),
            "node": node,
            "validator": node < network.validators,
            "gateway": node >= network.peers,
            "region": region,
            "machine": _machine(network, node),
            "classes": classes,
        },
        NodePlan,
    )


def node_regions(network: Network) -> tuple[str, ...]:
    """Return each node's region, classes considered."""
    regions = list(_filled_regions(network))
    for node_class in network.classes:
        if node_class.region is not None:
            for node in members(node_class, network):
                regions[node] = node_class.region
    return tuple(regions)


def machine_count(network: Network) -> int:
    """Return how many machines the nodes take."""
    return -(-network.peers // network.nodes_per_machine) + network.gateways


def _machine(network: Network, node: int) -> int:
    """Return the number of a node's machine; a gateway has one of its own."""
    if node < network.peers:
        return node // network.nodes_per_machine
    return machine_count(network) - network.nodes + node


def _filled_regions(network: Network) -> tuple[str, ...]:
    """Return each node's region by the network's own rule; a machine stands in one region."""
    machines = machine_count(network)
    if isinstance(network.regions, dict):
        of_machine = apportion(network.regions, machines)
    else:
        names = network.regions or known_regions(network) or (ANYWHERE,)
        of_machine = tuple(names[machine % len(names)] for machine in range(machines))
    return tuple(of_machine[_machine(network, node)] for node in range(network.nodes))


def apportion(shares: dict[str, float], count: int) -> tuple[str, ...]:
    """Give each of `count` machines a region so that every prefix comes close to the shares.

    One by one, the region that is furthest below its due is taken; the first-named wins ties.
    So followers, whose numbers come last, are spread like validators.
    """
    total = sum(Fraction(share) for share in shares.values())
    given = dict.fromkeys(shares, 0)
    regions = []
    for placed in range(1, count + 1):
        region = max(shares, key=lambda name: Fraction(shares[name]) * placed / total - given[name])
        given[region] += 1
        regions.append(region)
    return tuple(regions)


def partition_groups(
    groups: tuple[tuple[int | str, ...], ...], network: Network
) -> tuple[tuple[int, ...], ...]:
    """Return the node numbers of each group of a partition, region names resolved."""
    return tuple(named_nodes(group, network) for group in groups)


def named_nodes(members: tuple[int | str, ...], network: Network) -> tuple[int, ...]:
    """Return the numbers of nodes that are named by number or by region, ascending."""
    named, regions = frozenset(members), node_regions(network)
    return tuple(
        node for node in range(network.nodes) if not named.isdisjoint((node, regions[node]))
    )
