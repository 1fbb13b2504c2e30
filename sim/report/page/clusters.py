"""Where the nodes of each region stand on the page.

Regions such as London and Ireland are closer on the map than their nodes need room. So each
region's nodes form a disc, and discs that overlap push each other apart until they do not; a thin
leader still points to the true place.
"""

import math
from dataclasses import dataclass

from sim.report.page.world import REGION_POSITIONS
from sim.report.picture import NetworkPicture

_GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))
_ROUNDS = 400
_NAME_PX = 20.0
_LETTER_PX = 7.0


@dataclass(slots=True)
class Cluster:
    """The nodes of one region as a disc."""

    region: str
    members: list[int]
    anchor: tuple[float, float]
    """Where the region lies."""
    x: float
    y: float
    radius: float
    dot: float
    """Radius of one node."""


@dataclass(frozen=True, slots=True)
class Projection:
    """Plate carrée: degrees to pixels, both ways linear."""

    left: float
    top: float
    scale: float
    west: float = -168.0
    north: float = 75.0

    def __call__(self, longitude: float, latitude: float) -> tuple[float, float]:
        """Return the pixel of a place."""
        x = self.left + (longitude - self.west) * self.scale
        return x, self.top + (self.north - latitude) * self.scale


def position(region: str) -> tuple[float, float] | None:
    """Return (longitude, latitude) of a known region; case and hyphens do not matter."""
    wanted = region.lower().replace("-", "_").replace(" ", "_")
    return next((at for name, at in REGION_POSITIONS.items() if name.lower() == wanted), None)


def members_by_region(picture: NetworkPicture) -> dict[str, list[int]]:
    """Return node indexes by region, regions in order of their first node."""
    members: dict[str, list[int]] = {}
    for index, node in enumerate(picture.nodes):
        members.setdefault(node.region, []).append(index)
    return members


def map_clusters(picture: NetworkPicture, projection: Projection) -> list[Cluster] | None:
    """Return the regions' discs on the map, or None if a region has no known place."""
    clusters = []
    dot = dot_radius(len(picture.nodes))
    for region, members in members_by_region(picture).items():
        place = position(region)
        if place is None:
            return None
        x, y = projection(*place)
        clusters.append(Cluster(region, members, (x, y), x, y, disc_radius(members, dot), dot))
    return clusters


def circle_clusters(picture: NetworkPicture, width: float, height: float) -> list[Cluster]:
    """Return the regions' discs on an ellipse."""
    groups = members_by_region(picture)
    dot = dot_radius(len(picture.nodes))
    clusters = []
    for i, (region, members) in enumerate(groups.items()):
        angle = 2 * math.pi * i / len(groups) - math.pi / 2
        reach = 0.0 if len(groups) == 1 else 1.0
        x = width / 2 + reach * width * 0.34 * math.cos(angle)
        y = height / 2 + reach * height * 0.34 * math.sin(angle)
        clusters.append(Cluster(region, members, (x, y), x, y, disc_radius(members, dot), dot))
    return clusters


def dot_radius(nodes: int) -> float:
    """Return the radius of a node's dot: smaller in a large network."""
    return max(2.0, min(6.0, 26 / math.sqrt(max(nodes, 1))))


def disc_radius(members: list[int], dot: float) -> float:
    """Return the radius of the disc that holds so many dots."""
    return dot * (1.3 + 1.35 * math.sqrt(max(len(members) - 1, 0))) + 3


def spread(clusters: list[Cluster], width: float, height: float) -> None:
    """Push discs that overlap, names included, apart, and all of them into the page."""
    for _ in range(_ROUNDS):
        moved = False
        for i, one in enumerate(clusters):
            for other in clusters[i + 1 :]:
                moved |= _push(one, other)
            one.x = min(max(one.x, one.radius + 6), width - one.radius - 6)
            one.y = min(max(one.y, one.radius + 6), height - one.radius - 26)
        if not moved:
            return


def _push(one: Cluster, other: Cluster) -> bool:
    """Part two boxes along the axis on which they overlap less."""
    step_x, step_y = other.x - one.x, other.y - one.y
    missing_x = _half_width(one) + _half_width(other) + 6 - abs(step_x)
    missing_y = one.radius + other.radius + _NAME_PX - abs(step_y)
    if missing_x <= 0.01 or missing_y <= 0.01:
        return False
    if missing_x < missing_y:
        half = math.copysign(missing_x / 2, step_x)
        one.x, other.x = one.x - half, other.x + half
    else:
        half = math.copysign(missing_y / 2, step_y)
        one.y, other.y = one.y - half, other.y + half
    return True


def _half_width(cluster: Cluster) -> float:
    return max(cluster.radius, len(cluster.region) * _LETTER_PX / 2)


def dot_places(cluster: Cluster) -> list[tuple[float, float]]:
    """Return the places of the members: a sunflower's spiral, evenly dense at any number."""
    if len(cluster.members) == 1:
        return [(cluster.x, cluster.y)]
    reach = cluster.radius - cluster.dot - 3
    outer = math.sqrt(len(cluster.members) - 0.5)
    return [
        (
            cluster.x + reach * math.sqrt(i + 0.5) / outer * math.cos(i * _GOLDEN_ANGLE),
            cluster.y + reach * math.sqrt(i + 0.5) / outer * math.sin(i * _GOLDEN_ANGLE),
        )
        for i in range(len(cluster.members))
    ]


def ring_places(nodes: int, width: float, height: float) -> list[tuple[float, float]]:
    """Return places on a circle: for a network without regions."""
    reach = min(width, height) / 2 - 46
    return [
        (
            width / 2 + reach * math.cos(2 * math.pi * i / nodes - math.pi / 2),
            height / 2 + reach * math.sin(2 * math.pi * i / nodes - math.pi / 2),
        )
        for i in range(nodes)
    ]
