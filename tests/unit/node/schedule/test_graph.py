"""The dependency graph of a block: last writers, deltas, joins."""

import pytest
from hypothesis import given, strategies as st

from node.schedule import ORDERED, RAW, WAR, WAW, Graph, build_graph
from primitives.access import AccessSet
from tests.unit.node.schedule.naive import conflicts, order_of


def access(reads="", writes="", deltas=""):
    """One letter for each key."""
    return AccessSet(*(tuple(k.encode() for k in keys) for keys in (reads, writes, deltas)))


def edges(graph: Graph):
    return dict(zip(zip(graph.sources, graph.targets, strict=True), graph.kinds, strict=True))


def test_a_reader_waits_for_the_last_writer_alone():
    graph = build_graph([access("", "a"), access("", "a"), access("a"), access("a")])
    assert edges(graph) == {(0, 1): WAW, (1, 2): RAW, (1, 3): RAW}
    assert graph.joins == 0


def test_two_conflicts_of_a_pair_are_one_edge():
    graph = build_graph([access("", "abc"), access("ab", "bc")])
    assert edges(graph) == {(0, 1): RAW | WAW}


def test_a_key_that_one_transaction_accesses_twice_makes_no_self_edge():
    twice = AccessSet((b"a", b"a"), (b"a", b"a"), (b"a", b"a", b"b", b"b"))
    for kinds in (RAW, ORDERED, RAW | WAW | WAR):
        graph = build_graph([twice, twice], kinds=kinds)
        assert all(s != t for s, t in zip(graph.sources, graph.targets, strict=True))
        assert len(graph.sources) == len(edges(graph)) == 1


def test_payments_commute():
    graph = build_graph([access(deltas="a"), access(deltas="a"), access(deltas="a")])
    assert graph.sources == ()


def test_a_reader_waits_for_all_payments_through_a_join():
    blocks = [access(deltas="a")] * 3 + [access("a")] * 2
    graph = build_graph(blocks)
    assert graph.joins == 1
    assert edges(graph) == {(0, 5): RAW, (1, 5): RAW, (2, 5): RAW, (5, 3): RAW, (5, 4): RAW}


def test_one_payment_needs_no_join():
    graph = build_graph([access(deltas="a"), access("a"), access("a")])
    assert edges(graph) == {(0, 1): RAW, (0, 2): RAW}


def test_a_payment_after_a_reader_waits_for_nobody():
    graph = build_graph([access(deltas="a"), access("a"), access(deltas="a")])
    assert edges(graph) == {(0, 1): RAW}


def test_a_payment_after_a_reader_waits_where_the_executor_needs_it():
    graph = build_graph([access("a"), access("a"), access(deltas="a")], kinds=WAR)
    assert edges(graph) == {(0, 3): WAR, (1, 3): WAR, (3, 2): WAR}


def test_a_payment_waits_for_the_last_writer_and_a_writer_for_all_payments():
    graph = build_graph([access("", "a"), access(deltas="a"), access(deltas="a"), access("", "a")])
    assert edges(graph) == {(0, 1): WAW, (0, 2): WAW, (1, 3): WAW, (2, 3): WAW, (0, 3): WAW}


def test_a_seen_balance_that_is_then_moved_is_a_reader_and_a_payer():
    graph = build_graph([access(deltas="a"), access("a", deltas="a"), access("a", deltas="a")])
    assert order_of(graph) == {(0, 1), (0, 2), (1, 2)}


def test_only_the_kinds_asked_for():
    block = [access("a", "b"), access("b", "ab"), access("a")]
    assert edges(build_graph(block, kinds=RAW)) == {(0, 1): RAW, (1, 2): RAW}
    assert edges(build_graph(block, kinds=WAW)) == {(0, 1): WAW}
    assert edges(build_graph(block, kinds=WAR)) == {(0, 1): WAR}


def test_an_empty_block():
    assert build_graph([]) == Graph(0, 0, (), (), ())
    assert build_graph([access()]) == Graph(1, 0, (), (), ())


# ---------------------------------------------------------------- linear in the accesses


def size(block):
    return sum(len(a.reads) + len(a.writes) + len(a.deltas) for a in block)


HALVES = {
    "payments, then readers": (access(deltas="a"), access("a")),
    "readers, then payments": (access("a"), access(deltas="a")),
    "writers, then readers": (access("", "a"), access("a")),
    "readers, then writers": (access("a"), access("", "a")),
    "payments, then writers": (access(deltas="a"), access("", "a")),
}


@pytest.mark.parametrize("halves", HALVES.values(), ids=HALVES)
@pytest.mark.parametrize("turns", [False, True], ids=["halves", "turns"])
@pytest.mark.parametrize("kinds", [RAW, ORDERED, RAW | WAW | WAR])
def test_no_pattern_has_more_edges_than_three_for_each_access(halves, turns, kinds):
    first, second = halves
    block = [first, second] * 1_000 if turns else [first] * 1_000 + [second] * 1_000
    graph = build_graph(block, kinds=kinds)
    assert len(graph.sources) <= 3 * size(block)
    assert graph.joins <= size(block)
    if kinds & WAR:
        assert graph.sources


# ---------------------------------------------------------------- against all pairs

KEYS = st.sets(st.sampled_from([b"a", b"b", b"c"]), max_size=2).map(lambda s: tuple(sorted(s)))
BLOCKS = st.lists(st.builds(AccessSet, KEYS, KEYS, KEYS), max_size=9)


@given(BLOCKS, st.sampled_from([RAW | WAW, RAW | WAW | WAR]))
def test_the_graph_orders_what_all_pairs_order_and_nothing_else(block, kinds):
    graph = build_graph(block, kinds=kinds)
    pairs = {pair: kind & kinds for pair, kind in conflicts(block).items() if kind & kinds}
    everything = build_graph_of_pairs(len(block), pairs)
    assert order_of(graph) == order_of(everything)


@given(BLOCKS)
def test_every_reader_waits_for_the_writer_whose_value_it_sees(block):
    """Of the older writers only those count whose value is not overwritten unseen."""
    graph = build_graph(block, kinds=RAW)
    order = order_of(graph)
    assert order <= {pair for pair, _ in conflicts(block).items()} | order_of(build_graph(block))
    for reader, one in enumerate(block):
        for key in one.reads:
            for earlier in reversed(range(reader)):
                if key in block[earlier].writes + block[earlier].deltas:
                    assert (earlier, reader) in order
                if key in block[earlier].writes:
                    break


@given(BLOCKS, st.integers(0, 7))
def test_edges_stand_in_topological_order_once_each(block, kinds):
    graph = build_graph(block, kinds=kinds)
    left: set[int] = set()
    for source, target, kind in zip(graph.sources, graph.targets, graph.kinds, strict=True):
        left.add(source)
        assert target not in left
        assert kind & kinds == kind != 0
    pairs = list(zip(graph.sources, graph.targets, strict=True))
    assert len(set(pairs)) == len(pairs)


def build_graph_of_pairs(count, pairs):
    return Graph(
        count, 0, tuple(a for a, _ in pairs), tuple(b for _, b in pairs), tuple(pairs.values())
    )
