"""How blocks and transactions spread in a drawn network, and who lies about that."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from primitives.ids import Duration
from sim.fuzz.chance import MILLISECOND, Chance

DISSEMINATION_PERCENT = 45
"""In so many runs of a hundred proposals do not go directly to each: half of them over a mesh."""
GOSSIP_PERCENT = 35
"""In so many, transactions are not announced to all: they go over a mesh, or by reconciling."""
DEGREES = ((1, 1, 2), (1, 2, 3), (2, 3, 5), (4, 4, 4), (6, 8, 12))
"""Least, wanted and most links: meshes that are thinner than a small committee, and usual ones."""
HEARTBEATS_MS = (200, 700, 1_500)
CODES = ((1, 0), (1, 2), (2, 2), (4, 1), (4, 4), (8, 0), (32, 32))
"""Shreds of data and parity: copies, codes that bear much, and such as bear no loss."""
FANOUTS = (1, 2, 3, 16)
INTERVALS_MS = (50, 250, 1_000)
"""Between two rounds of reconciling."""
LIARS_PERCENT = 50
"""Of the runs with liars, in so many of a hundred these lie about the way that is drawn."""

MESH_LIAR = "false-ids"
"""Has nothing to lie about where there is no mesh, so it is drawn here alone."""
WAY_LIARS: Mapping[str, str] = MappingProxyType({"tree": "false-shreds", "mesh": MESH_LIAR})
"""Who lies about trees, and who about meshes."""


def draw_spreading(chance: Chance) -> dict[str, Any]:
    """Return keys of `[network]` with their values; none for direct blocks and announcements."""
    drawn: dict[str, Any] = {}
    if chance.hit(DISSEMINATION_PERCENT):
        drawn["dissemination"] = chance.pick(("mesh", "tree"))
    if chance.hit(GOSSIP_PERCENT):
        drawn["gossip"] = chance.pick(("mesh", "reconcile"))
    low, degree, high = chance.pick(DEGREES)
    heartbeat = Duration(chance.pick(HEARTBEATS_MS) * MILLISECOND)
    data, parity = chance.pick(CODES)
    fanout = chance.pick(FANOUTS)
    told, interval = chance.between(1, 4), Duration(chance.pick(INTERVALS_MS) * MILLISECOND)
    if "mesh" in drawn.values():
        drawn |= {
            "mesh_degree": degree,
            "mesh_degree_low": low,
            "mesh_degree_high": high,
            "mesh_heartbeat": heartbeat,
        }
    if "tree" in drawn.values():
        drawn |= {"tree_data": data, "tree_parity": parity, "tree_fanout": fanout}
    if "reconcile" in drawn.values():
        drawn |= {"reconcile_fanout": told, "reconcile_interval": interval}
    return drawn


def draw_way_liar(chance: Chance, drawn: Mapping[str, Any]) -> str | None:
    """Return a liar for the ways that were drawn; None if those of the run lie in another."""
    known = [liar for way, liar in WAY_LIARS.items() if way in drawn.values()]
    return chance.pick(known) if known and chance.hit(LIARS_PERCENT) else None
