"""What a report shows of a network, taken from its scenario and its topology."""

from network.topology import Adjacency
from sim.assembly import link_spec
from sim.report import LinkPicture, NetworkPicture, NodePicture
from sim.scenario import Scenario, place_nodes
from sim.scenario.placement import UNIFORM


def network_picture(scenario: Scenario, topology: Adjacency) -> NetworkPicture:
    """Return nodes with their regions, and the links of the topology with their latency."""
    plans = place_nodes(scenario.network)
    spec = link_spec(scenario, plans)
    placed = scenario.network.latency != UNIFORM or scenario.network.regions is not None
    nodes = tuple(
        NodePicture(
            region=plan.region if placed else "",
            validator=plan.validator,
            label=", ".join(plan.classes),
        )
        for plan in plans
    )
    links = tuple(
        LinkPicture(a, b, spec.latency_ns[spec.region_of[a]][spec.region_of[b]])
        for a, around in enumerate(topology)
        for b in around
        if a < b
    )
    kind = scenario.network.topology
    degree = scenario.network.degree
    words = kind if degree is None or kind == "full" else f"{kind}, degree {degree}"
    return NetworkPicture(nodes, links, words)
