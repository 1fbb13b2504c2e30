"""Where and when the faults of a run take place, and which nodes may be as bad as liars."""

from collections.abc import Callable, Iterator
from typing import Literal

import msgspec

from primitives.ids import Duration
from sim.fuzz.chance import Chance
from sim.scenario import Network, TimelineEvent, chosen_nodes

SECOND = 1_000_000_000
DOUBTFUL_PERCENT = 20
"""In so many runs of a hundred some disks lie. What such a node says is not checked."""


class Scene(msgspec.Struct, frozen=True):
    """Where an episode takes place."""

    network: Network
    end: int
    """When everything must be over, ns."""
    faulty: tuple[int, ...] = ()
    """Nodes that may do whatever a faulty one may: with the liars no more than f validators."""
    disks_lie: bool = False
    """Whether the disks of the faulty ones may lie in this run."""

    @property
    def nodes(self) -> range:
        """All node numbers."""
        return range(self.network.nodes)

    def lasting(self, at: int, span: int) -> Duration:
        """Return a duration, cut off where the chaos ends."""
        return Duration(max(1, min(span, self.end - at)))


Episode = Callable[[Chance, Scene, int], Iterator[TimelineEvent]]
"""Yields what happens from an instant on."""


def draw_scene(chance: Chance, network: Network, end: int) -> Scene:
    """Return the scene of a run: as many validators may be faulty as its liars leave over."""
    liars = {
        node
        for group in network.classes
        if group.liar is not None
        for node in chosen_nodes(group.nodes, network)
    }
    left = max(0, (network.validators - 1) // 3 - len(liars))
    honest = [node for node in range(network.validators) if node not in liars]
    faulty = tuple(sorted(chance.shuffled(honest)[:left]))
    return Scene(network, end, faulty, bool(faulty) and chance.hit(DOUBTFUL_PERCENT))


def victim(chance: Chance, scene: Scene, *, peers: bool = False) -> int | Literal["primary"]:
    """Draw a node, often the primary.

    Args:
        chance: draws.
        scene: where.
        peers: whether gateways, which have no disk, are left out.
    """
    nodes = range(scene.network.peers) if peers else scene.nodes
    return "primary" if chance.hit(40) else chance.pick(nodes)
