"""A partition as orders to each node: whom to shut out, and whom not to hear.

A connection that one end has closed carries nothing in either direction. So two nodes that do not
reach each other shut out each other, and where only one direction is closed, the connection stays
and its receiving end drops what comes.
"""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from sim.links.cuts import Cut, Direction, Ring, Sides
from sim.scenario import Network, Partition, named_nodes, partition_groups


class Apart(msgspec.Struct, frozen=True):
    """What one node is told while a partition stands. Nodes by their numbers, ascending."""

    shut_out: tuple[int, ...] = ()
    """Those that it has no connection with: neither reaches the other."""
    ignored: tuple[int, ...] = ()
    """Those that it reaches and does not hear: what they send is dropped."""


TOGETHER = Apart()
"""What a node is told when there is no partition."""

Cuts = Mapping[int, Apart]
"""What each node is told, in order."""


def cuts(event: Partition, network: Network) -> Cuts:
    """Return what each node is told while a partition stands.

    Args:
        event: checked.
        network: whose nodes.
    """
    count = network.nodes
    cut = _cut(event, network)
    nodes = np.arange(count)
    reaches = [cut.reaches(sender, nodes).tolist() for sender in range(count)]
    return {node: _apart(node, reaches) for node in range(count)}


def _apart(node: int, reaches: Sequence[Sequence[bool]]) -> Apart:
    unheard = [other for other in range(len(reaches)) if not reaches[other][node]]
    return Apart(
        shut_out=tuple(other for other in unheard if not reaches[node][other]),
        ignored=tuple(other for other in unheard if reaches[node][other]),
    )


def _cut(event: Partition, network: Network) -> Cut:
    if event.ring is not None:
        return Ring(network.nodes, event.ring)
    groups = partition_groups(event.groups, network)
    return Sides(
        network.nodes, groups, named_nodes(event.bridge, network), Direction(event.direction)
    )
