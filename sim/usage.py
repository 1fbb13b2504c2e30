"""What each node of a world takes of its machine, modelled.

Processor time is what its turns and computations cost by the profile. Memory is what its pool and
its tables of known transactions hold; rows and states are shared by nodes and have no one owner.
"""

from network.reconcile import ReconcileCounts
from node.node import Node
from node.observe.rounds import counts_of
from sim.world import World


class NodeUsage:
    """Looks at the nodes of a world.

    Args:
        world: as it runs.
    """

    def __init__(self, world: World) -> None:
        self._world = world

    def processor_ns(self) -> list[int]:
        """Return the processor time that each node has used so far, on all its cores.

        A computation counts as soon as its cores are reserved.
        """
        kernel = self._world.kernel
        return [
            worked + host.processors.used.get(node, 0)
            for node, (worked, host) in enumerate(zip(kernel.worked, kernel.hosts, strict=True))
        ]

    def memory_bytes(self) -> list[int]:
        """Return what each node holds in memory now; 0 while it is down."""
        return [
            machine.pool.byte_count + machine.parts.gossip.state.known.byte_count()
            if isinstance(machine, Node)
            else 0
            for machine in self._world.nodes
        ]

    def pools(self) -> list[tuple[int, int, int]]:
        """Return pending and queued transactions of each node's pool, and their bytes."""
        return [
            (machine.pool.pending_count, machine.pool.queued_count, machine.pool.byte_count)
            if isinstance(machine, Node)
            else (0, 0, 0)
            for machine in self._world.nodes
        ]

    def rounds(self) -> list[ReconcileCounts | None]:
        """Return what reconciling came to at each node; None while it is down or does not."""
        return [
            counts_of(machine) if isinstance(machine, Node) else None
            for machine in self._world.nodes
        ]
