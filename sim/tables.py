"""What the replicas' tables hold, for those who look at a run from outside."""

from consensus.bounds import overfull
from consensus.replica import Replica
from node.node import Node
from primitives.ids import NodeId
from sim.world import World


class Tables:
    """Looks into the replicas of a world's running nodes.

    Args:
        world: whose nodes.
    """

    def __init__(self, world: World) -> None:
        self._world = world

    def overfull(self, node: NodeId) -> tuple[str, int, int] | None:
        """Return (table, entries, bound) of a table that holds more than it may, or None.

        A node that is down, a liar or a follower, and a replica of another protocol, have none.
        """
        machine = self._world.nodes[node]
        replica = machine.replica if isinstance(machine, Node) else None
        return overfull(replica.state) if isinstance(replica, Replica) else None
