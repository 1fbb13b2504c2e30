"""How blocks and transactions spread, by the names that scenarios and live nodes share."""

from collections.abc import Iterator

import msgspec

from network.dissemination import TreeConfig
from network.dissemination.messages import SHREDS_MAX
from network.mesh import MeshConfig
from network.reconcile import ReconcileConfig
from node.settings.findings import Finding
from node.settings.mistakes import Path
from node.settings.quantities import Count, PositiveCount, PositiveSpan
from node.spread_config import DisseminationName, GossipName, SpreadConfig
from primitives.ids import Duration, NodeId

DRAFTS = 64
"""Blocks of one primary whose shreds are remembered: a stable one leads them all."""

INTERVAL_MIN = Duration(10_000_000)
"""Between rounds of reconciliation, ns."""


class SpreadSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The keys, which a scenario's `[network]` and that of a live node have in common."""

    dissemination: DisseminationName = "direct"
    """How a primary's proposal reaches its committee; the same for all validators."""
    gossip: GossipName = "announce"
    """How transactions reach all nodes."""
    mesh_degree: PositiveCount = 8
    """Links of each node in a mesh."""
    mesh_degree_low: PositiveCount = 6
    """With fewer, a mesh is filled up."""
    mesh_degree_high: PositiveCount = 12
    """With more, it is cut down."""
    mesh_heartbeat: PositiveSpan = Duration(700_000_000)
    """Between two looks at the mesh, ns."""
    tree_data: PositiveCount = 32
    """Shreds of a coded tree that a block is cut into."""
    tree_parity: Count = 32
    """Shreds that are made in addition: any `tree_data` of all give the block."""
    tree_fanout: PositiveCount = 16
    """To how many a node passes a shred on."""
    reconcile_fanout: PositiveCount = 2
    """Neighbours that are told of a transaction at once; the others learn of it by rounds."""
    reconcile_interval: PositiveSpan = Duration(250_000_000)
    """Between two rounds that a node begins, each with another neighbour, ns."""


SPREAD_KEYS = SpreadSettings.__struct_fields__


def spread_config(
    names: SpreadSettings, peers: tuple[NodeId, ...] = (), *, publishes: bool = True
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
    usual, interval = ReconcileConfig(), names.reconcile_interval
    reconcile = ReconcileConfig(
        fanout=names.reconcile_fanout,
        interval=interval,
        rest=Duration(min(usual.rest, interval // 2)),
    )
    return SpreadConfig(names.dissemination, names.gossip, tree, mesh, reconcile, peers, publishes)


def check_spreading(names: SpreadSettings, path: Path) -> Iterator[Finding]:
    """Yield what does not fit together; `path` leads to the section."""
    low, degree, high = names.mesh_degree_low, names.mesh_degree, names.mesh_degree_high
    if not low <= degree <= high:
        expected = f"between mesh_degree_low, {low}, and mesh_degree_high, {high}"
        yield Finding((*path, "mesh_degree"), expected, str(degree))
    total = names.tree_data + names.tree_parity
    if total > SHREDS_MAX:
        expected = f"at most {SHREDS_MAX - names.tree_data}: the code has {SHREDS_MAX} shreds"
        yield Finding((*path, "tree_parity"), expected, str(names.tree_parity))
    if names.reconcile_interval < INTERVAL_MIN:
        expected = f"at least {INTERVAL_MIN // 1_000_000}ms, for each round is a message or more"
        found = f"{names.reconcile_interval / 1_000_000:g}ms"
        yield Finding((*path, "reconcile_interval"), expected, found)
