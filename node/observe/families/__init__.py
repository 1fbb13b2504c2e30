"""The one table of metrics: every family of both worlds, with its name, unit and meaning.

Whoever writes a number takes its family from here: `sim.report.metrics` for runs in virtual time,
`node.observe.metrics` for live nodes, `orrery store stats`. So the same question has the same
answer in both worlds, and a dashboard made for one reads the other.
"""

from collections.abc import Mapping
from types import MappingProxyType

from node.observe.families import chain, consensus, network, runtime, storage
from node.observe.families.family import (
    BOTH,
    COMMON_LABELS,
    LIVE,
    SHARD,
    Family,
    Kind,
    Labels,
    World,
    node_labels,
)

FAMILIES: tuple[Family, ...] = (
    *chain.FAMILIES,
    *consensus.FAMILIES,
    *network.FAMILIES,
    *storage.FAMILIES,
    *runtime.FAMILIES,
)
"""In the order in which they are written."""

BY_NAME: Mapping[str, Family] = MappingProxyType({family.name: family for family in FAMILIES})


def in_world(world: World) -> tuple[Family, ...]:
    """Return the families that have numbers in a world, in order."""
    return tuple(family for family in FAMILIES if world in family.worlds)


__all__ = [
    "BOTH",
    "BY_NAME",
    "COMMON_LABELS",
    "FAMILIES",
    "LIVE",
    "SHARD",
    "Family",
    "Kind",
    "Labels",
    "World",
    "in_world",
    "node_labels",
]
