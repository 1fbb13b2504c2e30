"""What the tables of nodes hold, for those who look at a run from outside."""

from consensus.bounds import overfull
from consensus.replica import Replica
from network.dissemination.bounds import tree_tables
from network.mesh.bounds import mesh_tables
from network.reconcile.bounds import round_tables
from node.node import Node
from primitives.ids import NodeId
from sim.world import World


class Tables:
    """Looks into a world's running nodes: their replicas, meshes, coded trees and rounds.

    Args:
        world: whose nodes.
    """

    def __init__(self, world: World) -> None:
        self._world = world

    def overfull(self, node: NodeId) -> tuple[str, int, int] | None:
        """Return (table, entries, bound) of a table that holds more than it may, or None.

        A node that is down and a liar have none.
        """
        machine = self._world.nodes[node]
        if not isinstance(machine, Node):
            return None
        replica = machine.replica
        found = overfull(replica.state) if isinstance(replica, Replica) else None
        return found or _overfull_ways(machine)


def _overfull_ways(node: Node) -> tuple[str, int, int] | None:
    spread = node.parts.spread
    if spread is None:
        return None
    tables = () if spread.mesh is None else mesh_tables(spread.mesh.state)
    if spread.tree is not None:
        tables += tree_tables(spread.tree)
    if spread.announcer is not None:
        tables += round_tables(spread.announcer)
    return next((table for table in tables if table[1] > table[2]), None)
