"""What nodes are told, as questions to their RPC and in words for people."""

from collections.abc import Sequence

from sim.links.disturbances import Disturbance, Duplicate, Lose, Reorder, Ways
from sim.live.client import Question
from sim.live.cuts import Apart, Cuts
from sim.live.ways import LinkOrders


def questions(apart: Apart, links: LinkOrders) -> list[Question]:
    """Return what a node is told."""
    asked: list[Question] = [("orrery_unblockPeers", ())]
    if apart.shut_out:
        asked.append(("orrery_blockPeers", (apart.shut_out,)))
    if apart.ignored:
        asked.append(("orrery_ignorePeers", (apart.ignored,)))
    orders = [{"nodes": nodes, "conditions": conditions} for nodes, conditions in links]
    return [*asked, ("orrery_setLinks", (orders,))]


def sides(orders: Cuts) -> str:
    """Write a cut as the sets of nodes that are apart from the same ones."""
    sides: dict[Apart, list[int]] = {}
    for node, apart in orders.items():
        sides.setdefault(apart, []).append(node)
    told = []
    for apart, nodes in sides.items():
        deaf = f" not hearing {listed(apart.ignored)}" if apart.ignored else ""
        told.append(listed(nodes) + deaf)
    return " | ".join(told)


def listed(nodes: Sequence[int]) -> str:
    """Write node numbers."""
    return " ".join(map(str, nodes))


def told(ways: Ways) -> str:
    """Write links for people."""
    sources, targets = (listed(end) for end in (ways.sources, ways.targets))
    return f"{sources} {'to' if ways.one_way else 'and'} {targets}"


def verb(disturbance: Disturbance) -> str:
    """Say what a network does to messages."""
    match disturbance:
        case Duplicate():
            return "doubles"
        case Reorder():
            return "mixes up"
        case Lose():
            return "loses"


def where(disturbance: Disturbance) -> str:
    """Say to which messages it does so."""
    return f"{disturbance.chance:.3g} of those between {told(disturbance.ways)}"
