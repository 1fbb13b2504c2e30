"""Small networks of links for tests: nodes of one region, reached through one table."""

from network.delays import JitterLaw
from sim.links.links import Links, LinkSpec

MILLISECOND = 1_000_000


def links(
    count=4,
    latency=MILLISECOND,
    uplink=0,
    loss=0.0,
    law=JitterLaw.NONE,
    spread=0.0,
    seed=1,
    groups=None,
):
    """Nodes of one region; group "all" is everybody, others as given."""
    spec = LinkSpec(
        region_of=(0,) * count,
        latency_ns=((latency,),),
        uplink_bps=(uplink,) * count,
        downlink_bps=(0,) * count,
        loss=(loss,) * count,
        jitter_law=law,
        jitter_spread=spread,
    )

    def members(group, sender):
        chosen = range(count) if group == "all" else (groups or {})[group]
        return [node for node in chosen if node != sender]

    return Links(spec, members, seed)


def reached(world, count):
    """Return whom each node's broadcast reaches, ascending."""
    return [sorted(world.broadcast(0, sender, "all", 0)[1]) for sender in range(count)]
