"""The network drawn by region: on a map where the regions are known, else on a circle."""

import math

from sim.report.page import units
from sim.report.page.axes import Frame, legend, line, text
from sim.report.page.cards import card, empty
from sim.report.page.clusters import (
    Cluster,
    Projection,
    circle_clusters,
    dot_places,
    map_clusters,
    members_by_region,
    ring_places,
    spread,
)
from sim.report.page.markup import Markup, element, join, number, void
from sim.report.page.world import land_runs
from sim.report.picture import LinkPicture, NetworkPicture
from sim.report.series import SECOND_NS

WIDTH, HEIGHT = 1080.0, 430.0
LINKS_MAX = 1_500
"""Most links drawn one by one, in a network without regions."""

_DOT_DEGREES = 2.5
_SCALE = 3.1
_STRONG_NS, _WEAK_NS = 10_000_000, 200_000_000


def network_card(picture: NetworkPicture) -> Markup:
    """Return the drawing of the network."""
    if not picture.nodes:
        nothing = empty("The run left no description of its network.")
        return card("Network", nothing, wide=True, name="network")
    regions = len(members_by_region(picture))
    drawing = _ring(picture) if regions < 2 else _by_region(picture)
    followers = any(not node.validator for node in picture.nodes)
    entries = [("dot s1", "validator")]
    if followers:
        entries.append(("ring s3", "follower"))
    entries.append(("link", "link; the darker, the lower its latency"))
    words = [f"{units.count(len(picture.nodes))} nodes", f"{units.count(len(picture.links))} links"]
    if regions > 1:
        words.insert(1, f"{regions} regions")
    if picture.topology:
        words.append(picture.topology)
    note = ", ".join(words) + ". Latencies are one-way, without jitter and queues."
    return card("Network", legend(entries), drawing, note=note, wide=True, name="network")


def _by_region(picture: NetworkPicture) -> Markup:
    projection = Projection(left=16, top=8, scale=_SCALE)
    clusters = map_clusters(picture, projection)
    backdrop = Markup()
    if clusters is None:
        clusters = circle_clusters(picture, WIDTH, HEIGHT)
    else:
        backdrop = _land(projection)
    spread(clusters, WIDTH, HEIGHT)
    bundles = bundle_links(picture)
    return Frame(WIDTH, HEIGHT).svg(
        "Nodes by region with the links between regions",
        backdrop,
        _bundles(bundles, clusters),
        join([_cluster(picture, cluster, bundles) for cluster in clusters]),
    )


def _land(projection: Projection) -> Markup:
    """Return the land as rows of dots: a dashed line with round caps is a row of dots."""
    data = []
    for run in land_runs(_DOT_DEGREES):
        x, y = projection(run.west, run.latitude)
        data.append(f"M{number(x)} {number(y)}h{number((run.east - run.west) * _SCALE + 0.1)}")
    pitch = f"0 {number(_DOT_DEGREES * _SCALE, 2)}"
    return void("path", d="".join(data), class_="land", stroke_dasharray=pitch)


class Bundle:
    """All links between two regions."""

    __slots__ = ("count", "high_ns", "low_ns", "sum_ns")

    def __init__(self) -> None:
        self.count = 0
        self.sum_ns = 0
        self.low_ns = 0
        self.high_ns = 0

    def add(self, latency_ns: int) -> None:
        """Count one link."""
        self.low_ns = min(self.low_ns, latency_ns) if self.count else latency_ns
        self.high_ns = max(self.high_ns, latency_ns)
        self.sum_ns += latency_ns
        self.count += 1

    @property
    def mean_ns(self) -> int:
        """Mean latency."""
        return self.sum_ns // self.count


def bundle_links(picture: NetworkPicture) -> dict[tuple[str, str], Bundle]:
    """Return the links between each two regions (and inside one), keyed by sorted names."""
    bundles: dict[tuple[str, str], Bundle] = {}
    for link in picture.links:
        a, b = sorted((picture.nodes[link.a].region, picture.nodes[link.b].region))
        bundles.setdefault((a, b), Bundle()).add(link.latency_ns)
    return bundles


