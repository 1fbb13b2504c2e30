"""Every topology is connected, symmetric, loop-free and a function of its seed."""

import pytest
from hypothesis import given, settings, strategies as st
from numpy.random import default_rng

from network.topology import TOPOLOGIES, Adjacency, Position, TopologyParams, build_topology
from primitives.errors import InvalidInput

CITIES = (Position(50.1, 8.7), Position(39.0, -77.5), Position(1.35, 103.8), Position(-33.9, 151.2))


def shape(size: int, degree: int) -> TopologyParams:
    places = tuple(CITIES[node % len(CITIES)] for node in range(size))
    return TopologyParams(degree=degree, positions=places)


def reach(graph: Adjacency) -> int:
    seen = {0: None}
    queue = [0]
    for node in queue:
        for other in graph[node]:
            if other not in seen:
                seen[other] = None
                queue.append(other)
    return len(seen)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(TOPOLOGIES)), st.integers(1, 40), st.integers(1, 9), st.integers(0, 99)
)
def test_graphs_are_connected_symmetric_and_repeatable(
    kind: str, size: int, degree: int, seed: int
) -> None:
    graph = build_topology(kind, size, default_rng(seed), shape(size, degree))
    assert len(graph) == size
    assert reach(graph) == size
    for node, neighbours in enumerate(graph):
        assert node not in neighbours
        assert list(neighbours) == sorted(set(neighbours))
        assert all(node in graph[other] for other in neighbours)
    assert graph == build_topology(kind, size, default_rng(seed), shape(size, degree))


@pytest.mark.parametrize("kind", ["random-regular", "small-world", "scale-free", "geographic"])
def test_another_seed_gives_another_graph(kind: str) -> None:
    one, other = (build_topology(kind, 60, default_rng(s), shape(60, 4)) for s in (1, 2))
    assert one != other


def test_full_links_all_and_regular_links_alike() -> None:
    full = build_topology("full", 5, default_rng(0))
    assert full[2] == (0, 1, 3, 4)
    regular = build_topology("random-regular", 30, default_rng(0), TopologyParams(degree=6))
    assert {len(neighbours) for neighbours in regular} == {6}


def test_scale_free_has_hubs() -> None:
    graph = build_topology("scale-free", 200, default_rng(3), TopologyParams(degree=4))
    degrees = sorted(len(neighbours) for neighbours in graph)
    assert degrees[-1] > 5 * degrees[len(degrees) // 2]


def test_geographic_prefers_the_same_city() -> None:
    graph = build_topology("geographic", 80, default_rng(3), shape(80, 8))
    near = sum(other % 4 == node % 4 for node, links in enumerate(graph) for other in links)
    assert near > 0.6 * sum(len(links) for links in graph)


@pytest.mark.parametrize(
    ("kind", "params", "told"),
    [
        ("ring", TopologyParams(), "network.topology: expected one of full, random-regular, "),
        ("full", TopologyParams(degree=0), "network.topology.degree: expected at least 1, got 0"),
        ("small-world", TopologyParams(rewire=1.5), "rewire: expected a share from 0 to 1, got"),
        ("geographic", TopologyParams(), "expected one position for each of 9 nodes, got 0"),
    ],
)
def test_impossible_topologies_are_refused(kind: str, params: TopologyParams, told: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        build_topology(kind, 9, default_rng(0), params)
    assert told in str(caught.value)
