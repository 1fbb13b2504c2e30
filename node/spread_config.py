"""One node's choices about how blocks and transactions spread."""

from dataclasses import dataclass, field
from typing import Literal

from network.dissemination import TreeConfig
from network.mesh import MeshConfig
from network.reconcile import ReconcileConfig
from primitives.ids import NodeId

DisseminationName = Literal["direct", "mesh", "tree"]
"""How a primary's proposal reaches its committee."""

GossipName = Literal["announce", "mesh", "reconcile"]
"""How transactions reach all nodes."""


@dataclass(frozen=True, slots=True)
class SpreadConfig:
    """How a node spreads what it has. All nodes of a network have to agree on the ways."""

    dissemination: DisseminationName = "direct"
    gossip: GossipName = "announce"
    tree: TreeConfig = field(default_factory=TreeConfig)
    """The code and the fan-out of coded trees, on which all validators have to agree too."""
    mesh: MeshConfig = field(default_factory=MeshConfig)
    reconcile: ReconcileConfig = field(default_factory=ReconcileConfig)
    peers: tuple[NodeId, ...] = ()
    """Who is linked from the beginning, where no handshake says so later."""
    publishes: bool = True
    """Whether this node's own proposals take that way; else they go directly to each."""

    @property
    def has_mesh(self) -> bool:
        """Whether anything goes over a mesh."""
        return "mesh" in (self.dissemination, self.gossip)
