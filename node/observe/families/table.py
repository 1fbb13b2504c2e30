"""All families of both worlds in one table."""

from collections.abc import Mapping
from types import MappingProxyType

from node.observe.families import chain, consensus, network, rpc, runtime, storage
from node.observe.families.family import Family, World

FAMILIES: tuple[Family, ...] = (
    *chain.FAMILIES,
    *consensus.FAMILIES,
    *network.FAMILIES,
    *storage.FAMILIES,
    *rpc.FAMILIES,
    *runtime.FAMILIES,
)
"""In the order in which they are written."""

BY_NAME: Mapping[str, Family] = MappingProxyType({family.name: family for family in FAMILIES})


def in_world(world: World) -> tuple[Family, ...]:
    """Return the families that have numbers in a world, in order."""
    return tuple(family for family in FAMILIES if world in family.worlds)
