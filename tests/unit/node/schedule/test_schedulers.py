"""Who runs when, against twins that look at every instant."""

import heapq

import pytest
from hypothesis import given, strategies as st

from node.schedule import (
    RAW,
    SCHEDULERS,
    WAW,
    Graph,
    TaskNet,
    bound,
    build_graph,
    graph_tasks,
    scheduler_named,
    shape,
)
from node.schedule.optimistic import Incarnations
from primitives.access import AccessSet
from primitives.errors import InvalidInput
from tests.unit.node.schedule.naive import Naive
from tests.unit.node.schedule.naive_optimistic import NaiveOptimistic

GRAPH_SCHEDULERS = ("critical-path", "block-order", "level-groups")


@st.composite
def nets(draw, least=0):
    """Costs and edges in topological order."""
    costs = draw(st.lists(st.integers(least, 6), max_size=7))
    pairs = [(a, b) for b in range(len(costs)) for a in range(b)]
    edges = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=8)) if pairs else []
    return costs, sorted(edges, key=lambda edge: edge[1])


def tasks_of(net):
    costs, edges = net
    return TaskNet(costs, [a for a, _ in edges], [b for _, b in edges])


def ends_of(plan):
    return dict(zip(plan.tasks, plan.ends, strict=True))


FREE = st.lists(st.integers(0, 12), min_size=1, max_size=4)


@given(net=nets(), free=FREE, at=st.integers(0, 6))
def test_list_schedulers_equal_their_naive_twin(net, free, at):
    costs, edges = net
    for name, key in (
        ("block-order", lambda task: task),
        ("critical-path", lambda task: -Naive(costs, edges, free).below(task)),
    ):
        plan = SCHEDULERS[name].plan(tasks_of(net), free, at)
        assert ends_of(plan) == Naive(costs, edges, free).by_list(at, key)
        assert plan.finish(at) == max(plan.ends, default=at)


@given(net=nets(), free=FREE, at=st.integers(0, 6))
def test_level_groups_equal_their_naive_twin(net, free, at):
    plan = SCHEDULERS["level-groups"].plan(tasks_of(net), free, at)
    costs, edges = net
    assert ends_of(plan) == Naive(costs, edges, free).by_level(at)


@given(net=nets(), free=FREE, at=st.integers(0, 6))
def test_all_at_once_asks_for_no_edge(net, free, at):
    costs, _ = net
    plan = SCHEDULERS["all-at-once"].plan(tasks_of(net), free, at)
    assert ends_of(plan) == Naive(costs, [], free).by_list(at, lambda task: -costs[task])


@given(net=nets(), free=FREE, at=st.integers(0, 6))
def test_optimistic_equals_its_naive_twin(net, free, at):
    costs, edges = net
    plan = SCHEDULERS["optimistic"].plan(tasks_of(net), free, at)
    found = list(zip(plan.tasks, plan.starts, plan.ends, strict=True))
    assert found == NaiveOptimistic(costs, edges, free).run(at)


@given(net=nets(least=1), workers=st.integers(1, 4))
def test_the_last_execution_of_each_transaction_saw_final_values(net, workers):
    costs, edges = net
    plan = SCHEDULERS["optimistic"].plan(tasks_of(net), [0] * workers, 0)
    last = {
        task: (start, end)
        for task, start, end in zip(plan.tasks, plan.starts, plan.ends, strict=True)
    }
    assert set(last) == set(range(len(costs)))
    for a, b in edges:
        assert last[a][1] <= last[b][0]


@given(net=nets(), free=FREE, name=st.sampled_from(sorted(SCHEDULERS)))
def test_no_core_does_two_things_at_once(net, free, name):
    plan = SCHEDULERS[name].plan(tasks_of(net), free, 3)
    cores = sorted(free)
    for start, end in zip(plan.starts, plan.ends, strict=True):
        assert cores[0] <= start
        heapq.heapreplace(cores, end)


# ---------------------------------------------------------------- joins


def joined(workers, name):
    """Three payments and two readers, of cost 2; the join needs no core and no time."""
    tasks = TaskNet([2] * 5, [0, 1, 2, 5, 5], [5, 5, 5, 3, 4])
    return SCHEDULERS[name].plan(tasks, [0] * workers, 0)


@pytest.mark.parametrize("name", GRAPH_SCHEDULERS)
def test_a_join_takes_no_core_and_no_time(name):
    assert joined(3, name).finish(0) == 4
    assert joined(1, name).finish(0) == 10
    assert len(joined(1, name).tasks) == 5


def test_a_chain_of_joins_is_walked_without_recursion():
    count = 20_000
    sources = [k for join in range(count) for k in (0, *((count + join - 1,) if join > 1 else ()))]
    targets = [count + join for join in range(count) for _ in range(2 if join > 1 else 1)]
    tasks = TaskNet([1] * count, sources, targets)
    for name in ("critical-path", "optimistic"):
        assert SCHEDULERS[name].plan(tasks, [0], 0).finish(0) == count


