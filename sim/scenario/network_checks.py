"""What must fit together in `[network]`."""

from collections.abc import Iterator

from node.settings.findings import Finding, repeated, unknown_name, unknown_nodes
from node.settings.packing import check_packing
from node.settings.spreading import check_spreading
from sim.links.regions import TABLES
from sim.registry import liar_names
from sim.scenario.network import Network
from sim.scenario.placement import (
    UNIFORM,
    known_regions,
    machine_count,
    members,
    place_nodes,
)

NEEDS_DEGREE = ("random-regular", "small-world", "scale-free", "geographic")


def check_network(network: Network) -> Iterator[Finding]:
    """Yield what is wrong; later rules wait until the earlier ones hold."""
    yield from _check_topology(network)
    findings = [*_check_latency(network)]
    if not findings:
        findings = [*_check_regions(network), *_check_classes(network)]
    if not findings:
        findings = [*_check_machines(network), *_check_packing(network)]
    yield from findings


def _check_topology(network: Network) -> Iterator[Finding]:
    path = ("network", "degree")
    degree, nodes, kind = network.degree, network.peers, network.topology
    if degree is None:
        if kind in NEEDS_DEGREE:
            yield Finding(path, f'a degree with topology = "{kind}"', "nothing: the key is missing")
    elif kind not in NEEDS_DEGREE:
        yield Finding(path, f'no degree with topology = "{kind}"', str(degree))
    elif degree >= nodes:
        yield Finding(path, f"a degree below the number of nodes, {nodes}", str(degree))
    elif kind == "random-regular" and degree * nodes % 2:
        expected = f"an even degree, because {nodes} nodes with {degree} ends each leave one over"
        yield Finding(path, expected, str(degree))
    elif kind in {"random-regular", "small-world"} and degree < 2 and nodes > 2:
        yield Finding(path, "a degree of at least 2, or the network falls apart", str(degree))
    if network.rewire is not None and kind != "small-world":
        path = ("network", "rewire")
        yield Finding(path, f'no rewire with topology = "{kind}"', str(network.rewire))


def _check_latency(network: Network) -> Iterator[Finding]:
    path = ("network", "latency_value")
    if network.latency == UNIFORM:
        if network.latency_value is None:
            yield Finding(
                path, 'a latency_value with latency = "uniform"', "nothing: the key is missing"
            )
    elif network.latency not in TABLES:
        yield unknown_name(("network", "latency"), network.latency, [*TABLES, UNIFORM])
    elif network.latency_value is not None:
        expected = f'no latency_value with latency = "{network.latency}", which has its own'
        yield Finding(path, expected, "one")


def _check_regions(network: Network) -> Iterator[Finding]:
    path = ("network", "regions")
    if network.regions is None:
        return
    names = tuple(network.regions)
    known = known_regions(network)
    for position, name in enumerate(names):
        if known is not None and name not in known:
            at = (*path, name if isinstance(network.regions, dict) else position)
            yield unknown_name(at, name, known)
    if isinstance(network.regions, dict):
        if not sum(network.regions.values()):
            yield Finding(path, "shares of which at least one is above 0", "only zeros")
        return
    machines = machine_count(network)
    if len(names) > machines:
        what = "node" if network.nodes_per_machine == 1 else "machine"
        expected = f"at most {machines} regions, one for each {what}"
        yield Finding(path, expected, f"{len(names)} regions")
    twice = repeated(names)
    if twice is not None:
        expected = 'each region once; for unequal numbers write shares: { "A" = 0.7, "B" = 0.3 }'
        yield Finding(path, expected, f'"{twice}" twice')


def _check_classes(network: Network) -> Iterator[Finding]:
    names = [node_class.name for node_class in network.classes]
    known = known_regions(network)
    for position, node_class in enumerate(network.classes):
        path = ("network", "classes", position)
        if node_class.name in names[:position]:
            yield Finding((*path, "name"), "a name of its own", f'"{node_class.name}" again')
        chosen = members(node_class, network)
        yield from unknown_nodes((*path, "nodes"), chosen, network.nodes)
        if not chosen:
            yield Finding((*path, "nodes"), "at least one node", "none")
        twice = repeated(chosen) if isinstance(node_class.nodes, tuple) else None
        if twice is not None:
            yield Finding((*path, "nodes"), "each node once", f"{twice} twice")
        if node_class.liar is not None and node_class.liar not in liar_names():
            yield unknown_name((*path, "liar"), node_class.liar, liar_names())
        if node_class.region is not None and known is not None and node_class.region not in known:
            yield unknown_name((*path, "region"), node_class.region, known)


def _check_packing(network: Network) -> Iterator[Finding]:
    """Yield levels that an algorithm does not have, and dictionaries that none would use."""
    yield from check_packing(network, ("network",))
    yield from check_spreading(network, ("network",))
    plans = place_nodes(network)
    for position, node_class in enumerate(network.classes):
        if node_class.compression is not None or node_class.compression_level is not None:
            plan = plans[members(node_class, network)[0]]
            yield from check_packing(plan, ("network", "classes", position))
    kinds = network.compression_dictionaries
    if kinds and all(plan.compression != "zstd" for plan in plans):
        expected = 'no dictionaries unless compression = "zstd", which alone uses them'
        yield Finding(("network", "compression_dictionaries"), expected, ", ".join(kinds))


def _check_machines(network: Network) -> Iterator[Finding]:
    """Nodes of one machine share its processor and disk, so they must agree on both."""
    plans = place_nodes(network)
    for node in range(1, network.peers):
        first = plans[plans[node].machine * network.nodes_per_machine]
        for key in ("cores", "cpu_speed", "disk", "region"):
            one, other = getattr(first, key), getattr(plans[node], key)
            if one != other:
                yield Finding(
                    ("network", "nodes_per_machine"),
                    f"the same {key} for nodes {first.node} and {node}, which share a machine",
                    f"{one} and {other}",
                )
                return
