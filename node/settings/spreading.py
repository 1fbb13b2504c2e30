"""How blocks and transactions spread, by the names that scenarios and live nodes share."""

from collections.abc import Iterator
from typing import Protocol

from network.dissemination import TreeConfig
from network.dissemination.messages import SHREDS_MAX
from network.mesh import MeshConfig
from node.settings.findings import Finding
from node.settings.mistakes import Path
from node.spread_config import DisseminationName, GossipName, SpreadConfig
from primitives.ids import Duration, NodeId

SPREAD_KEYS = (
    "dissemination",
    "gossip",
    "mesh_degree",
    "mesh_degree_low",
    "mesh_degree_high",
    "mesh_heartbeat",
    "tree_data",
    "tree_parity",
    "tree_fanout",
)
"""The keys; a scenario's `[network]` and that of a live node have the same."""

DRAFTS = 64
"""Blocks of one primary whose shreds are remembered: a stable one leads them all."""


class SpreadNames(Protocol):
    """The keys, as a section of a file has them."""

    @property
    def dissemination(self) -> DisseminationName:
        """How proposals reach the committee."""
        ...

    @property
    def gossip(self) -> GossipName:
        """How transactions reach all nodes."""
        ...

    @property
    def mesh_degree(self) -> int:
        """Links that a mesh is filled up or cut down to."""
        ...

    @property
    def mesh_degree_low(self) -> int:
        """With fewer it is filled up."""
        ...

    @property
    def mesh_degree_high(self) -> int:
        """With more it is cut down."""
        ...

    @property
    def mesh_heartbeat(self) -> Duration:
        """Between two looks at the mesh, in ns."""
        ...

    @property
    def tree_data(self) -> int:
        """Shreds that a block is cut into."""
        ...

    @property
    def tree_parity(self) -> int:
        """Shreds that are made in addition."""
        ...

    @property
    def tree_fanout(self) -> int:
        """To how many a node passes a shred on."""
        ...


def spread_config(
    names: SpreadNames, peers: tuple[NodeId, ...] = (), *, publishes: bool = True
) -> SpreadConfig | None:
    """Return how a node spreads; None for one that sends directly and announces.

    Args:
        names: its keys.
        peers: who is linked from the beginning.
        publishes: whether its own proposals take the network's way.
    """
    if names.dissemination == "direct" and names.gossip == "announce":
        return None
    low, high, degree = names.mesh_degree_low, names.mesh_degree_high, names.mesh_degree
    mesh = MeshConfig(
        degree=degree,
        degree_low=low,
        degree_high=high,
        degree_score=min(MeshConfig().degree_score, degree),
        degree_lazy=min(MeshConfig().degree_lazy, degree),
        heartbeat=names.mesh_heartbeat,
    )
    tree = TreeConfig(
        data=names.tree_data,
        parity=names.tree_parity,
        fanout=names.tree_fanout,
        drafts_per_leader=DRAFTS,
    )
    return SpreadConfig(names.dissemination, names.gossip, tree, mesh, peers, publishes)


def check_spreading(names: SpreadNames, path: Path) -> Iterator[Finding]:
    """Yield what does not fit together; `path` leads to the section."""
    low, degree, high = names.mesh_degree_low, names.mesh_degree, names.mesh_degree_high
    if not low <= degree <= high:
        expected = f"between mesh_degree_low, {low}, and mesh_degree_high, {high}"
        yield Finding((*path, "mesh_degree"), expected, str(degree))
    total = names.tree_data + names.tree_parity
    if total > SHREDS_MAX:
        expected = f"at most {SHREDS_MAX - names.tree_data}: the code has {SHREDS_MAX} shreds"
        yield Finding((*path, "tree_parity"), expected, str(names.tree_parity))
