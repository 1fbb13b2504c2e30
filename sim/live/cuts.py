"""A partition as lists: whom each node must shut out."""

from collections.abc import Mapping

import numpy as np

from sim.links.cuts import Cut, Direction, Ring, Sides
from sim.scenario import Network, Partition, named_nodes, partition_groups

Blocks = Mapping[int, tuple[int, ...]]
"""For each node, in order, the nodes that it shuts out, ascending; nobody if it reaches all."""


def blocks(event: Partition, network: Network) -> Blocks:
    """Return whom each node shuts out while a partition stands.

    A connection that one end has closed carries nothing in either direction. So two nodes shut
    out each other, and a cut that is open in one direction cannot be made in this way.

    Args:
        event: checked; closed in both directions.
        network: whose nodes.
    """
    count = network.nodes
    cut = _cut(event, network)
    nodes = np.arange(count)
    reached = [cut.reaches(sender, nodes) for sender in range(count)]
    return {
        node: tuple(
            other for other in range(count) if not (reached[node][other] and reached[other][node])
        )
        for node in range(count)
    }


def _cut(event: Partition, network: Network) -> Cut:
    if event.ring is not None:
        return Ring(network.nodes, event.ring)
    groups = partition_groups(event.groups, network)
    return Sides(
        network.nodes, groups, named_nodes(event.bridge, network), Direction(event.direction)
    )