def test_optimistic_readers_behind_a_join_run_again():
    plan = joined(4, "optimistic")
    # 0, 1, 2 and a reader start together; the reader has read too early.
    assert plan.tasks == [0, 1, 2, 3, 3, 4]
    assert plan.finish(0) == 4


KEYS = st.sets(st.sampled_from([b"a", b"b"]), max_size=2).map(lambda s: tuple(sorted(s)))
BLOCKS = st.lists(
    st.tuples(st.builds(AccessSet, KEYS, st.just(()), KEYS), st.integers(1, 5)), max_size=9
)


@given(BLOCKS, st.sampled_from(sorted(SCHEDULERS)), st.integers(1, 4))
def test_who_reads_what_was_paid_ends_up_after_all_who_paid(block, name, workers):
    if name == "all-at-once":
        return
    accesses, costs = [each for each, _ in block], [cost for _, cost in block]
    graph = build_graph(accesses, kinds=RAW)
    plan = SCHEDULERS[name].plan(graph_tasks(graph, costs, RAW), [0] * workers, 0)
    last = dict(zip(plan.tasks, zip(plan.starts, plan.ends, strict=True), strict=True))
    assert set(last) == set(range(len(block)))
    for later, reader in enumerate(accesses):
        for earlier, payer in enumerate(accesses[:later]):
            if set(reader.reads) & set(payer.deltas):
                assert last[earlier][1] <= last[later][0]


# ---------------------------------------------------------------- the optimistic bookkeeping


def chain(length):
    return TaskNet([1] * length, range(length - 1), range(1, length))


def test_a_chain_runs_again_but_estimates_stop_it_from_running_in_vain_for_ever():
    plan = SCHEDULERS["optimistic"].plan(chain(100), [0] * 4, 0)
    assert plan.finish(0) == 100
    assert 100 < len(plan.tasks) <= 300


def test_who_meets_an_estimate_waits_for_it():
    book = Incarnations(chain(3))
    assert [book.take(), book.take()] == [0, 1]
    book.end(0)
    book.end(1)  # in vain: it had read before 0 ended
    assert book.take() == 1
    assert book.take() is None  # 2 would read what 1 is about to write
    book.end(1)
    assert book.take() == 2
    book.end(2)
    assert book.take() is None


def test_readers_behind_a_join_wait_until_all_who_are_repeated_have_ended():
    # 0 comes before 1 and 2, which pay what 3 reads.
    book = Incarnations(TaskNet([1] * 4, [0, 0, 1, 2, 4], [1, 2, 4, 4, 3]))
    assert [book.take() for _ in range(3)] == [0, 1, 2]
    book.end(1)
    book.end(2)
    assert book.take() == 3
    book.end(3)
    book.end(0)  # 1 and 2 had read too early, and so has 3
    assert [book.take() for _ in range(3)] == [1, 2, None]
    book.end(1)
    assert book.take() is None
    book.end(2)
    assert book.take() == 3


def test_one_core_never_runs_anything_again():
    plan = SCHEDULERS["optimistic"].plan(chain(50), [0], 0)
    assert plan.tasks == list(range(50))


# ---------------------------------------------------------------- bounds and names


def test_bounds_of_a_chain_and_of_strangers():
    strangers = Graph(8, 0, (), (), ())
    assert bound(strangers, [5] * 8, 4) == 4.0
    line = Graph(8, 0, tuple(range(7)), tuple(range(1, 8)), (RAW,) * 7)
    assert bound(line, [5] * 8, 4) == 1.0
    assert bound(Graph(0, 0, (), (), ()), [], 4) == 1.0


def test_the_shape_of_a_graph():
    graph = Graph(5, 1, (0, 1, 5), (5, 5, 2), (RAW,) * 3)
    found = shape(graph, [3, 9, 4, 1, 1])
    assert (found.width, found.depth, found.critical_path, found.independent) == (4, 2, 13, 2)


def test_edges_of_other_kinds_are_left_out_but_never_those_into_joins():
    graph = Graph(4, 1, (0, 1, 4, 4, 2), (4, 4, 2, 3, 3), (RAW, RAW, RAW, WAW, WAW))
    reading = graph_tasks(graph, [1] * 4, RAW)
    assert (list(reading.sources), list(reading.targets)) == ([0, 1, 4], [4, 4, 2])
    writing = graph_tasks(graph, [1] * 4, WAW)
    assert (list(writing.sources), list(writing.targets)) == ([0, 1, 4, 2], [4, 4, 3, 3])


def test_edges_out_of_order_are_refused():
    with pytest.raises(ValueError, match="edge 0 -> 1 stands behind one out of 1"):
        TaskNet([1, 1, 1], [1, 0], [2, 1])
    with pytest.raises(ValueError, match="edge 1 -> 1"):
        TaskNet([1, 1, 1], [1], [1])


def test_an_unknown_scheduler_is_refused_by_name():
    assert scheduler_named("optimistic") is SCHEDULERS["optimistic"]
    with pytest.raises(InvalidInput, match=r"one of critical-path, block-order, .* 'magic'"):
        scheduler_named("magic")