def _bundles(bundles: dict[tuple[str, str], Bundle], clusters: list[Cluster]) -> Markup:
    places = {cluster.region: (cluster.x, cluster.y) for cluster in clusters}
    drawn = []
    ordered = sorted(bundles.items(), key=lambda item: -item[1].mean_ns)
    for (a, b), bundle in ordered:
        if a == b:
            continue
        (x1, y1), (x2, y2) = sorted((places[a], places[b]))
        lift = math.hypot(x2 - x1, y2 - y1) * 0.16
        middle = f"{number((x1 + x2) / 2)} {number((y1 + y2) / 2 - lift)}"
        title = f"{_readable(a)} {units.DASH} {_readable(b)}: {_bundle_words(bundle)}"
        drawn.append(
            element(
                "path",
                element("title", title),
                d=f"M{number(x1)} {number(y1)}Q{middle} {number(x2)} {number(y2)}",
                class_="link",
                stroke_opacity=number(link_opacity(bundle.mean_ns), 2),
                stroke_width=number(0.9 + 0.5 * math.log10(bundle.count + 1), 2),
            )
        )
    return element("g", join(drawn))


def _bundle_words(bundle: Bundle) -> str:
    low, high = units.seconds(bundle.low_ns / SECOND_NS), units.seconds(bundle.high_ns / SECOND_NS)
    spread_words = low if low == high else f"{low} to {high}"
    return f"{spread_words}, {units.count(bundle.count)} link" + "s" * (bundle.count > 1)


def link_opacity(latency_ns: int) -> float:
    """Return how strongly a link is drawn: 0.75 at 10 ms or less, 0.14 at 200 ms or more."""
    clamped = min(max(latency_ns, _STRONG_NS), _WEAK_NS)
    share = math.log(clamped / _STRONG_NS) / math.log(_WEAK_NS / _STRONG_NS)
    return 0.75 - 0.61 * share


def _cluster(
    picture: NetworkPicture, cluster: Cluster, bundles: dict[tuple[str, str], Bundle]
) -> Markup:
    away = math.hypot(cluster.x - cluster.anchor[0], cluster.y - cluster.anchor[1])
    leader = Markup()
    if away > cluster.radius:
        leader = line(*cluster.anchor, cluster.x, cluster.y, "leader")
    inside = bundles.get((cluster.region, cluster.region))
    members = units.index_ranges(cluster.members)
    title = f"{_readable(cluster.region)}: {len(cluster.members)} nodes ({members})"
    if inside is not None:
        title += f"\ninside: {_bundle_words(inside)}"
    return element(
        "g",
        leader,
        element(
            "circle",
            element("title", title),
            cx=cluster.x,
            cy=cluster.y,
            r=cluster.radius,
            class_="region",
        ),
        join(
            [
                _node(picture, node, x, y, cluster.dot)
                for node, (x, y) in zip(cluster.members, dot_places(cluster), strict=True)
            ]
        ),
        text(
            _readable(cluster.region),
            cluster.x,
            cluster.y + cluster.radius + 13,
            "place",
            anchor="middle",
        ),
    )


def _node(picture: NetworkPicture, node: int, x: float, y: float, radius: float) -> Markup:
    details = picture.nodes[node]
    role = "validator" if details.validator else "follower"
    title = f"node {node}, {role}" + (f", {details.label}" if details.label else "")
    style = "node s1" if details.validator else "node ring s3"
    return element("circle", element("title", title), cx=x, cy=y, r=radius, class_=style)


def _readable(region: str) -> str:
    return region.replace("_", " ")


def _ring(picture: NetworkPicture) -> Markup:
    places = ring_places(len(picture.nodes), WIDTH, HEIGHT)
    links = picture.links[:: max(1, -(-len(picture.links) // LINKS_MAX))]
    radius = max(2.0, min(9.0, 120 / len(picture.nodes)))
    nodes = [_node(picture, i, x, y, radius) for i, (x, y) in enumerate(places)]
    labels = []
    if len(picture.nodes) <= 40:
        for i, (x, y) in enumerate(places):
            out_x = WIDTH / 2 + (x - WIDTH / 2) * 1.11
            out_y = HEIGHT / 2 + (y - HEIGHT / 2) * 1.11 + 4
            labels.append(text(f"n{i}", out_x, out_y, "place", anchor="middle"))
    region = next(iter(members_by_region(picture)))
    name = text(_readable(region), 8, 22, "place") if region else Markup()
    return Frame(WIDTH, HEIGHT).svg(
        "Nodes on a circle with their links",
        join([_chord(link, places) for link in links]),
        join(nodes),
        join(labels),
        name,
    )


def _chord(link: LinkPicture, places: list[tuple[float, float]]) -> Markup:
    (x1, y1), (x2, y2) = places[link.a], places[link.b]
    title = (
        f"node {link.a} {units.DASH} node {link.b}: {units.seconds(link.latency_ns / SECOND_NS)}"
    )
    return element(
        "path",
        element("title", title),
        d=f"M{number(x1)} {number(y1)}L{number(x2)} {number(y2)}",
        class_="link",
        stroke_opacity=number(link_opacity(link.latency_ns), 2),
        stroke_width="1.2",
    )
