"""Who is a neighbour of whom: seeded graphs that are always connected.

Gossip runs over neighbours. A graph that falls apart would make nodes that never hear of a
block, and a run that fails for a reason that has nothing to do with the protocol under study.
So each generator's graph is completed: its components are joined by one link each.

Reference: Watts and Strogatz 1998 (small world), Barabasi and Albert 1999 (scale free),
Kleinberg 2000 (near links and a few far ones); all but the last as implemented by networkx.
"""

from collections.abc import Callable, Sequence
from math import cos, radians, sin
from typing import NamedTuple

import networkx
from numpy.random import Generator

from primitives.errors import InvalidInput

Adjacency = tuple[tuple[int, ...], ...]
"""For each node its neighbours in ascending order; symmetric, without loops."""


class Position(NamedTuple):
    """A place on earth, in degrees."""

    latitude: float
    longitude: float


class TopologyParams(NamedTuple):
    """What shapes a graph; each kind reads what concerns it."""

    degree: int = 8
    """Links of a node: exactly (random-regular), before rewiring (small-world), on average
    (scale-free, where newcomers bring half as many), or near ones plus one (geographic)."""
    rewire: float = 0.1
    """Share of links that small-world turns to random nodes."""
    positions: Sequence[Position] = ()
    """Where each node stands (geographic)."""


def full(size: int, params: TopologyParams, generator: Generator) -> networkx.Graph:
    """Link every node with every other."""
    return networkx.complete_graph(size)


def random_regular(size: int, params: TopologyParams, generator: Generator) -> networkx.Graph:
    """Give every node the same number of random neighbours (one less if the sum is odd)."""
    degree = min(params.degree, size - 1)
    if degree * size % 2:
        degree -= 1
    return networkx.random_regular_graph(degree, size, seed=generator)


def small_world(size: int, params: TopologyParams, generator: Generator) -> networkx.Graph:
    """Link neighbours on a ring and turn some links to random nodes."""
    return networkx.watts_strogatz_graph(
        size, min(params.degree, size - 1), params.rewire, seed=generator
    )


def scale_free(size: int, params: TopologyParams, generator: Generator) -> networkx.Graph:
    """Let each newcomer prefer nodes that have many links: few hubs, many leaves."""
    links = max(1, min(params.degree // 2, size - 1))
    return networkx.barabasi_albert_graph(size, links, seed=generator)


def geographic(size: int, params: TopologyParams, generator: Generator) -> networkx.Graph:
    """Link each node with its nearest on the globe and with one random other.

    Near links alone would leave continents hanging on single cables; the far ones keep the
    number of hops small.
    """
    if len(params.positions) != size:
        raise InvalidInput(
            "network.topology.positions",
            f"one position for each of {size} nodes",
            len(params.positions),
        )
    graph = networkx.empty_graph(size)
    near = min(max(1, params.degree - 1), size - 1)
    points = [_on_unit_sphere(position) for position in params.positions]
    for node, here in enumerate(points):
        chords = [(_chord(here, there), other) for other, there in enumerate(points)]
        by_distance = [other for _, other in sorted(chords) if other != node]
        graph.add_edges_from((node, other) for other in by_distance[:near])
        far = by_distance[near:]
        if far:
            graph.add_edge(node, far[int(generator.integers(len(far)))])
    return graph


TOPOLOGIES: dict[str, Callable[[int, TopologyParams, Generator], networkx.Graph]] = {
    "full": full,
    "random-regular": random_regular,
    "small-world": small_world,
    "scale-free": scale_free,
    "geographic": geographic,
}
"""Every kind of graph by its name in scenario files."""


def build_topology(
    kind: str, size: int, generator: Generator, params: TopologyParams | None = None
) -> Adjacency:
    """Return the neighbours of each of `size` nodes.

    Args:
        kind: a name in `TOPOLOGIES`.
        size: how many nodes.
        generator: the source of every random choice; same state, same graph.
        params: what shapes the graph.

    Raises:
        InvalidInput: an unknown kind, or parameters that no graph of that kind has.
    """
    if kind not in TOPOLOGIES:
        raise InvalidInput("network.topology", f"one of {', '.join(TOPOLOGIES)}", repr(kind))
    shape = params or TopologyParams()
    if shape.degree < 1:
        raise InvalidInput("network.topology.degree", "at least 1", shape.degree)
    if not 0 <= shape.rewire <= 1:
        raise InvalidInput("network.topology.rewire", "a share from 0 to 1", shape.rewire)
    if size < 2:
        return ((),) * size
    if kind == "full":
        # A graph of a thousand nodes would have half a million edges, for nothing.
        everyone = tuple(range(size))
        return tuple([everyone[:node] + everyone[node + 1 :] for node in everyone])
    graph = TOPOLOGIES[kind](size, shape, generator)
    _connect(graph, shape.positions)
    return tuple(tuple(sorted(graph.neighbors(node))) for node in range(size))


def _connect(graph: networkx.Graph, positions: Sequence[Position]) -> None:
    """Join each component to the first one, by the closest pair where nodes have places."""
    components = sorted((sorted(part) for part in networkx.connected_components(graph)), key=min)
    points = [_on_unit_sphere(position) for position in positions]
    joined = components[0]
    for part in components[1:]:
        if points:
            pairs = ((here, there) for here in joined for there in part)
            link = min(pairs, key=lambda pair: (_chord(points[pair[0]], points[pair[1]]), pair))
        else:
            link = (joined[-1], part[0])
        graph.add_edge(*link)
        joined = joined + part


def _on_unit_sphere(position: Position) -> tuple[float, float, float]:
    latitude, longitude = radians(position.latitude), radians(position.longitude)
    return cos(latitude) * cos(longitude), cos(latitude) * sin(longitude), sin(latitude)


def _chord(one: tuple[float, float, float], other: tuple[float, float, float]) -> float:
    """Return the squared straight distance, which grows with the distance on the globe."""
    east, north, up = one[0] - other[0], one[1] - other[1], one[2] - other[2]
    return east * east + north * north + up * up
